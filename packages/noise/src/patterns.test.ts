import { expect, test } from 'vitest';
import { patternNamed } from './patterns.ts';

test('XX reads as in the specification', () => {
  expect(patternNamed('XX')).toEqual({
    name: 'XX',
    initiatorKnown: false,
    responderKnown: false,
    messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']],
  });
});

test('psk modifiers put their token where section 9.4 says', () => {
  expect(patternNamed('NNpsk0')?.messages).toEqual([
    ['psk', 'e'],
    ['e', 'ee'],
  ]);
  expect(patternNamed('NNpsk0+psk2')?.messages).toEqual([
    ['psk', 'e'],
    ['e', 'ee', 'psk'],
  ]);
  expect(patternNamed('XXpsk3')?.messages[2]).toEqual(['s', 'se', 'psk']);
});

test.each([
  '',
  'X',
  'xx',
  'XXX',
  'NI',
  'XXpsk',
  'XXpsk4',
  'XXpsk3+',
  'XX psk3',
  'XXfallback',
  'constructor',
  '__proto__',
])('there is no pattern "%s"', name => {
  expect(patternNamed(name)).toBeUndefined();
});

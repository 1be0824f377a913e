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

test('letters say which static keys are known beforehand, in one-way and deferred patterns too', () => {
  const known = (name: string) => [patternNamed(name)?.initiatorKnown, patternNamed(name)?.responderKnown];
  expect(['N', 'K', 'X'].map(known)).toEqual([
    [false, true],
    [true, true],
    [false, true],
  ]);
  expect(['K1X', 'IK1', 'X1X1', 'KK1'].map(known)).toEqual([
    [true, false],
    [false, true],
    [false, false],
    [true, true],
  ]);
});

test.each([
  '',
  'I',
  'xx',
  'XXX',
  'N1',
  'NN1',
  'N1K',
  'KI',
  'Npsk2',
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

/** Addresses as text, and which of them we may try (faults row 49). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mayProbe, parseAddress, pathKind } from './candidates.ts';

describe('an address', () => {
  test.each([
    ['192.0.2.7:41641', { host: '192.0.2.7', port: 41_641 }],
    ['[2001:db8::1]:1', { host: '2001:db8::1', port: 1 }],
    ['[::ffff:192.0.2.7]:65535', { host: '::ffff:192.0.2.7', port: 65_535 }],
  ])('%s is read', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  test.each([
    '',
    '192.0.2.7',
    '192.0.2.7:0',
    '192.0.2.7:65536',
    '192.0.2.7:1:2',
    '192.0.2:1',
    '192.0.2.256:1',
    '0x7f.0.0.1:1',
    '127.1:1',
    '2001:db8::1:1',
    '[2001:db8::1%eth0]:1',
    '[2001:db8::g]:1',
    'example.org:80',
    ' 192.0.2.7:1',
  ])('"%s" is none', text => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('faults #100 of any text is read or refused without an exception', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.ipV4(),
      fc.ipV6(),
      fc.ipV6().map(ip => `[${ip}]:9`),
      fc.ipV4().map(ip => `${ip}:9`),
    );
    fc.assert(fc.property(texts, fc.boolean(), (text, strangers) => typeof mayProbe(text, strangers) === 'boolean'));
  });

  test('faults #49 in a private network is refused from strangers in every disguise', () => {
    for (const host of [
      '10.1.2.3',
      '[::ffff:10.1.2.3]',
      '[::ffff:7f00:1]',
      '[::1]',
      '[fe80::1]',
      '[fc00::1]',
      '172.31.0.1',
    ]) {
      expect(mayProbe(`${host}:9`, true), host).toBe(false);
      expect(mayProbe(`${host}:9`, false), host).toBe(true);
    }
    expect(mayProbe('172.32.0.1:9', true)).toBe(true);
  });
});

test('paths are named by their kind', () => {
  const kinds = ['udp/192.0.2.7:1', 'rtc/1', 'ws/1', 'relay/x', 'via/public/x'].map(pathKind);
  expect(kinds).toEqual(['udp', 'webrtc', 'websocket', 'relay', 'overlay']);
});

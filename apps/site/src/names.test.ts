/**
 * Names and networks that people choose.
 */
import { expect, test } from 'vitest';
import { parseHostPort } from './host-port.ts';
import { checkLabel, checkName, checkPassword, checkReason } from './names.ts';
import { checkSubnet, randomSubnet } from './subnet.ts';

test.each(['a', 'ada', '0x', 'a.b_c-d', 'x'.repeat(32)])('"%s" is a user name', name => {
  expect(checkName('user', name)).toBe(name);
});

test.each(['', 'Ada', 'ädä', 'a b', '..', '.', '-a', '_a', 'a/b', 'a%2f', 'аda', 'x'.repeat(33), 'ada\n'])(
  '"%s" is no user name',
  name => {
    expect(() => checkName('user', name)).toThrow('user name');
  },
);

test('display names come out in NFC and trimmed', () => {
  expect(checkLabel('display name', '  Zoe\u0308 👩‍🚀 ')).toBe('Zoë 👩‍🚀');
  expect(checkLabel('group name', '👩'.repeat(64))).toHaveLength(128);
  expect(checkLabel('group name', 'private:Home <b>&"')).toBe('private:Home <b>&"');
});

test.each([
  '',
  '   ',
  'x'.repeat(65),
  'a\u202eb',
  'a\u0000b',
  'a\nb',
  'a\u200bb',
  '\u2066x',
  '\ud800',
  '\ue000',
  '\u3164',
])('%j is no display name', text => {
  expect(() => checkLabel('display name', text)).toThrow();
});

test('a reason may be empty but not endless', () => {
  expect(checkReason('')).toBe('');
  expect(() => checkReason('x'.repeat(201))).toThrow('200');
});

test('a password is the same however the keyboard composes it', () => {
  expect(checkPassword('pa\u0308ssword')).toBe(checkPassword('p\u00e4ssword'));
  expect(() => checkPassword('1234567')).toThrow('8 characters');
  expect(() => checkPassword('é'.repeat(129))).toThrow('256 bytes');
});

test.each(['10.0.0.0/8', '10.128.0.0/16', '172.16.0.0/12', '172.31.255.0/24', '192.168.0.0/16', '192.168.77.0/24'])(
  '%s can be a group’s network',
  text => {
    expect(checkSubnet(text)).toBe(text);
  },
);

test.each([
  ['', 'not an IPv4 network'],
  ['10.0.0.0', 'not an IPv4 network'],
  ['10.0.0.0/8 ', 'not an IPv4 network'],
  ['010.0.0.0/8', 'not an IPv4 network'],
  ['10.0.0.0/08', 'not an IPv4 network'],
  ['10.256.0.0/16', 'not an IPv4 network'],
  ['fd00::/8', 'not an IPv4 network'],
  ['10.0.0.0/7', 'prefix outside'],
  ['10.0.0.0/25', 'prefix outside'],
  ['0.0.0.0/0', 'prefix outside'],
  ['11.0.0.0/8', 'not private'],
  ['172.0.0.0/8', 'not private'],
  ['172.32.0.0/16', 'not private'],
  ['192.0.0.0/8', 'not private'],
  ['100.64.0.0/10', 'not private'],
  ['10.0.0.1/24', 'bits set behind'],
  ['192.168.77.0/16', 'bits set behind'],
])('"%s" cannot: it is %s', (text, why) => {
  expect(() => checkSubnet(text)).toThrow(why);
});

test('random networks are valid and differ', () => {
  const some = Array.from({ length: 50 }, randomSubnet);
  for (const subnet of some) expect(checkSubnet(subnet)).toMatch(/^10\.(12[89]|1[3-8]\d|19[01])\.0\.0\/16$/);
  expect(new Set(some).size).toBeGreaterThan(10);
});

test('addresses to listen on are read in every usual form', () => {
  expect(parseHostPort('127.0.0.1:8080')).toEqual({ host: '127.0.0.1', port: 8080 });
  expect(parseHostPort('[::1]:0')).toEqual({ host: '::1', port: 0 });
  expect(parseHostPort('warren.lan:443')).toEqual({ host: 'warren.lan', port: 443 });
  expect(parseHostPort(':9000')).toEqual({ host: '127.0.0.1', port: 9000 });
  expect(parseHostPort('9000')).toEqual({ host: '127.0.0.1', port: 9000 });
  for (const text of ['', 'localhost', '::1:80', '1.2.3.4:65536', 'a b:1', 'x:y', 'http://x:1']) {
    expect(parseHostPort(text)).toBeUndefined();
  }
});

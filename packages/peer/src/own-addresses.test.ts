/** Where others may reach us (faults row 22). */
import { parseRange, parseSubnet, prefixOf, type Range, type Subnet } from '@warren/vpn';
import { beforeEach, expect, test } from 'vitest';
import { OwnAddresses } from './own-addresses.ts';

const BOUND = ['192.168.1.7:4000', '[2001:db8::7]:4000'];

/** Behind other members; we are in the first ourselves. */
const reached = ['192.168.1.0/24', '192.168.5.0/24'].map(text => parseRange(text) as Range);

let own: OwnAddresses;

beforeEach(() => {
  own = new OwnAddresses(
    () => BOUND,
    () => [{ subnet: parseSubnet('10.128.0.0/16') as Subnet, prefix6: prefixOf('group'), reached }],
  );
});

test('where others see us comes first, IPv6 before IPv4, and nothing twice', () => {
  expect(own.all()).toEqual(BOUND);
  expect(own.note('198.51.100.1:1', '203.0.113.5:700', 0)).toBe(true);
  expect(own.note('[2001:db8::1]:1', '[2001:db8::7]:4000', 0)).toBe(true);
  expect(own.all()).toEqual(['[2001:db8::7]:4000', '203.0.113.5:700', '192.168.1.7:4000']);
  expect(own.nat).toEqual({ mapping: 'unknown', portStep: 0 });
});

test('is news once, and again when it changes or two others agree', () => {
  expect(own.note('198.51.100.1:1', '203.0.113.5:700', 0)).toBe(true);
  expect(own.note('198.51.100.1:1', '203.0.113.5:700', 1)).toBe(false);
  expect(own.note('198.51.100.2:1', '203.0.113.5:700', 2)).toBe(true);
  expect(own.nat.mapping).toBe('endpoint-independent');
  expect(own.note('198.51.100.3:1', '203.0.113.5:700', 3)).toBe(false);
  own.forget();
  expect(own.all()).toEqual(BOUND);
});

test('another port for every neighbour is no news, and crowds nothing out', () => {
  own.note('198.51.100.1:1', '203.0.113.5:700', 0);
  own.note('198.51.100.2:1', '203.0.113.5:9000', 0);
  let news = 0;
  for (let i = 3; i < 60; i++) if (own.note(`198.51.100.${i}:1`, `203.0.113.5:${(i * 7919) % 60_000}`, i)) news++;
  expect(own.nat).toEqual({ mapping: 'endpoint-dependent', portStep: 0 });
  expect(news).toBe(0);
  expect(own.all().length).toBeLessThanOrEqual(BOUND.length + 2);
});

test('an address in our own tunnel is neither believed nor told', () => {
  expect(own.note('198.51.100.1:1', '10.128.3.4:700', 0)).toBe(false);
  expect(own.note('10.128.3.9:1', '203.0.113.5:700', 0)).toBe(false);
  expect(own.all()).toEqual(BOUND);
});

test.each(['127.0.0.1:22', '192.168.1.1:53', '10.0.0.1:80', '224.0.0.1:9', '0.0.0.0:1', '[::1]:22'])(
  'faults #49 %s, seen by somebody on the Internet, is not told to members, who would send there',
  address => {
    expect(own.note('198.51.100.1:1', address, 0)).toBe(false);
    expect(own.all()).toEqual(BOUND);
    // But where nothing is between us, others see what we are.
    expect(own.note('198.51.100.1:1', BOUND[0] as string, 0)).toBe(true);
  },
);

test('what lies behind members is in our tunnel, but not the cable that we are on', () => {
  const fd = [...prefixOf('group')]
    .map(byte => byte.toString(16).padStart(2, '0'))
    .join('')
    .match(/.{4}/g)
    ?.join(':');
  for (const host of ['10.128.0.9', '192.168.5.1', `[${fd}::1]`])
    expect(own.isOurTunnel(`${host}:700`), host).toBe(true);
  for (const host of ['192.168.1.9', '192.168.6.1', '203.0.113.1', '[2001:db8::1]', '[fd00::1]'])
    expect(own.isOurTunnel(`${host}:700`), host).toBe(false);
});

/** Who shares the blame for a flood (faults row 48). */
import { expect, test } from 'vitest';
import { senderGroup } from './sender-groups.ts';

test('ports of one IPv4 address are one group, addresses are not', () => {
  expect(senderGroup('udp/192.0.2.7:1', undefined)).toBe(senderGroup('udp/192.0.2.7:2', undefined));
  expect(senderGroup('udp/192.0.2.7:1', undefined)).not.toBe(senderGroup('udp/192.0.2.8:1', undefined));
});

test('addresses of one IPv6 network of 64 bits are one group, networks are not', () => {
  const group = senderGroup('udp/[2001:db8:0:1::1]:1', undefined);
  expect(senderGroup('udp/[2001:db8:0:1:ffff:2:3:4]:9', undefined)).toBe(group);
  expect(senderGroup('udp/[2001:db8:0:2::1]:1', undefined)).not.toBe(group);
});

test('an IPv4 address stays the same inside IPv6', () => {
  expect(senderGroup('udp/[::ffff:192.0.2.7]:1', undefined)).toBe(senderGroup('udp/192.0.2.7:1', undefined));
});

test('connections and carried peers each are one group, whatever is no address is one by its name', () => {
  const paths = ['ws/1', 'ws/2', 'rtc/1', 'via/public/aa', 'via/public/bb', 'udp/example.org:1', 'udp/'];
  expect(new Set(paths.map(path => senderGroup(path, undefined))).size).toBe(paths.length);
});

test('what comes end to end is charged to the neighbour who passed it on', () => {
  expect(senderGroup('ete/aa', 'n')).toBe(senderGroup('ete/bb', 'n'));
  expect(senderGroup('ete/aa', 'n')).not.toBe(senderGroup('ete/aa', 'm'));
});

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

test('connections each are one group, whatever is no address is one by its name', () => {
  const paths = ['ws/1', 'ws/2', 'rtc/1', 'udp/example.org:1', 'udp/'];
  expect(new Set(paths.map(path => senderGroup(path, undefined))).size).toBe(paths.length);
});

test('all connections from one address are one group, with its UDP, except through a proxy on the same machine', () => {
  expect(senderGroup('ws/1', undefined, '192.0.2.7')).toBe(senderGroup('ws/2', undefined, '::ffff:192.0.2.7'));
  expect(senderGroup('ws/1', undefined, '192.0.2.7')).toBe(senderGroup('udp/192.0.2.7:1', undefined));
  expect(senderGroup('ws/1', undefined, '192.0.2.7')).not.toBe(senderGroup('ws/2', undefined, '192.0.2.8'));
  expect(senderGroup('ws/1', undefined, '2001:db8:0:1::1')).toBe(senderGroup('ws/2', undefined, '2001:db8:0:1::2'));
  for (const remote of ['127.0.0.1', '::1', '::ffff:127.0.0.1', 'proxy', '']) {
    expect(senderGroup('ws/1', undefined, remote)).toBe('ws/1');
  }
});

test('what comes end to end or carried is charged to the neighbour who passed it on', () => {
  for (const [one, other] of [
    ['ete/aa', 'ete/bb'],
    ['via/public/aa', 'via/public/bb'],
  ] as const) {
    expect(senderGroup(one, 'n')).toBe(senderGroup(other, 'n'));
    expect(senderGroup(one, 'n')).not.toBe(senderGroup(one, 'm'));
  }
});

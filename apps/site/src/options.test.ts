import { expect, test } from 'vitest';
import { stunServers } from './options.ts';

test('nobody is told of a STUN server on loopback, which cannot see where anybody comes from', () => {
  for (const host of ['127.0.0.1', '::1', 'localhost']) expect(stunServers({ host, port: 8080 })).toEqual([]);
});

test('the STUN server is the UDP port of the bootstrap node, under the address that it has or the public name', () => {
  expect(stunServers({ host: '198.51.100.1', port: 8443 })).toEqual(['stun:198.51.100.1:8443']);
  expect(stunServers({ host: '2001:db8::1', port: 8443 })).toEqual(['stun:[2001:db8::1]:8443']);
  const behindProxy = stunServers({ host: '0.0.0.0', port: 3478 }, 'https://warren.example');
  expect(behindProxy).toEqual(['stun:warren.example:3478']);
});

test('a site on all addresses names one of each family that it listens on, and only addresses', () => {
  for (const server of stunServers({ host: '0.0.0.0', port: 8443 })) expect(server).toMatch(/^stun:[0-9.]+:8443$/);
  for (const server of stunServers({ host: '::', port: 8443 })) {
    expect(server).toMatch(/^stun:([0-9.]+|\[[0-9a-f:]+\]):8443$/);
  }
});

import { expect, test } from 'vitest';
import { parseStunServer, stunServerFor } from './stun-servers.ts';

test('a server is a host and a port, and nothing else', () => {
  expect(parseStunServer('stun:198.51.100.1:8443')).toEqual({ host: '198.51.100.1', port: 8443 });
  expect(parseStunServer('stun:[2001:db8::1]:3478')).toEqual({ host: '2001:db8::1', port: 3478 });
  expect(parseStunServer('stun:warren.example:3478')).toEqual({ host: 'warren.example', port: 3478 });
  for (const bad of ['stun:x', 'stun:x:0', 'stun:x:70000', 'turn:x:1', 'stun:a b:1', 'stun:[::1:1', '']) {
    expect(parseStunServer(bad)).toBeUndefined();
  }
});

test('a machine asks the first server of a family that it has', () => {
  const servers = ['stun:198.51.100.1:8443', 'stun:[2001:db8::1]:8443', 'stun:warren.example:3478'];
  expect(stunServerFor(servers, ['192.0.2.7:4000', '[2001:db8::7]:4000'])).toEqual(servers.slice(0, 1));
  expect(stunServerFor(servers, ['[2001:db8::7]:4000'])).toEqual(servers.slice(1, 2));
  expect(stunServerFor(servers.slice(1), ['192.0.2.7:4000'])).toEqual(servers.slice(2));
  expect(stunServerFor(servers.slice(1, 2), ['192.0.2.7:4000'])).toEqual([]);
  // Without UDP of its own nothing is known of its families.
  expect(stunServerFor(servers, [])).toEqual(servers.slice(0, 1));
});

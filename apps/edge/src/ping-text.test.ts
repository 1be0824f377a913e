import { expect, test } from 'vitest';
import { pingLine, summaryLines } from './ping-text.ts';

const server = { name: 'server.ada', address: '10.128.1.2', self: false, link: { kind: 'udp' } } as const;

test('a reply names member, address, way, number and time', () => {
  expect(pingLine({ event: 'reply', ...server, sequence: 3, rttMs: 1.234 })).toBe(
    'reply from server.ada (10.128.1.2) via direct udp: seq=3 rtt=1.2 ms',
  );
  expect(pingLine({ event: 'target', ...server, link: { kind: 'relay', via: 'attic.bob' } })).toBe(
    'ping server.ada (10.128.1.2) via relay attic.bob',
  );
  expect(pingLine({ event: 'target', address: '10.128.1.9', self: false })).toBe('ping 10.128.1.9 via other members');
  expect(pingLine({ event: 'target', name: 'laptop.ada', address: '10.128.3.4', self: true })).toBe(
    'ping laptop.ada (10.128.3.4) via this device itself',
  );
  expect(pingLine({ event: 'lost', sequence: 2 })).toBe('no reply: seq=2');
});

test('the summary counts losses and gives least, mean and most', () => {
  expect(summaryLines('server', 4, [1, 2, 6])).toEqual([
    'server: 4 sent, 3 received, 25% lost',
    'rtt min/avg/max 1.0 ms / 3.0 ms / 6.0 ms',
  ]);
  expect(summaryLines('server', 2, [])).toEqual(['server: 2 sent, 0 received, 100% lost']);
  expect(summaryLines('server', 0, [])).toEqual(['server: 0 sent, 0 received, 0% lost']);
});

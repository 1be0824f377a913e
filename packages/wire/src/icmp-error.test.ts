/** Errors to our own machine: the right numbers, the right checksum, and no more of the packet than may be quoted. */
import { describe, expect, test } from 'vitest';
import { encodeIcmpError, encodeIcmpv6Error } from './icmp-error.ts';
import { internetChecksum } from './ipv4.ts';
import { ipv6PseudoSum } from './ipv6.ts';

const PACKET = Uint8Array.from({ length: 2_000 }, (_, i) => i & 0xff);
const ENDS = { source: new Uint8Array(16).fill(0xfd), destination: new Uint8Array(16).fill(0xfc) };

describe('an error about an IPv4 packet', () => {
  test('that is too big names the MTU in the last two bytes', () => {
    const bytes = encodeIcmpError({ kind: 'too-big', mtuBytes: 1280 }, PACKET);
    expect([...bytes.slice(0, 2), ...bytes.slice(4, 8)]).toEqual([3, 4, 0, 0, 5, 0]);
    expect(internetChecksum(bytes, 0, bytes.length)).toBe(0);
    expect(bytes.slice(8)).toEqual(PACKET.slice(0, 548));
  });

  test('to a port of nobody says so', () => {
    const bytes = encodeIcmpError({ kind: 'no-port' }, PACKET.subarray(0, 28));
    expect([...bytes.slice(0, 2), ...bytes.slice(4, 8), bytes.length]).toEqual([3, 3, 0, 0, 0, 0, 36]);
  });
});

describe('an error about an IPv6 packet', () => {
  test.each([
    ['too big', { kind: 'too-big', mtuBytes: 1280 }, [2, 0, 0, 0, 5, 0]],
    ['to a port of nobody', { kind: 'no-port' }, [1, 4, 0, 0, 0, 0]],
  ] as const)('%s', (_, error, header) => {
    const bytes = encodeIcmpv6Error(error, PACKET, ENDS);
    expect([...bytes.slice(0, 2), ...bytes.slice(4, 8)]).toEqual(header);
    const start = ipv6PseudoSum(ENDS.source, ENDS.destination, 58, bytes.length);
    expect(internetChecksum(bytes, 0, bytes.length, start)).toBe(0);
    expect(bytes.length).toBe(1240);
  });
});

/** Reading IPv6 packets in place: what is behind extension headers, whoever tries to hide it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeIpv6, ipv6TransportAt, isIpv6At } from './ipv6.ts';

describe('what an IPv6 packet carries', () => {
  test.each([
    ['at once', 17, [1, 2], { protocol: 17, at: 40, isLaterFragment: false, hasRouting: false }],
    ['behind options', 0, [60, 0, 1, 4, 0, 0, 0, 0, 6, 1, ...zeros(14), 9], { protocol: 6, at: 64 }],
    ['behind a route', 43, [58, 0, 0, 1, 0, 0, 0, 0, 134], { protocol: 58, at: 48, hasRouting: true }],
    ['in a first fragment', 44, [58, 0, 0, 1, 0, 0, 0, 7, 134], { protocol: 58, at: 48, isLaterFragment: false }],
    ['in a later fragment', 44, [58, 0, 0, 8, 0, 0, 0, 7, 134], { protocol: 58, at: 48, isLaterFragment: true }],
  ])('stands %s', (_, nextHeader, payload, transport) => {
    expect(ipv6TransportAt(packet(nextHeader, payload), 0)).toMatchObject(transport);
  });

  test.each([
    ['reaches beyond the end', 0, [17, 1, 0, 0, 0, 0, 0, 0]],
    ['is cut', 60, [17, 0, 0, 0]],
    ['is one of too many', 60, new Array(9).fill([60, 0, 0, 0, 0, 0, 0, 0]).flat()],
  ])('is unknown where an extension %s', (_, nextHeader, payload) => {
    expect(ipv6TransportAt(packet(nextHeader, payload), 0)).toBeUndefined();
  });

  test('is never said to be outside the packet', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 43, 44, 60, 17), fc.uint8Array({ maxLength: 100 }), (nextHeader, payload) => {
        const bytes = packet(nextHeader, [...payload]);
        expect(isIpv6At(bytes, 0)).toBe(true);
        expect(ipv6TransportAt(bytes, 0)?.at ?? 0).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

function packet(nextHeader: number, payload: readonly number[]): Uint8Array {
  const ends = { source: new Uint8Array(16), destination: new Uint8Array(16) };
  const rest = { trafficClass: 0, flowLabel: 0, hopLimit: 64, ...ends };
  return encodeIpv6({ ...rest, nextHeader, payload: Uint8Array.from(payload) });
}

function zeros(count: number): number[] {
  return new Array(count).fill(0);
}

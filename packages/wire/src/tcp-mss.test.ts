/** Largest segments made smaller: the checksum stays right, and nothing else changes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { internetChecksum, putChecksum } from './ipv4.ts';
import { clampSegment } from './tcp-mss.ts';

const SYN = 0x02;
const mss = (value: number): number[] => [2, 4, value >> 8, value & 0xff];

describe('the largest segment of a connection', () => {
  test('is lowered where it is larger', () => {
    const bytes = tcp(SYN, mss(1460));
    expect(clampSegment(bytes, 0, bytes.length, 1240)).toBe(true);
    expect(bytes).toEqual(tcp(SYN, mss(1240)));
  });

  test('is lowered behind other options, at odd places too', () => {
    fc.assert(
      fc.property(fc.nat(9), fc.integer({ min: 1241, max: 0xffff }), fc.nat(0xffff), (before, value, seed) => {
        const options = (most: number): number[] => [...new Array(before).fill(1), ...mss(most), 0];
        const bytes = tcp(SYN, options(value), seed);
        expect(clampSegment(bytes, 0, bytes.length, 1240)).toBe(true);
        expect(internetChecksum(bytes, 0, bytes.length)).toBe(0);
        expect(bytes).toEqual(tcp(SYN, options(1240), seed));
      }),
    );
  });

  test.each([
    ['is not larger', tcp(SYN, mss(1240))],
    ['is not named', tcp(SYN, [1, 1, 4, 2])],
    ['stands in a segment that begins nothing', tcp(0x10, mss(1460))],
    ['stands behind the end of the options', tcp(SYN, [0, 0, 0, 0, ...mss(1460)])],
    ['stands behind an option without length', tcp(SYN, [3, 0, 1, 1, ...mss(1460)])],
    ['is cut off', tcp(SYN, [1, 1, 2, 4])],
  ])('stays where it %s', (_, bytes) => {
    const before = bytes.slice();
    expect(clampSegment(bytes, 0, bytes.length, 1240)).toBe(false);
    expect(bytes).toEqual(before);
  });

  test('of hostile bytes never throws and never writes outside', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 80, size: 'max' }), fc.nat(3), (bytes, from) => {
        const end = Math.max(from, bytes.length - 3);
        const outside = [bytes.slice(0, from), bytes.slice(end)];
        clampSegment(bytes, from, end, 500);
        expect([bytes.slice(0, from), bytes.slice(end)]).toEqual(outside);
      }),
    );
  });
});

function tcp(flags: number, options: readonly number[], seed = 7): Uint8Array {
  const padded = [...options, ...new Array((4 - (options.length % 4)) % 4).fill(0)];
  const words = 5 + padded.length / 4;
  const ports = [seed >> 8, seed & 0xff, 0, 80];
  const header = [...ports, 1, 2, 3, 4, 0, 0, 0, 0, words << 4, flags, 0xff, 0xff, 0, 0, 0, 0];
  const bytes = Uint8Array.of(...header, ...padded, 9, 9, 9);
  return putChecksum(bytes, 16, bytes.length);
}

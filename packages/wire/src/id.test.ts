/** Ring arithmetic against arithmetic on BigInt. */
import { fromHex, type Random, toHex } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addIds,
  clockwise,
  compareDistance,
  fraction,
  idAtFraction,
  type PeerId,
  peerIdFromKey,
  peerKey,
  ringDistance,
} from './id.ts';

const RING = 2n ** 160n;

/** Random ids; and those at which carries, borrows and halves of the ring turn. */
const place = fc.oneof(
  fc.bigInt({ min: 0n, max: RING - 1n }),
  fc
    .tuple(fc.integer({ min: 0, max: 160 }), fc.integer({ min: -2, max: 2 }))
    .map(([bit, off]) => mod(2n ** BigInt(bit) + BigInt(off))),
);

describe('on the ring', () => {
  test('sums wrap around', () => {
    holds((a, b) => expect(number(addIds(id(a), id(b)))).toBe(mod(a + b)));
  });

  test('clockwise distances are differences that wrap around', () => {
    holds((a, b) => expect(number(clockwise(id(a), id(b)))).toBe(mod(b - a)));
  });

  test('going the clockwise distance from one id arrives at the other', () => {
    holds((a, b) => expect(addIds(id(a), clockwise(id(a), id(b)))).toEqual(id(b)));
  });

  test('the distance is the shorter way, the same from both ends and at most half the ring', () => {
    holds((a, b) => {
      const distance = ringDistance(id(a), id(b));
      expect(number(distance)).toBe(apart(a, b));
      expect(ringDistance(id(b), id(a))).toEqual(distance);
      expect(number(distance)).toBeLessThanOrEqual(RING / 2n);
    });
  });

  test('the nearer of two ids comes first, and of two as near the smaller', () => {
    fc.assert(
      fc.property(place, place, place, (target, a, b) => {
        const nearer = apart(a, target) - apart(b, target);
        const expected = nearer === 0n ? a - b : nearer;
        expect(sign(compareDistance(id(target), id(a), id(b)))).toBe(sign(expected));
      }),
    );
  });

  test('an id and its mirror image are as near, so that the smaller comes first', () => {
    holds((target, off) => {
      const [a, b] = [mod(target + off), mod(target - off)];
      expect(sign(compareDistance(id(target), id(a), id(b)))).toBe(sign(a - b));
    });
  });

  test('arithmetic leaves its arguments alone', () => {
    holds((a, b) => {
      const [x, y] = [id(a), id(b)];
      addIds(x, y);
      clockwise(x, y);
      compareDistance(x, y, x);
      expect([number(x), number(y)]).toEqual([a, b]);
    });
  });
});

describe('fractions of the ring', () => {
  test('are in [0, 1) and off by at most 2^-52 of themselves and 2^-56 of the ring', () => {
    fc.assert(
      fc.property(place, a => {
        const share = fraction(id(a));
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThan(1);
        const exact = Number(a) / 2 ** 160;
        expect(Math.abs(share - exact)).toBeLessThanOrEqual(exact * 2 ** -52 + 2 ** -56);
      }),
    );
  });

  test('have known values, and the last id is below 1', () => {
    expect(fraction(id(0n))).toBe(0);
    expect(fraction(id(RING / 2n))).toBe(0.5);
    expect(fraction(id(RING / 2n ** 50n))).toBe(2 ** -50);
    expect(fraction(id(RING - 1n))).toBe(1 - 2 ** -53);
  });

  test('never shrink as ids grow', () => {
    holds((a, b) => {
      const [less, more] = a < b ? [a, b] : [b, a];
      expect(fraction(id(less))).toBeLessThanOrEqual(fraction(id(more)));
    });
  });

  test('give an id at that fraction, to 2^-48 of the ring, with chance below', () => {
    const share = fc.oneof(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.constant(1 - 2 ** -53));
    fc.assert(
      fc.property(share, fc.uint8Array({ minLength: 20, maxLength: 20 }), (at, chance) => {
        const made = idAtFraction(at, drawing(chance));
        expect(made.length).toBe(20);
        expect(made.subarray(6)).toEqual(chance.subarray(6));
        const off = fraction(made) - at;
        expect(Math.abs(off)).toBeLessThanOrEqual(2 ** -48);
        expect(idAtFraction(at)).toEqual(Uint8Array.from({ length: 20 }, (_, i) => (i < 6 ? (made[i] as number) : 0)));
      }),
    );
  });
});

describe('keys of ids', () => {
  test('are 40 lower-case digits that lead back to the id', () => {
    fc.assert(
      fc.property(place, a => {
        expect(peerKey(id(a))).toBe(a.toString(16).padStart(40, '0'));
        expect(peerIdFromKey(peerKey(id(a)))).toEqual(id(a));
      }),
    );
  });

  test('of any other length or with other characters are no ids', () => {
    const wrong = ['', '0'.repeat(38), '0'.repeat(39), '0'.repeat(42), `${'0'.repeat(39)}g`, ` ${'0'.repeat(39)}`];
    for (const key of wrong) expect(peerIdFromKey(key)).toBeUndefined();
  });
});

function holds(check: (a: bigint, b: bigint) => void): void {
  const property = fc.property(place, place, (a, b) => {
    check(a, b);
  });
  fc.assert(property, { numRuns: 300 });
}

function id(value: bigint): PeerId {
  return fromHex(value.toString(16).padStart(40, '0')) as PeerId;
}

function number(value: PeerId): bigint {
  expect(value.length).toBe(20);
  return BigInt(`0x${toHex(value)}`);
}

function mod(value: bigint): bigint {
  return ((value % RING) + RING) % RING;
}

function apart(a: bigint, b: bigint): bigint {
  const forward = mod(b - a);
  return forward > RING / 2n ? RING - forward : forward;
}

function sign(value: number | bigint): number {
  return value > 0 ? 1 : value < 0 ? -1 : 0;
}

function drawing(bytes: Uint8Array): Random {
  return { bytes: length => bytes.slice(0, length) };
}

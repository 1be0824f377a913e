import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { below, jitter, type Random, uint32, unit } from './random.ts';

const word = fc.nat(0xffffffff);

describe('chance', () => {
  test('takes four bytes, big-endian, as a number without sign', () => {
    expect(uint32(drawing(0x01020304))).toBe(0x01020304);
    expect(uint32(drawing(0xfffffffe))).toBe(0xfffffffe);
  });

  test('below a bound stays below it', () => {
    holds(
      fc.tuple(fc.array(word, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 2 ** 32 })),
      ([words, bound]) => {
        const value = below(drawing(...words, 0), bound);
        expect(Number.isInteger(value) && value >= 0 && value < bound).toBe(true);
      },
    );
  });

  test('below a bound draws again rather than favour small numbers', () => {
    // 2^32 = 3 * 1431655765 + 1: the last word alone would make 0 likelier.
    expect(below(drawing(0xffffffff, 0xfffffffe), 3)).toBe(2);
    expect(below(drawing(0xffffffff), 2 ** 32)).toBe(0xffffffff);
    expect(below(drawing(0xffffffff), 2 ** 31)).toBe(2 ** 31 - 1);
    expect(below(drawing(0xffffffff), 1)).toBe(0);
  });

  test('below a bound gives each number as often over words in a row', () => {
    const counts = new Array<number>(6).fill(0);
    for (let value = 0; value < 6000; value++) {
      const drawn = below(drawing(value), 6);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    expect(counts).toEqual(new Array(6).fill(1000));
  });

  test('in the unit interval reaches 0 but never 1', () => {
    expect(unit(drawing(0))).toBe(0);
    expect(unit(drawing(0x80000000))).toBe(0.5);
    expect(unit(drawing(0xffffffff))).toBe(1 - 2 ** -32);
  });

  test('jitter stays within its share, on both sides', () => {
    expect(jitter(drawing(0), 1000, 0.2)).toBe(800);
    expect(jitter(drawing(0x80000000), 1000, 0.2)).toBe(1000);
    holds(
      fc.tuple(word, fc.double({ min: 0, max: 1e9, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      args => {
        const [drawn, ms, share] = args;
        const changed = jitter(drawing(drawn), ms, share);
        const slack = ms * 1e-12;
        expect(changed).toBeGreaterThanOrEqual(ms * (1 - share) - slack);
        expect(changed).toBeLessThanOrEqual(ms * (1 + share) + slack);
        expect(changed).toBeGreaterThanOrEqual(0);
      },
    );
  });
});

/** Gives these words, then fails. */
function drawing(...words: number[]): Random {
  const left = [...words];
  return {
    bytes: length => {
      const next = left.shift();
      if (length !== 4 || next === undefined) throw new Error('drew more than was there');
      return Uint8Array.of(next >>> 24, next >>> 16, next >>> 8, next);
    },
  };
}

function holds<T>(inputs: fc.Arbitrary<T>, check: (input: T) => void): void {
  const property = fc.property(inputs, input => {
    check(input);
  });
  fc.assert(property, { numRuns: 300 });
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Slab } from './slab.ts';

test('pieces of a slab have the length asked for, are zero and share nothing', () => {
  const property = fc.property(fc.array(fc.nat(9_000), { maxLength: 100 }), lengths => {
    const slab = new Slab();
    const pieces = lengths.map((length, i) => {
      const piece = slab.take(length);
      expect(piece.length).toBe(length);
      expect(piece.every(byte => byte === 0)).toBe(true);
      return piece.fill(i + 1);
    });
    pieces.forEach((piece, i) => {
      expect(piece.every(byte => byte === i + 1)).toBe(true);
    });
  });
  fc.assert(property, { numRuns: 50 });
});

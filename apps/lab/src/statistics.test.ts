import { expect, test } from 'vitest';
import { percentile } from './statistics.ts';

test('a percentile is the smallest value that so many do not exceed', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([0.5, 0.95, 1, 0].map(share => percentile(values, share))).toEqual([50, 95, 100, 1]);
  expect(percentile([7], 0.95)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

test('what never came counts as larger than all', () => {
  expect(percentile([1, 2, 3], 0.5, 1)).toBe(2);
  expect(percentile([1, 2, 3], 0.95, 1)).toBe(Number.POSITIVE_INFINITY);
});

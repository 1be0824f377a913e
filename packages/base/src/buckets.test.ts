/** Token buckets (faults row 102). */
import { expect, test } from 'vitest';
import { Bucket, Buckets } from './buckets.ts';

const RATE = { burst: 5, perSecond: 20 };

test('a bucket gives its burst at once, then one token every 50 ms', () => {
  const bucket = new Bucket(RATE);
  expect(takes(() => bucket.take(0), 10)).toBe(5);
  expect(takes(() => bucket.take(49), 10)).toBe(0);
  expect(takes(() => bucket.take(50), 10)).toBe(1);
  expect(takes(() => bucket.take(60_000), 10)).toBe(5);
});

test('a clock that goes back fills nothing', () => {
  const bucket = new Bucket(RATE);
  expect(takes(() => bucket.take(1000), 10)).toBe(5);
  expect(takes(() => bucket.take(0), 10)).toBe(0);
});

test('what costs more than is left takes nothing', () => {
  const bucket = new Bucket(RATE);
  expect([6, 3, 3, 2].map(cost => bucket.take(0, cost))).toEqual([false, true, false, true]);
  expect([2, 1].map(cost => bucket.take(50, cost))).toEqual([false, true]);
});

test('names do not share tokens', () => {
  const buckets = new Buckets(RATE, 100);
  expect(takes(() => buckets.take('a', 0), 10)).toBe(5);
  expect(takes(() => buckets.take('b', 0), 10)).toBe(5);
  expect(takes(() => buckets.take('a', 50), 10)).toBe(1);
});

test('faults #102 the table is bounded, shrinks with the load, and gives nobody more by it who keeps asking', () => {
  const buckets = new Buckets(RATE, 64);
  let taken = 0;
  for (let now = 0; now < 1000; now++) {
    if (buckets.take('greedy', now)) taken++;
    for (let i = 0; i < 20; i++) buckets.take(`passer-by ${now} ${i}`, now);
    expect(buckets.size).toBeLessThanOrEqual(64);
  }
  expect(taken).toBeLessThanOrEqual(5 + 20);
  for (let i = 0; i < 64; i++) buckets.take(`late ${i}`, 10_000 + i * 1000);
  expect(buckets.size).toBeLessThan(4);
});

test('a full table forgets the name heard of longest ago', () => {
  const buckets = new Buckets({ burst: 1, perSecond: 0 }, 1024);
  for (let i = 0; i < 1024; i++) buckets.take(`${i}`, 0);
  buckets.take('0', 0);
  buckets.take('1024', 0);
  expect(buckets.take('0', 0)).toBe(false);
  expect(buckets.take('1', 0)).toBe(true);
});

function takes(take: () => boolean, times: number): number {
  return Array.from({ length: times }, take).filter(taken => taken).length;
}

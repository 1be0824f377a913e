import { expect, test } from 'vitest';
import { KEEPALIVES_MS, Keepalive } from './keepalive.ts';

/** Asks after each interval; a NAT forgets after `lifetimeMs`. Returns the intervals in order. */
function learned(keepalive: Keepalive, lifetimeMs: number, times: number, from = 0): number[] {
  const intervals: number[] = [];
  let now = from;
  for (let i = 0; i < times; i++) {
    const { intervalMs } = keepalive;
    intervals.push(intervalMs);
    now += intervalMs;
    if (intervalMs < lifetimeMs) keepalive.survived(intervalMs, now);
    else keepalive.died(intervalMs, now);
  }
  return intervals;
}

test('the interval grows to two minutes while paths in reserve answer', () => {
  expect(learned(new Keepalive(), Number.POSITIVE_INFINITY, 9)).toEqual([...KEEPALIVES_MS, 120_000, 120_000]);
});

test('it shrinks where one has died, and stays below that for half an hour', () => {
  const keepalive = new Keepalive();
  const intervals = learned(keepalive, 40_000, 40);
  expect(intervals.slice(0, 4)).toEqual([15_000, 20_000, 30_000, 45_000]);
  expect(intervals.slice(4)).toEqual(Array.from({ length: 36 }, () => 30_000));
  expect(learned(keepalive, 40_000, 60, 36 * 30_000).filter(each => each === 45_000).length).toBeLessThanOrEqual(2);
});

test('an answer after less silence teaches nothing', () => {
  const keepalive = new Keepalive();
  for (let i = 0; i < 9; i++) keepalive.survived(14_999, i);
  expect(keepalive.intervalMs).toBe(15_000);
});

test('it is never shorter than 15 s', () => {
  const keepalive = new Keepalive();
  keepalive.died(15_000, 0);
  keepalive.died(0, 0);
  expect(keepalive.intervalMs).toBe(15_000);
});

/** When a peer that could not be reached is tried again. */
import { expect, test } from 'vitest';
import { Dials } from './dials.ts';
import { seeded } from './testbed.ts';

const KEY = 'ab'.repeat(20);

test('faults #30 a peer that failed often is tried again soon when a neighbour names it anew', () => {
  const dials = new Dials(seeded(1));
  for (let i = 0; i < 6; i++) dials.failed(KEY, 0);
  expect(dials.isBackedOff(KEY, 40_000)).toBe(true);
  dials.named(KEY, 10_000);
  expect(dials.isBackedOff(KEY, 10_000)).toBe(true);
  expect(dials.isBackedOff(KEY, 13_000)).toBe(false);
  expect(dials.wakeAt).toBeLessThan(13_000);
  expect(dials.begin(KEY, 13_000)).toBe(true);
  dials.failed(KEY, 33_000);
  expect(dials.isBackedOff(KEY, 33_000 + 40_000)).toBe(true);
});

test('naming a peer never makes it wait longer, nor starts a wait', () => {
  const dials = new Dials(seeded(1));
  dials.named(KEY, 0);
  expect(dials.isBackedOff(KEY, 0)).toBe(false);
  dials.failed(KEY, 0);
  const until = dials.wakeAt as number;
  dials.named(KEY, until - 1);
  expect(dials.wakeAt).toBe(until);
});

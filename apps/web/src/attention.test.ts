import { describe, expect, test } from 'vitest';
import { isLow, lapseBetween } from './attention.ts';

describe('a page that was stopped', () => {
  test('others noticed a gap of 8 s or more', () => {
    expect(lapseBetween(1_000, 8_900, false)).toBeUndefined();
    expect(lapseBetween(1_000, 9_000, false)).toEqual({ from: 1_000, to: 9_000 });
  });

  test('a hidden page runs once a minute, which is no lapse', () => {
    expect(lapseBetween(0, 61_000, true)).toBeUndefined();
    expect(lapseBetween(0, 120_000, true)).toEqual({ from: 0, to: 120_000 });
  });
});

test('a battery is low when it is nearly empty and not being charged', () => {
  expect(isLow(undefined)).toBe(false);
  expect(isLow({ charging: true, level: 0.1 })).toBe(false);
  expect(isLow({ charging: false, level: 0.5 })).toBe(false);
  expect(isLow({ charging: false, level: 0.2 })).toBe(true);
});

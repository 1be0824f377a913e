import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPLAY_WINDOW, ReplayWindow } from './replay-window.ts';

describe('the replay window', () => {
  test('takes each counter once, in any order', () => {
    const window = new ReplayWindow();
    for (const counter of [0, 2, 1, 8_000, 3]) expect(window.accept(counter)).toBe(true);
    for (const counter of [0, 2, 1, 8_000, 3]) {
      expect(window.check(counter)).toBe(false);
      expect(window.accept(counter)).toBe(false);
    }
    expect(window.highest).toBe(8_000);
  });

  test('is exactly 8,192 counters long', () => {
    const window = new ReplayWindow();
    window.accept(20_000);
    expect(window.check(20_000 - REPLAY_WINDOW)).toBe(false);
    expect(window.check(20_000 - REPLAY_WINDOW + 1)).toBe(true);
  });

  test('takes late what was left out, also after the ring has gone round', () => {
    const window = new ReplayWindow();
    const isLate = (counter: number) => counter % 7 === 3 || counter % 7 === 4;
    for (let counter = 0; counter < 3 * REPLAY_WINDOW; counter++) if (!isLate(counter)) window.accept(counter);
    for (let counter = 2 * REPLAY_WINDOW; counter < 3 * REPLAY_WINDOW; counter++) {
      expect(window.accept(counter)).toBe(isLate(counter));
    }
  });

  test('asking changes nothing', () => {
    const window = new ReplayWindow();
    window.accept(5);
    expect(window.check(1_000_000)).toBe(true);
    expect(window.highest).toBe(5);
    expect(window.check(4)).toBe(true);
    expect(window.check(4)).toBe(true);
  });

  test('is exact up to 2^53 - 1 and takes nothing else for a counter', () => {
    const window = new ReplayWindow();
    const last = Number.MAX_SAFE_INTEGER;
    expect(window.accept(last - 1)).toBe(true);
    expect(window.accept(last)).toBe(true);
    expect(window.accept(last - 1)).toBe(false);
    expect(window.accept(last - 2)).toBe(true);
    for (const wrong of [last + 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(window.check(wrong)).toBe(false);
  });

  test('decides as a window that remembers everything', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: -40, max: 40 }) },
      { weight: 2, arbitrary: fc.integer({ min: -REPLAY_WINDOW - 3, max: REPLAY_WINDOW + 3 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(-REPLAY_WINDOW, 1 - REPLAY_WINDOW, REPLAY_WINDOW - 1, REPLAY_WINDOW, 50_000),
      },
    );
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.array(step, { maxLength: 200 }), (start, steps) => {
        const [window, slow] = [new ReplayWindow(), new SlowWindow()];
        for (const change of [0, ...steps]) {
          const counter = Math.max(0, Math.max(start, slow.highest) + change);
          expect(window.check(counter)).toBe(slow.check(counter));
          expect(window.accept(counter)).toBe(slow.accept(counter));
          expect(window.highest).toBe(slow.highest);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** The same by definition. */
class SlowWindow {
  private readonly seen = new Set<number>();
  highest = -1;

  check(counter: number): boolean {
    return counter > this.highest - REPLAY_WINDOW && !this.seen.has(counter);
  }

  accept(counter: number): boolean {
    if (!this.check(counter)) return false;
    this.seen.add(counter);
    this.highest = Math.max(this.highest, counter);
    return true;
  }
}

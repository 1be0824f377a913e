import { afterEach, expect, test, vi } from 'vitest';
import { NodeClock } from './clock.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** A machine whose clocks we set. */
function machine() {
  const times = { monotonicMs: 1_000, uptimeMs: 50_000 };
  const clock = new NodeClock({ monotonicMs: () => times.monotonicMs, uptimeMs: () => times.uptimeMs });
  const pass = (ms: number): void => {
    times.monotonicMs += ms;
    times.uptimeMs += ms;
  };
  return { times, clock, pass };
}

test('sleep counts: an alarm whose time passed while the machine slept comes within one slice', () => {
  vi.useFakeTimers();
  const { times, clock, pass } = machine();
  let wokeAt: number | undefined;
  clock.setAlarm(clock.now() + 3_600_000, () => {
    wokeAt = clock.now();
  });
  pass(4_000);
  times.uptimeMs += 7_200_000;
  pass(1_000);
  vi.advanceTimersByTime(5_000);
  expect(wokeAt).toBe(1_000 + 5_000 + 7_200_000);
});

test('small differences between the clocks are no sleep', () => {
  vi.useFakeTimers();
  const { times, clock, pass } = machine();
  clock.setAlarm(clock.now() + 60_000, () => {});
  for (let i = 0; i < 10; i++) {
    pass(5_000);
    times.uptimeMs += i % 2 === 0 ? 400 : -400;
    vi.advanceTimersByTime(5_000);
  }
  expect(clock.now()).toBe(1_000 + 50_000);
});

test('a far alarm keeps one timer, however often it is moved later', () => {
  vi.useFakeTimers();
  const { clock } = machine();
  for (let i = 0; i < 1_000; i++) clock.setAlarm(clock.now() + 60_000 + i, () => {});
  expect(vi.getTimerCount()).toBe(1);
  clock.setAlarm(undefined, () => {});
  expect(vi.getTimerCount()).toBe(0);
});

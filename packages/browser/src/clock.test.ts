import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BrowserClock } from './clock.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the alarm of a tab', () => {
  test('wakes once, at its time', () => {
    const clock = new BrowserClock();
    const wake = vi.fn();
    clock.setAlarm(clock.now() + 100, wake);
    vi.advanceTimersByTime(99);
    expect(wake).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(wake).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    expect(wake).toHaveBeenCalledTimes(1);
  });

  test('moves later without waking at the old time, and earlier too', () => {
    const clock = new BrowserClock();
    const wokenAt: number[] = [];
    const start = clock.now();
    const wake = (): void => void wokenAt.push(Math.round(clock.now() - start));
    clock.setAlarm(start + 100, wake);
    clock.setAlarm(start + 300, wake);
    vi.advanceTimersByTime(299);
    expect(wokenAt).toEqual([]);
    vi.advanceTimersByTime(1);
    clock.setAlarm(start + 900, wake);
    clock.setAlarm(start + 400, wake);
    vi.advanceTimersByTime(1_000);
    expect(wokenAt).toEqual([300, 400]);
  });

  test('stays silent when cancelled', () => {
    const clock = new BrowserClock();
    const wake = vi.fn();
    clock.setAlarm(clock.now() + 100, wake);
    clock.setAlarm(undefined, wake);
    vi.advanceTimersByTime(1_000);
    expect(wake).not.toHaveBeenCalled();
  });

  test('may be set again from within its wake', () => {
    const clock = new BrowserClock();
    let wakes = 0;
    const again = (): void => {
      if (++wakes < 3) clock.setAlarm(clock.now() + 10, again);
    };
    clock.setAlarm(clock.now() + 10, again);
    vi.advanceTimersByTime(1_000);
    expect(wakes).toBe(3);
  });
});

describe('the time of a tab', () => {
  test('counts sleep that the monotonic clock of the browser leaves out', () => {
    const clock = new BrowserClock();
    const before = clock.now();
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(clock.now() - before).toBeGreaterThanOrEqual(3_600_000);
  });

  test('never goes back when the wall clock does', () => {
    const clock = new BrowserClock();
    const before = clock.now();
    vi.setSystemTime(Date.now() - 3_600_000);
    expect(clock.now()).toBeGreaterThanOrEqual(before);
  });
});

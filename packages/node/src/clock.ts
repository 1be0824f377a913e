/**
 * Time in Node. `performance.now()` stands still while the machine sleeps, and so do timers: the time asleep is
 * read from the system's uptime, which goes on, and timers are cut into slices, so that an alarm is at most one
 * slice late after waking.
 */
import { uptime } from 'node:os';
import type { Instant, UnixMs } from '@warren/base';
import type { Clock } from '@warren/peer';

/** The longest that a timer runs before the clock looks again. */
const SLICE_MS = 5_000;
/** A gap between the two clocks from which on we call it sleep; uptime is exact to 10 ms. */
const SLEEP_THRESHOLD_MS = 1_000;

/** Where a clock reads time from; another only in tests. */
export interface TimeSources {
  /** Milliseconds, monotonic, without sleep. */
  readonly monotonicMs: () => number;
  /** Milliseconds since the machine started, with sleep. */
  readonly uptimeMs: () => number;
}

const SYSTEM: TimeSources = { monotonicMs: () => performance.now(), uptimeMs: () => uptime() * 1_000 };

/** The clock of one participant: it has one alarm. */
export class NodeClock implements Clock {
  private readonly sources: TimeSources;
  private sleptMs = 0;
  private gapMs: number;
  private alarm: { readonly at: Instant; readonly wake: () => void } | undefined;
  private timer: { readonly handle: NodeJS.Timeout; readonly at: Instant } | undefined;

  constructor(sources: TimeSources = SYSTEM) {
    this.sources = sources;
    this.gapMs = sources.uptimeMs() - sources.monotonicMs();
  }

  now(): Instant {
    return this.sources.monotonicMs() + this.sleptMs;
  }

  unixMs(): UnixMs {
    return Date.now();
  }

  setAlarm(at: Instant | undefined, wake: () => void): void {
    this.alarm = at === undefined ? undefined : { at, wake };
    if (at === undefined) this.disarm();
    else this.arm(at);
  }

  /** A timer that runs out too early only arms the next: moving an alarm later, which happens all the time, costs nothing. */
  private arm(at: Instant): void {
    if (this.timer !== undefined && this.timer.at <= at) return;
    this.disarm();
    const now = this.now();
    const delayMs = Math.min(Math.max(0, Math.ceil(at - now)), SLICE_MS);
    this.timer = { handle: setTimeout(() => this.look(), delayMs), at: Math.min(at, now + SLICE_MS) };
  }

  private look(): void {
    this.timer = undefined;
    this.countSleep();
    const alarm = this.alarm;
    if (alarm === undefined) return;
    if (this.now() < alarm.at) {
      this.arm(alarm.at);
      return;
    }
    this.alarm = undefined;
    alarm.wake();
  }

  /** Adds what the machine slept since the last look. */
  private countSleep(): void {
    const gapMs = this.sources.uptimeMs() - this.sources.monotonicMs();
    const sleptMs = gapMs - this.gapMs;
    if (sleptMs > SLEEP_THRESHOLD_MS) this.sleptMs += sleptMs;
    this.gapMs = gapMs;
  }

  private disarm(): void {
    if (this.timer !== undefined) clearTimeout(this.timer.handle);
    this.timer = undefined;
  }
}

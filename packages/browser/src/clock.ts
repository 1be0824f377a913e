/**
 * Time in a tab. `performance.now()` stands still while the machine sleeps, so
 * jumps of the wall clock are added to it. Browsers slow the timers of hidden
 * pages to one a second and later one a minute; timers of a worker go on, so a
 * hidden page keeps a second one there. The core compares times itself, so an
 * alarm that comes late does no harm beyond being late.
 */
import type { Instant } from '@warren/base';
import type { Clock } from '@warren/peer';

/** A gap between wall clock and monotonic clock from which on we call it sleep. */
const SLEEP_THRESHOLD_MS = 2_000;
/** The longest delay that `setTimeout` understands. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of this tab. One alarm, so one clock for each participant. */
export class BrowserClock implements Clock {
  private sleptMs = 0;
  private lastMonotonicMs = performance.now();
  private lastWallMs = Date.now();
  private alarm: { readonly at: Instant; readonly wake: () => void } | undefined;
  private timer: { readonly handle: ReturnType<typeof setTimeout>; readonly at: Instant } | undefined;
  private worker: Worker | undefined;
  private readonly look = (): void => this.check();

  constructor() {
    // A page that was frozen or hidden looks at once, without waiting for a slowed timer.
    globalThis.document?.addEventListener('visibilitychange', this.look);
    globalThis.document?.addEventListener('resume', this.look);
  }

  now(): Instant {
    const monotonicMs = performance.now();
    const wallMs = Date.now();
    const gapMs = wallMs - this.lastWallMs - (monotonicMs - this.lastMonotonicMs);
    if (gapMs > SLEEP_THRESHOLD_MS) this.sleptMs += gapMs;
    this.lastMonotonicMs = monotonicMs;
    this.lastWallMs = wallMs;
    return monotonicMs + this.sleptMs;
  }

  unixMs(): number {
    return Date.now();
  }

  setAlarm(at: Instant | undefined, wake: () => void): void {
    this.alarm = at === undefined ? undefined : { at, wake };
    if (at === undefined) this.disarm();
    else this.arm();
  }

  /** A timer that runs out too early only arms the next: moving an alarm later, which happens all the time, costs nothing. */
  private arm(): void {
    const alarm = this.alarm;
    if (alarm === undefined || (this.timer !== undefined && this.timer.at <= alarm.at)) return;
    if (this.timer !== undefined) clearTimeout(this.timer.handle);
    const delayMs = Math.min(Math.max(0, Math.ceil(alarm.at - this.now())), MAX_TIMER_MS);
    const handle = setTimeout(() => {
      this.timer = undefined;
      this.check();
    }, delayMs);
    this.timer = { handle, at: alarm.at };
    if (globalThis.document?.hidden) this.armWorker(delayMs);
  }

  private check(): void {
    const alarm = this.alarm;
    if (alarm === undefined) return;
    if (this.now() >= alarm.at) {
      this.alarm = undefined;
      alarm.wake();
      return;
    }
    if (globalThis.document?.hidden) this.armWorker(Math.ceil(alarm.at - this.now()));
    this.arm();
  }

  private armWorker(delayMs: number): void {
    if (this.worker === undefined) {
      if (typeof Worker === 'undefined') return;
      this.worker = new Worker(new URL('./alarm-worker.ts', import.meta.url), { type: 'module' });
      this.worker.addEventListener('message', this.look);
    }
    this.worker.postMessage(Math.min(delayMs, MAX_TIMER_MS));
  }

  private disarm(): void {
    if (this.timer !== undefined) clearTimeout(this.timer.handle);
    this.timer = undefined;
    this.worker?.terminate();
    this.worker = undefined;
  }
}

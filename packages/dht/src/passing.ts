/** Watches on their way to somebody nearer: a newcomer beside a holder of many would else get all of them at once. */
import type { Instant } from '@warren/base';
import type { Watch } from './watchers.ts';

/** So many at most, so often. */
const BATCH = 16;
const BATCH_EVERY_MS = 200;

/** What waits to be passed on. */
export class Passing {
  private readonly queue = new Set<Watch>();
  private at: Instant | undefined;

  add(watch: Watch, now: Instant): void {
    this.queue.add(watch);
    this.at ??= now;
  }

  get wakeAt(): Instant | undefined {
    return this.at;
  }

  /** The next ones; some may have ended meanwhile. */
  due(now: Instant): Watch[] {
    if (this.at === undefined || now < this.at) return [];
    const next = [...this.queue].slice(0, BATCH);
    for (const watch of next) this.queue.delete(watch);
    // Also after the last, so that what comes in between waits its turn.
    this.at = next.length > 0 ? now + BATCH_EVERY_MS : undefined;
    return next;
  }

  clear(): void {
    this.queue.clear();
    this.at = undefined;
  }
}

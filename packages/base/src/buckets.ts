/**
 * Token buckets: so many at once, so many a second. One for each sender, in a
 * table that is bounded, as a bucket that is full again is the same as none.
 * Source: RFC 2697 in spirit, with one bucket.
 */
import type { Instant } from './time.ts';

/** Names in a table, unless its maker says otherwise. */
const NAMES_MAX = 1024;

/** What a bucket holds, and what flows into it in a second. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** One bucket, full at first. */
export class Bucket {
  private readonly rate: Rate;
  private tokens: number;
  private filledAt: Instant = 0;

  constructor(rate: Rate) {
    this.rate = rate;
    this.tokens = rate.burst;
  }

  /** Takes `cost` tokens, all or none; false when there are not so many. */
  take(now: Instant, cost = 1): boolean {
    const { burst, perSecond } = this.rate;
    this.tokens = Math.min(burst, this.tokens + (Math.max(0, now - this.filledAt) / 1000) * perSecond);
    this.filledAt = now;
    if (this.tokens < cost) return false;
    this.tokens -= cost;
    return true;
  }
}

/** Buckets by name: at most `max`, the longest unused goes first. */
export class Buckets {
  private readonly rate: Rate;
  private readonly max: number;
  private readonly byName = new Map<string, { readonly bucket: Bucket; usedAt: Instant }>();

  constructor(rate: Rate, max: number = NAMES_MAX) {
    this.rate = rate;
    this.max = max;
  }

  get size(): number {
    return this.byName.size;
  }

  /** Takes `cost` tokens of `name`, all or none; false when that has not so many. */
  take(name: string, now: Instant, cost = 1): boolean {
    const known = this.byName.get(name);
    const entry = known ?? { bucket: new Bucket(this.rate), usedAt: now };
    entry.usedAt = now;
    if (known !== undefined) this.byName.delete(name);
    else this.makeRoom(now);
    this.byName.set(name, entry);
    return entry.bucket.take(now, cost);
  }

  /** Drops two at most of those that are full again, so that the table follows the load down; one in any case when full. */
  private makeRoom(now: Instant): void {
    const fullAfterMs = (this.rate.burst / this.rate.perSecond) * 1000;
    let looked = 0;
    for (const [name, { usedAt }] of this.byName) {
      if (looked++ >= 2 || (now - usedAt < fullAfterMs && this.byName.size < this.max)) return;
      this.byName.delete(name);
    }
  }
}

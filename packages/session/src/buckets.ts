/**
 * Token buckets: so many at once, so many a second. One for each group of
 * senders, in a table that cannot grow, as a bucket that is full again is the
 * same as none (session.md 2.4).
 */
import type { Instant } from '@warren/base';

/** What a bucket holds, and what flows into it in a second. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** One bucket, full at first. */
export class Bucket {
  private readonly rate: Rate;
  private tokens: number;
  private filledAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(rate: Rate) {
    this.rate = rate;
    this.tokens = rate.burst;
  }

  /** Whether there is a token at `now`. */
  has(now: Instant): boolean {
    const { burst, perSecond } = this.rate;
    this.tokens = Math.min(burst, this.tokens + (Math.max(0, now - this.filledAt) / 1000) * perSecond);
    this.filledAt = now;
    return this.tokens >= 1;
  }

  /** Takes one token; false when there is none. */
  take(now: Instant): boolean {
    if (!this.has(now)) return false;
    this.tokens--;
    return true;
  }
}

/** Buckets by name: at most `max`, the longest unused goes first. */
export class Buckets {
  private readonly rate: Rate;
  private readonly max: number;
  private readonly byName = new Map<string, { readonly bucket: Bucket; usedAt: Instant }>();

  constructor(rate: Rate, max: number) {
    this.rate = rate;
    this.max = max;
  }

  get size(): number {
    return this.byName.size;
  }

  /** Takes a token of `name`; false when that has none. */
  take(name: string, now: Instant): boolean {
    const known = this.byName.get(name);
    const entry = known ?? { bucket: new Bucket(this.rate), usedAt: now };
    entry.usedAt = now;
    if (known !== undefined) this.byName.delete(name);
    else this.makeRoom(now);
    this.byName.set(name, entry);
    return entry.bucket.take(now);
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

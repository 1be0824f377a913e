/**
 * How much one neighbour may ask of us: a bucket for each that fills with time.
 * Buckets are forgotten when they are full again, so nothing grows with those who ask.
 */
import type { Instant } from '@warren/base';

/** Buckets kept; the longest untouched go first. */
const BUCKETS_MAX = 1024;

interface Bucket {
  left: number;
  at: Instant;
}

/** Buckets of `burst` tokens that gain one every `everyMs`. */
export class Allowance {
  private readonly buckets = new Map<string, Bucket>();
  private readonly burst: number;
  private readonly everyMs: number;

  constructor(burst: number, everyMs: number) {
    this.burst = burst;
    this.everyMs = everyMs;
  }

  /** Takes one token of `who`; false when none is left. */
  take(who: string, now: Instant): boolean {
    const bucket = this.buckets.get(who) ?? { left: this.burst, at: now };
    bucket.left = Math.min(this.burst, bucket.left + (now - bucket.at) / this.everyMs);
    bucket.at = now;
    this.buckets.delete(who);
    const [oldest] = this.buckets.keys();
    if (this.buckets.size >= BUCKETS_MAX && oldest !== undefined) this.buckets.delete(oldest);
    this.buckets.set(who, bucket);
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }
}

/** How much each neighbour may ask for: a token bucket each, so that a flood through one starves only that one. */
import type { Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/** Requests of one neighbour, its own and those it forwards: sustained, and at once. */
const PER_SECOND = 100;
const BURST = 400;
const NEIGHBOURS_MAX = 512;

/** The buckets of one machine. */
export class Buckets {
  private readonly buckets = new Map<PeerKey, { tokens: number; at: Instant }>();

  /** Takes `cost` tokens of a neighbour; false when there are not enough. We ourselves (`undefined`) are never refused. */
  take(neighbour: PeerKey | undefined, cost: number, now: Instant): boolean {
    if (neighbour === undefined) return true;
    const bucket = this.buckets.get(neighbour) ?? this.fresh(neighbour, now);
    bucket.tokens = Math.min(BURST, bucket.tokens + ((now - bucket.at) * PER_SECOND) / 1000);
    bucket.at = now;
    if (bucket.tokens < cost) return false;
    bucket.tokens -= cost;
    return true;
  }

  private fresh(neighbour: PeerKey, now: Instant): { tokens: number; at: Instant } {
    const oldest = this.buckets.keys().next();
    if (this.buckets.size >= NEIGHBOURS_MAX && !oldest.done) this.buckets.delete(oldest.value);
    const bucket = { tokens: BURST, at: now };
    this.buckets.set(neighbour, bucket);
    return bucket;
  }
}

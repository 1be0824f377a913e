/**
 * A token bucket for each peer: so much at once, so much a second. Source: RFC 2697 in spirit, with one bucket.
 */
import type { Instant } from '@warren/base';
import { type PeerId, type PeerKey, peerKey } from '@warren/wire';
import { RATED_PEERS_MAX } from './constants.ts';

interface Bucket {
  readonly tokens: number;
  readonly at: Instant;
}

/** Buckets of the peers heard of last; a peer that is not remembered has a full one. */
export class PeerRate {
  private readonly burst: number;
  private readonly perSecond: number;
  private readonly buckets = new Map<PeerKey, Bucket>();

  constructor(burst: number, perSecond: number) {
    this.burst = burst;
    this.perSecond = perSecond;
  }

  /** Takes one token of the peer's bucket. Returns false when it is empty. */
  take(peerId: PeerId, now: Instant): boolean {
    const key = peerKey(peerId);
    const bucket = this.buckets.get(key) ?? { tokens: this.burst, at: now };
    const tokens = Math.min(this.burst, bucket.tokens + ((now - bucket.at) / 1000) * this.perSecond);
    const taken = tokens >= 1;
    this.buckets.delete(key);
    if (this.buckets.size >= RATED_PEERS_MAX) this.buckets.delete(this.buckets.keys().next().value as PeerKey);
    this.buckets.set(key, { tokens: taken ? tokens - 1 : tokens, at: now });
    return taken;
  }
}

/**
 * Links that are wanted: how many may be made at once, and when a peer that
 * could not be reached is tried again. Bounded, since whom to dial follows
 * from what neighbours say.
 */
import { type Instant, jitter, type Random } from '@warren/base';
import type { PeerKey } from '@warren/wire';
import { Namers } from './namers.ts';

/** Links being made at once. */
export const DIALS_MAX = 8;
/** A dial without any news is given up after that. */
const DIAL_MS = 30_000;
/** Waits before a peer is tried again, by failures in a row. */
const BACKOFF_MS: readonly number[] = [2000, 5000, 15_000, 30_000, 60_000];
/** Then a peer is tried again that a neighbour says it is newly linked to: a partition may have healed. */
const NAMED_MS = 2000;
/** Failures are forgotten so long after the wait is over. */
const BACKOFF_KEPT_MS = 120_000;
/** Failures remembered; the oldest go first. */
const BACKOFF_MAX = 256;

interface Backoff {
  readonly failures: number;
  readonly until: Instant;
  /** Its time came; it stays a while so that failures add up. */
  isOver: boolean;
}

/** The dials of one overlay. */
export class Dials {
  private readonly random: Random;
  /** When each dial under way is given up. */
  private readonly underWay = new Map<PeerKey, Instant>();
  private readonly backoff = new Map<PeerKey, Backoff>();
  private readonly namers = new Namers();

  constructor(random: Random) {
    this.random = random;
  }

  /**
   * Notes the start of a dial; false when it must not begin: under way, failed lately, or too many at once, in all or on
   * the word of `namers`.
   */
  begin(key: PeerKey, now: Instant, namers: readonly PeerKey[] = []): boolean {
    if (!this.mayBegin(key) || this.isBackedOff(key, now) || !this.namers.begin(key, namers, now)) return false;
    this.underWay.set(key, now + DIAL_MS);
    return true;
  }

  /** Whether a dial to a peer could begin: not under way, and not too many at once. */
  mayBegin(key: PeerKey): boolean {
    return !this.underWay.has(key) && this.underWay.size < DIALS_MAX;
  }

  /** Forgets all dials. */
  clear(): void {
    this.underWay.clear();
    this.backoff.clear();
    this.namers.clear();
  }

  /** A link is up, whoever dialled. */
  reached(key: PeerKey, now: Instant): void {
    this.underWay.delete(key);
    this.namers.reached(key, now);
    this.backoff.delete(key);
  }

  /** A dial failed, or a link was lost. */
  failed(key: PeerKey, now: Instant): void {
    this.underWay.delete(key);
    this.namers.failed(key, !this.backoff.has(key), now);
    const failures = (this.backoff.get(key)?.failures ?? 0) + 1;
    const wait = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length) - 1] as number;
    this.backoff.delete(key);
    const [oldest] = this.backoff.keys();
    if (this.backoff.size >= BACKOFF_MAX && oldest !== undefined) this.backoff.delete(oldest);
    this.backoff.set(key, { failures, until: now + jitter(this.random, wait, 0.2), isOver: false });
  }

  /** A neighbour has a link to a peer that it did not have before: ends a long wait. */
  named(key: PeerKey, now: Instant): void {
    const entry = this.backoff.get(key);
    const soon = now + jitter(this.random, NAMED_MS, 0.2);
    if (entry !== undefined && entry.until > soon) this.backoff.set(key, { ...entry, until: soon });
  }

  /** Whether a peer has to wait before it is tried again. */
  isBackedOff(key: PeerKey, now: Instant): boolean {
    const entry = this.backoff.get(key);
    return entry !== undefined && entry.until > now;
  }

  /** Whether any neighbour is doubted. */
  hasDoubted(now: Instant): boolean {
    return this.namers.hasDoubted(now);
  }

  /** Whether several peers that a neighbour named were not there: others go first. */
  isDoubted(namer: PeerKey, now: Instant): boolean {
    return this.namers.isDoubted(namer, now);
  }

  /** Dials under way. */
  get count(): number {
    return this.underWay.size;
  }

  /** Whether a peer is being dialled. */
  isUnderWay(key: PeerKey): boolean {
    return this.underWay.has(key);
  }

  get wakeAt(): Instant | undefined {
    let at: Instant | undefined;
    for (const until of this.underWay.values()) if (at === undefined || until < at) at = until;
    for (const { until, isOver } of this.backoff.values()) if (!isOver && (at === undefined || until < at)) at = until;
    return at;
  }

  /** Ends what is due; true when some peer may be tried again. */
  tick(now: Instant): boolean {
    for (const [key, until] of this.underWay) if (until <= now) this.failed(key, now);
    let isNews = false;
    for (const [key, entry] of this.backoff) {
      if (entry.until > now) continue;
      isNews ||= !entry.isOver;
      entry.isOver = true;
      if (now - entry.until > BACKOFF_KEPT_MS) this.backoff.delete(key);
    }
    return isNews;
  }
}

/**
 * Former neighbours: who was linked to us and is no longer, for reasons unknown.
 * Perhaps the ring was cut in two and they are in the other part; so one is
 * looked for now and then. Whoever turns up in our own ring is no sign of a cut
 * and is forgotten. Source: overlay.md "Partition and merge"; faults.md row 30.
 */
import type { Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/** Former neighbours kept; the oldest go first. */
export const FORMER_MAX = 64;
/** One peer is looked for no more often than this. */
const AGAIN_MS = 60_000;

/** Whom one overlay remembers. */
export class Former {
  /** When each was looked for last; those lost longest ago first. */
  private readonly lookedAt = new Map<PeerKey, Instant>();

  /** Remembers a peer. */
  add(key: PeerKey): void {
    this.lookedAt.delete(key);
    const [oldest] = this.lookedAt.keys();
    if (this.lookedAt.size >= FORMER_MAX && oldest !== undefined) this.lookedAt.delete(oldest);
    this.lookedAt.set(key, Number.NEGATIVE_INFINITY);
  }

  /** Forgets a peer; true when it was remembered. */
  delete(key: PeerKey): boolean {
    return this.lookedAt.delete(key);
  }

  /** Whether nobody is remembered. */
  get isEmpty(): boolean {
    return this.lookedAt.size === 0;
  }

  /** All, those lost longest ago first. */
  keys(): Iterable<PeerKey> {
    return this.lookedAt.keys();
  }

  /** Whom to look for now: who waited longest, at least a minute. */
  next(now: Instant, mayDial: (key: PeerKey) => boolean): PeerKey | undefined {
    let choice: PeerKey | undefined;
    let least = now - AGAIN_MS;
    for (const [key, at] of this.lookedAt) {
      if (at > least || (choice !== undefined && at === least) || !mayDial(key)) continue;
      choice = key;
      least = at;
    }
    if (choice !== undefined) this.lookedAt.set(choice, now);
    return choice;
  }
}

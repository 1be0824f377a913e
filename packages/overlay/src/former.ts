/**
 * Former neighbours: who was linked to us and is no longer, for reasons unknown.
 * Perhaps the ring was cut in two and they are in the other part; so one is
 * looked for now and then. Whoever turns up in our own ring is no sign of a cut
 * and is forgotten. Source: overlay.md "Partition and merge"; faults.md row 30.
 */
import type { Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/** Between looks, soon after the last loss and later; and when there is no link at all. */
const LOOK_MS = 15_000;
const LOOK_LATER_MS = 60_000;
const LOOK_ALONE_MS = 3000;
const LOSS_IS_OLD_MS = 900_000;
/** Dialled at once when there is no link at all. */
const ALONE_DIALS = 4;
/** Former neighbours kept; the oldest go first. */
export const FORMER_MAX = 64;
/** One peer is looked for no more often than this. */
const AGAIN_MS = 60_000;

/** Whom one overlay remembers. */
export class Former {
  /** When each was looked for last; those lost longest ago first. */
  private readonly lookedAt = new Map<PeerKey, Instant>();
  private lostAt: Instant = Number.NEGATIVE_INFINITY;
  /** Sum over what was said to be kept last. */
  private kept = 0;

  /** Remembers a peer. */
  add(key: PeerKey, now: Instant): void {
    this.lostAt = now;
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

  /** Until the next look, milliseconds. */
  lookMs(now: Instant, isAlone: boolean): number {
    if (isAlone) return LOOK_ALONE_MS;
    return now - this.lostAt < LOSS_IS_OLD_MS ? LOOK_MS : LOOK_LATER_MS;
  }

  /** Whom to look for now: those who waited longest, at least a minute; several when there is no link at all. */
  due(now: Instant, isAlone: boolean, mayDial: (key: PeerKey) => boolean): PeerKey[] {
    const keys: PeerKey[] = [];
    for (let i = 0; i < (isAlone ? ALONE_DIALS : 1); i++) {
      const key = this.next(now, mayDial);
      if (key !== undefined) keys.push(key);
    }
    return keys;
  }

  /** Whom to keep on disk: present neighbours, then those lost last; `undefined` when they are the same as before. */
  toKeep(present: readonly PeerKey[]): PeerKey[] | undefined {
    const keys = [...present, ...[...this.lookedAt.keys()].reverse()].slice(0, FORMER_MAX);
    const sum = sumOf(keys);
    if (sum === this.kept) return undefined;
    this.kept = sum;
    return keys;
  }

  private next(now: Instant, mayDial: (key: PeerKey) => boolean): PeerKey | undefined {
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

/** Tells sets of peers from each other, whatever their order. */
export function sumOf(keys: Iterable<PeerKey>): number {
  let sum = 0;
  for (const key of keys) sum += 1 + Number.parseInt(key.slice(0, 12), 16);
  return sum;
}

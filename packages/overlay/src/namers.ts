/**
 * Whose word we dial by. A neighbour that names peers who are not there costs
 * dials; its share of them is bounded, and once several of its names have
 * failed it has to stand back behind all others. Never shut out: the names of
 * honest neighbours fail too, when many peers leave at once.
 * Not here: whom to dial (`table.ts`, `upkeep.ts`), and waits after failures (`dials.ts`).
 */
import type { Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/** Stands for all answers to our own searches: who made them is hearsay. */
export const FOUND: PeerKey = 'found';
/** Dials under way on one namer's word, of eight in all (`dials.ts`). */
const DIALS_EACH = 4;
/** Dials under way on the word of all doubted namers together. */
const DIALS_DOUBTED = 2;
/** A namer is doubted from so many failures on; one that several named counts for each of them in part. */
const DOUBTED_AT = 4;
/** So long after a failure one is forgiven. */
const FORGIVEN_MS = 60_000;
/** Namers remembered; those whose names failed longest ago go first. */
const NAMERS_MAX = 256;

interface Failures {
  readonly count: number;
  readonly at: Instant;
}

/** A dial, and on whose word. */
interface Dial {
  readonly namers: readonly PeerKey[];
  /** Whose share it takes. */
  readonly charged: PeerKey;
  readonly isDoubted: boolean;
}

/** Those on whose word one overlay dials. */
export class Namers {
  private readonly failures = new Map<PeerKey, Failures>();
  private readonly dials = new Map<PeerKey, Dial>();

  /** Whether several names of this namer failed of late. */
  isDoubted(namer: PeerKey, now: Instant): boolean {
    return this.count(namer, now) >= DOUBTED_AT;
  }

  /** Whether anybody is doubted, so that nobody else asks in vain. */
  hasDoubted(now: Instant): boolean {
    for (const namer of this.failures.keys()) if (this.isDoubted(namer, now)) return true;
    return false;
  }

  /** Notes a dial on the word of `namers`; false when none of them has a share left. Without namers it is our own choice. */
  begin(key: PeerKey, namers: readonly PeerKey[], now: Instant): boolean {
    if (namers.length === 0) return true;
    const trusted = namers.filter(namer => !this.isDoubted(namer, now));
    const isDoubted = trusted.length === 0;
    const [charged, load] = this.leastLoaded(isDoubted ? namers : trusted);
    const doubted = [...this.dials.values()].filter(dial => dial.isDoubted).length;
    if (charged === undefined || (isDoubted ? doubted >= DIALS_DOUBTED : load >= DIALS_EACH)) return false;
    this.dials.set(key, { namers, charged, isDoubted });
    return true;
  }

  /** A dial ended; who named a peer that is there has shown good faith. */
  reached(key: PeerKey, now: Instant): void {
    for (const namer of this.end(key)) this.note(namer, -1, now);
  }

  /** A dial failed. `isFirst`: the peer has not failed of late: honest neighbours go on naming one whom only we cannot reach. */
  failed(key: PeerKey, isFirst: boolean, now: Instant): void {
    const namers = this.end(key);
    if (isFirst) for (const namer of namers) this.note(namer, 1 / namers.length, now);
  }

  /** Forgets all. */
  clear(): void {
    this.dials.clear();
    this.failures.clear();
  }

  private end(key: PeerKey): readonly PeerKey[] {
    const namers = this.dials.get(key)?.namers ?? [];
    this.dials.delete(key);
    return namers;
  }

  private leastLoaded(namers: readonly PeerKey[]): [PeerKey | undefined, number] {
    let least: PeerKey | undefined;
    let load = Number.POSITIVE_INFINITY;
    for (const namer of namers) {
      let own = 0;
      for (const { charged } of this.dials.values()) if (charged === namer) own++;
      if (own >= load) continue;
      least = namer;
      load = own;
    }
    return [least, load];
  }

  private count(namer: PeerKey, now: Instant): number {
    const known = this.failures.get(namer);
    return known === undefined ? 0 : Math.max(0, known.count - (now - known.at) / FORGIVEN_MS);
  }

  private note(namer: PeerKey, change: number, now: Instant): void {
    const count = this.count(namer, now) + change;
    this.failures.delete(namer);
    if (count <= 0) return;
    const [oldest] = this.failures.keys();
    if (this.failures.size >= NAMERS_MAX && oldest !== undefined) this.failures.delete(oldest);
    this.failures.set(namer, { count: Math.min(count, 2 * DOUBTED_AT), at: now });
  }
}

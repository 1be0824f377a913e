/**
 * Census: a question to all peers over the arcs of a broadcast, whose answers
 * are added up on the way back, so that it takes O(log N) time and nobody
 * hears more answers than it has links. What did not answer in time is counted
 * as such. Sums are what peers say of themselves; nobody vouches for them.
 * Source: P2 (MapReduce over the bounded broadcast), overlay.md.
 *
 * ```text
 * origin --GATHER (whole ring, 10 s)--> a --GATHER (arc, 9.4 s)--> b ...      asked again after 1, 2, 3.5 ... s
 * origin <-------- GATHERED: sums ----- a <----- GATHERED -------- b          when all parts came, or the wait is over
 * ```
 */
import { Buckets, earliest, type Instant, Outbox, type Random, type Rate, sameBytes, toHex } from '@warren/base';
import {
  CENSUS_HOPS_MAX,
  CENSUS_TOKEN_BYTES,
  type CensusSum,
  type Gather,
  type Gathered,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  peerKey,
} from '@warren/wire';
import { type Place, partArc, withinReach } from './arcs.ts';

/** How long whoever starts one waits. */
export const CENSUS_WAIT_MS = 10_000;
/** Each hop waits so much less than who asked it, so that what it has arrives in time. */
export const LESS_PER_HOP_MS = 600;
/** A part that did not answer is asked again so long after the first time. */
const ASK_AGAIN_MS: readonly number[] = [1000, 2000, 3500, 5500, 7500];
/** Answers are kept for who asks again. */
const KEPT_MS = 30_000;
/** Censuses of others under way or kept; more are not taken part in. Our own are bounded by their rate. */
const KEPT_MAX = 64;
/** New censuses that one neighbour may hand us. */
const NEIGHBOUR_RATE: Rate = { burst: 8, perSecond: 0.5 };
/** And of one origin, by what neighbours say. */
const ORIGIN_RATE: Rate = { burst: 2, perSecond: 0.2 };
const U32_MAX = 0xffff_ffff;

export type GathersOutput =
  | { readonly kind: 'gather'; readonly to: PeerKey; readonly message: Gather }
  | { readonly kind: 'gathered'; readonly to: PeerKey; readonly message: Gathered }
  /** A census of ours is over. */
  | { readonly kind: 'sum'; readonly tag: number; readonly sum: CensusSum; readonly tookMs: number };

export interface GathersOptions {
  readonly self: PeerId;
  readonly random: Random;
  readonly links: () => Iterable<Place>;
  /** What we count ourselves as. */
  readonly own: () => Pick<CensusSum, 'consistent' | 'links' | 'records' | 'browsers'>;
}

interface Census {
  readonly token: Uint8Array;
  readonly origin: PeerId;
  /** Who asked us; ourselves, under a tag. */
  readonly asker: PeerKey | { readonly tag: number };
  readonly begunAt: Instant;
  /** From the origin to us. */
  readonly hops: number;
  readonly waitMs: number;
  sum: CensusSum;
  /** Parts that have not answered. */
  readonly open: Map<PeerKey, PeerId>;
  asked: number;
  /** When to ask again, to stop waiting, or to forget the answer. */
  dueAt: Instant;
  isOver: boolean;
}

/** The censuses that one peer takes part in. */
export class Gathers {
  readonly stats = { begun: 0, served: 0, tooMany: 0, unasked: 0 };
  private readonly options: GathersOptions;
  private readonly outbox = new Outbox<GathersOutput>();
  private readonly censuses = new Map<string, Census>();
  private readonly ofNeighbour = new Buckets(NEIGHBOUR_RATE);
  private readonly ofOrigin = new Buckets(ORIGIN_RATE);

  constructor(options: GathersOptions) {
    this.options = options;
  }

  poll(): GathersOutput | undefined {
    return this.outbox.poll();
  }

  /** Counts everybody; the sum comes out under `tag`. False when that was done too often just now. */
  begin(tag: number, now: Instant): boolean {
    const { self, random } = this.options;
    if (!this.ofOrigin.take(peerKey(self), now)) return false;
    this.stats.begun++;
    const token = random.bytes(CENSUS_TOKEN_BYTES);
    this.join({ token, origin: self, end: undefined, hops: 0, waitMs: CENSUS_WAIT_MS }, { tag }, now);
    return true;
  }

  /** Takes a neighbour's question. */
  gather(from: PeerKey, m: Gather, now: Instant): void {
    const { self } = this.options;
    const sender = peerIdFromKey(from);
    const isForged = m.hops === 1 ? peerKey(m.origin) !== from : sameBytes(m.origin, self);
    if (sender === undefined || isForged) return;
    const known = this.censuses.get(toHex(m.token));
    if (known !== undefined) this.askedAgain(from, known);
    else if (this.mayBegin(from, m, now)) {
      this.stats.served++;
      this.join({ ...m, end: withinReach(self, sender, m.end) }, from, now);
    } else this.stats.tooMany++;
  }

  /** Takes the sums of a part that we asked for. */
  gathered(from: PeerKey, { token, sum }: Gathered, now: Instant): void {
    const census = this.censuses.get(toHex(token));
    if (census === undefined || census.isOver || !census.open.delete(from)) {
      this.stats.unasked++;
      return;
    }
    census.sum = addCensus(census.sum, { ...sum, depth: Math.min(sum.depth + 1, CENSUS_HOPS_MAX) });
    if (census.open.size === 0) this.end(census, now);
  }

  /** A part whose link is gone will not answer. */
  linkDown(key: PeerKey, now: Instant): void {
    for (const census of this.censuses.values()) {
      if (census.isOver || !census.open.delete(key)) continue;
      census.sum = addCensus(census.sum, missing(1));
      if (census.open.size === 0) this.end(census, now);
    }
  }

  get wakeAt(): Instant | undefined {
    let at: Instant | undefined;
    for (const { dueAt } of this.censuses.values()) at = earliest(at, dueAt);
    return at;
  }

  tick(now: Instant): void {
    for (const [token, census] of this.censuses) {
      if (census.dueAt > now) continue;
      if (census.isOver) this.censuses.delete(token);
      else if (now >= census.begunAt + census.waitMs) {
        census.sum = addCensus(census.sum, missing(census.open.size));
        this.end(census, now);
      } else this.ask(census);
    }
  }

  private mayBegin(from: PeerKey, { origin }: Gather, now: Instant): boolean {
    if (this.censuses.size >= KEPT_MAX || !this.ofNeighbour.take(from, now)) return false;
    return this.ofOrigin.take(peerKey(origin), now);
  }

  private join(
    m: Omit<Gather, 'end'> & { readonly end: PeerId | undefined },
    asker: Census['asker'],
    now: Instant,
  ): void {
    const { self, links, own } = this.options;
    const most = CENSUS_WAIT_MS - m.hops * LESS_PER_HOP_MS;
    const waitMs = Math.max(0, Math.min(m.waitMs, most));
    const parts = partArc(self, m.end, links());
    const canAsk = waitMs > LESS_PER_HOP_MS && m.hops < CENSUS_HOPS_MAX;
    const sum = { ...missing(canAsk ? 0 : parts.length), ...own(), peers: 1 };
    const open = new Map(canAsk ? parts.map(({ to, end }) => [to, end]) : []);
    const { token, origin, hops } = m;
    const census = { token, origin, asker, begunAt: now, hops, waitMs, sum, open, asked: 0, dueAt: now, isOver: false };
    this.censuses.set(toHex(token), census);
    if (open.size === 0) this.end(census, now);
    else this.ask(census);
  }

  /** Asks all parts that have not answered, and sets when to look again. */
  private ask(census: Census): void {
    const { token, origin, hops, waitMs, begunAt, open } = census;
    const again = ASK_AGAIN_MS[census.asked++] ?? Number.POSITIVE_INFINITY;
    census.dueAt = begunAt + Math.min(again, waitMs);
    for (const [to, end] of open) {
      const message = { token, origin, end, hops: hops + 1, waitMs: waitMs - LESS_PER_HOP_MS };
      this.outbox.push({ kind: 'gather', to, message });
    }
  }

  /** Who asked us gets our answer again; anybody else hears that its arc is not counted for it. */
  private askedAgain(from: PeerKey, { token, asker, sum, isOver }: Census): void {
    if (asker !== from) this.outbox.push({ kind: 'gathered', to: from, message: { token, sum: missing(1) } });
    else if (isOver) this.outbox.push({ kind: 'gathered', to: from, message: { token, sum } });
  }

  private end(census: Census, now: Instant): void {
    const { token, asker, sum } = census;
    census.isOver = true;
    census.dueAt = now + KEPT_MS;
    census.open.clear();
    if (typeof asker === 'string') this.outbox.push({ kind: 'gathered', to: asker, message: { token, sum } });
    else this.outbox.push({ kind: 'sum', tag: asker.tag, sum, tookMs: now - census.begunAt });
  }
}

/** Adds two sums; counts end at 2^32 - 1, the depth is the greater one. */
export function addCensus(a: CensusSum, b: CensusSum): CensusSum {
  const add = (m: number, n: number) => Math.min(U32_MAX, m + n);
  return {
    peers: add(a.peers, b.peers),
    consistent: add(a.consistent, b.consistent),
    links: add(a.links, b.links),
    records: add(a.records, b.records),
    browsers: add(a.browsers, b.browsers),
    unanswered: add(a.unanswered, b.unanswered),
    depth: Math.max(a.depth, b.depth),
  };
}

function missing(unanswered: number): CensusSum {
  return { peers: 0, consistent: 0, links: 0, records: 0, browsers: 0, unanswered, depth: 0 };
}

/**
 * A crawl: asks every peer of the ring whom it sees beside itself, going on
 * with everybody who is named, and then compares. In a ring that is in order,
 * each peer names as its two neighbours on either side those who sit there by
 * all answers together. Peers whose answers do not agree are asked once more,
 * so that a change during the walk is not held against them.
 * Not here: how questions get to a peer (`ring-wide.ts`). Source: P2 6.2.
 *
 * ```text
 * own links --> ask, 16 at a time --> answers name others --> ask those ... nobody left --> compare --> ask again
 * ```
 */
import { type Instant, Outbox } from '@warren/base';
import { type Peeked, type PeerId, type PeerKey, peerIdFromKey, peerKey, type WireHostKind } from '@warren/wire';

/** Questions under way. */
const AT_ONCE = 16;
/** How often a peer that does not answer is asked. */
const TRIES = 2;
/** Peers that a crawl goes to at most. */
const CRAWLED_MAX = 20_000;
/** How long it takes at most. */
export const CRAWL_MS = 300_000;
/** Neighbours on each side that are compared. */
const COMPARED = 2;

/** One peer as it answered. */
export interface CrawledPeer {
  readonly peer: PeerKey;
  readonly hostKind: WireHostKind;
  readonly isResting: boolean;
  readonly links: number;
  readonly records: number;
  readonly successors: readonly PeerKey[];
  readonly predecessors: readonly PeerKey[];
  /** From the question to the answer; `undefined` for ourselves. */
  readonly rttMs: number | undefined;
}

/** A disagreement: see `CrawlInconsistency` of `peer`, which makes sentences of it. */
export interface Inconsistency {
  readonly kind: 'successor' | 'second-successor' | 'predecessor' | 'second-predecessor' | 'silent';
  readonly at: PeerKey;
  /** Who sits there; of a silent peer, who named it. */
  readonly expected: PeerKey;
  readonly found: PeerKey | undefined;
}

/** What is known so far, or in the end. */
export interface CrawlReport {
  /** In the order of the ring. */
  readonly peers: readonly CrawledPeer[];
  /** Empty until the walk is over. */
  readonly inconsistencies: readonly Inconsistency[];
  /** Whether all who were named were asked and compared. */
  readonly isComplete: boolean;
  readonly isOver: boolean;
  readonly tookMs: number;
}

export interface CrawlOptions {
  readonly self: PeerId;
  readonly own: () => Peeked;
  readonly links: Iterable<PeerId>;
  /** Peers to go to at most: 20,000 by default. */
  readonly most?: number;
}

interface Named {
  readonly by: PeerKey;
  tries: number;
}

/** One walk. */
export class Crawl {
  private readonly self: PeerKey;
  private readonly begunAt: Instant;
  private readonly most: number;
  private readonly own: () => Peeked;
  /** Everybody who was named, asked or not. */
  private readonly named = new Map<PeerKey, Named>();
  /** Who is to be asked, in the order in which they were named. */
  private readonly queue = new Outbox<PeerKey>();
  /** When whom was asked. */
  private readonly underWay = new Map<PeerKey, Instant>();
  private readonly answers = new Map<PeerKey, CrawledPeer>();
  private readonly silent = new Set<PeerKey>();
  private isSecondLook = false;
  private isCut = false;
  private endedAt: Instant | undefined;

  /** Begins with our own view, and goes on with `links`. */
  constructor(o: CrawlOptions, now: Instant) {
    this.self = peerKey(o.self);
    this.own = o.own;
    this.begunAt = now;
    this.most = o.most ?? CRAWLED_MAX;
    this.named.set(this.self, { by: this.self, tries: 1 });
    this.take(this.self, o.own(), undefined);
    for (const id of o.links) this.name(peerKey(id), this.self);
  }

  /** The next peer to ask; `undefined` while enough are under way, and when nobody is left: the walk is over then. */
  next(now: Instant): PeerId | undefined {
    if (this.isOver || this.underWay.size >= AT_ONCE) return undefined;
    if (this.queue.isEmpty && this.underWay.size === 0 && !this.isSecondLook) this.lookAgain();
    const peer = this.queue.poll();
    if (peer !== undefined) {
      this.underWay.set(peer, now);
      return peerIdFromKey(peer);
    }
    if (this.underWay.size === 0) this.endedAt = now;
    return undefined;
  }

  /** Takes what `asked` answered; `undefined` when nothing came, or from somebody else. */
  answered(asked: PeerId, view: Peeked | undefined, now: Instant): void {
    const peer = peerKey(asked);
    const askedAt = this.underWay.get(peer);
    if (askedAt === undefined || !this.underWay.delete(peer)) return;
    if (view !== undefined) this.take(peer, view, now - askedAt);
    else if ((this.named.get(peer)?.tries ?? TRIES) < TRIES) this.ask(peer);
    else {
      this.answers.delete(peer);
      this.silent.add(peer);
    }
  }

  /** Ends a walk that takes too long. */
  tick(now: Instant): void {
    if (this.isOver || now < this.giveUpAt) return;
    this.isCut = true;
    this.endedAt = now;
  }

  get giveUpAt(): Instant {
    return this.begunAt + CRAWL_MS;
  }

  get isOver(): boolean {
    return this.endedAt !== undefined;
  }

  /** How many have answered. */
  get count(): number {
    return this.answers.size;
  }

  report(now: Instant): CrawlReport {
    const peers = this.inOrder();
    const inconsistencies = this.isOver ? [...this.silences(), ...this.disagreements()] : [];
    const isComplete = this.isOver && !this.isCut && this.silent.size === 0;
    return { peers, inconsistencies, isComplete, isOver: this.isOver, tookMs: (this.endedAt ?? now) - this.begunAt };
  }

  private take(peer: PeerKey, view: Peeked, rttMs: number | undefined): void {
    this.silent.delete(peer);
    const { hostKind, isResting, links, records } = view;
    const successors = view.successors.map(peerKey);
    const predecessors = view.predecessors.map(peerKey);
    this.answers.set(peer, { peer, hostKind, isResting, links, records, successors, predecessors, rttMs });
    for (const named of [...successors, ...predecessors]) this.name(named, peer);
  }

  private name(peer: PeerKey, by: PeerKey): void {
    if (this.named.has(peer)) return;
    if (this.named.size >= this.most) {
      this.isCut = true;
      return;
    }
    this.named.set(peer, { by, tries: 0 });
    this.ask(peer);
  }

  private ask(peer: PeerKey): void {
    const entry = this.named.get(peer);
    if (entry !== undefined) entry.tries++;
    this.queue.push(peer);
  }

  /** Who takes part in a disagreement, and who is silent, is asked once more. */
  private lookAgain(): void {
    this.isSecondLook = true;
    this.take(this.self, this.own(), undefined);
    const again = new Set(this.silent);
    for (const { at, expected } of this.disagreements()) again.add(at).add(expected);
    again.delete(this.self);
    this.silent.clear();
    for (const peer of again) {
      const entry = this.named.get(peer);
      if (entry !== undefined) entry.tries = TRIES - 1;
      this.ask(peer);
    }
  }

  private inOrder(): CrawledPeer[] {
    return [...this.answers.values()].sort((a, b) => (a.peer < b.peer ? -1 : 1));
  }

  private silences(): Inconsistency[] {
    return [...this.silent].map(at => ({
      kind: 'silent',
      at,
      expected: this.named.get(at)?.by ?? at,
      found: undefined,
    }));
  }

  private disagreements(): Inconsistency[] {
    const ring = this.inOrder();
    const found: Inconsistency[] = [];
    ring.forEach((each, i) => {
      for (let n = 1; n <= COMPARED; n++) {
        const after = ring[(i + n) % ring.length] as CrawledPeer;
        const before = ring[(((i - n) % ring.length) + ring.length) % ring.length] as CrawledPeer;
        const kinds = n === 1 ? (['successor', 'predecessor'] as const) : SECOND;
        found.push(...this.compare(each, kinds[0], after.peer, each.successors, n));
        found.push(...this.compare(each, kinds[1], before.peer, each.predecessors, n));
      }
    });
    return found;
  }

  /** Whether the n-th of those whom a peer names, leaving out the silent ones, is who sits there. */
  private compare(
    { peer: at }: CrawledPeer,
    kind: Inconsistency['kind'],
    expected: PeerKey,
    named: readonly PeerKey[],
    n: number,
  ): Inconsistency[] {
    if (n >= this.answers.size) return [];
    const found = named.filter(key => !this.silent.has(key))[n - 1];
    return found === expected ? [] : [{ kind, at, expected, found }];
  }
}

const SECOND = ['second-successor', 'second-predecessor'] as const;

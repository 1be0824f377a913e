/**
 * What a peer knows of the ring: its links, and the ids that each of them is
 * linked to (Symphony's one-hop lookahead). Not here: the choice of a next hop
 * (`next-hop.ts`), and whom to link to (`upkeep.ts`).
 * Source: P1 II-A, P2 3; overlay.md "Peer ids and the ring".
 */
import { type Instant, sameBytes } from '@warren/base';
import { compareDistance, fraction, type PeerId, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';
import { FOUND } from './namers.ts';
import { type HopOptions, nextHop, type Reach } from './next-hop.ts';
import { ONWARD, Places, SLOTS_MAX } from './places.ts';
import { estimatePeers, NAMED_NEAR_PER_SIDE, NEAR_PER_SIDE, predecessors, successors } from './ring.ts';
import { judged, SCORE_START } from './scores.ts';

/** Ids found but not linked are remembered for so long. */
const FOUND_MS = 60_000;
const FOUND_MAX = 64;
/** Of the near links on one side we want so many on one neighbour's word: another's always has a place. */
const NAMED_PER_SIDE = NEAR_PER_SIDE - 1;
const ANYHOW: HopOptions = {};

/** One link as routing sees it. */
export interface Neighbour {
  readonly key: PeerKey;
  readonly id: PeerId;
  readonly slot: number;
  /** How requests through it fared, 0 to 1. */
  score: number;
  /** Measured by ourselves; `undefined` until then. */
  rttMs: number | undefined;
  /** It wants to be chosen last for duties. */
  isResting: boolean;
  /** We asked for this link, so it is ours to let go. */
  isOurs: boolean;
  /** How many ids its last list had. */
  knownCount: number;
  /** Of its last list; `undefined` before the first. */
  digest: number | undefined;
  /** When it was last told our list. */
  toldAt: Instant;
  readonly since: Instant;
  /** Since when neither end has a use for the link; `undefined` while one has. */
  idleSince: Instant | undefined;
}

/** The routing table of one overlay. */
export class Table {
  readonly self: PeerId;
  readonly neighbours = new Map<PeerKey, Neighbour>();
  /** Links from which nothing comes back just now: others are taken where there are any. */
  readonly doubtful = new Set<PeerKey>();
  private readonly reach: Reach & { fromSlot: number; readonly slots: (Neighbour | undefined)[] };
  private readonly places = new Places();
  /** What `near` answers, until links change. */
  private nearLinks: ReadonlyMap<PeerKey, PeerId> | undefined;
  private readonly found = new Map<PeerKey, { id: PeerId; until: Instant }>();

  constructor(self: PeerId) {
    this.self = self;
    this.reach = {
      self,
      selfAt: fraction(self),
      places: this.places,
      doubtful: this.doubtful,
      slots: [],
      fromSlot: -1,
    };
  }

  /** Adds a link; false when it is there already or the key is none. */
  add(key: PeerKey, now: Instant = 0, isOurs = false): boolean {
    const id = peerIdFromKey(key);
    const { slots } = this.reach;
    const free = slots.indexOf(undefined);
    const slot = free < 0 ? slots.length : free;
    if (id === undefined || this.neighbours.has(key) || slot >= SLOTS_MAX) return false;
    // One literal, no spreads: a simulator holds a million of these.
    const neighbour: Neighbour = {
      key,
      id,
      slot,
      score: SCORE_START,
      rttMs: undefined,
      isResting: false,
      isOurs,
      knownCount: 0,
      digest: undefined,
      toldAt: Number.NEGATIVE_INFINITY,
      since: now,
      idleSince: undefined,
    };
    slots[slot] = neighbour;
    this.neighbours.set(key, neighbour);
    this.found.delete(key);
    this.places.add(id, slot);
    this.nearLinks = undefined;
    return true;
  }

  /**
   * Takes over a neighbour's list of links; false when it says nothing new. `named` hears of ids that were not in it
   * before.
   */
  learn(neighbour: Neighbour, ids: readonly PeerId[], named: (id: PeerId) => void = () => {}): boolean {
    const others = ids.filter(id => !sameBytes(id, this.self) && !sameBytes(id, neighbour.id));
    const via = neighbour.slot | ONWARD;
    let isNews = this.places.retain(via, others) > 0;
    for (const id of others) {
      if (!this.places.add(id, via)) continue;
      isNews = true;
      named(id);
    }
    neighbour.knownCount = others.length;
    return isNews;
  }

  /**
   * Ends a link, and what it said and we found of that peer; false when there was none. What others say of it stays:
   * perhaps only our way to it is cut, and theirs leads there.
   */
  remove(key: PeerKey): boolean {
    this.found.delete(key);
    const neighbour = this.neighbours.get(key);
    if (neighbour === undefined) return false;
    this.neighbours.delete(key);
    this.doubtful.delete(key);
    this.places.retain(neighbour.slot, []);
    this.places.retain(neighbour.slot | ONWARD, []);
    this.reach.slots[neighbour.slot] = undefined;
    this.nearLinks = undefined;
    return true;
  }

  /**
   * Chooses the neighbour through which a datagram comes strictly closer to
   * `target`, looking one link ahead. Undefined when we are the closest peer we
   * know. Never towards `from`, whence it came, nor through any of `avoid`; `notTarget` skips
   * the target itself, for finding who sits beside it.
   */
  nextHop(target: PeerId, o: HopOptions = ANYHOW): PeerKey | undefined {
    const { reach } = this;
    reach.fromSlot = o.from === undefined ? -1 : (this.neighbours.get(o.from)?.slot ?? -1);
    return nextHop(reach, target, o)?.key;
  }

  /** Takes note of whether a request through a link was answered. */
  judge(key: PeerKey, isAnswered: boolean): void {
    const neighbour = this.neighbours.get(key);
    if (neighbour !== undefined) neighbour.score = judged(neighbour.score, isAnswered);
  }

  /** Takes note of ids that somebody named, for a minute. */
  find(ids: readonly PeerId[], now: Instant): void {
    for (const id of ids) {
      if (sameBytes(id, this.self) || this.isKnown(id)) continue;
      const key = peerKey(id);
      this.found.delete(key);
      const [oldest] = this.found.keys();
      if (this.found.size >= FOUND_MAX && oldest !== undefined) this.found.delete(oldest);
      this.found.set(key, { id, until: now + FOUND_MS });
    }
  }

  /** Forgets what was found of a peer that cannot be reached. */
  forget(key: PeerKey): void {
    this.found.delete(key);
  }

  /** Drops what was found too long ago. */
  expire(now: Instant): void {
    for (const [key, entry] of this.found) if (entry.until <= now) this.found.delete(key);
  }

  /** Whether a link of ours, or one of its links, leads to this id. */
  isKnown(id: PeerId): boolean {
    const i = this.places.firstFrom(id);
    return i < this.places.count && this.places.isAt(i, id);
  }

  /** All that we know of, without us: links, their lists, and what was found lately. */
  allIds(): Map<PeerKey, PeerId> {
    const ids = new Map<PeerKey, PeerId>();
    for (const id of this.walk(this.self, 1, Number.POSITIVE_INFINITY)) ids.set(peerKey(id), id);
    for (const [key, { id }] of this.found) ids.set(key, id);
    return ids;
  }

  /**
   * Who should be our near links among all that may be reached and that somebody names who `counts` (`FOUND`: our own
   * searches), nearest first on each side, links among them. No namer fills a side alone.
   */
  wanted(mayReach: (key: PeerKey) => boolean, counts: (namer: PeerKey) => boolean): PeerId[] {
    const after = this.walk(this.self, 1, NEAR_PER_SIDE, this.wantedBy(mayReach, counts));
    const before = this.walk(this.self, -1, NEAR_PER_SIDE, this.wantedBy(mayReach, counts));
    if (this.found.size === 0 || !counts(FOUND)) return [...after, ...before];
    const found = [...this.found].flatMap(([key, { id }]) => (mayReach(key) ? [id] : []));
    const nearest = [
      ...successors(this.self, found, NAMED_PER_SIDE),
      ...predecessors(this.self, found, NAMED_PER_SIDE),
    ];
    const ids = new Map([...after, ...before, ...nearest].map(id => [peerKey(id), id]));
    return bothSides(this.self, [...ids.values()]);
  }

  /** On whose word we know of a peer that we have no link to. */
  namersOf(id: PeerId): PeerKey[] {
    const namers: PeerKey[] = this.found.has(peerKey(id)) ? [FOUND] : [];
    const start = this.places.firstFrom(id);
    if (start >= this.places.count || !this.places.isAt(start, id)) return namers;
    for (const { key } of this.waysTo(start)) namers.push(key);
    return namers;
  }

  /** The ids known nearest to a position on each side, at most `each`; without us. */
  around(position: PeerId, each: number): PeerId[] {
    const ids = [...this.walk(position, 1, each), ...this.walk(position, -1, each)];
    const own = this.places.firstFrom(position);
    if (own < this.places.count && this.places.isAt(own, position)) ids.push(this.places.idAt(own));
    return ids;
  }

  /** The near links that we have. */
  near(): ReadonlyMap<PeerKey, PeerId> {
    if (this.nearLinks === undefined) {
      const isLink = (i: number) => (this.places.via[i] as number) < ONWARD;
      const after = this.walk(this.self, 1, NEAR_PER_SIDE, isLink);
      const before = this.walk(this.self, -1, NEAR_PER_SIDE, isLink);
      const keys = [...after, ...before].map(peerKey);
      // The links' own strings and bytes, not copies.
      this.nearLinks = new Map(keys.flatMap(key => this.neighbours.get(key) ?? []).map(({ key, id }) => [key, id]));
    }
    return this.nearLinks;
  }

  /** N, from the span of the near links. */
  get estimatedPeers(): number {
    return estimatePeers(this.self, [...this.near().values()]);
  }

  /**
   * N as it may well be at the least: by the near links, or by whom they name, if that is fewer. More spacings measure
   * better, but neighbours may name whom they like; they cannot make it more than our own links say.
   */
  get fewestPeers(): number {
    const each = NAMED_NEAR_PER_SIDE;
    const named = [...this.walk(this.self, 1, each), ...this.walk(this.self, -1, each)];
    return Math.min(this.estimatedPeers, estimatePeers(this.self, named, each));
  }

  /** The keys of the nearest links on each side, `each` of them, leaving out one peer. */
  beside(each: number, except: PeerId): PeerKey[] {
    const isOther = (i: number) => (this.places.via[i] as number) < ONWARD && !this.places.isAt(i, except);
    const ids = [...this.walk(this.self, 1, each, isOther), ...this.walk(this.self, -1, each, isOther)];
    return [...new Set(ids.map(peerKey))];
  }

  /** Whether fewer than `count` of all whom we know of are nearer to a position than we are. */
  isAmongNearest(position: PeerId, count: number): boolean {
    const nearer = this.around(position, count).filter(id => compareDistance(position, id, this.self) < 0);
    return nearer.length < count;
  }

  /** Whether a neighbour, going by its list, needs us as a near one. */
  needsUs(neighbour: Neighbour): boolean {
    return bothSides(neighbour.id, [this.self, ...this.knownOf(neighbour)]).includes(this.self);
  }

  /** To whom a neighbour says it is linked, without us. */
  knownOf({ slot }: Neighbour): PeerId[] {
    const { via, count } = this.places;
    const ids: PeerId[] = [];
    for (let i = 0; i < count; i++) if (via[i] === (slot | ONWARD)) ids.push(this.places.idAt(i));
    return ids;
  }

  /** Takes links, and what may be reached while one of its namers has a share of this side left. */
  private wantedBy(mayReach: (key: PeerKey) => boolean, counts: (namer: PeerKey) => boolean): (i: number) => boolean {
    const taken = new Map<Neighbour, number>();
    return start => {
      if ((this.places.via[start] as number) < ONWARD) return true;
      const isOpen = (namer: Neighbour) => (taken.get(namer) ?? 0) < NAMED_PER_SIDE && counts(namer.key);
      const namer = this.waysTo(start).find(isOpen);
      if (namer === undefined || !mayReach(peerKey(this.places.idAt(start)))) return false;
      taken.set(namer, (taken.get(namer) ?? 0) + 1);
      return true;
    };
  }

  /** The links that lead to the id of an entry, the first of its kind. */
  private waysTo(start: number): Neighbour[] {
    const ways: Neighbour[] = [];
    const end = this.places.groupEnd(start);
    for (let i = start; i < end; i++) {
      const link = this.reach.slots[(this.places.via[i] as number) & ~ONWARD];
      if (link !== undefined) ways.push(link);
    }
    return ways;
  }

  /** Ids met going round from a position, which is left out itself, as are we; at most `most`, once round. */
  private walk(from: PeerId, step: 1 | -1, most: number, accept: (i: number) => boolean = () => true): PeerId[] {
    const { places } = this;
    const ids: PeerId[] = [];
    let i = places.firstFrom(from);
    if (step < 0) i--;
    for (let seen = 0; seen < places.count && ids.length < most; ) {
      if (i >= places.count) i = 0;
      if (i < 0) i = places.count - 1;
      const start = step > 0 ? i : places.groupStart(i);
      const end = step > 0 ? places.groupEnd(i) : i + 1;
      const isLeftOut = places.isAt(start, from) || places.isAt(start, this.self);
      if (!isLeftOut && accept(start)) ids.push(places.idAt(start));
      seen += end - start;
      i = step > 0 ? end : start - 1;
    }
    return ids;
  }
}

function bothSides(of: PeerId, ids: readonly PeerId[]): PeerId[] {
  return [...successors(of, ids), ...predecessors(of, ids)];
}

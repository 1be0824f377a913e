/**
 * What a peer knows of the ring: its links, and the ids that each of them is
 * linked to (Symphony's one-hop lookahead). Chooses next hops greedily on the
 * shorter way round. Source: P1 II-A, P2 3; overlay.md "Peer ids and the ring".
 */
import { type Instant, sameBytes } from '@warren/base';
import { compareDistance, fraction, type PeerId, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';
import { predecessors, successors } from './ring.ts';

/** Ids found but not linked are remembered for so long. */
const FOUND_MS = 60_000;
const FOUND_MAX = 256;
/** Distances that differ by more than this share of the ring need not be compared in full. */
const FRACTION_ERROR = 2 ** -48;

/** One neighbour as routing sees it. */
export interface Neighbour {
  readonly key: PeerKey;
  readonly id: PeerId;
  /** To whom it says it is linked, without us. */
  known: Map<PeerKey, PeerId>;
}

/** One id that can be reached, and through which links. */
interface Place {
  readonly key: PeerKey;
  readonly id: PeerId;
  /** As a fraction of the ring. */
  readonly at: number;
  /** Links whose other end is linked to it; its own, when there is one. */
  readonly via: Set<PeerKey>;
}

/** How the choice of a next hop is restricted. */
export interface HopOptions {
  /** Whence the datagram came. */
  readonly from?: PeerKey;
  readonly avoid?: ReadonlySet<PeerKey>;
  readonly notTarget?: boolean;
}

/** The routing table of one overlay. */
export class Table {
  readonly self: PeerId;
  readonly neighbours = new Map<PeerKey, Neighbour>();
  private readonly places = new Map<PeerKey, Place>();
  /** What `near` answers, until links change. */
  private nearLinks: ReadonlyMap<PeerKey, PeerId> | undefined;
  private readonly found = new Map<PeerKey, { id: PeerId; until: Instant }>();

  constructor(self: PeerId) {
    this.self = self;
  }

  /** Adds a link; false when it is there already or the key is none. */
  add(key: PeerKey): boolean {
    const id = peerIdFromKey(key);
    if (id === undefined || this.neighbours.has(key)) return false;
    this.neighbours.set(key, { key, id, known: new Map() });
    this.place(key, id, key);
    this.nearLinks = undefined;
    return true;
  }

  /** Takes over a neighbour's list of links; false when it says nothing new. */
  learn(neighbour: Neighbour, ids: readonly PeerId[]): boolean {
    const known = new Map(ids.map(id => [peerKey(id), id]));
    known.delete(peerKey(this.self));
    const isNews = known.size !== neighbour.known.size || [...known.keys()].some(key => !neighbour.known.has(key));
    for (const old of neighbour.known.keys()) if (!known.has(old)) this.unplace(old, neighbour.key);
    for (const [key, id] of known) this.place(key, id, neighbour.key);
    neighbour.known = known;
    return isNews;
  }

  /**
   * Ends a link, and what it said and we found of that peer; false when there was none. What others say of it stays:
   * perhaps only our way to it is cut, and theirs leads there.
   */
  remove(key: PeerKey): boolean {
    this.found.delete(key);
    for (const known of this.neighbours.get(key)?.known.keys() ?? []) this.unplace(known, key);
    if (!this.neighbours.delete(key)) return false;
    this.unplace(key, key);
    this.nearLinks = undefined;
    return true;
  }

  /**
   * Chooses the neighbour through which a datagram comes strictly closer to
   * `target`, looking one link ahead. Undefined when we are the closest peer we
   * know. Never towards `from`, whence it came, nor through any of `avoid`; `notTarget` skips
   * the target itself, for finding who sits beside it.
   */
  nextHop(target: PeerId, o: HopOptions = {}): PeerKey | undefined {
    const targetAt = fraction(target);
    const mayBeAnybody = o.notTarget === true && sameBytes(target, this.self);
    let best = mayBeAnybody ? undefined : { id: this.self, far: apart(fraction(this.self), targetAt) };
    let hop: PeerKey | undefined;
    for (const place of this.places.values()) {
      const far = apart(place.at, targetAt);
      if (place.key === o.from || (best !== undefined && far > best.far + FRACTION_ERROR)) continue;
      if (o.notTarget && sameBytes(place.id, target)) continue;
      if (best !== undefined && compareDistance(target, place.id, best.id) >= 0) continue;
      const through = wayTo(place, o);
      if (through === undefined) continue;
      best = { id: place.id, far };
      hop = through;
    }
    return hop;
  }

  /** Takes note of ids that somebody named, for a minute. */
  find(ids: readonly PeerId[], now: Instant): void {
    for (const id of ids) {
      const key = peerKey(id);
      if (this.found.has(key) || this.found.size < FOUND_MAX) this.found.set(key, { id, until: now + FOUND_MS });
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

  /** All that we know of, without us: links, their lists, and what was found lately. */
  allIds(): Map<PeerKey, PeerId> {
    const ids = new Map<PeerKey, PeerId>();
    for (const { key, id } of this.places.values()) ids.set(key, id);
    for (const [key, { id }] of this.found) ids.set(key, id);
    ids.delete(peerKey(this.self));
    return ids;
  }

  /** The near links that we have. */
  near(): ReadonlyMap<PeerKey, PeerId> {
    const ids = () => [...this.neighbours.values()].map(neighbour => neighbour.id);
    this.nearLinks ??= new Map(bothSides(this.self, ids()).map(id => [peerKey(id), id]));
    return this.nearLinks;
  }

  private place(key: PeerKey, id: PeerId, via: PeerKey): void {
    const place = this.places.get(key) ?? { key, id, at: fraction(id), via: new Set() };
    place.via.add(via);
    this.places.set(key, place);
  }

  private unplace(key: PeerKey, via: PeerKey): void {
    const place = this.places.get(key);
    place?.via.delete(via);
    if (place?.via.size === 0) this.places.delete(key);
  }

  /** Links that neither end needs as a near one, going by what neighbours said; newest last. */
  spare(): Neighbour[] {
    const near = this.near();
    const needsUs = ({ id, known }: Neighbour) => bothSides(id, [this.self, ...known.values()]).includes(this.self);
    return [...this.neighbours.values()].filter(each => !near.has(each.key) && !needsUs(each));
  }
}

/** The link that leads to a place, its own before others; `undefined` when none may be taken. */
function wayTo({ key, via }: Place, { from, avoid }: HopOptions): PeerKey | undefined {
  const mayTake = (hop: PeerKey) => hop !== from && !avoid?.has(hop);
  if (via.has(key) && mayTake(key)) return key;
  for (const hop of via) if (mayTake(hop)) return hop;
  return undefined;
}

/** The shorter way between two fractions of the ring. */
function apart(a: number, b: number): number {
  const distance = Math.abs(a - b);
  return Math.min(distance, 1 - distance);
}

function bothSides(of: PeerId, ids: readonly PeerId[]): PeerId[] {
  return [...successors(of, ids), ...predecessors(of, ids)];
}

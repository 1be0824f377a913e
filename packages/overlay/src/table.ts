/**
 * What a peer knows of the ring: its links, and the ids that each of them is
 * linked to (Symphony's one-hop lookahead). Chooses next hops greedily on the
 * shorter way round. Source: P1 II-A, P2 3; overlay.md "Peer ids and the ring".
 */
import type { Instant } from '@warren/base';
import { compareDistance, type PeerId, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';
import { predecessors, successors } from './ring.ts';

/** Ids found but not linked are remembered for so long. */
const FOUND_MS = 60_000;
const FOUND_MAX = 256;

/** One neighbour as routing sees it. */
export interface Neighbour {
  readonly key: PeerKey;
  readonly id: PeerId;
  /** To whom it says it is linked, without us. */
  known: Map<PeerKey, PeerId>;
}

/** The routing table of one overlay. */
export class Table {
  readonly self: PeerId;
  readonly neighbours = new Map<PeerKey, Neighbour>();
  private readonly found = new Map<PeerKey, { id: PeerId; until: Instant }>();

  constructor(self: PeerId) {
    this.self = self;
  }

  /** Adds a link; false when it is there already or the key is none. */
  add(key: PeerKey): boolean {
    const id = peerIdFromKey(key);
    if (id === undefined || this.neighbours.has(key)) return false;
    this.neighbours.set(key, { key, id, known: new Map() });
    return true;
  }

  /** Takes over a neighbour's list of links; false when it says nothing new. */
  learn(neighbour: Neighbour, ids: readonly PeerId[]): boolean {
    const known = new Map(ids.map(id => [peerKey(id), id]));
    known.delete(peerKey(this.self));
    const isNews = known.size !== neighbour.known.size || [...known.keys()].some(key => !neighbour.known.has(key));
    neighbour.known = known;
    return isNews;
  }

  /** Ends a link, and what others said and we found of that peer; false when there was none. */
  remove(key: PeerKey): boolean {
    this.found.delete(key);
    if (!this.neighbours.delete(key)) return false;
    for (const neighbour of this.neighbours.values()) neighbour.known.delete(key);
    return true;
  }

  /**
   * Chooses the neighbour through which a datagram comes strictly closer to
   * `target`, looking one link ahead. Undefined when we are the closest peer we
   * know. Never towards `from`, whence it came, nor through any of `avoid`; `notTarget` skips
   * the target itself, for finding who sits beside it.
   */
  nextHop(
    target: PeerId,
    o: { from?: PeerKey; avoid?: ReadonlySet<PeerKey>; notTarget?: boolean } = {},
  ): PeerKey | undefined {
    let bestKey: PeerKey | undefined;
    let bestId = this.self;
    let bestIsDirect = true;
    const skipsSelf = o.notTarget === true && compareDistance(target, this.self, target) === 0;
    for (const neighbour of this.neighbours.values()) {
      if (neighbour.key === o.from || o.avoid?.has(neighbour.key)) continue;
      const isDirect = (id: PeerId) => id === neighbour.id;
      for (const [key, id] of [[neighbour.key, neighbour.id] as const, ...neighbour.known]) {
        if (key === o.from) continue;
        if (o.notTarget && compareDistance(target, id, target) === 0) continue;
        const better = bestKey === undefined && skipsSelf ? -1 : compareDistance(target, id, bestId);
        if (better < 0 || (better === 0 && bestKey !== undefined && !bestIsDirect && isDirect(id))) {
          bestKey = neighbour.key;
          bestId = id;
          bestIsDirect = isDirect(id);
        }
      }
    }
    return bestKey;
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
    for (const { key, id, known } of this.neighbours.values()) {
      ids.set(key, id);
      for (const [other, otherId] of known) ids.set(other, otherId);
    }
    for (const [key, { id }] of this.found) ids.set(key, id);
    ids.delete(peerKey(this.self));
    return ids;
  }

  /** The near links that we have. */
  near(): Map<PeerKey, PeerId> {
    const ids = [...this.neighbours.values()].map(neighbour => neighbour.id);
    return new Map(bothSides(this.self, ids).map(id => [peerKey(id), id]));
  }

  /** Links that neither end needs as a near one, going by what neighbours said; newest last. */
  spare(): Neighbour[] {
    const near = this.near();
    const needsUs = ({ id, known }: Neighbour) => bothSides(id, [this.self, ...known.values()]).includes(this.self);
    return [...this.neighbours.values()].filter(each => !near.has(each.key) && !needsUs(each));
  }
}

function bothSides(of: PeerId, ids: readonly PeerId[]): PeerId[] {
  return [...successors(of, ids), ...predecessors(of, ids)];
}

/**
 * What a peer knows of the ring: its links, and the ids that each of them is
 * linked to (Symphony's one-hop lookahead). Chooses next hops greedily on the
 * shorter way round. Source: P1 II-A, P2 3; overlay.md "Peer ids and the ring".
 */
import type { Instant } from '@warren/base';
import { type PeerId, type PeerKey, compareDistance, peerIdFromKey } from '@warren/wire';

/** One neighbour as routing sees it. */
export interface Neighbour {
  readonly key: PeerKey;
  readonly id: PeerId;
  readonly since: Instant;
  /** Whose links it told us of, newest statement. */
  known: readonly PeerId[];
}

/** The routing table of one overlay. */
export class Table {
  readonly self: PeerId;
  readonly neighbours = new Map<PeerKey, Neighbour>();

  constructor(self: PeerId) {
    this.self = self;
  }

  add(key: PeerKey, now: Instant): Neighbour | undefined {
    const id = peerIdFromKey(key);
    if (id === undefined || this.neighbours.has(key)) return undefined;
    const neighbour: Neighbour = { key, id, since: now, known: [] };
    this.neighbours.set(key, neighbour);
    return neighbour;
  }

  remove(key: PeerKey): boolean {
    return this.neighbours.delete(key);
  }

  /**
   * Chooses the neighbour through which a datagram comes strictly closer to
   * `target`, looking one link ahead. Undefined when we are the closest peer we
   * know. Never `from`, whence it came, nor any of `avoid`; `notTarget` skips
   * the target itself, for finding who sits beside it.
   */
  nextHop(target: PeerId, o: { from?: PeerKey; avoid?: ReadonlySet<PeerKey>; notTarget?: boolean } = {}): PeerKey | undefined {
    let bestKey: PeerKey | undefined;
    let bestId = this.self;
    let bestIsDirect = true;
    const skipsSelf = o.notTarget === true && compareDistance(target, this.self, target) === 0;
    for (const neighbour of this.neighbours.values()) {
      if (neighbour.key === o.from || o.avoid?.has(neighbour.key)) continue;
      const isDirect = (id: PeerId) => id === neighbour.id;
      for (const id of [neighbour.id, ...neighbour.known]) {
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

  /** All ids known from links and lookahead, without our own and without repeats. */
  knownIds(): Map<PeerKey, PeerId> {
    const known = new Map<PeerKey, PeerId>();
    for (const neighbour of this.neighbours.values()) known.set(neighbour.key, neighbour.id);
    return known;
  }
}

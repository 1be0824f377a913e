/**
 * Who holds what near us: the nearest peer to a place, and one neighbour on
 * each side of it (overlay.md "DHT"). Knows only the peers right beside us, which
 * is enough: of other places somebody else is the holder.
 */
import {
  addIds,
  clockwise,
  compareDistance,
  fraction,
  idAtFraction,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  peerKey,
} from '@warren/wire';

/** Neighbours that count on each side: P1 II-A's near links. */
const PER_SIDE = 3;
/** Assumed share of the ring between two peers while we know nobody. */
const WHOLE = 0.5;

interface Spot {
  readonly key: PeerKey;
  readonly id: PeerId;
}

/** How the peers right beside us changed. */
export interface RegionChange {
  readonly gone: readonly PeerKey[];
  /** Whether nobody of those before is left: we come to a stretch of the ring whose records we need not have. */
  readonly isFresh: boolean;
}

/** Our stretch of the ring. */
export class Region {
  private readonly self: Spot;
  /** In ring order, beginning with ourselves. */
  private spots: readonly Spot[];

  constructor(self: PeerId) {
    this.self = { key: peerKey(self), id: self };
    this.spots = [this.self];
  }

  /** Takes over whom we are linked to. Says who right beside us came and who went; `undefined` when nothing changed. */
  set(neighbours: Iterable<PeerKey>): RegionChange | undefined {
    const all: Spot[] = [];
    for (const key of neighbours) {
      const id = peerIdFromKey(key);
      if (id !== undefined && key !== this.self.key) all.push({ key, id });
    }
    const order = all
      .map(spot => ({ spot, at: clockwise(this.self.id, spot.id) }))
      .sort((a, b) => compareKeys(peerKey(a.at), peerKey(b.at)))
      .map(({ spot }) => spot);
    const near = order.filter((_, i) => i < PER_SIDE || i >= order.length - PER_SIDE);
    const before = this.keys();
    this.spots = [this.self, ...near];
    const after = this.keys();
    if (after.join() === before.join()) return undefined;
    const gone = before.filter(key => !after.includes(key));
    return { gone, isFresh: after.length > 0 && gone.length === before.length };
  }

  /** Whether a neighbour is right beside us. */
  has(key: PeerKey): boolean {
    return this.spots.some((spot, i) => i > 0 && spot.key === key);
  }

  /** The peers that should hold a place as far as we know, the nearest first; one when the nearest is not beside us. */
  holders(position: PeerId): PeerKey[] {
    const { spots } = this;
    let nearest = 0;
    for (let i = 1; i < spots.length; i++) {
      if (compareDistance(position, (spots[i] as Spot).id, (spots[nearest] as Spot).id) < 0) nearest = i;
    }
    const at = (i: number) => (spots[(i + spots.length) % spots.length] as Spot).key;
    const isBesideUs = nearest <= 1 || nearest === spots.length - 1;
    return isBesideUs ? [...new Set([at(nearest), at(nearest + 1), at(nearest - 1)])] : [at(nearest)];
  }

  /** How many peers beside us are nearer to a place than we are: 0 when we are its nearest. */
  rank(position: PeerId): number {
    return this.spots.filter(({ id }) => compareDistance(position, id, this.self.id) < 0).length;
  }

  /** Who holds a place once we are gone; `undefined` when nobody is there. */
  heir(position: PeerId): PeerId | undefined {
    const others = this.spots.slice(1);
    return others.sort((a, b) => compareDistance(position, a.id, b.id))[0]?.id;
  }

  /** A point about one peer further on than `position`, where a neighbour of its nearest peer sits. */
  beside(position: PeerId, side: 1 | -1): PeerId {
    const step = idAtFraction(this.spacing());
    return side > 0 ? addIds(position, step) : clockwise(step, position);
  }

  /** The usual share of the ring between two peers. */
  private spacing(): number {
    const { spots } = this;
    if (spots.length === 1) return WHOLE;
    const last = spots[Math.min(PER_SIDE, spots.length - 1)] as Spot;
    const first = spots[Math.max(1, spots.length - PER_SIDE)] as Spot;
    if (spots.length < 1 + 2 * PER_SIDE) return 1 / spots.length;
    const span = fraction(clockwise(first.id, this.self.id)) + fraction(clockwise(this.self.id, last.id));
    return Math.min(span / (2 * PER_SIDE), WHOLE);
  }

  /** Who is right beside us, in ring order. */
  private keys(): PeerKey[] {
    return this.spots.slice(1).map(({ key }) => key);
  }

  /** Whether a peer is ourselves. */
  isSelf(key: PeerKey): boolean {
    return key === this.self.key;
  }
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

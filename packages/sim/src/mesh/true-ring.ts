/** The ring as it truly is, seen by nobody in it: what answers and links are compared with. */
import { compareDistance, type PeerId, type PeerKey, peerKey } from '@warren/wire';
import type { MeshPeer } from './mesh-peer.ts';

/** Live peers in order of their ids. */
export class TrueRing {
  readonly peers: readonly MeshPeer[];
  private readonly keys: readonly PeerKey[];

  /** `peers` in any order. */
  constructor(peers: Iterable<MeshPeer>) {
    this.peers = [...peers].sort((a, b) => (a.key < b.key ? -1 : 1));
    this.keys = this.peers.map(peer => peer.key);
  }

  /** The peer `steps` places clockwise of the `i`-th; `i` may be beyond either end. */
  at(i: number): MeshPeer {
    const { length } = this.peers;
    return this.peers[((i % length) + length) % length] as MeshPeer;
  }

  /** How many peers have smaller ids. */
  rank(key: PeerKey): number {
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.keys[middle] as PeerKey) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whoever is nearest to a place, ties to the smaller id; `undefined` on an empty ring. */
  nearest(target: PeerId): MeshPeer | undefined {
    if (this.peers.length === 0) return undefined;
    const rank = this.rank(peerKey(target));
    const [before, after] = [this.at(rank - 1), this.at(rank)];
    return compareDistance(target, before.id, after.id) <= 0 ? before : after;
  }

  /** Share of peers, 0 to 1, that are linked to the peer that truly follows them, at both ends. */
  consistency(): number {
    if (this.peers.length < 2) return 1;
    const right = this.peers.filter((peer, i) => areLinked(peer, this.at(i + 1)));
    return right.length / this.peers.length;
  }

  /** Links to the `perSide` true neighbours on each side that are missing, counted at each end. */
  missingNear(perSide = 3): number {
    const count = Math.min(perSide, Math.floor((this.peers.length - 1) / 2));
    let missing = 0;
    this.peers.forEach((peer, i) => {
      for (let step = 1; step <= count; step++) if (!areLinked(peer, this.at(i + step))) missing += 2;
    });
    return missing;
  }
}

/** Whether both ends have the link, in their present lives. */
export function areLinked(a: MeshPeer, b: MeshPeer): boolean {
  return a.links.get(b.key) === b.asNeighbour && b.links.get(a.key) === a.asNeighbour;
}

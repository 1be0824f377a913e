/**
 * Rings to begin with, where joining is not the question: links to the three
 * true neighbours on each side are there, the machines do the rest; or the far
 * links as well, drawn as a machine draws them, for rings too large to wait.
 */
import { type MeshPeer, type MeshWorld, SeededRandom } from '@warren/sim';
import { addIds, idAtFraction } from '@warren/wire';

/** What is there at the beginning. */
export type Beginning = 'near' | 'whole';

const NEAR_PER_SIDE = 3;

/** Adds `size` peers to an empty world and links them; none is a bootstrap node. */
export function growRing(world: MeshWorld, size: number, beginning: Beginning): void {
  for (let i = 0; i < size; i++) world.add();
  const ring = world.ring();
  const random = new SeededRandom(world.seed, 'far links');
  const count = Math.max(4, Math.ceil(0.5 * Math.log2(size)));
  for (let i = 0; i < size; i++) {
    const peer = ring.at(i);
    for (let step = 1; step <= Math.min(NEAR_PER_SIDE, size - 1); step++) world.links.link(peer, ring.at(i + step));
    if (beginning === 'near') continue;
    for (let k = 0; k < count; k++) {
      // Symphony's harmonic draw: N^(u-1) of the ring, clockwise.
      const point = addIds(peer.id, idAtFraction(size ** (random.unit() - 1), random));
      world.links.link(peer, ring.nearest(point) as MeshPeer);
    }
  }
}

/**
 * Who should be whose neighbour: near links on both sides, far links drawn
 * harmonically, and the estimate of N that the draw needs. Pure functions.
 * Source: P1 II-A (near), Symphony's harmonic draw (far), overlay.md.
 */
import { compareBytes, type Random, unit } from '@warren/base';
import { addIds, clockwise, fraction, idAtFraction, type PeerId, ringDistance } from '@warren/wire';

/** Near links on each side. */
export const NEAR_PER_SIDE = 3;
/** An owner is believed within so many mean spacings of its key: see `isPlausibleOwner`. */
const PLAUSIBLE_SPACINGS = 4;
/** Peers on each side whose spacings the second, steadier estimate of N is from: those that near links name. */
export const NAMED_NEAR_PER_SIDE = 8;
/** Least number of far links. */
const FAR_LEAST = 4;

/** The `count` ids that follow `self` clockwise, nearest first. */
export function successors(self: PeerId, ids: Iterable<PeerId>, count = NEAR_PER_SIDE): PeerId[] {
  return nearest(ids, count, id => clockwise(self, id));
}

/** The `count` ids that precede `self`, nearest first. */
export function predecessors(self: PeerId, ids: Iterable<PeerId>, count = NEAR_PER_SIDE): PeerId[] {
  return nearest(ids, count, id => clockwise(id, self));
}

/** How many far links a ring of `peers` wants. */
export function farLinkCount(peers: number): number {
  return Math.max(FAR_LEAST, Math.ceil(0.5 * Math.log2(Math.max(peers, 1))));
}

/**
 * N from the span of the `perSide` nearest of `ids` on each side: so many peers besides us in that share of the ring.
 */
export function estimatePeers(self: PeerId, ids: readonly PeerId[], perSide = NEAR_PER_SIDE): number {
  const after = successors(self, ids, perSide);
  const before = predecessors(self, ids, perSide);
  const last = after.at(-1);
  const first = before.at(-1);
  if (last === undefined || first === undefined) return 1;
  const span = fraction(clockwise(self, last)) + fraction(clockwise(first, self));
  const both = after.length + before.length;
  return span >= 1 || ids.length < 2 * perSide ? ids.length + 1 : Math.max(ids.length + 1, both / span);
}

/**
 * Whether whoever answers for `target` as the nearest may well be it, where peers lie as densely as round ourselves
 * (Castro et al., "Secure routing for structured peer-to-peer overlay networks", 2002: density of neighbours). With
 * `Table.fewestPeers` honest owners are farther away once in 900, and one in 70 for the unluckiest in a hundred, where
 * peers lie close: six spacings alone had one peer in 200 disbelieve every eighth owner, for as long as it stayed. Of
 * those who answer under their own name one anywhere passes with odds of 8 in N. No more than that: the name in an
 * answer is hearsay, so whoever sits on the way may claim to be the owner. It sorts out what is misrouted, and liars
 * who cannot choose a name.
 */
export function isPlausibleOwner(target: PeerId, owner: PeerId, peers: number, o: { readonly rank: number }): boolean {
  return fraction(ringDistance(target, owner)) * peers <= PLAUSIBLE_SPACINGS + o.rank;
}

/** A point at distance 2^160 * N^(u-1) clockwise of `self`, u uniform in [0, 1). */
export function drawFarPoint(self: PeerId, peers: number, random: Random): PeerId {
  return addIds(self, idAtFraction(Math.max(peers, 2) ** (unit(random) - 1), random));
}

/** One pass, as all ids of a table go through here at every change. */
function nearest(ids: Iterable<PeerId>, count: number, distance: (id: PeerId) => PeerId): PeerId[] {
  const chosen: { readonly id: PeerId; readonly distance: PeerId }[] = [];
  for (const id of ids) {
    const entry = { id, distance: distance(id) };
    const last = chosen[count - 1];
    if (last !== undefined && compareBytes(entry.distance, last.distance) >= 0) continue;
    const at = chosen.findIndex(other => compareBytes(entry.distance, other.distance) < 0);
    chosen.splice(at < 0 ? chosen.length : at, 0, entry);
    if (chosen.length > count) chosen.pop();
  }
  return chosen.map(({ id }) => id);
}

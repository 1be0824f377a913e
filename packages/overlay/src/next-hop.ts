/**
 * The next hop: among all that can be reached within two hops, the id nearest
 * to the target on the shorter way round. Goes outwards from the target on both
 * sides, so that few ids are looked at however many there are. Source: P1 II-A;
 * Symphony's one-hop lookahead.
 */
import { sameBytes } from '@warren/base';
import { compareDistance, fraction, type PeerId, type PeerKey } from '@warren/wire';
import { ONWARD, type Places } from './places.ts';
import { isPoor } from './scores.ts';
import type { Neighbour } from './table.ts';

/** Distances that differ by more than this share of the ring need not be compared in full. */
const FRACTION_ERROR = 2 ** -48;

/** How the choice of a next hop is restricted. */
export interface HopOptions {
  /** Whence the datagram came. */
  readonly from?: PeerKey | undefined;
  readonly avoid?: ReadonlySet<PeerKey>;
  readonly notTarget?: boolean;
}

/** What the choice is made from. */
export interface Reach {
  readonly self: PeerId;
  /** `self` as a fraction of the ring. */
  readonly selfAt: number;
  readonly places: Places;
  /** Links from which nothing comes back just now. */
  readonly doubtful: ReadonlySet<PeerKey>;
  /** Links by slot. */
  readonly slots: readonly (Neighbour | undefined)[];
  /** Slot of `from`; -1 when there is none. */
  readonly fromSlot: number;
}

/**
 * The link through which a datagram comes strictly closer to `target`;
 * `undefined` when nobody whom we may take is closer than we are. A link that is
 * in doubt, or through which requests went unanswered, is taken only when no
 * other comes closer than we are.
 */
export function nextHop(reach: Reach, target: PeerId, o: HopOptions): Neighbour | undefined {
  const { places, self } = reach;
  const { count, at } = places;
  const targetAt = fraction(target);
  const ownAway = o.notTarget === true && sameBytes(target, self) ? 2 : apart(reach.selfAt, targetAt);
  let poor: Neighbour | undefined;
  let right = places.firstFrom(target);
  let left = right - 1;
  for (let seen = 0; seen < count; ) {
    if (right >= count) right = 0;
    if (left < 0) left = count - 1;
    const ahead = directed(at[right] as number, targetAt);
    const back = directed(targetAt, at[left] as number);
    const isRight = Math.abs(ahead - back) > FRACTION_ERROR ? ahead < back : isFirst(places, target, right, left);
    const start = isRight ? right : places.groupStart(left);
    const end = isRight ? places.groupEnd(right) : left + 1;
    if (!isCloser(reach, target, start, isRight ? ahead : back, ownAway)) return poor;
    const hop = wayTo(reach, start, end, target, o);
    if (hop !== undefined && isGood(reach, hop, target)) return hop;
    poor ??= hop;
    seen += end - start;
    if (isRight) right = end;
    else left = start - 1;
  }
  return poor;
}

/** From `a` back to `b` as a share of the ring, in [0, 1). */
function directed(a: number, b: number): number {
  return a < b ? a - b + 1 : a - b;
}

/** Whether of two ids that seem equally far the one at `right` goes first. */
function isFirst(places: Places, target: PeerId, right: number, left: number): boolean {
  return compareDistance(target, places.idAt(right), places.idAt(left)) <= 0;
}

/** Whether an entry is nearer to the target than we are. */
function isCloser(reach: Reach, target: PeerId, entry: number, away: number, ownAway: number): boolean {
  const shorter = Math.min(away, 1 - away);
  if (Math.abs(shorter - ownAway) > FRACTION_ERROR) return shorter < ownAway;
  return compareDistance(target, reach.places.idAt(entry), reach.self) < 0;
}

/** Whether a link need not wait for others. Requests that somebody does not pass on may still be for it. */
function isGood({ doubtful }: Reach, hop: Neighbour, target: PeerId): boolean {
  if (doubtful.size > 0 && doubtful.has(hop.key)) return false;
  return !isPoor(hop.score) || sameBytes(hop.id, target);
}

/**
 * The link that leads to one id, given its entries: its own before others unless that is in doubt, then the best score;
 * `undefined` when none may be taken.
 */
function wayTo(reach: Reach, start: number, end: number, target: PeerId, o: HopOptions): Neighbour | undefined {
  const { places, slots, fromSlot } = reach;
  if (places.via[start] === fromSlot) return undefined;
  if (o.notTarget === true && places.isAt(start, target)) return undefined;
  let best: Neighbour | undefined;
  for (let i = start; i < end; i++) {
    const via = places.via[i] as number;
    const slot = via & ~ONWARD;
    const link = slots[slot];
    if (slot === fromSlot || link === undefined || o.avoid?.has(link.key)) continue;
    if (via < ONWARD && !reach.doubtful.has(link.key)) return link;
    if (best === undefined || reach.doubtful.has(best.key) || link.score > best.score) best = link;
  }
  return best;
}

/** The shorter way between two fractions of the ring. */
function apart(a: number, b: number): number {
  const distance = Math.abs(a - b);
  return Math.min(distance, 1 - distance);
}

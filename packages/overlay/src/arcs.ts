/**
 * Arcs of the ring, and how a peer parts one among its links: each link that
 * lies in it answers for what is between itself and the next such link. So
 * everybody in a ring without gaps is reached once. Source: P1 III-B.2.
 *
 * ```text
 *   self ......... a ............... b ................... c ........... end      (clockwise)
 *                  |-- a answers for -|-- b answers for ----|-- c for ---|
 * ```
 */
import { compareBytes } from '@warren/base';
import { clockwise, type PeerId, type PeerKey } from '@warren/wire';

/** One end of a link, as far as arcs go. */
export interface Place {
  readonly key: PeerKey;
  readonly id: PeerId;
}

/** A link, and the end of the arc that begins behind it; the end belongs to somebody else. */
export interface Part {
  readonly to: PeerKey;
  readonly end: PeerId;
}

/** Parts the arc between `self` and `end` among links; the whole ring for `undefined`, nothing where `end` is `self`. */
export function partArc(self: PeerId, end: PeerId | undefined, links: Iterable<Place>): Part[] {
  const reach = end === undefined ? undefined : clockwise(self, end);
  const inside: { readonly link: Place; readonly at: PeerId }[] = [];
  for (const link of links) {
    const at = clockwise(self, link.id);
    if (reach === undefined || compareBytes(at, reach) < 0) inside.push({ link, at });
  }
  inside.sort((a, b) => compareBytes(a.at, b.at));
  return inside.map(({ link }, i) => ({ to: link.key, end: inside[i + 1]?.link.id ?? end ?? self }));
}

/** What `self` answers for, whatever a neighbour says: never beyond that neighbour, so that each arc lies within the one before. */
export function withinReach(self: PeerId, from: PeerId, end: PeerId): PeerId {
  return compareBytes(clockwise(self, end), clockwise(self, from)) <= 0 ? end : from;
}

/** Which of two ends lies farther clockwise of `self`. */
export function fartherEnd(self: PeerId, a: PeerId, b: PeerId): PeerId {
  return compareBytes(clockwise(self, a), clockwise(self, b)) >= 0 ? a : b;
}

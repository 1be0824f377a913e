/**
 * Which links to give up: idle ones, and more when there are more than the budget. Near ones never.
 * Young links of peers that are served elsewhere go first, so that a bootstrap
 * node has room for whoever comes next; old ones stay, and so do those that we
 * chose ourselves, so that nobody takes over our table by linking to us in
 * numbers. Source: overlay.md "Link budget"; faults.md rows 37, 63.
 */
import { earliest, type Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';
import { NEAR_PER_SIDE } from './ring.ts';
import type { Neighbour, Table } from './table.ts';

/** With so many other links a peer does without us. */
const SERVED_LINKS = NEAR_PER_SIDE;
/** After so long a link has shown itself to be worth more than a new one. */
const YOUNG_MS = 600_000;
/** A link that neither end has a use for is kept so long. */
const IDLE_MS = 60_000;

/** Links other than near ones, those to be given up first in front. `isChosen`: far and on-demand links of ours. */
export function leastUseful(table: Table, isChosen: (key: PeerKey) => boolean, now: Instant): Neighbour[] {
  const near = table.near();
  // Whoever has more than three of our links between itself and us has no need of us.
  const close = new Set(table.beside(2 * NEAR_PER_SIDE, table.self));
  const rank = (each: Neighbour): number => {
    if (isChosen(each.key)) return each.isResting ? 4 : 5;
    if (close.has(each.key) && each.knownCount > 0 && table.needsUs(each)) return 3;
    if (each.knownCount < SERVED_LINKS) return 2;
    return now - each.since < YOUNG_MS ? 0 : 1;
  };
  const ranked = [...table.neighbours.values()]
    .filter(({ key }) => !near.has(key))
    .map(each => ({ each, rank: rank(each) }));
  // Among the young and served the oldest goes first, else the newest.
  const order = (a: Neighbour, b: Neighbour, at: number) => (at === 0 ? a.since - b.since : b.since - a.since);
  return ranked.sort((a, b) => a.rank - b.rank || order(a.each, b.each, a.rank)).map(({ each }) => each);
}

/** Notes which links of ours have become idle; tells those that have been so for a minute, and when the next will have. */
export function tellIdle(
  table: Table,
  isUseful: (neighbour: Neighbour) => boolean,
  now: Instant,
): { readonly over: readonly Neighbour[]; readonly nextAt: Instant | undefined } {
  const over: Neighbour[] = [];
  let nextAt: Instant | undefined;
  for (const neighbour of table.neighbours.values()) {
    neighbour.idleSince = !neighbour.isOurs || isUseful(neighbour) ? undefined : (neighbour.idleSince ?? now);
    if (neighbour.idleSince === undefined) continue;
    if (now >= neighbour.idleSince + IDLE_MS) over.push(neighbour);
    else nextAt = earliest(nextAt, neighbour.idleSince + IDLE_MS);
  }
  return { over, nextAt };
}

/**
 * How common kinds of NAT are, and what that makes of a grid: the share of
 * pairs that are direct, if both are drawn from a mix. Nobody has published
 * shares that hold for everybody; these are drawn so that plain hole punching,
 * which fails between two symmetric NATs and between a symmetric one and one
 * that filters by port, succeeds as often as three studies saw.
 */
import type { AccessName } from '@warren/sim';

/** Shares of peers behind NATs, summing to 1. */
export type Mix = Readonly<Partial<Record<AccessName, number>>>;

/**
 * `mild`: 79 % by plain punching; Ford, Srisuresh and Kegel (USENIX ATC 2005) had 82 %, Halkes and Pouwelse (NETWORKING
 * 2011) more than 80 %. `presentDay`: 70 %, as Trautwein et al. (arXiv 2510.27500, 2025) saw in 4.4 million attempts.
 * `pessimistic`: 44 %, as between phones of STUNner (Szeged, 2018-20), whose failures include peers that were gone.
 */
export const MIXES: Readonly<Record<string, Mix>> = {
  mild: mixOf(0.18, 0.5),
  presentDay: mixOf(0.22, 0.58),
  pessimistic: mixOf(0.45, 0.4),
};

/** The share of pairs that are direct. */
export function directShareOf(mix: Mix, isDirect: (a: AccessName, b: AccessName) => boolean): number {
  const parts = Object.entries(mix) as [AccessName, number][];
  const weights = parts.flatMap(([a, x]) => parts.map(([b, y]) => (isDirect(a, b) ? x * y : 0)));
  return weights.reduce((sum, weight) => sum + weight, 0);
}

/** Half of symmetric NATs give ports in order, half by chance; half of the rest filter by address, half not at all: ours. */
function mixOf(symmetric: number, portRestricted: number): Mix {
  const rest = 1 - symmetric - portRestricted;
  return {
    'symmetric-sequential': symmetric / 2,
    'symmetric-random': symmetric / 2,
    'port-restricted': portRestricted,
    restricted: rest / 2,
    'full-cone': rest / 2,
  };
}

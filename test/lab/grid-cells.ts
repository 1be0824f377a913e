/** The pairs of the NAT grid: who lives where, and what the simulator's oracle says of them. */
import {
  ACCESS_KINDS,
  type AccessKind,
  type AccessName,
  type Corner,
  directPathPossible,
  NATS,
  nat,
  type RouterKind,
  router,
  SimNetwork,
} from '@warren/sim';
import type { NatHost } from '../netns/nat-lab.ts';

/** Kinds of the two hosts, as in `npm run sim -- nat-grid`: the first is in the row. */
export const HOSTS = ['edge-edge', 'edge-tab', 'tab-tab'] as const;
export type Hosts = (typeof HOSTS)[number];
export const NAMES = Object.keys(ACCESS_KINDS) as AccessName[];

/** One pair. */
export interface Cell {
  readonly hosts: Hosts;
  readonly row: string;
  readonly column: string;
  /** Names of the two hosts in the lab. */
  readonly ends: readonly [string, string];
  readonly isDirectPossible: boolean;
}

const HOME = router(NATS.portRestrictedCone);
const CARRIER = nat('endpoint-independent', 'endpoint-independent');

/** Two who share a router, and what they have of their own. */
const SHARED: Readonly<Record<string, { readonly own: AccessKind; readonly common: RouterKind }>> = {
  'same home': { own: [], common: HOME },
  'same home, hairpin': { own: [], common: router({ ...NATS.portRestrictedCone, hairpin: true }) },
  'same carrier': { own: [HOME], common: router(CARRIER) },
  'same carrier, hairpin': { own: [HOME], common: router({ ...CARRIER, hairpin: true }) },
};
export const SHARED_NAMES: readonly string[] = Object.keys(SHARED);

/** The hosts of these cells. */
export function hostsOf(cells: readonly Cell[]): NatHost[] {
  const wanted = new Set(cells.flatMap(({ ends }) => ends));
  return allHosts().filter(({ name }) => wanted.has(name));
}

/** All cells of one table. Pairs of equals are there once, with the row that comes first. */
export function cellsOf(hosts: Hosts): Cell[] {
  const isMirrored = hosts !== 'edge-tab';
  const pairs = NAMES.flatMap((row, i) =>
    NAMES.flatMap((column, k): Cell[] => {
      if (isMirrored && k < i) return [];
      const possible = isPossible(hosts, ACCESS_KINDS[row], ACCESS_KINDS[column]);
      return [{ hosts, row, column, ends: [`west${i}`, `east${k}`], isDirectPossible: possible }];
    }),
  );
  const shared = Object.entries(SHARED).map(([row, { own, common }], i): Cell => {
    const possible = isPossible(hosts, own, own, common);
    return { hosts, row, column: row, ends: [`shared${i}a`, `shared${i}b`], isDirectPossible: possible };
  });
  return [...pairs, ...shared];
}

function allHosts(): NatHost[] {
  const own = NAMES.flatMap((name, i): NatHost[] => [
    { name: `west${i}`, access: ACCESS_KINDS[name], segment: 'west' },
    { name: `east${i}`, access: ACCESS_KINDS[name], segment: 'east' },
  ]);
  const shared = Object.values(SHARED).flatMap(({ own, common }, i): NatHost[] => {
    const first: NatHost = { name: `shared${i}a`, access: [...own, common], segment: 'west' };
    const together = own.length === 0 ? { with: first.name } : { carrierOf: first.name };
    return [first, { ...first, name: `shared${i}b`, ...together }];
  });
  return [...own, ...shared];
}

function isPossible(hosts: Hosts, a: AccessKind, b: AccessKind, common?: RouterKind): boolean {
  const internet = new SimNetwork(1);
  const outside = common === undefined ? internet : internet.behind(common, a.length === 0 ? 'home' : 'carrier');
  const [first, second] = hosts.split('-');
  return directPathPossible(corner(outside, a, first === 'edge'), corner(outside, b, second === 'edge'));
}

function corner(outside: SimNetwork, access: AccessKind, canGuess: boolean): Corner {
  const network = access.reduceRight((above, kind, i) => above.behind(kind, i === 0 ? 'home' : 'carrier'), outside);
  const { v4, v6 } = network.newHost();
  const ips = [v4, network.router === undefined ? network.newV6() : v6].filter(ip => ip !== undefined);
  return { network, addresses: ips.map(ip => `${ip}:4000`), canGuess };
}

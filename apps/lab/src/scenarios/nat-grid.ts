/**
 * Every kind of access with every other, as two edges, an edge and a tab, two
 * tabs: do they talk, how soon, and directly wherever their routers allow it?
 * Rows 22 to 24 of the faults.
 */
import { ACCESS_KINDS, type AccessName, NATS, nat, router } from '@warren/sim';
import type { GridTable } from '../figure.ts';
import { directShareOf, MIXES } from '../nat-mixes.ts';
import { HOSTS, type Hosts, type PairAccess, type PairOutcome, playPair } from '../nat-pairs.ts';
import { rounded } from '../report.ts';
import { type Figures, scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

const NAMES = Object.keys(ACCESS_KINDS) as AccessName[];
const DIRECT_BAR = 0.95;
const FIRST_DATAGRAM_BAR_MS = 1500;
const DIRECT_BAR_MS = 5000;

const EASY = 'endpoint-independent';
const HOME = router(NATS.portRestrictedCone);
/** Two who share a router: only one that hairpins leads to outer addresses of its own. */
const SHARED: Readonly<Record<string, PairAccess>> = {
  'same home': { a: [], b: [], carrier: HOME },
  'same home, hairpin': { a: [], b: [], carrier: router({ ...NATS.portRestrictedCone, hairpin: true }) },
  'same carrier': { a: [HOME], b: [HOME], carrier: router(nat(EASY, EASY, { ports: 'random' })) },
  'same carrier, hairpin': {
    a: [HOME],
    b: [HOME],
    carrier: router(nat(EASY, EASY, { ports: 'random', hairpin: true })),
  },
};

/** One pair of the grid: `row` is the first one's access, or what both share. */
interface Cell {
  readonly hosts: Hosts;
  readonly row: string;
  readonly column: string;
  readonly access: PairAccess;
}

type Played = Cell & { readonly outcome: PairOutcome };

export const natGrid = scenario({
  summary: 'every kind of NAT with every other: who talks, how soon, and directly where that is possible',
  example: '--hosts edge-edge --row restricted',
  bar: `every pair talks; at least ${100 * DIRECT_BAR} % of those that can be direct are; p95 ${FIRST_DATAGRAM_BAR_MS} ms to the first datagram, ${DIRECT_BAR_MS} ms to direct`,
  knobs: {
    hosts: { kind: 'choice', what: 'kinds of the two hosts', initial: 'all', of: ['all', ...HOSTS] },
    row: { kind: 'choice', what: 'access of one of them', initial: 'all', of: ['all', ...NAMES, 'shared'] },
    column: { kind: 'choice', what: 'access of the other', initial: 'all', of: ['all', ...NAMES] },
    seconds: { kind: 'count', what: 'virtual seconds that a pair has', initial: 40, min: 5, max: 3600 },
    loss: { kind: 'count', what: 'datagrams lost on every wire, percent', initial: 0, min: 0, max: 50 },
  },
  run: ({ seed, settings, step }) => {
    const { hosts, row, column, seconds, loss } = settings;
    const o = { windowMs: 1000 * seconds, loss: loss / 100 };
    const cells = cellsOf(hosts === 'all' ? HOSTS : [hosts as Hosts]).filter(
      cell => matches(cell, row, column) || (cell.row !== cell.column && matches(mirrored(cell), row, column)),
    );
    let before = '';
    const played = cells.map(cell => {
      const line = `${cell.hosts}: ${cell.row}`;
      if (line !== before) step(line);
      before = line;
      return { ...cell, outcome: playPair(seedOf(seed, cell), cell.access, cell.hosts, o) };
    });
    const figures = figuresOf(played);
    return {
      figures,
      missed: missedBy(figures, played),
      grids: gridsOf(played),
      figure: gridsOf(played),
      remarks: REMARKS,
    };
  },
});

const REMARKS = [
  '`direct` and `relayed` are how a pair is connected at the end; in brackets: a direct path was possible by the lookup keys of the routers alone, and did not come about.',
  'Time begins when one of the two knows of the other; texts go both ways from then on.',
  'An edge and a tab: the edge is in the row.',
];

/** Pairs of equals are played once. */
function cellsOf(all: readonly Hosts[]): Cell[] {
  return all.flatMap(hosts => {
    const isMirrored = hosts !== 'edge-tab';
    const pairs = NAMES.flatMap((row, i) =>
      NAMES.filter((_, k) => !isMirrored || k >= i).map(column => ({
        hosts,
        row,
        column,
        access: { a: ACCESS_KINDS[row], b: ACCESS_KINDS[column] },
      })),
    );
    const shared = Object.entries(SHARED).map(([row, access]) => ({ hosts, row, column: row, access }));
    return [...pairs, ...shared];
  });
}

function matches(cell: Cell, row: string, column: string): boolean {
  const isShared = cell.row in SHARED;
  const isRow = row === 'all' || cell.row === row || (row === 'shared' && isShared);
  return isRow && (column === 'all' || cell.column === column || isShared);
}

function mirrored<C extends Cell>(cell: C): C {
  return cell.hosts === 'edge-tab' ? cell : { ...cell, row: cell.column, column: cell.row };
}

/** Different for each cell, whichever others are played. */
function seedOf(seed: number, { hosts, row, column }: Cell): number {
  const text = `${hosts} ${row} ${column}`;
  return [...text].reduce((sum, letter) => (Math.imul(sum, 31) + letter.charCodeAt(0)) >>> 0, seed);
}

function figuresOf(played: readonly Played[]): Figures {
  const outcomes = played.map(({ outcome }) => outcome);
  const connected = outcomes.filter(({ way }) => way !== 'never');
  const direct = outcomes.filter(({ way }) => way === 'direct');
  const possible = outcomes.filter(({ isDirectPossible }) => isDirectPossible);
  const relayed = outcomes.filter(({ way }) => way === 'relayed');
  const [first, soon, relays] = (['firstDatagramMs', 'directMs', 'relayMs'] as const).map(name =>
    outcomes.flatMap(each => each[name] ?? []),
  );
  const at = (values: readonly number[] = [], share: number): number => Math.round(percentile(values, share));
  const isWhole = (hosts: Hosts): boolean =>
    played.filter(each => each.hosts === hosts).length >= cellsOf([hosts]).length;
  const mixes = HOSTS.filter(isWhole).flatMap(hosts =>
    Object.entries(MIXES).map(([name, mix]) => {
      const isDirect = (row: AccessName, column: AccessName): boolean => wayOf(played, hosts, row, column) === 'direct';
      return [`${name}Direct${camel(hosts)}`, rounded(directShareOf(mix, isDirect))] as const;
    }),
  );
  const figures = {
    pairs: outcomes.length,
    connected: connected.length,
    direct: direct.length,
    directPossible: possible.length,
    directOfPossible: rounded(possible.filter(({ way }) => way === 'direct').length / possible.length),
    firstDatagramMsP50: at(first, 0.5),
    firstDatagramMsP95: at(first, 0.95),
    directMsP50: at(soon, 0.5),
    directMsP95: at(soon, 0.95),
    relayedByMember: relayed.filter(({ relayMs }) => relayMs !== undefined).length,
    relayedByOverlay: relayed.filter(({ relayMs }) => relayMs === undefined).length,
    relayMsP50: at(relays, 0.5),
    relayMsP95: at(relays, 0.95),
    ...Object.fromEntries(mixes),
  };
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => !Number.isNaN(value)));
}

/** `edge-tab` -> `EdgeTab`. */
function camel(hosts: Hosts): string {
  return hosts.replaceAll(/(^|-)(.)/g, (_, _dash, letter: string) => letter.toUpperCase());
}

function missedBy(figures: Figures, played: readonly Played[]): string[] {
  const missed: string[] = [];
  const silent = played.filter(({ outcome }) => outcome.way === 'never').map(nameOf);
  if (silent.length > 0) missed.push(`never connected: ${silent.join(', ')}`);
  const wonders = played.filter(({ outcome }) => outcome.way === 'direct' && !outcome.isDirectPossible).map(nameOf);
  if (wonders.length > 0) missed.push(`direct although the oracle says that it is impossible: ${wonders.join(', ')}`);
  const { directOfPossible = 1, firstDatagramMsP95 = 0, directMsP95 = 0 } = figures;
  if (directOfPossible < DIRECT_BAR) missed.push(`${directOfPossible} of the possible direct paths, not ${DIRECT_BAR}`);
  if (firstDatagramMsP95 > FIRST_DATAGRAM_BAR_MS) missed.push(`${firstDatagramMsP95} ms to the first datagram at p95`);
  if (directMsP95 > DIRECT_BAR_MS) missed.push(`${directMsP95} ms to a direct path at p95`);
  return missed;
}

function nameOf({ hosts, row, column }: Cell): string {
  return `${hosts} ${row} and ${column}`;
}

/** One table for each kinds of host, and one of those who share a router. */
function gridsOf(played: readonly Played[]): GridTable[] {
  const hosts = HOSTS.filter(each => played.some(cell => cell.hosts === each));
  const grids = hosts.map(each => {
    const cells = NAMES.map(row => NAMES.map(column => wordOf(outcomeOf(played, each, row, column))));
    return { title: each, rows: NAMES, columns: NAMES, cells };
  });
  const shared = Object.keys(SHARED);
  const cells = shared.map(row => hosts.map(each => wordOf(outcomeOf(played, each, row, row))));
  return [...grids, { title: 'both behind one router', rows: shared, columns: hosts, cells }];
}

function outcomeOf(played: readonly Played[], hosts: Hosts, row: string, column: string): PairOutcome | undefined {
  const isIt = (cell: Played): boolean => cell.hosts === hosts && cell.row === row && cell.column === column;
  return played.find(cell => isIt(cell) || isIt(mirrored(cell)))?.outcome;
}

function wayOf(played: readonly Played[], hosts: Hosts, row: string, column: string): string | undefined {
  return outcomeOf(played, hosts, row, column)?.way;
}

/** `(relayed)`: though a direct path was possible. */
function wordOf(outcome: PairOutcome | undefined): string {
  if (outcome === undefined) return '';
  return outcome.isDirectPossible && outcome.way !== 'direct' ? `(${outcome.way})` : outcome.way;
}

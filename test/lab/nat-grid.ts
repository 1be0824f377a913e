/**
 * Every kind of access with every other, as real edges and tabs in namespaces: do they talk, how soon, and directly
 * wherever their routers allow it? The same table as `npm run sim -- nat-grid`; faults rows 22 to 24.
 */
import { type Figures, type GridTable, type Outcome, percentile, rounded } from '@warren/lab';
import { type Actor, DIRECT } from './actor.ts';
import type { BrowserName } from './browser-actors.ts';
import { type Cell, cellsOf, HOSTS, type Hosts, hostsOf, NAMES, SHARED_NAMES } from './grid-cells.ts';
import { Internet } from './internet.ts';
import { LabAuthority } from './lab-authority.ts';
import { NodeActors } from './node-actors.ts';
import { meet, type PairResult, type Way } from './pair.ts';
import { Places } from './places.ts';

export interface NatGridOptions {
  readonly hosts: readonly Hosts[];
  /** Names of rows and columns; absent: all. */
  readonly row?: string;
  readonly column?: string;
  /** How many pairs meet at once. */
  readonly atOnce: number;
  /** `mixed`: every fourth tab is in Firefox. */
  readonly browser: BrowserName | 'mixed';
  readonly step: (line: string) => void;
}

export type Played = Cell & { readonly result: PairResult };

const HELPER = 'helper';
/** How long a pair that may be direct is waited for, and one that may not. */
const PATIENCE_MS = { direct: 15_000, relayed: 10_000 } as const;
const BARS = { directShare: 0.95, firstDatagramMs: 1_500, directMs: 5_000 } as const;

export async function natGrid(options: NatGridOptions): Promise<Outcome> {
  const played = await playGrid(options);
  const figures = figuresOf(played);
  return { figures, missed: missedBy(figures, played), grids: gridsOf(played) };
}

/** Plays the pairs, a row after the other. */
export async function playGrid({ hosts, row, column, atOnce, browser, step }: NatGridOptions): Promise<Played[]> {
  const cells = hosts.flatMap(cellsOf).filter(cell => matches(cell, row, column));
  step(`building ${cells.length} pairs' homes`);
  const internet = await Internet.create([...hostsOf(cells), { name: HELPER, access: [], segment: 'east' }]);
  try {
    const places = new Places(internet.lab, browser);
    const helpers = await NodeActors.start(internet.lab, HELPER);
    const played: Played[] = [];
    const nameOf = ({ hosts, row }: Cell): string => `${hosts} ${row}`;
    for (const name of new Set(cells.map(nameOf))) {
      const inRow = cells.filter(cell => nameOf(cell) === name);
      await inTurns(inRow, atOnce, async cell => {
        const result = await play(cell, places, helpers.actor(), internet);
        played.push({ ...cell, result });
        const ms = result.directMs ?? result.relayedMs;
        step(
          `${played.length}/${cells.length} ${name} and ${cell.column}: ${wordOf({ ...cell, result })} ${ms?.toFixed(0) ?? ''}`,
        );
      });
      await places.leave(inRow.map(({ ends }) => ends[0]).filter(place => !isNeeded(place, cells, played)));
    }
    await places.leave();
    return played;
  } finally {
    await internet.close();
  }
}

async function play(
  { hosts, ends, isDirectPossible }: Cell,
  places: Places,
  helper: Actor,
  internet: Internet,
): Promise<PairResult> {
  const kinds = hosts.split('-') as ('edge' | 'tab')[];
  const actors = await Promise.all(ends.map((end, i) => places.actor(end, kinds[i] as 'edge' | 'tab')));
  const o = isDirectPossible ? { kinds: DIRECT, patienceMs: PATIENCE_MS.direct } : { patienceMs: PATIENCE_MS.relayed };
  return meet(actors as [Actor, Actor], helper, await LabAuthority.create(internet.around), o);
}

/** Whether a pair that was not played yet has an end there. */
function isNeeded(place: string, cells: readonly Cell[], played: readonly Played[]): boolean {
  const done = new Set(played.map(({ hosts, ends }) => `${hosts} ${ends}`));
  return cells.some(({ hosts, ends }) => ends.includes(place) && !done.has(`${hosts} ${ends}`));
}

/** Does all, so many at once. */
async function inTurns<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function matches(cell: Cell, row = 'all', column = 'all'): boolean {
  const isShared = cell.column === cell.row && SHARED_NAMES.includes(cell.row);
  const isRow = row === 'all' || cell.row === row || (row === 'shared' && isShared);
  return isRow && (column === 'all' || cell.column === column || isShared);
}

function figuresOf(played: readonly Played[]): Figures {
  const results = played.map(({ result }) => result);
  const connected = results.filter(({ way }) => way !== 'never');
  const possible = played.filter(({ isDirectPossible }) => isDirectPossible);
  const at = (name: 'firstDatagramMs' | 'directMs' | 'relayedMs' | 'fromJoinMs', share: number): number =>
    Math.round(
      percentile(
        results.flatMap(result => result[name] ?? []),
        share,
      ),
    );
  return {
    pairs: played.length,
    connected: connected.length,
    direct: results.filter(({ way }) => way === 'direct').length,
    directPossible: possible.length,
    directOfPossible: rounded(possible.filter(({ result }) => result.way === 'direct').length / possible.length),
    firstDatagramMsP50: at('firstDatagramMs', 0.5),
    firstDatagramMsP95: at('firstDatagramMs', 0.95),
    directMsP50: at('directMs', 0.5),
    directMsP95: at('directMs', 0.95),
    relayedMsP50: at('relayedMs', 0.5),
    relayedMsP95: at('relayedMs', 0.95),
    fromJoinMsP50: at('fromJoinMs', 0.5),
    fromJoinMsP95: at('fromJoinMs', 0.95),
  };
}

function missedBy(figures: Figures, played: readonly Played[]): string[] {
  const missed: string[] = [];
  const named = (which: readonly Played[]): string =>
    which.map(({ hosts, row, column }) => `${hosts} ${row} and ${column}`).join(', ');
  const silent = played.filter(({ result }) => result.way === 'never');
  if (silent.length > 0) missed.push(`never connected: ${named(silent)}`);
  const wonders = played.filter(({ isDirectPossible, result }) => result.way === 'direct' && !isDirectPossible);
  if (wonders.length > 0) missed.push(`direct although the oracle says that it is impossible: ${named(wonders)}`);
  const { directOfPossible = 1, firstDatagramMsP95 = 0, directMsP95 = 0 } = figures;
  const late = played.filter(({ isDirectPossible, result }) => result.way !== 'direct' && isDirectPossible);
  if (directOfPossible < BARS.directShare)
    missed.push(`${directOfPossible} of the possible direct paths, without ${named(late)}`);
  if (firstDatagramMsP95 > BARS.firstDatagramMs) missed.push(`${firstDatagramMsP95} ms to the first datagram at p95`);
  if (directMsP95 > BARS.directMs) missed.push(`${directMsP95} ms to a direct path at p95`);
  return missed;
}

/** One table for each kinds of host, and one of those who share a router; as in the simulator. */
function gridsOf(played: readonly Played[]): GridTable[] {
  const hosts = HOSTS.filter(each => played.some(cell => cell.hosts === each));
  const word = (of: Hosts, row: string, column: string): string => {
    const isIt = (cell: Played): boolean => cell.hosts === of && cell.row === row && cell.column === column;
    const found = played.find(isIt);
    return found === undefined ? '' : wordOf(found);
  };
  const grids = hosts.map(each => {
    const cells = NAMES.map(row =>
      NAMES.map(column => word(each, row, column) || (each === 'edge-tab' ? '' : word(each, column, row))),
    );
    return { title: each, rows: NAMES, columns: NAMES, cells };
  });
  const cells = SHARED_NAMES.map(row => hosts.map(each => word(each, row, row)));
  return [...grids, { title: 'both behind one router', rows: SHARED_NAMES, columns: hosts, cells }];
}

/** `(relayed)`: though a direct path was possible. */
export function wordOf({ isDirectPossible, result }: Played): string {
  const words: Record<Way, string> = {
    direct: 'direct',
    websocket: 'relayed',
    relay: 'relayed',
    overlay: 'relayed',
    never: 'never',
  };
  const word = words[result.way];
  return isDirectPossible && word !== 'direct' ? `(${word})` : word;
}

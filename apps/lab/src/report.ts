/** A run as people and programs read it, and the command that repeats it. */
import type { GridTable } from './figure.ts';
import { type Knobs, type Settings, writeKnob } from './knob.ts';
import type { Figures, Outcome, Scenario } from './scenario.ts';

/** What `--json` prints. */
export interface Report {
  readonly name: string;
  readonly seed: number;
  /** Whether the scenario's own bar held. */
  readonly ok: boolean;
  readonly figures: Figures;
  /** What depends on the machine; absent where nothing does. */
  readonly machine?: Figures;
  /** Words by title, row and column; absent where there are none. */
  readonly grid?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;
  /** Seconds of real time. */
  readonly took: number;
}

export function reportOf(name: string, seed: number, outcome: Outcome, took: number): Report {
  const { figures, machine, missed, grids } = outcome;
  const grid = grids && Object.fromEntries(grids.map(each => [each.title, byName(each)]));
  return { name, seed, ok: missed.length === 0, figures, ...(machine && { machine }), ...(grid && { grid }), took };
}

/** A table as text, columns aligned. */
export function gridText({ title, rows, columns, cells }: GridTable): string {
  const lines = [['', ...columns], ...rows.map((row, i) => [row, ...(cells[i] ?? [])])];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map(line => line[i]?.length ?? 0))) ?? [];
  const text = lines.map(line =>
    line
      .map((word, i) => word.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [title, ...text].join('\n');
}

function byName({ rows, columns, cells }: GridTable): Record<string, Record<string, string>> {
  const rowOf = (i: number): Record<string, string> => {
    const words = columns.map((column, k) => [column, cells[i]?.[k] ?? ''] as const);
    return Object.fromEntries(words.filter(([, word]) => word !== ''));
  };
  return Object.fromEntries(rows.map((row, i) => [row, rowOf(i)]));
}

/** A table: names to the left, numbers aligned at their end. */
export function table({ figures, machine = {} }: Report): string {
  const rows = [...Object.entries(figures), ...Object.entries(machine).map(([name, value]) => [`${name} *`, value])];
  const texts = rows.map(([name, value]) => [String(name), String(value)] as const);
  const [left, right] = [0, 1].map(side => Math.max(0, ...texts.map(row => (row[side] as string).length)));
  const lines = texts.map(([name, value]) => `${name.padEnd(left as number)}  ${value.padStart(right as number)}`);
  return [...lines, ...(Object.keys(machine).length > 0 ? ['* of this machine, in this run'] : [])].join('\n');
}

/** The command that does the same again: seed, and settings that are not the usual ones. */
export function replay(name: string, { knobs }: Pick<Scenario, 'knobs'>, seed: number, settings: Settings): string {
  const words = changed(knobs, settings).map(key => ` --${dashed(key)} ${writeKnob(settings[key] as number)}`);
  return `npm run sim -- ${name} --seed ${seed}${words.join('')}`;
}

/** `lossShare` -> `loss-share`: an option's name. */
export function dashed(key: string): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

/** Four digits that count. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function changed(knobs: Knobs, settings: Settings): string[] {
  return Object.keys(knobs).filter(key => String(settings[key]) !== String(knobs[key]?.initial));
}

/** A run as people and programs read it, and the command that repeats it. */
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
  /** Seconds of real time. */
  readonly took: number;
}

export function reportOf(name: string, seed: number, { figures, machine, missed }: Outcome, took: number): Report {
  return { name, seed, ok: missed.length === 0, figures, ...(machine && { machine }), took };
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

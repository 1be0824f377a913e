/**
 * The shape of a scenario: a question about participants under virtual time,
 * with knobs, figures as the answer, and a bar that the figures have to clear.
 * Each is a file in `scenarios/`, named in the table of `scenarios/index.ts`.
 */
import type { Figure, GridTable } from './figure.ts';
import type { Knobs, Settings } from './knob.ts';

/**
 * Figures by name, each following from seed and settings alone. A name in camelCase ends with its unit (`Ms`, `Mb`)
 * or is a share from 0 to 1 or a count. `At30` behind it: at 30 % loss.
 */
export type Figures = Readonly<Record<string, number>>;

/** The same figures with more behind each name: `suffixed(figures, 'At30')`. */
export function suffixed(figures: Figures, suffix: string): Figures {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name + suffix, value]));
}

/** One run of a scenario. */
export interface Run<K extends Knobs = Knobs> {
  readonly seed: number;
  readonly settings: Settings<K>;
  /** Hears what is being done, a line at a time. */
  readonly step: (line: string) => void;
}

/** What came out. */
export interface Outcome {
  readonly figures: Figures;
  /** What this machine had to do with it, such as processor time: differs from run to run. */
  readonly machine?: Figures;
  /** Bars that were missed, a sentence each; none: the run is fine. */
  readonly missed: readonly string[];
  /** Tables of words, printed behind the figures. */
  readonly grids?: readonly GridTable[];
  /** What `--plot` draws. */
  readonly figure?: Figure;
  /** What the figures mean, a sentence each, with what papers give beside it: for the page in docs/results. */
  readonly remarks?: readonly string[];
}

/** A scenario. */
export interface Scenario<K extends Knobs = Knobs> {
  /** One line for the list. */
  readonly summary: string;
  /** What to type behind the name, to try it in a few seconds. */
  readonly example: string;
  /** The bar in words. */
  readonly bar: string;
  readonly knobs: K;
  run(run: Run<K>): Outcome;
}

/** A scenario among others, whose settings are only known to be right for it. */
export function scenario<const K extends Knobs>(of: Scenario<K>): Scenario {
  return of as unknown as Scenario;
}

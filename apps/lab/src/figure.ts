/**
 * What a scenario wants drawn: panels of lines over a number, and tables of
 * words. Data only; `draw.ts` makes a picture of it, with the paper's or the
 * bar's line beside ours.
 */

/** One axis. */
export interface Axis {
  /** With its unit. */
  readonly label: string;
  readonly scale: 'linear' | 'log';
  readonly min?: number;
  readonly max?: number;
}

/** One line of a panel. */
export interface Line {
  readonly name: string;
  /** Measured by the scenario, or put beside it: what a paper gives, what the bar asks. */
  readonly of: 'run' | 'paper' | 'bar';
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One diagram. */
export interface Panel {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
}

/** A table whose cells are words, a few different ones; empty: nothing was tried. */
export interface GridTable {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly cells: readonly (readonly string[])[];
}

/** One picture: panels and tables in rows of two. */
export type Figure = readonly (Panel | GridTable)[];

/**
 * The shape of a benchmark. Each is a file of its own beside this one, named in
 * the table of `main.ts`, and gives figures; `main.ts` prints them.
 */
import type { Need } from '../netns/requirements.ts';

/** Figures by name. A name ends with its unit: `Ms`, `Mbps` (10^6 bit/s), `SecondsPerGb`. */
export type Figures = Readonly<Record<string, number>>;

export interface BenchOptions {
  /** Repeats a run where chance is ours; only reported where it is not. */
  readonly seed: number;
  /** Hears what is being done. */
  readonly step: (line: string) => void;
}

export interface BenchResult {
  /** Whether what was measured is what was meant: right paths, nothing lost. Slow is not wrong. */
  readonly ok: boolean;
  /** Why not, when `ok` is false. */
  readonly why?: string;
  readonly figures: Figures;
}

/** One benchmark. */
export interface Bench {
  /** One line for `--help`. */
  readonly summary: string;
  readonly needs: readonly Need[];
  run(options: BenchOptions): Promise<BenchResult>;
}

/** The middle of some numbers, the mean of the two middle ones; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A number with about four digits that count. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** What a scenario can be told on the command line: kinds of values, how they are read, written and named. */

/** A whole number. */
export interface Count {
  readonly kind: 'count';
  readonly what: string;
  readonly initial: number;
  readonly min: number;
  readonly max: number;
}

/** One or several shares from 0 to 1, typed as percentages. */
export interface Shares {
  readonly kind: 'shares';
  readonly what: string;
  readonly initial: readonly number[];
}

/** One word of several. */
export interface Choice {
  readonly kind: 'choice';
  readonly what: string;
  readonly initial: string;
  readonly of: readonly string[];
}

export type Knob = Count | Shares | Choice;

/** The knobs of a scenario, by the name of their option in camelCase. */
export type Knobs = Readonly<Record<string, Knob>>;

/** A value of each knob. */
export type Settings<K extends Knobs = Knobs> = { readonly [N in keyof K]: ValueOf<K[N]> };

type ValueOf<K extends Knob> = K extends Count
  ? number
  : K extends Shares
    ? readonly number[]
    : K extends { readonly of: readonly (infer Word)[] }
      ? Word
      : never;

/** A value as it was typed is not one; the message says what would be. */
export class KnobError extends Error {}

/** Reads what was typed behind an option: one word, or several for shares. */
export function readKnob(knob: Knob, words: readonly string[]): number | readonly number[] | string {
  const [word = ''] = words;
  switch (knob.kind) {
    case 'count':
      return wholeNumber(word, knob.min, knob.max);
    case 'shares':
      return words.flatMap(each => each.split(',')).map(share);
    case 'choice':
      if (knob.of.includes(word)) return word;
      throw new KnobError(`one of ${knob.of.join(', ')} is meant`);
  }
}

/** A setting as it is typed. */
export function writeKnob(value: number | readonly number[] | string): string {
  return typeof value === 'object' ? value.map(percent).join(' ') : String(value);
}

/** A share as a percentage: 0.3 -> `30`. */
export function percent(share: number): string {
  return String(Number((share * 100).toPrecision(12)));
}

/** A whole number between two others, both allowed. */
export function wholeNumber(word: string, min: number, max: number): number {
  const value = /^\d+$/.test(word) ? Number(word) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new KnobError(`a whole number from ${min} to ${max} is meant`);
}

/** `30`, `30%` and `0.3` are the same; `0.5%` is half a percent. */
function share(word: string): number {
  const [, digits = ''] = /^(\d+(?:\.\d+)?)%?$/.exec(word) ?? [];
  const value = digits === '' ? Number.NaN : Number(digits);
  const isShare = value < 1 && !word.endsWith('%');
  if (value <= 100) return isShare ? value : value / 100;
  throw new KnobError('percentages from 0 to 100 are meant');
}

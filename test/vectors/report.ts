/**
 * One shape for vectors of every kind, and their result: what was expected,
 * what each implementation did, and what the product leaves out, with the
 * reason. Not here: how files are read (`noise.ts`, `wycheproof.ts`,
 * `x509-limbo.ts`).
 */
import type { Implementation } from './implementations.ts';

/** What the product did with one vector. */
export type Behaviour =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly why?: string }
  /** It gave bytes, and not those of the vector. */
  | { readonly kind: 'wrong'; readonly why: string }
  /** It refused what it is not made for. */
  | { readonly kind: 'outside'; readonly why: string }
  /** This implementation has no such function. */
  | { readonly kind: 'absent' };

/** One vector, ready to run. */
export interface Vector {
  readonly id: string;
  /** Why it is not run, if it is not. */
  readonly skip?: string;
  readonly expected: 'accepted' | 'refused' | 'either';
  /** May throw, which counts as a failure: the product never throws at hostile bytes. */
  behave(implementation: Implementation): Behaviour;
}

export interface Failure {
  readonly id: string;
  readonly implementation: string;
  readonly why: string;
}

/** What came of one file. */
export interface Result {
  readonly kind: string;
  readonly file: string;
  /** Vectors that every implementation passed, of those that were run. */
  readonly passed: number;
  readonly total: number;
  readonly implementations: Readonly<Record<string, { passed: number; total: number }>>;
  readonly failed: readonly Failure[];
  /** Left out, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Vectors that allow both, by what the product did. Not in `total`. */
  readonly acceptable: Readonly<Record<string, number>>;
  /** Refusals with a name, by name. */
  readonly refused: Readonly<Record<string, number>>;
}

/** A file that cannot be read as what it should be; the message says what to do. */
export class FormatError extends Error {}

export const ACCEPTED: Behaviour = { kind: 'accepted' };
export const REFUSED: Behaviour = { kind: 'refused' };
export const ABSENT: Behaviour = { kind: 'absent' };

/** Runs all vectors by all implementations. */
export function judged(
  kind: string,
  file: string,
  vectors: Iterable<Vector>,
  implementations: readonly Implementation[],
): Result {
  const failed: Failure[] = [];
  const [skipped, acceptable, refused] = [new Tally(), new Tally(), new Tally()];
  const by = Object.fromEntries(implementations.map(({ name }) => [name, { passed: 0, total: 0 }]));
  let [passed, total] = [0, 0];
  for (const vector of vectors) {
    const runs = vector.skip === undefined ? implementations.map(each => run(vector, each)) : [];
    const present = runs.filter(({ behaviour }) => behaviour.kind !== 'absent');
    const first = present[0]?.behaviour;
    const outside = present.find(({ behaviour }) => behaviour.kind === 'outside')?.behaviour;
    const skip = vector.skip ?? (outside?.kind === 'outside' ? outside.why : undefined);
    const failures = failuresOf(vector, present);
    failed.push(...failures);
    if (skip !== undefined && failures.length === 0) skipped.add(skip);
    else if (vector.expected === 'either' && failures.length === 0) acceptable.add(first?.kind ?? 'absent');
    else {
      total++;
      if (failures.length === 0) passed++;
      if (first?.kind === 'refused' && first.why !== undefined) refused.add(first.why);
      for (const { name } of present) {
        const count = by[name] as { passed: number; total: number };
        count.total++;
        if (!failures.some(({ implementation }) => implementation === name)) count.passed++;
      }
    }
  }
  const counts = { skipped: skipped.sorted(), acceptable: acceptable.sorted(), refused: refused.sorted() };
  return { kind, file, passed, total, implementations: by, failed, ...counts };
}

/** Lines for a person, without line ends. */
export function printed(result: Result): string[] {
  const { kind, file, passed, total, implementations, failed, skipped, acceptable, refused } = result;
  const each = Object.entries(implementations).map(([name, count]) =>
    count.total === 0 && total > 0 ? `${name} has no such function` : `${name} ${count.passed}/${count.total}`,
  );
  const lines = [`${kind} ${file}`, `${passed}/${total} passed (${each.join(', ')})`];
  const add = (word: string, counts: Readonly<Record<string, number>>) =>
    lines.push(...Object.entries(counts).map(([reason, count]) => `${word} ${count}: ${reason}`));
  add('refused', refused);
  add('acceptable', acceptable);
  add('skipped', skipped);
  lines.push(
    ...failed.slice(0, SHOWN).map(({ id, implementation, why }) => `FAILED ${id} (${implementation}): ${why}`),
  );
  if (failed.length > SHOWN) lines.push(`... and ${failed.length - SHOWN} more failures: --json lists them all`);
  if (total === 0) lines.push('nothing in this file was run');
  return lines;
}

const SHOWN = 20;

interface Run {
  readonly name: string;
  readonly behaviour: Behaviour;
}

function run(vector: Vector, implementation: Implementation): Run {
  const { name } = implementation;
  try {
    return { name, behaviour: vector.behave(implementation) };
  } catch (error) {
    const why = `it throws: ${error instanceof Error ? error.message : String(error)}`;
    return { name, behaviour: { kind: 'wrong', why } };
  }
}

function failuresOf({ id, expected }: Vector, runs: readonly Run[]): Failure[] {
  const failures = runs.flatMap(({ name, behaviour }): Failure[] => {
    const { kind } = behaviour;
    if (kind === 'wrong') return [{ id, implementation: name, why: behaviour.why }];
    if (kind === 'outside' || kind === 'absent' || expected === 'either' || kind === expected) return [];
    const because = kind === 'refused' && behaviour.why !== undefined ? ` (${behaviour.why})` : '';
    return [{ id, implementation: name, why: `it is ${kind}${because} and should be ${expected}` }];
  });
  if (failures.length > 0 || new Set(runs.map(({ behaviour }) => behaviour.kind)).size < 2) return failures;
  const all = runs.map(({ name, behaviour }) => `${behaviour.kind} by ${name}`).join(', ');
  return runs.map(({ name }) => ({ id, implementation: name, why: `implementations disagree: ${all}` }));
}

/** Counts by reason. */
class Tally {
  private readonly counts = new Map<string, number>();

  add(reason: string): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
  }

  /** The most frequent first. */
  sorted(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort(([, a], [, b]) => b - a));
  }
}

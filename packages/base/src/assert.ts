/**
 * Assertions for our own bugs. Hostile input never reaches them: decoders
 * answer `undefined` instead (see `wire`).
 */

/** Throws when an invariant of ours is broken; `why` states the invariant. */
export function assert(condition: unknown, why: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${why}`);
}

/** Marks a branch that the type checker proves empty. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}

/** A planted package for `all-decoders.test.ts`: its decoder has no laws, which must be noticed. */

/** Decodes nothing. */
export function decodeUnruly(): undefined {
  return undefined;
}

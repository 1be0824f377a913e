/**
 * Chance as the core sees it: a constructor argument. Hosts give the system's
 * generator, the simulator a seeded one.
 */

/** A source of random bytes; cryptographically strong in every host but `sim`. */
export interface Random {
  /** Fresh random bytes. */
  bytes(length: number): Uint8Array;
}

/** A whole number, uniform in `[0, bound)`; `bound` in 1..2^32. */
export function below(random: Random, bound: number): number {
  const limit = Math.floor(2 ** 32 / bound) * bound;
  for (;;) {
    const value = uint32(random);
    if (value < limit) return value % bound;
  }
}

/** A number uniform in `[0, 1)` with 32 bits. */
export function unit(random: Random): number {
  return uint32(random) / 2 ** 32;
}

/** `ms` changed by up to `share` of itself either way, so that peers do not act in step. */
export function jitter(random: Random, ms: number, share: number): number {
  return ms * (1 + share * (2 * unit(random) - 1));
}

/** A whole number, uniform in `[0, 2^32)`. */
export function uint32(random: Random): number {
  const [a, b, c, d] = random.bytes(4) as unknown as [number, number, number, number];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

/** Numbers about numbers. */

/**
 * The smallest of `values` that at least `share` (0 to 1) of them do not exceed, `nearest rank`. `values` may have
 * `missing` more, which count as larger than all: then the answer may be Infinity. NaN of none.
 */
export function percentile(values: readonly number[], share: number, missing = 0): number {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length + missing;
  if (count === 0) return Number.NaN;
  return sorted[Math.max(0, Math.ceil(share * count) - 1)] ?? Number.POSITIVE_INFINITY;
}

/** The arithmetic mean; NaN of none. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * The order of handshakes after sleep: a handshake costs both sides some
 * milliseconds of arithmetic, so that not all peers are called at once.
 */
import { type Instant, jitter, type Random } from '@warren/base';

/** So many peers are called at once, and as many more after each wait. */
export const RESUMED_AT_ONCE = 8;
const RESUMED_WAIT_MS = 250;

/** When the `nth` of many peers, from 0, is called after sleep that ended at `now`. */
export function resumedAt(nth: number, random: Random, now: Instant): Instant {
  const wait = Math.floor(nth / RESUMED_AT_ONCE) * RESUMED_WAIT_MS;
  return wait === 0 ? now : now + jitter(random, wait, 0.1);
}

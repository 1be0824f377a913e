/**
 * Chance in a tab: the browser's own generator.
 */
import type { Random } from '@warren/base';

/** `getRandomValues` refuses more than this at once (Web Cryptography, 10.1.1). */
const MAX_BYTES_AT_ONCE = 65_536;

/** The browser's cryptographic generator. */
export const browserRandom: Random = {
  bytes(length) {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += MAX_BYTES_AT_ONCE) {
      crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + MAX_BYTES_AT_ONCE)));
    }
    return bytes;
  },
};

/**
 * Chance in Node: the system's generator, through OpenSSL.
 */
import { randomFillSync } from 'node:crypto';
import type { Random } from '@warren/base';

/** Cryptographically strong random bytes. */
export const nodeRandom: Random = { bytes: length => randomFillSync(new Uint8Array(length)) };

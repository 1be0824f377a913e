/**
 * HKDF (RFC 5869) over the HMAC of a suite, and Noise's own HKDF
 * (specification, section 4.3): the same function without info, its output
 * cut into keys.
 */
import { concat } from '@warren/base';
import { KEY_BYTES, type NoiseSuite } from './suite.ts';

const NOTHING = new Uint8Array(0);

/** The most bytes that one derivation gives (RFC 5869 section 2.3). */
const MAX_BYTES = 255 * KEY_BYTES;

/** 2 or 3 keys of 32 bytes, from a chaining key and new input. */
export function hkdf(suite: Pick<NoiseSuite, 'hmac'>, salt: Uint8Array, input: Uint8Array, count: 2 | 3): Uint8Array[] {
  const derived = hkdfWithInfo(suite, salt, input, NOTHING, count * KEY_BYTES) ?? NOTHING;
  const keys = Array.from({ length: count }, (_, i) => derived.slice(i * KEY_BYTES, (i + 1) * KEY_BYTES));
  derived.fill(0);
  return keys;
}

/** `length` bytes; `undefined` above 8,160. `info` tells apart what is derived from one secret. */
export function hkdfWithInfo(
  { hmac }: Pick<NoiseSuite, 'hmac'>,
  salt: Uint8Array,
  secret: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array | undefined {
  if (length > MAX_BYTES) return undefined;
  const extracted = hmac(salt, secret);
  const derived = new Uint8Array(length);
  let last: Uint8Array = NOTHING;
  for (let at = 0, i = 1; at < length; at += KEY_BYTES, i++) {
    const input = concat(last, info, Uint8Array.of(i));
    last.fill(0);
    last = hmac(extracted, input);
    input.fill(0);
    derived.set(last.subarray(0, length - at), at);
  }
  last.fill(0);
  extracted.fill(0);
  return derived;
}

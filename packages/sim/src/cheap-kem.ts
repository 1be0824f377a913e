/**
 * A stand-in of the sizes of ML-KEM-768 for worlds of many participants, where
 * three milliseconds for each key would be most of their time. Not secure in
 * the least: the ciphertext carries the secret's seed in clear.
 */
import { concat, sameBytes } from '@warren/base';
import type { Kem } from '@warren/session';
import { PQ_CIPHERTEXT_BYTES, PQ_KEY_BYTES } from '@warren/wire';
import { simSuite } from './crypto.ts';

const { hash } = simSuite;

/** Cheap, with the same sizes; an encapsulation key that was changed is refused. */
export const cheapKem: Kem = {
  generate(seed) {
    const encapsulationKey = new Uint8Array(PQ_KEY_BYTES);
    encapsulationKey.set(hash(seed));
    encapsulationKey.set(hash(hash(seed)), 32);
    return { encapsulationKey, decapsulationKey: encapsulationKey.slice() };
  },
  encapsulate(encapsulationKey, seed) {
    const head = encapsulationKey.subarray(0, 32);
    const isKey = encapsulationKey.length === PQ_KEY_BYTES && sameBytes(encapsulationKey.subarray(32, 64), hash(head));
    if (!isKey) return undefined;
    const ciphertext = new Uint8Array(PQ_CIPHERTEXT_BYTES);
    ciphertext.set(seed);
    return { ciphertext, secret: hash(concat(seed, head)) };
  },
  decapsulate: (ciphertext, decapsulationKey) =>
    hash(concat(ciphertext.subarray(0, 32), decapsulationKey.subarray(0, 32))),
};

/**
 * The key encapsulation of the upgrade: ML-KEM-768 (FIPS 203), synchronous,
 * all chance from outside. The library is not independently audited, so that
 * its secret is only ever mixed into keys that X25519 has agreed already.
 */
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';

/** Bytes of the seeds: d and z of key generation, m of encapsulation (FIPS 203 algorithms 16 and 17). */
export const KEYGEN_SEED_BYTES = 64;
export const ENCAPSULATION_SEED_BYTES = 32;

/** A key encapsulation with the sizes of ML-KEM-768. */
export interface Kem {
  /** From a 64-byte seed: an encapsulation key of 1,184 bytes, and what opens its ciphertexts. */
  generate(seed: Uint8Array): { readonly encapsulationKey: Uint8Array; readonly decapsulationKey: Uint8Array };
  /** From a 32-byte seed: a ciphertext of 1,088 bytes and its secret of 32; `undefined` for what is no encapsulation key. */
  encapsulate(
    encapsulationKey: Uint8Array,
    seed: Uint8Array,
  ): { readonly ciphertext: Uint8Array; readonly secret: Uint8Array } | undefined;
  /** 32 bytes. A ciphertext that was made for another key gives a secret that nobody shares (implicit rejection). */
  decapsulate(ciphertext: Uint8Array, decapsulationKey: Uint8Array): Uint8Array;
}

/** ML-KEM-768 by @noble. */
export const mlKem768: Kem = {
  generate(seed) {
    const { publicKey, secretKey } = ml_kem768.keygen(seed);
    return { encapsulationKey: publicKey, decapsulationKey: secretKey };
  },
  encapsulate(encapsulationKey, seed) {
    try {
      const { cipherText, sharedSecret } = ml_kem768.encapsulate(encapsulationKey, seed);
      return { ciphertext: cipherText, secret: sharedSecret };
    } catch {
      return undefined; // noble throws at another length, and where the modulus check of FIPS 203 section 7.2 fails
    }
  },
  decapsulate: (ciphertext, decapsulationKey) => ml_kem768.decapsulate(ciphertext, decapsulationKey),
};

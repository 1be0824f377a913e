/** What simulated participants compute with: the real thing by OpenSSL, or something cheap of the same sizes. */
import type { NoiseSuite } from '@warren/noise';
import { type Kem, mlKem768 } from '@warren/session';
import type { Verifier } from '@warren/trust';
import { cheapSign, cheapSigningKey, cheapSuite, cheapVerifier } from './cheap-crypto.ts';
import { cheapKem } from './cheap-kem.ts';
import { simPublicKey, simSign, simSuite, simVerifier } from './crypto.ts';

/** One kind of cryptography, whole: a world runs on one of them. */
export interface SimCrypto {
  readonly name: 'real' | 'cheap';
  readonly suite: NoiseSuite;
  /** 64 bytes by a secret key of 32. */
  readonly sign: (secret: Uint8Array, message: Uint8Array) => Uint8Array;
  /** The public half, 32 bytes, of a secret key for signatures. */
  readonly signingKey: (secret: Uint8Array) => Uint8Array;
  /** A verifier for the participants of one world. */
  readonly verifier: () => Verifier;
  readonly kem: Kem;
}

/** `25519_ChaChaPoly_SHA256` and Ed25519. */
export const realCrypto: SimCrypto = {
  name: 'real',
  suite: simSuite,
  sign: simSign,
  signingKey: simPublicKey,
  verifier: simVerifier,
  kem: mlKem768,
};

/** For thousands of participants. Not secure: see `cheap-crypto.ts`. */
export const cheapCrypto: SimCrypto = {
  name: 'cheap',
  suite: cheapSuite,
  sign: cheapSign,
  signingKey: cheapSigningKey,
  verifier: () => cheapVerifier,
  kem: cheapKem,
};

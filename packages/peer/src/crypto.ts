/**
 * What a host computes with keys, at once and without waiting. Not the
 * identity keys: those may be out of reach of the page, and sign
 * asynchronously (`IdentityKey`).
 */
import { type NoiseSuite, nobleSuite } from '@warren/noise';
import { nobleVerifier, signWorking, type Verifier } from '@warren/trust';

/** One implementation of all that sessions and records need. All give the same bytes and the same verdicts. */
export interface HostCrypto {
  readonly suite: NoiseSuite;
  readonly verifier: Verifier;
  /** Ed25519 with the 32-byte secret of a working key; 64 bytes. */
  readonly sign: (secret: Uint8Array, message: Uint8Array) => Uint8Array;
}

/** By noble, in JavaScript: in tabs and simulations. */
export const nobleCrypto: HostCrypto = { suite: nobleSuite(), verifier: nobleVerifier, sign: signWorking };

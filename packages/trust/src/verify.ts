/**
 * Signature checks under one strict rule on every platform: Ed25519 by
 * RFC 8032 without ZIP-215's leniency and without small-order keys, ECDSA
 * P-256 with SHA-256. Certificates carry ECDSA signatures as DER; everything
 * of our own carries r and s, 32 bytes each.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { concat } from '@warren/base';
import { DerReader, Tag } from './der.ts';

/** Which signature scheme a key is for. */
export type KeyAlgorithm = 'ed25519' | 'p256';

/** Bytes of every signature outside a certificate. */
export const SIGNATURE_BYTES = 64;

/** A signing key's public half. */
export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** 32 bytes for Ed25519; 65 bytes, uncompressed, for P-256. */
  readonly bytes: Uint8Array;
}

/** Checks signatures; `sim` injects a cheap one. Answers false to anything wrong, and never throws. */
export interface Verifier {
  /** `signature` is 64 bytes: as RFC 8032 has it, or r then s. P-256 signs the SHA-256 of `message`. */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean;
}

/** The reference implementation, by @noble/curves. */
export const nobleVerifier: Verifier = {
  verify({ algorithm, bytes }, message, signature) {
    if (signature.length !== SIGNATURE_BYTES) return false;
    try {
      switch (algorithm) {
        case 'ed25519':
          return ed25519.verify(signature, message, bytes, { zip215: false });
        case 'p256':
          // Signers such as WebCrypto do not normalise s, so a high s is as good as a low one.
          return p256.verify(signature, message, bytes, { lowS: false });
      }
    } catch {
      return false; // noble throws at keys that are no points
    }
  },
};

/** r and s, 64 bytes, of a DER ECDSA-Sig-Value (RFC 3279 section 2.2.3); `undefined` unless it is minimal throughout. */
export function ecdsaFromDer(der: Uint8Array): Uint8Array | undefined {
  const reader = new DerReader(der);
  const [r, s] = reader.inside(Tag.sequence, inner => [inner.unsigned(), inner.unsigned()] as const);
  if (reader.failed || !reader.isEmpty) return undefined;
  const [paddedR, paddedS] = [padded(r), padded(s)];
  return paddedR && paddedS && concat(paddedR, paddedS);
}

function padded(integer: Uint8Array): Uint8Array | undefined {
  const digits = integer[0] === 0 ? integer.subarray(1) : integer;
  return digits.length <= 32 ? concat(new Uint8Array(32 - digits.length), digits) : undefined;
}

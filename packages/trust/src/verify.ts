/**
 * Signature checks under one strict rule on every platform: Ed25519 by
 * RFC 8032 section 5.1.7, its equation without the cofactor (as OpenSSL has
 * it), without ZIP-215's leniency and without a key or R of small order; ECDSA
 * P-256 with SHA-256. Certificates carry ECDSA signatures as DER; everything of our
 * own carries r and s, 32 bytes each.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, sameBytes, toHex } from '@warren/base';
import { DerReader, Tag } from './der.ts';

/** Which signature scheme a key is for. */
export type KeyAlgorithm = 'ed25519' | 'p256';

/** Bytes of every signature outside a certificate. */
export const SIGNATURE_BYTES = 64;

/** A point that is not compressed. */
const P256_KEY_BYTES = 65;
const { Point } = ed25519;

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
          return verifyEd25519(bytes, message, signature);
        case 'p256':
          // Signers such as WebCrypto do not normalise s, so a high s is as good as a low one.
          return bytes.length === P256_KEY_BYTES && p256.verify(signature, message, bytes, { lowS: false });
      }
    } catch {
      return false; // noble throws at keys that are no points
    }
  },
};

/**
 * Whether R is the encoding of sB - kA. noble's own check multiplies both sides by the cofactor 8, and so accepts
 * signatures by keys with a small-order part that OpenSSL refuses: participants would disagree about one record.
 */
function verifyEd25519(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const point = Point.fromBytes(key); // throws unless canonical and on the curve
  if (point.isSmallOrder()) return false;
  const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
  const k = Point.Fn.create(fromLittleEndian(sha512(concat(r, key, message))));
  // Throws at an s at or above the group order.
  const expected = Point.BASE.multiplyUnsafe(fromLittleEndian(s)).subtract(point.multiplyUnsafe(k));
  // Newer OpenSSL refuses an R of small order as well; only a signer who wants to be disputed makes one.
  return !expected.isSmallOrder() && sameBytes(expected.toBytes(), r);
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}

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

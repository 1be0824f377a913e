/**
 * Makes certificates of any shape, for tests only: right by default, and wrong
 * in the part that a test names. Real ones come from `peer/src/certificates.ts`.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { concat, toHex, utf8 } from '@warren/base';
import { encodeDer, encodeTime, Tag } from './der.ts';
import * as oids from './oids.ts';
import type { KeyAlgorithm } from './verify.ts';

/** The parts of a TBSCertificate as DER elements, in order, and what is around it. */
export interface Parts {
  version: Uint8Array;
  serial: Uint8Array;
  algorithm: Uint8Array;
  issuer: Uint8Array;
  validity: Uint8Array;
  subject: Uint8Array;
  spki: Uint8Array;
  /** Whole Extension elements. */
  extensions: readonly Uint8Array[];
  /** In place of [3]{extensions}, when given. */
  extensionsField?: Uint8Array;
  outerAlgorithm?: Uint8Array;
  /** In place of the signature's BIT STRING, given its content. */
  signatureField?: (signature: Uint8Array) => Uint8Array;
}

export const GROUP = 'abcdefghijklmnopqrstuvwxyz';
export const OTHER_GROUP = '22222222222222222222222222';
export const PEER_HEX = '00112233445566778899aabbccddeeff01234567';
export const NOW = 1_782_907_200_000;
export const DAY_MS = 86_400_000;

/** A key that signs at once. */
export interface Signer {
  readonly algorithm: KeyAlgorithm;
  readonly identifier: Uint8Array;
  readonly spki: Uint8Array;
  /** As it stands in a certificate: DER for ECDSA. */
  signDer(message: Uint8Array): Uint8Array;
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** The same key for the same seed. */
export function signer(algorithm: KeyAlgorithm, seed: number): Signer {
  const secret = new Uint8Array(32).fill(seed);
  if (algorithm === 'ed25519') {
    const sign = (message: Uint8Array) => ed25519.sign(message, secret);
    const spki = concat(oids.SPKI_ED25519_HEAD, ed25519.getPublicKey(secret));
    return { algorithm, identifier: oids.ALGORITHM_ED25519, spki, signDer: sign, sign };
  }
  const sign = (message: Uint8Array) => p256.sign(message, secret, { lowS: false });
  const spki = concat(oids.SPKI_P256_HEAD, p256.getPublicKey(secret, false));
  return { algorithm, identifier: oids.ALGORITHM_ECDSA_SHA256, spki, signDer: m => ecdsaDer(sign(m)), sign };
}

/** ECDSA-Sig-Value of r and s. */
export function ecdsaDer(raw: Uint8Array): Uint8Array {
  return encodeDer(Tag.sequence, integer(raw.subarray(0, 32)), integer(raw.subarray(32)));
}

/** A leaf of `GROUP` for `holder`, signed by `authority`, with `changes`. */
export function leaf(authority: Signer, holder: Signer, changes: Partial<Parts> = {}): Uint8Array {
  return certificate(authority, {
    ...basics(authority, holder, GROUP, 'laptop'),
    extensions: [BASIC, USAGE, altNames(`urn:warren:${GROUP}:peer:${PEER_HEX}`, `urn:warren:${GROUP}:user:ada`)],
    ...changes,
  });
}

/** The self-signed CA of `GROUP`, with `changes`. */
export function authorityCertificate(authority: Signer, changes: Partial<Parts> = {}): Uint8Array {
  return certificate(authority, {
    ...basics(authority, authority, GROUP, GROUP),
    validity: validity(NOW - DAY_MS, NOW + 3_650 * DAY_MS),
    extensions: [
      extension(oids.OID_BASIC_CONSTRAINTS, true, oids.BASIC_CONSTRAINTS_AUTHORITY),
      extension(oids.OID_KEY_USAGE, true, oids.KEY_USAGE_AUTHORITY),
    ],
    ...changes,
  });
}

/** A self-signed leaf of the public overlay with that peer id, with `changes`. */
export function publicLeaf(holder: Signer, peerId: Uint8Array, changes: Partial<Parts> = {}): Uint8Array {
  return certificate(holder, {
    ...basics(holder, holder, 'warren-public', 'warren-public'),
    extensions: [BASIC, USAGE, altNames(`urn:warren:public:peer:${toHex(peerId)}`)],
    ...changes,
  });
}

export function name(text: string, stringTag: number = Tag.utf8String): Uint8Array {
  return encodeDer(Tag.sequence, encodeDer(Tag.set, attribute(text, stringTag)));
}

/** One AttributeTypeAndValue with a commonName. */
export function attribute(text: string, stringTag: number = Tag.utf8String): Uint8Array {
  return encodeDer(Tag.sequence, oids.OID_COMMON_NAME, encodeDer(stringTag, utf8(text)));
}

export function validity(notBefore: number, notAfter: number): Uint8Array {
  return encodeDer(Tag.sequence, encodeTime(notBefore), encodeTime(notAfter));
}

export function extension(oid: Uint8Array, critical: boolean, value: Uint8Array): Uint8Array {
  const marked = critical ? [encodeDer(Tag.boolean, Uint8Array.of(0xff))] : [];
  return encodeDer(Tag.sequence, oid, ...marked, encodeDer(Tag.octetString, value));
}

export function altNames(...uris: readonly string[]): Uint8Array {
  const names = uris.map(uri => encodeDer(Tag.uri, utf8(uri)));
  return extension(oids.OID_SUBJECT_ALT_NAME, true, encodeDer(Tag.sequence, ...names));
}

export const BASIC = extension(oids.OID_BASIC_CONSTRAINTS, true, oids.BASIC_CONSTRAINTS_LEAF);
export const USAGE = extension(oids.OID_KEY_USAGE, true, oids.KEY_USAGE_LEAF);

function basics(authority: Signer, holder: Signer, issuer: string, subject: string) {
  return {
    version: encodeDer(Tag.explicit0, encodeDer(Tag.integer, Uint8Array.of(2))),
    serial: encodeDer(Tag.integer, new Uint8Array(16).fill(0x42)),
    algorithm: authority.identifier,
    issuer: name(issuer),
    validity: validity(NOW - DAY_MS, NOW + 29 * DAY_MS),
    subject: name(subject),
    spki: holder.spki,
  };
}

function certificate(authority: Signer, parts: Parts): Uint8Array {
  const { version, serial, algorithm, issuer, validity: dates, subject, spki, extensions } = parts;
  const field = parts.extensionsField ?? encodeDer(Tag.explicit3, encodeDer(Tag.sequence, ...extensions));
  const tbs = encodeDer(Tag.sequence, version, serial, algorithm, issuer, dates, subject, spki, field);
  const signature = authority.signDer(tbs);
  const signatureField = parts.signatureField ?? (bytes => encodeDer(Tag.bitString, Uint8Array.of(0), bytes));
  return encodeDer(Tag.sequence, tbs, parts.outerAlgorithm ?? algorithm, signatureField(signature));
}

function integer(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex(byte => byte !== 0);
  const digits = start < 0 ? Uint8Array.of(0) : bytes.subarray(start);
  return encodeDer(Tag.integer, (digits[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), digits) : digits);
}

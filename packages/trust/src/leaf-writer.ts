/**
 * Writes what `certificate.ts` reads: leaves of a group, as the site issues
 * them. Signing is the caller's, since CA keys may belong to WebCrypto. Own
 * DER, because @peculiar/x509 loses arcs above 2^56 when it writes object
 * identifiers, and ours for rights is a UUID; tests read the result with it.
 */
import { assert, concat, toHex, type UnixMs, utf8 } from '@warren/base';
import { encodeDer, encodeTime, Tag } from './der.ts';
import * as oids from './oids.ts';
import { encodeRights, type Right } from './rights.ts';
import { encodeTeams } from './teams.ts';
import type { KeyAlgorithm } from './verify.ts';

/** What a leaf says. */
export interface LeafText {
  /** 16 bytes, the first in 01..7f. */
  readonly serial: Uint8Array;
  readonly group: string;
  readonly user: string;
  readonly device: string;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** Fractions of a second are cut off both dates. */
  readonly notBefore: UnixMs;
  readonly notAfter: UnixMs;
  /** Within the bounds of `areTeams`. */
  readonly teams: readonly string[];
  readonly rights: readonly Right[];
}

/** The part of a leaf that the CA signs, for a CA key of that algorithm. */
export function encodeLeafText(o: LeafText, by: KeyAlgorithm): Uint8Array {
  const uris = [`urn:warren:${o.group}:peer:${toHex(o.peerId)}`, `urn:warren:${o.group}:user:${o.user}`];
  const names = encodeDer(Tag.sequence, ...uris.map(uri => encodeDer(Tag.uri, utf8(uri))));
  const extensions = [
    extension(oids.OID_BASIC_CONSTRAINTS, true, oids.BASIC_CONSTRAINTS_LEAF),
    extension(oids.OID_KEY_USAGE, true, oids.KEY_USAGE_LEAF),
    extension(oids.OID_SUBJECT_ALT_NAME, true, names),
    ...(o.teams.length === 0 ? [] : [extension(oids.OID_SUBJECT_DIRECTORY_ATTRIBUTES, false, encodeTeams(o.teams))]),
    ...(o.rights.length === 0 ? [] : [extension(oids.OID_RIGHTS, false, encodeRights(o.rights))]),
  ];
  return encodeDer(
    Tag.sequence,
    encodeDer(Tag.explicit0, encodeDer(Tag.integer, Uint8Array.of(2))),
    encodeDer(Tag.integer, o.serial),
    algorithmOf(by),
    name(o.group),
    encodeDer(Tag.sequence, encodeTime(o.notBefore), encodeTime(o.notAfter)),
    name(o.device),
    o.spki,
    encodeDer(Tag.explicit3, encodeDer(Tag.sequence, ...extensions)),
  );
}

/** The whole leaf, DER: what was signed, and 64 bytes of signature (RFC 8032, or r then s). */
export function encodeLeaf(text: Uint8Array, by: KeyAlgorithm, signature: Uint8Array): Uint8Array {
  assert(signature.length === 64, 'a signature is 64 bytes');
  const bytes = by === 'ed25519' ? signature : ecdsaToDer(signature);
  return encodeDer(Tag.sequence, text, algorithmOf(by), encodeDer(Tag.bitString, Uint8Array.of(0), bytes));
}

function algorithmOf(by: KeyAlgorithm): Uint8Array {
  return by === 'ed25519' ? oids.ALGORITHM_ED25519 : oids.ALGORITHM_ECDSA_SHA256;
}

/** ECDSA-Sig-Value (RFC 3279 section 2.2.3). */
function ecdsaToDer(signature: Uint8Array): Uint8Array {
  return encodeDer(Tag.sequence, integer(signature.subarray(0, 32)), integer(signature.subarray(32)));
}

function integer(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex(byte => byte !== 0);
  assert(start >= 0, 'no part of a signature is zero');
  const digits = bytes.subarray(start);
  return encodeDer(Tag.integer, (digits[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), digits) : digits);
}

function extension(oid: Uint8Array, critical: boolean, value: Uint8Array): Uint8Array {
  const marked = critical ? [encodeDer(Tag.boolean, Uint8Array.of(0xff))] : [];
  return encodeDer(Tag.sequence, oid, ...marked, encodeDer(Tag.octetString, value));
}

function name(commonName: string): Uint8Array {
  const text = encodeDer(Tag.utf8String, utf8(commonName));
  return encodeDer(Tag.sequence, encodeDer(Tag.set, encodeDer(Tag.sequence, oids.OID_COMMON_NAME, text)));
}

/**
 * Our three certificate profiles, and no other X.509: the leaf that a group's
 * CA signs, the CA itself, and the self-signed leaf of the public overlay.
 * Parses and checks form; who signed it is `authority.ts`. Sources: RFC 5280
 * section 4 for the layout, session.md 2.2 for the profile.
 *
 * Leaf and authority, all in DER:
 *
 * ```text
 * Certificate     tbs | algorithm | BIT STRING signature
 * tbs             [0] version 3 | serial | algorithm | issuer | validity | subject | key | [3] extensions
 *             leaf                                  authority                     public
 * serial      16 bytes, first 01..7f                1 to 20 bytes                 as leaf
 * issuer      CN=<group>                            CN=<group>                    CN=warren-public
 * subject     CN=<device>                           CN=<group>                    CN=warren-public
 * validity    at most 31 days                       any                           at most 31 days
 * critical    CA:FALSE, digitalSignature, two URIs  CA:TRUE pathlen 0, keyCertSign + cRLSign   as leaf, one URI
 * URIs        urn:warren:<group>:peer:<40 hex>, urn:warren:<group>:user:<user>    urn:warren:public:peer:<40 hex>
 * teams       not critical, may be absent           none                          none
 * rights      not critical, may be absent           none                          none
 * ```
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { fromHex, fromUtf8, sameBytes, type UnixMs } from '@warren/base';
import { LEAF_MAX_BYTES } from '@warren/wire';
import { DerReader, Tag } from './der.ts';
import * as oids from './oids.ts';
import { type Right, readRights } from './rights.ts';
import { readTeams } from './teams.ts';
import { ecdsaFromDer, type KeyAlgorithm, type PublicKey } from './verify.ts';

/** What makes a certificate unfit, whoever signed it. */
export type CertificateFault =
  | 'too-large'
  | 'malformed'
  | 'bad-algorithm'
  | 'bad-key'
  | 'bad-serial'
  | 'bad-dates'
  | 'bad-names'
  | 'bad-extensions'
  | 'unknown-critical-extension'
  | 'authority-certificate';

/** What all three profiles have. */
export interface Certificate {
  readonly der: Uint8Array;
  /** The signed part. */
  readonly tbs: Uint8Array;
  /** SHA-256 of `tbs`, 32 bytes: what identifies a certificate, since its signature can be rewritten. */
  readonly tbsHash: Uint8Array;
  readonly signatureAlgorithm: KeyAlgorithm;
  /** 64 bytes, also for ECDSA. */
  readonly signature: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly publicKey: PublicKey;
  readonly notBefore: UnixMs;
  readonly notAfter: UnixMs;
}

/** A participant's certificate. */
export interface Leaf extends Certificate {
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** 26 base32 characters, or `public` in the public overlay. */
  readonly group: string;
  /** 1 to 32 of `a-z 0-9 . _ -`; empty in the public overlay. */
  readonly user: string;
  /** As `user`. */
  readonly device: string;
  /** Of the user, by the alphabet; none in the public overlay. */
  readonly teams: readonly string[];
  /** In the order of `RIGHTS`; none in the public overlay. */
  readonly rights: readonly Right[];
}

/** A group's CA. */
export interface AuthorityCertificate extends Certificate {
  readonly group: string;
}

/** What the public overlay is called in `Leaf.group`. */
export const PUBLIC_GROUP = 'public';

/** Common name of every public certificate. */
export const PUBLIC_COMMON_NAME = 'warren-public';

/** Longest life of a leaf. */
export const LEAF_LIFETIME_MAX_MS = 31 * 86_400_000;

const AUTHORITY_MAX_BYTES = 1_024;
const EXTENSIONS_MAX = 8;
const GROUP = /^[a-z2-7]{26}$/;
const LABEL = /^[a-z0-9._-]{1,32}$/;
const PEER_URI = /^urn:warren:([a-z2-7]{26}|public):peer:([0-9a-f]{40})$/;
const USER_URI = /^urn:warren:([a-z2-7]{26}):user:([a-z0-9._-]{1,32})$/;

/** Whether `text` is a group id: 26 base32 characters, lower case. */
export function isGroupId(text: string): boolean {
  return GROUP.test(text);
}

/** Whether `text` may be a user or device: 1 to 32 of `a-z 0-9 . _ -`. */
export function isLabel(text: string): boolean {
  return LABEL.test(text);
}

/** Reads a leaf of a group or of the public overlay; `undefined` outside both profiles. Checks no signature and no clock. */
export function parseLeaf(der: Uint8Array): Leaf | undefined {
  const leaf = readLeaf(der);
  return typeof leaf === 'string' ? undefined : leaf;
}

/** As `parseLeaf`, with the reason for a refusal. */
export function readLeaf(der: Uint8Array): Leaf | CertificateFault {
  if (der.length > LEAF_MAX_BYTES) return 'too-large';
  const found = readAny(der);
  if (typeof found === 'string') return found;
  const { certificate, serial, issuer, subject, extensions } = found;
  if (serial.length !== 16 || serial[0] === 0) return 'bad-serial';
  const lifetimeMs = certificate.notAfter - certificate.notBefore;
  if (lifetimeMs <= 0 || lifetimeMs > LEAF_LIFETIME_MAX_MS) return 'bad-dates';
  const fault = extensionFault(extensions, oids.BASIC_CONSTRAINTS_LEAF, oids.KEY_USAGE_LEAF);
  if (fault !== undefined) return fault;
  const names = issuer === PUBLIC_COMMON_NAME ? publicNames(extensions) : groupNames(extensions, issuer);
  if (names === undefined) return 'bad-names';
  if (names.group === PUBLIC_GROUP) {
    if (extensions.some(isByGroup)) return 'bad-extensions';
    const isOwnId = sameBytes(names.peerId, sha256(certificate.spki).subarray(0, 20));
    return isOwnId && subject === issuer
      ? { ...certificate, ...names, device: '', teams: [], rights: [] }
      : 'bad-names';
  }
  const [teams, rights] = [readOwn(extensions, isTeams, readTeams), readOwn(extensions, isRights, readRights)];
  if (teams === undefined || rights === undefined) return 'bad-extensions';
  return LABEL.test(subject) ? { ...certificate, ...names, device: subject, teams, rights } : 'bad-names';
}

/** Reads a group's CA; the reason where it is outside the profile. Checks no signature and no clock. */
export function readAuthority(der: Uint8Array): AuthorityCertificate | CertificateFault {
  if (der.length > AUTHORITY_MAX_BYTES) return 'too-large';
  const found = readAny(der);
  if (typeof found === 'string') return found;
  const { certificate, issuer, subject, extensions } = found;
  if (certificate.notAfter <= certificate.notBefore) return 'bad-dates';
  const fault = extensionFault(extensions, oids.BASIC_CONSTRAINTS_AUTHORITY, oids.KEY_USAGE_AUTHORITY);
  if (fault !== undefined) return fault;
  if (!GROUP.test(issuer) || subject !== issuer || extensions.some(isAltName)) return 'bad-names';
  if (extensions.some(isByGroup)) return 'bad-extensions';
  return { ...certificate, group: issuer };
}

/** The key in a DER SubjectPublicKeyInfo; `undefined` unless it is Ed25519 or uncompressed P-256. */
export function publicKeyFromSpki(spki: Uint8Array): PublicKey | undefined {
  for (const [algorithm, head, length] of [
    ['ed25519', oids.SPKI_ED25519_HEAD, 32],
    ['p256', oids.SPKI_P256_HEAD, 65],
  ] as const) {
    const bytes = spki.slice(head.length);
    const isUncompressed = algorithm === 'ed25519' || bytes[0] === 4;
    if (bytes.length === length && isUncompressed && sameBytes(spki.subarray(0, head.length), head)) {
      return { algorithm, bytes };
    }
  }
  return undefined;
}

interface Extension {
  readonly oid: Uint8Array;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

interface Found {
  readonly certificate: Certificate;
  readonly serial: Uint8Array;
  readonly issuer: string;
  readonly subject: string;
  readonly extensions: readonly Extension[];
}

/** What is common to the profiles. */
function readAny(given: Uint8Array): Found | CertificateFault {
  const der = given.slice();
  const reader = new DerReader(der);
  const outer = reader.inside(Tag.sequence, r => ({
    tbs: r.element(Tag.sequence),
    algorithm: r.element(Tag.sequence),
    signature: r.bitString(),
  }));
  const inner = new DerReader(outer.tbs);
  const tbs = inner.inside(Tag.sequence, readTbs);
  if (reader.failed || !reader.isEmpty || inner.failed) return 'malformed';
  const { notBefore, notAfter, spki, serial, extensions } = tbs;
  const signatureAlgorithm = algorithmOf(outer.algorithm);
  if (signatureAlgorithm === undefined || !sameBytes(tbs.algorithm, outer.algorithm)) return 'bad-algorithm';
  const signature = signatureAlgorithm === 'p256' ? ecdsaFromDer(outer.signature) : outer.signature;
  if (signature?.length !== 64) return 'malformed';
  const publicKey = publicKeyFromSpki(spki);
  if (publicKey === undefined) return 'bad-key';
  if (serial.length > 20 || (serial.length === 1 && serial[0] === 0)) return 'bad-serial';
  const [issuer, subject] = [commonName(tbs.issuer), commonName(tbs.subject)];
  if (issuer === undefined || subject === undefined) return 'bad-names';
  const tbsHash = sha256(outer.tbs);
  const certificate = {
    der,
    tbs: outer.tbs,
    tbsHash,
    signatureAlgorithm,
    signature,
    spki,
    publicKey,
    notBefore,
    notAfter,
  };
  return { certificate, serial, issuer, subject, extensions };
}

function readTbs(r: DerReader) {
  const version = r.inside(Tag.explicit0, inner => inner.unsigned());
  if (version.length !== 1 || version[0] !== 2) r.fail();
  const serial = r.unsigned();
  const algorithm = r.element(Tag.sequence);
  const issuer = r.element(Tag.sequence);
  const [notBefore, notAfter] = r.inside(Tag.sequence, inner => [inner.time(), inner.time()] as const);
  const subject = r.element(Tag.sequence);
  const spki = r.element(Tag.sequence);
  const extensions = r.inside(Tag.explicit3, inner => inner.inside(Tag.sequence, readExtensions));
  return { serial, algorithm, issuer, notBefore, notAfter, subject, spki, extensions };
}

function readExtensions(r: DerReader): Extension[] {
  const extensions: Extension[] = [];
  while (!r.isEmpty && extensions.length < EXTENSIONS_MAX) {
    extensions.push(
      r.inside(Tag.sequence, inner => {
        const oid = inner.element(Tag.oid);
        const isMarked = inner.isNext(Tag.boolean);
        const critical = isMarked && inner.boolean();
        if (isMarked && !critical) inner.fail(); // DER leaves a default out
        return { oid, critical, value: inner.content(Tag.octetString) };
      }),
    );
  }
  return extensions;
}

function algorithmOf(element: Uint8Array): KeyAlgorithm | undefined {
  if (sameBytes(element, oids.ALGORITHM_ED25519)) return 'ed25519';
  return sameBytes(element, oids.ALGORITHM_ECDSA_SHA256) ? 'p256' : undefined;
}

/** The text of a Name that is one commonName in UTF8String. */
function commonName(name: Uint8Array): string | undefined {
  const r = new DerReader(name);
  const [oid, text] = r.inside(Tag.sequence, names =>
    names.inside(Tag.set, set =>
      set.inside(Tag.sequence, pair => [pair.element(Tag.oid), pair.content(Tag.utf8String)] as const),
    ),
  );
  return r.failed || !sameBytes(oid, oids.OID_COMMON_NAME) ? undefined : fromUtf8(text);
}

/** What is wrong with the extensions, the names aside. */
function extensionFault(
  extensions: readonly Extension[],
  basicConstraints: Uint8Array,
  keyUsage: Uint8Array,
): CertificateFault | undefined {
  const seen = new Set(extensions.map(({ oid }) => oid.join('.')));
  if (seen.size !== extensions.length) return 'bad-extensions';
  let required = 0;
  for (const extension of extensions) {
    const { oid, critical, value } = extension;
    const expected = sameBytes(oid, oids.OID_BASIC_CONSTRAINTS)
      ? basicConstraints
      : sameBytes(oid, oids.OID_KEY_USAGE)
        ? keyUsage
        : undefined;
    if (expected !== undefined) {
      required++;
      if (expected === basicConstraints && value.length > 2 && expected.length === 2) return 'authority-certificate';
      if (!critical || !sameBytes(value, expected)) return 'bad-extensions';
    } else if (isAltName(extension)) {
      if (!critical) return 'bad-extensions';
    } else if (isByGroup(extension)) {
      if (critical) return 'bad-extensions';
    } else if (critical) return 'unknown-critical-extension';
  }
  return required === 2 ? undefined : 'bad-extensions';
}

function isAltName({ oid }: Extension): boolean {
  return sameBytes(oid, oids.OID_SUBJECT_ALT_NAME);
}

function isTeams({ oid }: Extension): boolean {
  return sameBytes(oid, oids.OID_SUBJECT_DIRECTORY_ATTRIBUTES);
}

function isRights({ oid }: Extension): boolean {
  return sameBytes(oid, oids.OID_RIGHTS);
}

/** Whether only a group's CA may say it, of devices. */
function isByGroup(extension: Extension): boolean {
  return isTeams(extension) || isRights(extension);
}

/** What an extension says; nothing where it is absent, `undefined` where it cannot be read. */
function readOwn<T>(
  extensions: readonly Extension[],
  isIt: (extension: Extension) => boolean,
  read: (value: Uint8Array) => readonly T[] | undefined,
): readonly T[] | undefined {
  const found = extensions.find(isIt);
  return found === undefined ? [] : read(found.value);
}

function groupNames(extensions: readonly Extension[], issuer: string) {
  const [peerUri, userUri, ...more] = altUris(extensions);
  const [, peerGroup, peerHex] = PEER_URI.exec(peerUri ?? '') ?? [];
  const [, userGroup, user] = USER_URI.exec(userUri ?? '') ?? [];
  const peerId = peerHex === undefined ? undefined : fromHex(peerHex);
  if (peerId === undefined || user === undefined || more.length > 0) return undefined;
  if (!GROUP.test(issuer) || peerGroup !== issuer || userGroup !== issuer) return undefined;
  return { peerId, user, group: issuer };
}

function publicNames(extensions: readonly Extension[]) {
  const [uri, ...more] = altUris(extensions);
  const [, group, peerHex] = PEER_URI.exec(uri ?? '') ?? [];
  const peerId = peerHex === undefined ? undefined : fromHex(peerHex);
  return group !== PUBLIC_GROUP || peerId === undefined || more.length > 0
    ? undefined
    : { peerId, user: '', group: PUBLIC_GROUP };
}

/** The URIs of the subjectAltName; none when it holds anything else. */
function altUris(extensions: readonly Extension[]): string[] {
  const r = new DerReader(extensions.find(isAltName)?.value ?? new Uint8Array(0));
  const uris = r.inside(Tag.sequence, names => {
    const found: string[] = [];
    while (!names.isEmpty && found.length < 4) found.push(fromUtf8(names.content(Tag.uri)) ?? '');
    return found;
  });
  return r.failed || !r.isEmpty ? [] : uris;
}

/**
 * Makes certificates, requests and working statements: what an identity key
 * signs, and what a group's CA signs. Asynchronous, because keys may belong to
 * WebCrypto; shared by all hosts and the site. Reading and judging certificates
 * is `trust`, which also writes leaves. @peculiar/x509 makes all else; it is
 * loaded at first use, so that a page splits it off. Sources: session.md 2.2 for the profiles, RFC 2986 for requests.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, type Random, toBase64Url, toHex, type UnixMs, utf8 } from '@warren/base';
import {
  encodeLeaf,
  encodeLeafText,
  isLabel,
  PUBLIC_COMMON_NAME,
  parseLeaf,
  publicKeyFromSpki,
  type Right,
  STATEMENT_LIFETIME_MAX_MS,
  statementText,
  type WorkingStatement,
} from '@warren/trust';
import type { IdentityKey } from './host.ts';

type X509 = typeof import('@peculiar/x509');

/** By how much everything is dated back, for clocks that run behind. */
const BACKDATED_MS = 5 * 60_000;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const CHALLENGE_LABEL = utf8('warren-enrol/1');
const CHALLENGE_PASSWORD = '1.2.840.113549.1.9.7';

/** A certificate request that proved to be signed by its own key. */
export interface CertificateRequest {
  /** DER SubjectPublicKeyInfo, Ed25519 or uncompressed P-256. */
  readonly spki: Uint8Array;
  readonly device: string;
  /** What `enrolmentChallenge` gave; `undefined` in a renewal. */
  readonly challenge: string | undefined;
}

/** What a CA puts into a leaf. */
export interface LeafWish {
  /** The CA's keys. */
  readonly authority: CryptoKeyPair;
  readonly group: string;
  readonly user: string;
  readonly device: string;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** The holder's public key, DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly now: UnixMs;
  /** How long it is good, 1 to 30; 30 by default. */
  readonly days?: number;
  /** What the device may do for others; nothing by default. */
  readonly rights?: readonly Right[];
  /** The user's teams; none by default. */
  readonly teams?: readonly string[];
  /** It begins no earlier than this, in spite of being dated back: after the device's or its user's last removal. */
  readonly notBefore?: UnixMs;
  /** 16 random bytes; the first is brought into 01..7f. */
  readonly serial: Uint8Array;
}

/** A self-signed leaf for the public overlay, DER, good for 30 days. Its peer id is made of the key. */
export async function selfSignedPublicLeaf(key: IdentityKey, now: UnixMs, random: Random): Promise<Uint8Array> {
  const x509 = await load();
  const peerId = toHex(sha256(key.spki).subarray(0, 20));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialHex(random.bytes(16)),
    name: commonName(x509, PUBLIC_COMMON_NAME),
    ...validity(now, 30),
    keys: key.keys,
    signingAlgorithm: signingAlgorithm(key.keys.privateKey),
    extensions: leafExtensions(x509, [`urn:warren:public:peer:${peerId}`]),
  });
  return new Uint8Array(certificate.rawData);
}

/** A certificate request (PKCS#10 DER) for this device; without a secret it is a renewal. The secret is 16 bytes. */
export async function makeRequest(key: IdentityKey, device: string, enrolmentSecret?: Uint8Array): Promise<Uint8Array> {
  const x509 = await load();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: commonName(x509, device),
    keys: key.keys,
    signingAlgorithm: signingAlgorithm(key.keys.privateKey),
    attributes:
      enrolmentSecret === undefined ? [] : [new x509.ChallengePasswordAttribute(enrolmentChallenge(enrolmentSecret))],
  });
  return new Uint8Array(request.rawData);
}

/** What a request says instead of the enrolment secret: base64url(SHA-256("warren-enrol/1" || secret)). */
export function enrolmentChallenge(enrolmentSecret: Uint8Array): string {
  return toBase64Url(sha256(concat(CHALLENGE_LABEL, enrolmentSecret)));
}

/**
 * Has the identity key vouch for the working keys of this process, from 5
 * minutes ago for 12 hours. `leafTbsHash`, `noiseStatic` (X25519) and
 * `workingKey` (Ed25519) are 32 bytes each.
 */
export async function makeStatement(
  key: IdentityKey,
  leafTbsHash: Uint8Array,
  noiseStatic: Uint8Array,
  workingKey: Uint8Array,
  now: UnixMs,
): Promise<WorkingStatement> {
  const notBefore = Math.floor(now) - BACKDATED_MS;
  const dated = { workingKey, notBefore, notAfter: notBefore + STATEMENT_LIFETIME_MAX_MS };
  const signature = await key.sign(statementText(leafTbsHash, noiseStatic, dated));
  return { ...dated, algorithm: key.algorithm, signature };
}

/** A group's CA certificate, DER, good for 10 years. `keys` are Ed25519, or ECDSA over P-256. */
export async function issueCertificateAuthority(
  keys: CryptoKeyPair,
  group: string,
  now: UnixMs,
  serial: Uint8Array,
): Promise<Uint8Array> {
  const x509 = await load();
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialHex(serial),
    name: commonName(x509, group),
    ...validity(now, AUTHORITY_DAYS),
    keys,
    signingAlgorithm: signingAlgorithm(keys.privateKey),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
    ],
  });
  return new Uint8Array(certificate.rawData);
}

/** A leaf, DER. Throws where the wish is outside the profile of `trust`: no device could use it. */
export async function issueLeaf(wish: LeafWish): Promise<Uint8Array> {
  const { authority, now, days = 30, rights = [], teams = [], notBefore = 0 } = wish;
  const dates = validity(now, days);
  const text = {
    ...wish,
    serial: positive(wish.serial),
    notBefore: Math.max(dates.notBefore.getTime(), notBefore),
    notAfter: dates.notAfter.getTime(),
    rights,
    teams,
  };
  const { privateKey } = authority;
  const by = privateKey.algorithm.name === 'ECDSA' ? 'p256' : 'ed25519';
  const signed = encodeLeafText(text, by);
  const signature = await crypto.subtle.sign(signingAlgorithm(privateKey), privateKey, signed.slice());
  const der = encodeLeaf(signed, by, new Uint8Array(signature));
  if (parseLeaf(der) === undefined) throw new Error('The certificate would be outside the profile.');
  return der;
}

/** Reads a request (PKCS#10 DER); `undefined` unless it is for a fit key and device name and signed by that key. */
export async function readRequest(der: Uint8Array): Promise<CertificateRequest | undefined> {
  const x509 = await load();
  try {
    const request = new x509.Pkcs10CertificateRequest(der.slice());
    const spki = new Uint8Array(request.publicKey.rawData);
    const [device, ...more] = request.subjectName.getField('CN');
    if (device === undefined || more.length > 0 || !isLabel(device)) return undefined;
    if (publicKeyFromSpki(spki) === undefined || !(await request.verify())) return undefined;
    const attribute = request.getAttribute(CHALLENGE_PASSWORD);
    const challenge = attribute instanceof x509.ChallengePasswordAttribute ? attribute.password : undefined;
    return { spki, device, challenge };
  } catch {
    return undefined;
  }
}

let loaded: Promise<X509> | undefined;

/** @peculiar/x509 needs the metadata polyfill before it. */
function load(): Promise<X509> {
  loaded ??= import('reflect-metadata').then(() => import('@peculiar/x509'));
  return loaded;
}

/** `trust` accepts UTF8String only; given plain text the library would choose PrintableString. */
function commonName(x509: X509, text: string): InstanceType<X509['Name']> {
  return new x509.Name([{ CN: [{ utf8String: text }] }]);
}

function leafExtensions(x509: X509, uris: readonly string[]): InstanceType<X509['Extension']>[] {
  const names = uris.map(value => ({ type: 'url' as const, value }));
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.SubjectAlternativeNameExtension(names, true),
  ];
}

/** Certificates hold whole seconds. */
function validity(now: UnixMs, days: number): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now / 1_000) * 1_000;
  return { notBefore: new Date(second - BACKDATED_MS), notAfter: new Date(second + days * DAY_MS) };
}

function serialHex(serial: Uint8Array): string {
  return toHex(positive(serial));
}

function positive(serial: Uint8Array): Uint8Array {
  const bytes = serial.slice();
  bytes[0] = 1 + ((bytes[0] ?? 0) % 0x7f);
  return bytes;
}

function signingAlgorithm(key: CryptoKey): Algorithm | EcdsaParams {
  return key.algorithm.name === 'ECDSA' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: key.algorithm.name };
}

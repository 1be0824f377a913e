/**
 * Certificates for simulated members, byte for byte the same for a seed: the
 * profile of `trust`, written directly as DER and signed with deterministic
 * Ed25519, or with what a large simulation takes in its place. Hosts and the
 * site use @peculiar/x509 instead.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromHex, type Random, toHex, type UnixMs, utf8 } from '@warren/base';
import { hiddenKeyPair, type NoiseSuite } from '@warren/noise';
import type { Kem } from '@warren/session';
import {
  Authority,
  type Credentials,
  encodeRights,
  encodeTeams,
  type Revocation,
  type RevocationList,
  type Right,
  readLeaf,
  revocationHeadText,
  revocationListText,
  statementText,
  type WorkingKeys,
} from '@warren/trust';
import { realCrypto, type SimCrypto } from './sim-crypto.ts';

const DAY_MS = 86_400_000;
const ALGORITHM = hex('300506032b6570');
/** The rights extension (`rights.ts` of `trust`). */
const OID_RIGHTS = hex('06146981a7d4a9e2faefa2bbf1839fb3a9d1f6e1865e');
/** subjectDirectoryAttributes (`teams.ts` of `trust`). */
const OID_ATTRIBUTES = hex('0603551d09');
const SPKI_HEAD = hex('302a300506032b6570032100');
const AUTHORITY_EXTENSIONS = [hex('30120603551d130101ff040830060101ff020100'), hex('300e0603551d0f0101ff040403020106')];

/** A group's CA. */
export interface SimAuthority {
  readonly group: string;
  readonly secret: Uint8Array;
  readonly der: Uint8Array;
  readonly crypto: SimCrypto;
}

/** Makes the CA of a group whose id follows from `random`. */
export function simAuthority(random: Random, now: UnixMs, crypto: SimCrypto = realCrypto): SimAuthority {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  const group = [...random.bytes(26)].map(byte => alphabet[byte % 32]).join('');
  const secret = random.bytes(32);
  const names = { issuer: group, subject: group, days: 3650, now, crypto };
  const spki = spkiOf(secret, crypto);
  const der = certificate(random, { ...names, spki, signer: secret }, AUTHORITY_EXTENSIONS);
  return { group, secret, der, crypto };
}

/** A revocation list of that CA with its head, both as of `signedAt`. */
export function simRevocations(
  authority: SimAuthority,
  o: { readonly sequence: number; readonly signedAt: UnixMs; readonly revoked: readonly Revocation[] },
): RevocationList {
  const { group, secret, crypto } = authority;
  const head = { ...o, signature: crypto.sign(secret, revocationHeadText(group, o)) };
  return { head, revoked: o.revoked, signature: crypto.sign(secret, revocationListText(group, o, o.revoked)) };
}

/** What a participant keeps over restarts: its identity key and certificate. */
export interface SimIdentity {
  readonly secret: Uint8Array;
  /** DER. */
  readonly leaf: Uint8Array;
  readonly crypto: SimCrypto;
}

/** Who is certified. What is absent is drawn, or 30 `days`. */
export interface SimMemberOptions {
  readonly user: string;
  readonly device: string;
  /** 20 bytes. */
  readonly peerId?: Uint8Array;
  /** 32 bytes: of the identity key, in a renewal. */
  readonly secret?: Uint8Array;
  readonly days?: number;
  /** What it may do for others: relay, as the site lets every new device. */
  readonly rights?: readonly Right[];
  /** Of the user: none. */
  readonly teams?: readonly string[];
}

/** The identity of a member, certified by `authority`. */
export function simMember(authority: SimAuthority, o: SimMemberOptions, random: Random, now: UnixMs): SimIdentity {
  const { crypto } = authority;
  const secret = o.secret ?? random.bytes(32);
  const peerId = o.peerId ?? random.bytes(20);
  const uris = [`urn:warren:${authority.group}:peer:${toHex(peerId)}`, `urn:warren:${authority.group}:user:${o.user}`];
  const names = { issuer: authority.group, subject: o.device, days: o.days ?? 30, now, crypto };
  const parts = { ...names, spki: spkiOf(secret, crypto), signer: authority.secret };
  return { secret, leaf: certificate(random, parts, leafExtensions(uris, o.rights ?? ['relay'], o.teams)), crypto };
}

/** An identity for the public overlay: self-signed, the id from the key, which is drawn unless given (32 bytes). */
export function simStranger(
  random: Random,
  now: UnixMs,
  crypto: SimCrypto = realCrypto,
  secret: Uint8Array = random.bytes(32),
): SimIdentity {
  const spki = spkiOf(secret, crypto);
  const uri = `urn:warren:public:peer:${toHex(sha256(spki).slice(0, 20))}`;
  const names = { issuer: 'warren-public', subject: 'warren-public', days: 30, now, crypto };
  return { secret, leaf: certificate(random, { ...names, spki, signer: secret }, leafExtensions([uri])), crypto };
}

/** What one run of a process shows: fresh working keys from `random`, and the statement that binds them. */
export function simCredentials(identity: SimIdentity, random: Random, now: UnixMs): Credentials {
  return simRenewed(identity, workingKeys(random, identity.crypto), now);
}

/** What one end of a session is made with. */
export interface SimParty {
  readonly suite: NoiseSuite;
  readonly kem: Kem;
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly random: Random;
}

/** A member in its first run, whose user and device both are `name`; `random` draws all that is its own, now and later. */
export function simParty(ca: SimAuthority, name: string, random: Random, now: UnixMs): SimParty {
  const { suite, kem, verifier } = ca.crypto;
  const credentials = simCredentials(simMember(ca, { user: name, device: name }, random, now), random, now);
  return { suite, kem, authority: Authority.group(ca.der, { verifier: verifier() }) as Authority, credentials, random };
}

/** The same later in that run: another certificate perhaps, and a fresh statement about the same keys. */
export function simRenewed(identity: SimIdentity, keys: WorkingKeys, now: UnixMs): Credentials {
  const leaf = readLeaf(identity.leaf);
  if (typeof leaf === 'string') throw new Error(`simulated leaf is ${leaf}`);
  const { crypto } = identity;
  const notBefore = now - 300_000;
  const dated = { workingKey: keys.signing.public, notBefore, notAfter: notBefore + 12 * 3_600_000 };
  const signature = crypto.sign(identity.secret, statementText(leaf.tbsHash, keys.noise.public, dated));
  return { leaf, keys, statement: { ...dated, algorithm: 'ed25519', signature } };
}

/** The same keys as `newWorkingKeys` of `trust` draws. */
function workingKeys(random: Random, { suite, signingKey }: SimCrypto): WorkingKeys {
  const [noise, signing] = [random.bytes(32), random.bytes(32)];
  return {
    noise: hiddenKeyPair(noise, suite.publicKey(noise)),
    signing: hiddenKeyPair(signing, signingKey(signing)),
  };
}

interface Names {
  readonly issuer: string;
  readonly subject: string;
  readonly days: number;
  readonly now: UnixMs;
  readonly spki: Uint8Array;
  readonly signer: Uint8Array;
  readonly crypto: SimCrypto;
}

function certificate(random: Random, o: Names, extensions: readonly Uint8Array[]): Uint8Array {
  const serial = random.bytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 1;
  const notBefore = o.now - 300_000;
  const tbs = tlv(
    0x30,
    tlv(0xa0, hex('020102')),
    tlv(0x02, serial),
    ALGORITHM,
    name(o.issuer),
    tlv(0x30, utcTime(notBefore), utcTime(notBefore + o.days * DAY_MS)),
    name(o.subject),
    o.spki,
    tlv(0xa3, tlv(0x30, ...extensions)),
  );
  const signature = o.crypto.sign(o.signer, tbs);
  return tlv(0x30, tbs, ALGORITHM, tlv(0x03, Uint8Array.of(0), signature));
}

function leafExtensions(
  uris: readonly string[],
  rights: readonly Right[] = [],
  teams: readonly string[] = [],
): Uint8Array[] {
  const names = tlv(0x30, ...uris.map(uri => tlv(0x86, utf8(uri))));
  const san = tlv(0x30, hex('0603551d11'), hex('0101ff'), tlv(0x04, names));
  const granted = rights.length === 0 ? [] : [tlv(0x30, OID_RIGHTS, tlv(0x04, encodeRights(rights)))];
  const named = teams.length === 0 ? [] : [tlv(0x30, OID_ATTRIBUTES, tlv(0x04, encodeTeams(teams)))];
  return [hex('300c0603551d130101ff04023000'), hex('300e0603551d0f0101ff040403020780'), san, ...named, ...granted];
}

function spkiOf(secret: Uint8Array, crypto: SimCrypto): Uint8Array {
  return concat(SPKI_HEAD, crypto.signingKey(secret));
}

function name(commonName: string): Uint8Array {
  return tlv(0x30, tlv(0x31, tlv(0x30, hex('0603550403'), tlv(0x0c, utf8(commonName)))));
}

function utcTime(unixMs: UnixMs): Uint8Array {
  const [date = '', time = ''] = new Date(unixMs).toISOString().split('T');
  return tlv(0x17, utf8(`${date.slice(2).replaceAll('-', '')}${time.slice(0, 8).replaceAll(':', '')}Z`));
}

function tlv(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concat(...contents);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.of(tag, ...head), content);
}

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

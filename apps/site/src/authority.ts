/**
 * The certificate authority of one group: makes it, and signs leaves and
 * revocation lists with it. The profile of the certificates is `@warren/peer`'s;
 * here are the keys, in memory for the moment of use only.
 */
import { randomBytes } from 'node:crypto';
import { assert, fromHex } from '@warren/base';
import { issueCertificateAuthority, issueLeaf } from '@warren/peer';
import {
  type KeyAlgorithm,
  parseLeaf,
  type Revocation,
  type RevocationList,
  type Right,
  readAuthority,
  revocationHeadText,
  revocationListText,
} from '@warren/trust';

/** WebCrypto's names for keys and signatures; ECDSA signatures come as r then s. */
const KEYS = { ed25519: { name: 'Ed25519' }, p256: { name: 'ECDSA', namedCurve: 'P-256' } } as const;
const SIGNING = { ed25519: { name: 'Ed25519' }, p256: { name: 'ECDSA', hash: 'SHA-256' } } as const;

/** A CA: certificate as DER, key as PKCS#8 DER. */
export interface AuthorityKeys {
  readonly certificate: Uint8Array;
  readonly pkcs8: Uint8Array;
}

/** What a leaf is made for. */
export interface LeafSubject {
  readonly group: string;
  /** 40 hex digits. */
  readonly peerId: string;
  readonly user: string;
  readonly device: string;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly teams: readonly string[];
  readonly rights: readonly Right[];
  readonly now: number;
  /** The certificate begins no earlier, Unix ms. */
  readonly notBefore: number;
}

/** Makes the CA of a new group. */
export async function makeAuthority(group: string, now: number, algorithm: KeyAlgorithm): Promise<AuthorityKeys> {
  const keys = (await crypto.subtle.generateKey(KEYS[algorithm], true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await issueCertificateAuthority(keys, group, now, serial());
  return { certificate, pkcs8: new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey)) };
}

/** Signs a leaf for a public key that is good for 30 days. */
export async function signLeaf(
  authority: AuthorityKeys,
  subject: LeafSubject,
): Promise<{ leaf: Uint8Array; tbsHash: Uint8Array; expiresAt: number }> {
  const peerId = fromHex(subject.peerId);
  assert(peerId?.length === 20, 'the database holds peer ids of 20 bytes');
  const { keys } = await keyPair(authority);
  const leaf = await issueLeaf({ ...subject, peerId, authority: keys, serial: serial() });
  const parsed = parseLeaf(leaf);
  assert(parsed !== undefined, 'peers accept the form of our leaves');
  return { leaf, tbsHash: parsed.tbsHash, expiresAt: parsed.notAfter };
}

/** Signs a revocation list and its head. `signedAt` is Unix ms. */
export async function signList(
  authority: AuthorityKeys,
  list: { group: string; sequence: number; signedAt: number; revoked: readonly Revocation[] },
): Promise<RevocationList> {
  const { keys, algorithm } = await keyPair(authority);
  const sign = async (text: Uint8Array): Promise<Uint8Array> =>
    new Uint8Array(await crypto.subtle.sign(SIGNING[algorithm], keys.privateKey, new Uint8Array(text)));
  const { group, sequence, signedAt, revoked } = list;
  const head = { sequence, signedAt, signature: await sign(revocationHeadText(group, list)) };
  return { head, revoked, signature: await sign(revocationListText(group, list, revoked)) };
}

async function keyPair({
  certificate,
  pkcs8,
}: AuthorityKeys): Promise<{ keys: CryptoKeyPair; algorithm: KeyAlgorithm }> {
  const authority = readAuthority(certificate);
  assert(typeof authority !== 'string', 'the database holds CA certificates of our profile');
  const { algorithm } = authority.publicKey;
  const { subtle } = crypto;
  const keys = {
    privateKey: await subtle.importKey('pkcs8', new Uint8Array(pkcs8), KEYS[algorithm], false, ['sign']),
    publicKey: await subtle.importKey('spki', new Uint8Array(authority.spki), KEYS[algorithm], true, ['verify']),
  };
  return { keys, algorithm };
}

function serial(): Uint8Array {
  return new Uint8Array(randomBytes(16));
}

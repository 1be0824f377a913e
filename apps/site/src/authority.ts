/**
 * The certificate authority of one group: makes it, and signs leaves and the
 * heads of revocation lists with it. The profile of the certificates is
 * `@warren/peer`'s; here are the keys, in memory for the moment of use only.
 */
import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import { assert, fromHex } from '@warren/base';
import { issueCertificateAuthority, issueLeaf } from '@warren/peer';
import { parseLeaf, readAuthority, revocationHeadText } from '@warren/trust';

const ALGORITHM = 'Ed25519';

/** Makes the CA of a new group: certificate as DER, key as PKCS#8 DER. */
export async function makeAuthority(
  group: string,
  now: number,
): Promise<{ certificate: Uint8Array; pkcs8: Uint8Array }> {
  const keys = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  const certificate = await issueCertificateAuthority(keys, group, now, serial());
  return { certificate, pkcs8: new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey)) };
}

/** Signs a leaf for a public key (SPKI, DER) that is good for 30 days. `peerId` is 40 hex digits. */
export async function signLeaf(
  authority: { certificate: Uint8Array; pkcs8: Uint8Array },
  subject: { group: string; peerId: string; user: string; device: string; spki: Uint8Array; now: number },
): Promise<{ leaf: Uint8Array; tbsHash: Uint8Array; expiresAt: number }> {
  const peerId = fromHex(subject.peerId);
  assert(peerId?.length === 20, 'the database holds peer ids of 20 bytes');
  const keys = await keyPair(authority.certificate, authority.pkcs8);
  const leaf = await issueLeaf({ ...subject, peerId, authority: keys, serial: serial() });
  const parsed = parseLeaf(leaf);
  assert(parsed !== undefined, 'peers accept the form of our leaves');
  return { leaf, tbsHash: parsed.tbsHash, expiresAt: parsed.notAfter };
}

/** Signs the head of a revocation list; 64 bytes, Ed25519. `signedAt` is Unix ms. */
export async function signHead(
  pkcs8: Uint8Array,
  head: { group: string; sequence: number; signedAt: number },
): Promise<{ sequence: number; signedAt: number; signature: Uint8Array }> {
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return { ...head, signature: new Uint8Array(sign(null, revocationHeadText(head.group, head), key)) };
}

async function keyPair(certificate: Uint8Array, pkcs8: Uint8Array): Promise<CryptoKeyPair> {
  const authority = readAuthority(certificate);
  assert(typeof authority !== 'string', 'the database holds CA certificates of our profile');
  const { subtle } = crypto;
  return {
    privateKey: await subtle.importKey('pkcs8', new Uint8Array(pkcs8), ALGORITHM, false, ['sign']),
    publicKey: await subtle.importKey('spki', new Uint8Array(authority.spki), ALGORITHM, true, ['verify']),
  };
}

function serial(): Uint8Array {
  return new Uint8Array(randomBytes(16));
}

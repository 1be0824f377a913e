/**
 * All cryptography of this host by OpenSSL: X25519, SHA-256, HMAC, Ed25519 and
 * ECDSA P-256, some twenty times faster than in JavaScript. Same bytes and the
 * same verdicts as noble, on hostile input too: `test/vectors` compares them.
 */
import { diffieHellman, hash, type KeyObject, sign, verify } from 'node:crypto';
import { concat, fromHex, type Random, sameBytes } from '@warren/base';
import { type AeadSuite, hiddenKeyPair, KEY_BYTES, type KeyPair, type NoiseSuite } from '@warren/noise';
import type { HostCrypto } from '@warren/peer';
import { SIGNATURE_BYTES, type Verifier } from '@warren/trust';
import { nodeAead } from './aead.ts';
import { loadEvpAead } from './evp.ts';
import { publicKeyObject, rawPublicKey, SecretKeyObjects } from './key-objects.ts';

/** What `NodeHost.crypto` is: the fastest AEAD that this machine has, and all else by node:crypto. */
export async function nodeCrypto(): Promise<HostCrypto> {
  return { suite: nodeSuite((await loadEvpAead()) ?? nodeAead), verifier: nodeVerifier, sign: signEd25519 };
}

/** `25519_ChaChaPoly_SHA256`, as `nobleSuite`. */
export function nodeSuite(aead: AeadSuite): NoiseSuite {
  return { name: '25519_ChaChaPoly_SHA256', generateKeyPair, publicKey, agree, hash: sha256, hmac, aead };
}

/** One rule with `nobleVerifier` of `trust`, which says what it is. */
export const nodeVerifier: Verifier = {
  verify({ algorithm, bytes }, message, signature) {
    if (signature.length !== SIGNATURE_BYTES) return false;
    if (algorithm === 'ed25519' && !(isStrictPoint(bytes) && isStrictPoint(signature.subarray(0, 32)))) return false;
    const key = publicKeyObject(algorithm, bytes);
    if (key === undefined) return false;
    return algorithm === 'ed25519'
      ? verify(null, message, key, signature)
      : verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
  },
};

/** Ed25519 (RFC 8032): 64 bytes, the same for the same input. `secret` is 32 bytes. */
export function signEd25519(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, signingKeys.of(secret)));
}

const agreementKeys = new SecretKeyObjects('x25519');
const signingKeys = new SecretKeyObjects('ed25519');

/** Bytes of a block of SHA-256. */
const BLOCK_BYTES = 64;
/** y, little-endian, of the eight points of small order (RFC 7748's curve in Edwards form; sign bit apart). */
const SMALL_ORDER_Y = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map(hex => fromHex(hex) as Uint8Array);

function generateKeyPair(random: Random): KeyPair {
  const secret = random.bytes(KEY_BYTES);
  return hiddenKeyPair(secret, publicKey(secret));
}

function publicKey(secret: Uint8Array): Uint8Array {
  return rawPublicKey('x25519', agreementKeys.of(secret));
}

function agree(secret: Uint8Array, remotePublic: Uint8Array): Uint8Array | undefined {
  const remote = publicKeyObject('x25519', remotePublic);
  return remote && shared(agreementKeys.of(secret), remote);
}

function shared(secret: KeyObject, remote: KeyObject): Uint8Array | undefined {
  try {
    return taken(diffieHellman({ privateKey: secret, publicKey: remote }));
  } catch {
    return undefined; // OpenSSL refuses an all-zero result
  }
}

function sha256(data: Uint8Array): Uint8Array {
  return taken(hash('sha256', data, 'buffer'));
}

/** RFC 2104 over whole hashes: Node's own Hmac object takes several times longer to make than this. */
function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const inner = new Uint8Array(BLOCK_BYTES + data.length).fill(0x36, 0, BLOCK_BYTES);
  const outer = new Uint8Array(BLOCK_BYTES + KEY_BYTES).fill(0x5c, 0, BLOCK_BYTES);
  const pad = key.length > BLOCK_BYTES ? sha256(key) : key;
  for (let i = 0; i < pad.length; i++) {
    inner[i] = 0x36 ^ (pad[i] as number);
    outer[i] = 0x5c ^ (pad[i] as number);
  }
  inner.set(data, BLOCK_BYTES);
  const digest = sha256(inner);
  outer.set(digest, BLOCK_BYTES);
  const mac = sha256(outer);
  for (const secret of [inner, digest, outer]) secret.fill(0);
  return mac;
}

/** Whether a key or R has y below p and is not of small order. OpenSSL 3.0 asks for neither, 3.5 for both. */
function isStrictPoint(bytes: Uint8Array): boolean {
  if (bytes.length !== KEY_BYTES) return false;
  const y = concat(bytes.subarray(0, 31), Uint8Array.of((bytes[31] as number) & 0x7f));
  // 2^255 - 19 is ed ff ... ff 7f.
  const isBelowP = (y[0] as number) < 0xed || y[31] !== 0x7f || y.subarray(1, 31).some(byte => byte !== 0xff);
  return isBelowP && !SMALL_ORDER_Y.some(small => sameBytes(small, y));
}

/** A plain array in place of Node's, which is cleared: it may be secret, and part of a pool. */
function taken(bytes: Buffer): Uint8Array {
  const plain = new Uint8Array(bytes);
  bytes.fill(0);
  return plain;
}

/**
 * The same cryptography as elsewhere, by OpenSSL: whole groups of simulated
 * participants do thousands of handshakes, and plain JavaScript takes some
 * twenty times longer. Bytes are equal to noble's; nothing here is weaker.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hash,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { concat, fromHex, type Random } from '@warren/base';
import { type KeyPair, type NoiseSuite, nobleAead } from '@warren/noise';
import { nobleVerifier, type Verifier } from '@warren/trust';

/** DER in front of a raw key: RFC 8410 sections 4 and 7. */
const SPKI = { x25519: hex('302a300506032b656e032100'), ed25519: hex('302a300506032b6570032100') } as const;
const PKCS8 = {
  x25519: hex('302e020100300506032b656e04220420'),
  ed25519: hex('302e020100300506032b657004220420'),
} as const;

/** Of SHA-256. */
const BLOCK_BYTES = 64;

type Curve = keyof typeof SPKI;

/** `25519_ChaChaPoly_SHA256`, as `nobleSuite`. */
export const simSuite: NoiseSuite = {
  name: '25519_ChaChaPoly_SHA256',
  generateKeyPair: random => keyPair(random),
  publicKey: secret => publicOf(privateKey('x25519', secret)),
  agree: (secret, remotePublic) => {
    try {
      const remote = { key: concat(SPKI.x25519, remotePublic) as Buffer, format: 'der', type: 'spki' } as const;
      return plain(diffieHellman({ privateKey: privateKey('x25519', secret), publicKey: createPublicKey(remote) }));
    } catch {
      return undefined; // OpenSSL refuses an all-zero result
    }
  },
  hash: sha256,
  hmac,
  aead: nobleAead,
};

/** Checks signatures, and remembers results: all participants of a process see the same certificates. */
export function simVerifier(): Verifier {
  const known = new Map<string, boolean>();
  return {
    verify(key, message, signature) {
      if (key.algorithm !== 'ed25519') return nobleVerifier.verify(key, message, signature);
      const digest = createHash('sha256').update(key.bytes).update(signature).update(message).digest('hex');
      const before = known.get(digest);
      if (before !== undefined) return before;
      const isValid = verifyEd25519(key.bytes, message, signature);
      known.set(digest, isValid);
      return isValid;
    },
  };
}

/** Ed25519 (RFC 8032): 64 bytes, the same for the same input. */
export function simSign(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return plain(sign(null, message, privateKey('ed25519', secret)));
}

/** The Ed25519 public key, 32 bytes, of a secret key. */
export function simPublicKey(secret: Uint8Array): Uint8Array {
  return publicOf(privateKey('ed25519', secret));
}

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    const spki = { key: concat(SPKI.ed25519, publicKey) as Buffer, format: 'der', type: 'spki' } as const;
    return signature.length === 64 && verify(null, message, createPublicKey(spki), signature);
  } catch {
    return false;
  }
}

function sha256(data: Uint8Array): Uint8Array {
  return plain(hash('sha256', data, 'buffer'));
}

/** RFC 2104 over whole hashes: Node's own Hmac object takes several times longer to make than this. */
function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const pad = key.length > BLOCK_BYTES ? sha256(key) : key;
  const inner = new Uint8Array(BLOCK_BYTES + data.length).fill(0x36, 0, BLOCK_BYTES);
  const outer = new Uint8Array(BLOCK_BYTES + 32).fill(0x5c, 0, BLOCK_BYTES);
  for (let i = 0; i < pad.length; i++) {
    inner[i] = 0x36 ^ (pad[i] as number);
    outer[i] = 0x5c ^ (pad[i] as number);
  }
  inner.set(data, BLOCK_BYTES);
  outer.set(sha256(inner), BLOCK_BYTES);
  return sha256(outer);
}

function keyPair(random: Random): KeyPair {
  const secret = random.bytes(32);
  return { secret, public: publicOf(privateKey('x25519', secret)) };
}

function privateKey(curve: Curve, secret: Uint8Array): KeyObject {
  return createPrivateKey({ key: concat(PKCS8[curve], secret) as Buffer, format: 'der', type: 'pkcs8' });
}

function publicOf(key: KeyObject): Uint8Array {
  return plain(createPublicKey(key).export({ format: 'der', type: 'spki' })).slice(12);
}

/** Without Node's subclass, so that comparisons in tests see plain bytes. */
function plain(bytes: Buffer): Uint8Array {
  return new Uint8Array(bytes);
}

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

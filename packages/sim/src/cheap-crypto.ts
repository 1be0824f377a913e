/**
 * Cryptography for large simulations: same sizes, same shape, same failures
 * (wrong tag, wrong signature, another key), at a fraction of the cost. NOT
 * SECURE: secrets follow from public keys by one division, and whoever knows a
 * public key can sign. So no simulated attacker may use that; real cryptography
 * runs in every test of the handshake.
 *
 * ```text
 * X25519      public = 9 secret, shared = secret * public, both modulo 2^255-19: it commutes, zero is refused
 * Ed25519     public = hash(secret), signature = two checksums of public key and message
 * AEAD        a stream of words, and a checksum of nonce, additional data and ciphertext
 * SHA-256     `cheap-hash.ts`
 * ```
 */
import { assert, sameBytes } from '@warren/base';
import { type AeadKey, type AeadSuite, KEY_BYTES, type NoiseSuite, TAG_BYTES } from '@warren/noise';
import { SIGNATURE_BYTES, type Verifier } from '@warren/trust';
import { absorb, type MixState, mixState, squeeze } from './cheap-hash.ts';

const P = 2n ** 255n - 19n;
const BASE = 9n;

/** What a state is for. */
const Label = { hash: 1, hmac: 2, stream: 3, tag: 4, agree: 5, sign: 6, publish: 7 } as const;

/** Encrypts by exclusive or, authenticates by a checksum. */
export const cheapAead: AeadSuite = { name: 'cheap', key: key => new CheapAeadKey(key) };

/** A suite in place of `25519_ChaChaPoly_SHA256`. */
export const cheapSuite: NoiseSuite = {
  name: 'Cheap_Cheap_Cheap',
  generateKeyPair: random => {
    const secret = random.bytes(KEY_BYTES);
    return { secret, public: publicKey(secret) };
  },
  publicKey,
  agree,
  hash: data => digest(Label.hash, KEY_BYTES, data),
  hmac: (key, data) => digest(Label.hmac, KEY_BYTES, key, data),
  aead: cheapAead,
};

/** Accepts what `cheapSign` makes. */
export const cheapVerifier: Verifier = {
  verify: (key, message, signature) => sameBytes(digest(Label.sign, SIGNATURE_BYTES, key.bytes, message), signature),
};

/** 64 bytes, the same for the same input. */
export function cheapSign(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return digest(Label.sign, SIGNATURE_BYTES, cheapSigningKey(secret), message);
}

/** The public half, 32 bytes, of a secret key for signatures. */
export function cheapSigningKey(secret: Uint8Array): Uint8Array {
  return digest(Label.publish, KEY_BYTES, secret);
}

function publicKey(secret: Uint8Array): Uint8Array {
  return bytesOf((scalar(secret) * BASE) % P);
}

function agree(secret: Uint8Array, remotePublic: Uint8Array): Uint8Array | undefined {
  if (remotePublic.length !== KEY_BYTES) return undefined;
  const shared = (scalar(secret) * numberOf(remotePublic)) % P;
  return shared === 0n ? undefined : digest(Label.agree, KEY_BYTES, bytesOf(shared));
}

/** Never zero modulo P. */
function scalar(secret: Uint8Array): bigint {
  return (numberOf(secret) % (P - 1n)) + 1n;
}

function numberOf(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let value = 0n;
  for (let i = 0; i < KEY_BYTES; i += 8) value = (value << 64n) | view.getBigUint64(i);
  return value;
}

function bytesOf(value: bigint): Uint8Array {
  const bytes = new Uint8Array(KEY_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = KEY_BYTES - 8, rest = value; i >= 0; i -= 8, rest >>= 64n)
    view.setBigUint64(i, BigInt.asUintN(64, rest));
  return bytes;
}

function digest(label: number, length: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = mixState(label);
  for (const part of parts) absorb(state, part);
  const out = new Uint8Array(length);
  squeeze(state, out);
  return out;
}

class CheapAeadKey implements AeadKey {
  private stream: MixState | undefined;
  private readonly tag: MixState;

  constructor(key: Uint8Array) {
    assert(key.length === KEY_BYTES, 'an AEAD key has 32 bytes');
    this.stream = mixState(Label.stream);
    this.tag = mixState(Label.tag);
    absorb(this.stream, key);
    absorb(this.tag, key);
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    const { length } = plaintext;
    assert(this.stream !== undefined, 'nothing is sealed with an erased key');
    assert(out.length >= length + TAG_BYTES, 'the ciphertext has room');
    applyStream(this.stream, nonce, plaintext, out);
    out.set(this.tagOf(nonce, aad, out.subarray(0, length)), length);
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    const length = sealed.length - TAG_BYTES;
    if (this.stream === undefined || length < 0) return false;
    assert(out.length >= length, 'the plaintext has room');
    const ciphertext = sealed.subarray(0, length);
    if (!sameBytes(this.tagOf(nonce, aad, ciphertext), sealed.subarray(length))) return false;
    applyStream(this.stream, nonce, ciphertext, out);
    return true;
  }

  erase(): void {
    this.stream = undefined;
  }

  toJSON(): string {
    return 'AeadKey';
  }

  private tagOf(nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    const state: MixState = [...this.tag];
    absorb(state, nonce);
    absorb(state, aad);
    absorb(state, ciphertext);
    const tag = new Uint8Array(TAG_BYTES);
    squeeze(state, tag);
    return tag;
  }
}

/** Puts a stream that follows from key and nonce over bytes; `out` may be where `bytes` are. The generator is xorshift128 (Marsaglia). */
function applyStream(key: MixState, nonce: Uint8Array, bytes: Uint8Array, out: Uint8Array): void {
  const state: MixState = [...key];
  absorb(state, nonce);
  let [x, y, z, w] = state;
  w |= 1;
  for (let i = 0; i < bytes.length; i += 4) {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    const end = Math.min(4, bytes.length - i);
    for (let k = 0; k < end; k++) out[i + k] = (bytes[i + k] as number) ^ (w >>> (8 * k));
  }
}

/**
 * The functions that Noise is parametrised by (Noise specification, chapter 4):
 * X25519, SHA-256 and an AEAD, synchronous. `sim` injects cheap ones of the
 * same sizes; nothing is negotiated, so there is one suite per process.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Random } from '@warren/base';
import { type AeadSuite, nobleAead } from './aead.ts';

/** Bytes of a key, of a hash and of a shared secret in every suite. */
export const KEY_BYTES = 32;

/** An agreement key pair, 32 bytes each. */
export interface KeyPair {
  readonly secret: Uint8Array;
  readonly public: Uint8Array;
}

/** Everything that a handshake computes with. */
export interface NoiseSuite {
  /** The tail of the protocol name, e.g. `25519_ChaChaPoly_SHA256`: it is hashed into every handshake. */
  readonly name: string;
  generateKeyPair(random: Random): KeyPair;
  /** The public key, 32 bytes, of a secret key. */
  publicKey(secret: Uint8Array): Uint8Array;
  /** The shared secret, 32 bytes; `undefined` where the remote key is of low order and the secret would be zero (RFC 7748 section 6.1). */
  agree(secret: Uint8Array, remotePublic: Uint8Array): Uint8Array | undefined;
  /** 32 bytes. */
  hash(data: Uint8Array): Uint8Array;
  /** 32 bytes (RFC 2104). */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  readonly aead: AeadSuite;
}

/** `25519_ChaChaPoly_SHA256` by @noble; `aead` may be a faster implementation of the same cipher. */
export function nobleSuite(aead: AeadSuite = nobleAead): NoiseSuite {
  return {
    name: '25519_ChaChaPoly_SHA256',
    generateKeyPair: random => ownedPair(random.bytes(KEY_BYTES)),
    publicKey: secret => x25519.getPublicKey(secret),
    agree,
    hash: data => sha256(data),
    hmac: (key, data) => hmac(sha256, key, data),
    aead,
  };
}

/** The X25519 pair of a 32-byte secret, which is copied. The secret does not show in JSON nor in logs. */
export function agreementKeys(secret: Uint8Array): KeyPair {
  return ownedPair(secret.slice());
}

function ownedPair(secret: Uint8Array): KeyPair {
  return hiddenKeyPair(secret, x25519.getPublicKey(secret));
}

/** A pair whose secret shows in no JSON and no console. Both arrays belong to it from now on. */
export function hiddenKeyPair(secret: Uint8Array, publicKey: Uint8Array): KeyPair {
  return new HiddenKeyPair(secret, publicKey);
}

function agree(secret: Uint8Array, remotePublic: Uint8Array): Uint8Array | undefined {
  try {
    return x25519.getSharedSecret(secret, remotePublic);
  } catch {
    return undefined; // noble throws at an all-zero result, and at another length
  }
}

class HiddenKeyPair implements KeyPair {
  readonly #secret: Uint8Array;
  readonly public: Uint8Array;

  constructor(secret: Uint8Array, publicKey: Uint8Array) {
    this.#secret = secret;
    this.public = publicKey;
  }

  get secret(): Uint8Array {
    return this.#secret;
  }

  toJSON(): string {
    return 'KeyPair';
  }
}

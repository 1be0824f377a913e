/**
 * The one interface to bulk encryption. ChaCha20-Poly1305 (RFC 8439) with a
 * 12-byte nonce and a 16-byte tag, synchronous. Implementations: noble here,
 * OpenSSL in `node`, a cheap stand-in of the same sizes in `sim`.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { assert } from '@warren/base';

/** One key, ready to use. */
export interface AeadKey {
  /** Writes ciphertext and tag (`plaintext.length + 16` bytes) into `out`. */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void;
  /**
   * Writes the plaintext (`sealed.length - 16` bytes) into `out`, which may be the beginning of `sealed` itself; false,
   * with `out` worthless, when the tag is wrong.
   */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean;
  /** Forgets the key as far as the platform allows. */
  erase(): void;
}

/** Makes keys; `key` is 32 bytes and is copied. */
export interface AeadSuite {
  readonly name: string;
  key(key: Uint8Array): AeadKey;
}

/** Bytes of an authentication tag. */
export const TAG_BYTES = 16;

/** The reference implementation, by @noble/ciphers. */
export const nobleAead: AeadSuite = {
  name: 'noble',
  key: key => new NobleKey(key),
};

class NobleKey implements AeadKey {
  #key: Uint8Array | undefined;

  constructor(key: Uint8Array) {
    assert(key.length === 32, 'an AEAD key has 32 bytes');
    this.#key = key.slice();
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    assert(this.#key !== undefined, 'nothing is sealed with an erased key');
    chacha20poly1305(this.#key, nonce, aad).encrypt(plaintext, out.subarray(0, plaintext.length + TAG_BYTES));
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    if (this.#key === undefined || sealed.length < TAG_BYTES) return false;
    const room = out.subarray(0, sealed.length - TAG_BYTES);
    assert(room.length === sealed.length - TAG_BYTES, 'the plaintext fits its buffer');
    try {
      chacha20poly1305(this.#key, nonce, aad).decrypt(sealed, room);
      return true;
    } catch {
      return false; // noble says "invalid tag" by throwing
    }
  }

  erase(): void {
    this.#key?.fill(0);
    this.#key = undefined;
  }

  toJSON(): string {
    return 'AeadKey';
  }
}

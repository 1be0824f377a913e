/**
 * The one interface to bulk encryption. ChaCha20-Poly1305 (RFC 8439) with a
 * 12-byte nonce and a 16-byte tag, synchronous. Implementations: noble here,
 * OpenSSL in `node`, a cheap stand-in of the same sizes in `sim`.
 */

/** One key, ready to use. */
export interface AeadKey {
  /** Writes ciphertext and tag (`plaintext.length + 16` bytes) into `out`. */
  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void;
  /** Writes the plaintext (`sealed.length - 16` bytes) into `out`; false, with `out` worthless, when the tag is wrong. */
  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean;
  /** Forgets the key as far as the platform allows. */
  erase(): void;
}

/** Makes keys; `key` is 32 bytes and is copied. */
export interface AeadSuite {
  readonly name: string;
  key(key: Uint8Array): AeadKey;
}

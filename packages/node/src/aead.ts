/**
 * ChaCha20-Poly1305 (RFC 8439) and AES-GCM (NIST SP 800-38D) through
 * node:crypto, that is OpenSSL. 5 to 8 microseconds a packet, nearly all of it
 * Node's own objects; with plain bytes in place of a key object it would be 20.
 */
import { type CipherGCMTypes, createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { assert } from '@warren/base';
import type { AeadKey, AeadSuite } from '@warren/noise';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const OPTIONS = { authTagLength: TAG_BYTES } as const;

/** Node types AES-GCM and ChaCha20-Poly1305 apart, though their objects are used alike. */
type Algorithm = CipherGCMTypes;

/** Bulk encryption by OpenSSL. */
export const nodeAead: AeadSuite = {
  name: 'node:crypto chacha20-poly1305',
  key: key => {
    assert(key.length === 32, 'a ChaCha20-Poly1305 key has 32 bytes');
    return new NodeAeadKey('chacha20-poly1305' as Algorithm, createSecretKey(key));
  },
};

/**
 * AES-256-GCM, and AES-128-GCM for keys of 16 bytes. No session speaks it: it waits, tested, for a data plane between
 * machines whose processors have AES. After 2^32 packets under one key a nonce of 12 bytes is used up.
 */
export const nodeAesGcm: AeadSuite = {
  name: 'node:crypto aes-gcm',
  key: key => {
    assert(key.length === 32 || key.length === 16, 'an AES-GCM key has 16 or 32 bytes');
    return new NodeAeadKey(key.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm', createSecretKey(key));
  },
};

class NodeAeadKey implements AeadKey {
  readonly #algorithm: Algorithm;
  #key: KeyObject | undefined;

  constructor(algorithm: Algorithm, key: KeyObject) {
    this.#algorithm = algorithm;
    this.#key = key;
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    assert(this.#key !== undefined, 'an erased key seals nothing');
    assert(nonce.length === NONCE_BYTES, 'a nonce has 12 bytes');
    const cipher = createCipheriv(this.#algorithm, this.#key, nonce, OPTIONS);
    cipher.setAAD(aad, { plaintextLength: plaintext.length });
    out.set(cipher.update(plaintext));
    cipher.final();
    out.set(cipher.getAuthTag(), plaintext.length);
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    const length = sealed.length - TAG_BYTES;
    if (this.#key === undefined || length < 0) return false;
    assert(nonce.length === NONCE_BYTES, 'a nonce has 12 bytes');
    const decipher = createDecipheriv(this.#algorithm, this.#key, nonce, OPTIONS);
    decipher.setAAD(aad, { plaintextLength: length });
    decipher.setAuthTag(sealed.subarray(length));
    const plaintext = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
    } catch {
      return false;
    }
    out.set(plaintext);
    return true;
  }

  /** The bytes go when the garbage collector frees the key object: OpenSSL clears them then. */
  erase(): void {
    this.#key = undefined;
  }

  toJSON(): string {
    return 'AeadKey';
  }
}

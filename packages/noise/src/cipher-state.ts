/**
 * One key and its message counter (Noise specification, section 5.1). Only
 * handshakes use it: sessions count and window their packets themselves.
 */
import { assert } from '@warren/base';
import { type AeadKey, type AeadSuite, TAG_BYTES } from './aead.ts';

/** A moment of a cipher state, to go back to. */
export interface CipherMoment {
  readonly key: AeadKey | undefined;
  readonly n: number;
}

/** Encrypts in order; without a key it passes text through. */
export class CipherState {
  readonly #suite: AeadSuite;
  #key: AeadKey | undefined;
  #n = 0;
  /** The key of the last moment: it outlives what replaces it. */
  #kept: AeadKey | undefined;

  constructor(suite: AeadSuite, key?: Uint8Array) {
    this.#suite = suite;
    if (key !== undefined) this.initializeKey(key);
  }

  /** Takes a 32-byte key and counts from zero. The former key is erased, unless the last `moment` holds it. */
  initializeKey(key: Uint8Array): void {
    if (this.#key !== this.#kept) this.#key?.erase();
    this.#key = this.#suite.key(key);
    this.#n = 0;
  }

  get hasKey(): boolean {
    return this.#key !== undefined;
  }

  /** The ciphertext with its 16-byte tag; the plaintext itself while there is no key. */
  encryptWithAd(ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    if (this.#key === undefined) return plaintext.slice();
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    this.#key.seal(noiseNonce(this.#n), ad, plaintext, sealed);
    this.#n++;
    return sealed;
  }

  /** The plaintext; `undefined` when the tag is wrong, which leaves the counter alone. */
  decryptWithAd(ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    if (this.#key === undefined) return sealed.slice();
    if (sealed.length < TAG_BYTES) return undefined;
    const plaintext = new Uint8Array(sealed.length - TAG_BYTES);
    if (!this.#key.open(noiseNonce(this.#n), ad, sealed, plaintext)) return undefined;
    this.#n++;
    return plaintext;
  }

  moment(): CipherMoment {
    this.#kept = this.#key;
    return { key: this.#key, n: this.#n };
  }

  /** Goes back to `moment`, forgetting a key taken since. */
  restore(moment: CipherMoment): void {
    if (this.#key !== moment.key) this.#key?.erase();
    this.#key = moment.key;
    this.#n = moment.n;
  }

  /** Forgets the key of `moment` if another was taken since: there is no way back. */
  commit(moment: CipherMoment): void {
    if (this.#key !== moment.key) moment.key?.erase();
  }

  erase(): void {
    this.#key?.erase();
    this.#key = undefined;
  }

  toJSON(): string {
    return 'CipherState';
  }
}

/** The 12-byte nonce of ChaChaPoly: four zeros, then the counter in 8 bytes, little-endian (section 12.3). */
export function noiseNonce(counter: number): Uint8Array {
  assert(Number.isSafeInteger(counter) && counter >= 0, 'a Noise counter is exact');
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(4, counter % 2 ** 32, true);
  view.setUint32(8, Math.floor(counter / 2 ** 32), true);
  return nonce;
}

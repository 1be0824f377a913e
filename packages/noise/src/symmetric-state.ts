/**
 * The chaining key, the transcript hash and the cipher between them (Noise
 * specification, section 5.2). Keys that nothing can go back to any more are
 * erased as soon as others replace them.
 */
import { concat, utf8 } from '@warren/base';
import { type CipherMoment, CipherState } from './cipher-state.ts';
import { hkdf } from './hkdf.ts';
import { KEY_BYTES, type NoiseSuite } from './suite.ts';

/** A moment of a symmetric state, to go back to. */
export interface SymmetricMoment {
  readonly ck: Uint8Array;
  readonly h: Uint8Array;
  readonly cipher: CipherMoment;
}

const NOTHING = new Uint8Array(0);

/** What both sides have agreed on so far. What the last `moment` holds is replaced, never written to, until `commit`. */
export class SymmetricState {
  readonly #suite: NoiseSuite;
  readonly #cipher: CipherState;
  #ck: Uint8Array;
  #h: Uint8Array;
  /** The chaining key of the last moment: it outlives what replaces it. */
  #kept: Uint8Array;

  /** `protocolName` as in `Noise_XX_25519_ChaChaPoly_SHA256`. */
  constructor(suite: NoiseSuite, protocolName: string) {
    const name = utf8(protocolName);
    this.#suite = suite;
    this.#cipher = new CipherState(suite.aead);
    this.#h = name.length <= KEY_BYTES ? concat(name, new Uint8Array(KEY_BYTES - name.length)) : suite.hash(name);
    this.#ck = this.#h.slice();
    this.#kept = this.#ck;
  }

  /** The transcript hash, 32 bytes. */
  get handshakeHash(): Uint8Array {
    return this.#h.slice();
  }

  mixKey(input: Uint8Array): void {
    const [ck, key] = hkdf(this.#suite, this.#ck, input, 2) as [Uint8Array, Uint8Array];
    this.#takeKeys(ck, key);
  }

  mixHash(data: Uint8Array): void {
    this.#h = this.#suite.hash(concat(this.#h, data));
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [ck, hash, key] = hkdf(this.#suite, this.#ck, input, 3) as [Uint8Array, Uint8Array, Uint8Array];
    this.mixHash(hash);
    hash.fill(0);
    this.#takeKeys(ck, key);
  }

  /** Bytes by which `encryptAndHash` lengthens its input: 0 or 16. */
  get overhead(): number {
    return this.#cipher.hasKey ? 16 : 0;
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher.encryptWithAd(this.#h, plaintext);
    this.mixHash(sealed);
    return sealed;
  }

  /** `undefined` when the tag is wrong. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#cipher.decryptWithAd(this.#h, sealed);
    if (plaintext !== undefined) this.mixHash(sealed);
    return plaintext;
  }

  /** Three keys of 32 bytes: from the initiator, from the responder, and one to derive further keys from. */
  split(): [Uint8Array, Uint8Array, Uint8Array] {
    return hkdf(this.#suite, this.#ck, NOTHING, 3) as [Uint8Array, Uint8Array, Uint8Array];
  }

  moment(): SymmetricMoment {
    this.#kept = this.#ck;
    return { ck: this.#ck, h: this.#h, cipher: this.#cipher.moment() };
  }

  /** Goes back to `moment`, the last one. */
  restore(moment: SymmetricMoment): void {
    if (this.#ck !== moment.ck) this.#ck.fill(0);
    this.#ck = moment.ck;
    this.#h = moment.h;
    this.#cipher.restore(moment.cipher);
  }

  /** Erases what was secret at `moment` and has been replaced since. */
  commit(moment: SymmetricMoment): void {
    if (this.#ck !== moment.ck) moment.ck.fill(0);
    this.#cipher.commit(moment.cipher);
  }

  erase(): void {
    this.#ck.fill(0);
    this.#cipher.erase();
  }

  toJSON(): string {
    return 'SymmetricState';
  }

  #takeKeys(ck: Uint8Array, key: Uint8Array): void {
    if (this.#ck !== this.#kept) this.#ck.fill(0);
    this.#ck = ck;
    this.#cipher.initializeKey(key);
    key.fill(0);
  }
}

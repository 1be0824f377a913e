/**
 * The chaining key, the transcript hash and the cipher between them (Noise
 * specification, section 5.2), with HKDF of section 4.3.
 */
import { concat, utf8 } from '@warren/base';
import { type CipherMoment, CipherState } from './cipher-state.ts';
import { KEY_BYTES, type NoiseSuite } from './suite.ts';

/** A moment of a symmetric state, to go back to. */
export interface SymmetricMoment {
  readonly ck: Uint8Array;
  readonly h: Uint8Array;
  readonly cipher: CipherMoment;
}

const NOTHING = new Uint8Array(0);

/** What both sides have agreed on so far. Arrays are replaced, never written to, so that a moment stays valid. */
export class SymmetricState {
  readonly #suite: NoiseSuite;
  readonly #cipher: CipherState;
  #ck: Uint8Array;
  #h: Uint8Array;

  /** `protocolName` as in `Noise_XX_25519_ChaChaPoly_SHA256`. */
  constructor(suite: NoiseSuite, protocolName: string) {
    const name = utf8(protocolName);
    this.#suite = suite;
    this.#cipher = new CipherState(suite.aead);
    this.#h = name.length <= KEY_BYTES ? concat(name, new Uint8Array(KEY_BYTES - name.length)) : suite.hash(name);
    this.#ck = this.#h;
  }

  /** The transcript hash, 32 bytes. */
  get handshakeHash(): Uint8Array {
    return this.#h.slice();
  }

  mixKey(input: Uint8Array): void {
    const [ck, key] = hkdf(this.#suite, this.#ck, input, 2) as [Uint8Array, Uint8Array];
    this.#ck = ck;
    this.#cipher.initializeKey(key);
    key.fill(0);
  }

  mixHash(data: Uint8Array): void {
    this.#h = this.#suite.hash(concat(this.#h, data));
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [ck, hash, key] = hkdf(this.#suite, this.#ck, input, 3) as [Uint8Array, Uint8Array, Uint8Array];
    this.#ck = ck;
    this.mixHash(hash);
    this.#cipher.initializeKey(key);
    key.fill(0);
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
    return { ck: this.#ck, h: this.#h, cipher: this.#cipher.moment() };
  }

  /** Goes back to `moment`. */
  restore(moment: SymmetricMoment): void {
    if (this.#ck !== moment.ck) this.#ck.fill(0);
    this.#ck = moment.ck;
    this.#h = moment.h;
    this.#cipher.restore(moment.cipher);
  }

  /** Erases what was secret at `moment` and has been replaced since. */
  commit(moment: SymmetricMoment): void {
    if (this.#ck !== moment.ck && this.#h !== moment.ck) moment.ck.fill(0);
    this.#cipher.commit(moment.cipher);
  }

  erase(): void {
    this.#ck = new Uint8Array(KEY_BYTES);
    this.#cipher.erase();
  }

  toJSON(): string {
    return 'SymmetricState';
  }
}

/** 2 or 3 keys of 32 bytes (section 4.3; the extract and expand of RFC 5869 without info). */
export function hkdf(suite: NoiseSuite, salt: Uint8Array, input: Uint8Array, count: 2 | 3): Uint8Array[] {
  const temporary = suite.hmac(salt, input);
  const outputs: Uint8Array[] = [];
  let last: Uint8Array = NOTHING;
  for (let i = 1; i <= count; i++) {
    last = suite.hmac(temporary, concat(last, Uint8Array.of(i)));
    outputs.push(last);
  }
  temporary.fill(0);
  return outputs;
}

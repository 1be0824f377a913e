/**
 * ChaCha20-Poly1305 (RFC 8439) by OpenSSL's own functions, those that Node is
 * linked with, through koffi: one context for the life of a key, and no object
 * for a packet, so 2 microseconds each where `aead.ts` takes 8. Native code
 * believes every length it is given: they are checked here, all of them.
 */
import { assert, sameBytes } from '@warren/base';
import type { AeadKey, AeadSuite } from '@warren/noise';
import { nodeAead } from './aead.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Requests of EVP_CIPHER_CTX_ctrl (openssl/evp.h). */
const GET_TAG = 0x10;
const SET_TAG = 0x11;
/** The last argument of EVP_CipherInit_ex. */
const SEAL = 1;
const OPEN = 0;

/** A pointer; 0 is none. */
type Pointer = number;

/** The functions, as in their manual pages: 1 is success. Arrays are read or written during the call only. */
interface Evp {
  newContext(): Pointer;
  freeContext(context: Pointer): void;
  cipher(): Pointer;
  setKey(
    context: Pointer,
    cipher: Pointer,
    engine: Pointer,
    key: Uint8Array,
    nonce: Pointer,
    direction: number,
  ): number;
  setNonce(
    context: Pointer,
    cipher: Pointer,
    engine: Pointer,
    key: Pointer,
    nonce: Uint8Array,
    direction: number,
  ): number;
  addAad(context: Pointer, out: Pointer, outLength: Int32Array, aad: Uint8Array, length: number): number;
  update(context: Pointer, out: Uint8Array, outLength: Int32Array, bytes: Uint8Array, length: number): number;
  finish(context: Pointer, out: Uint8Array, outLength: Int32Array): number;
  control(context: Pointer, request: number, length: number, bytes: Uint8Array): number;
}

let loaded: Promise<AeadSuite | undefined> | undefined;

/** The suite; `undefined` where koffi or these functions are missing, or do not do what `aead.ts` does. */
export function loadEvpAead(): Promise<AeadSuite | undefined> {
  loaded ??= load().catch(() => undefined);
  return loaded;
}

async function load(): Promise<AeadSuite | undefined> {
  const { default: koffi } = await import('koffi');
  const c = koffi.load(null);
  const suite = suiteOf({
    newContext: c.func('uintptr_t EVP_CIPHER_CTX_new()'),
    freeContext: c.func('void EVP_CIPHER_CTX_free(uintptr_t context)'),
    cipher: c.func('uintptr_t EVP_chacha20_poly1305()'),
    setKey: c.func(
      'int EVP_CipherInit_ex(uintptr_t context, uintptr_t cipher, uintptr_t engine, void *key, uintptr_t nonce, int seal)',
    ),
    setNonce: c.func(
      'int EVP_CipherInit_ex(uintptr_t context, uintptr_t cipher, uintptr_t engine, uintptr_t key, void *nonce, int seal)',
    ),
    addAad: c.func('int EVP_CipherUpdate(uintptr_t context, uintptr_t out, void *outLength, void *aad, int length)'),
    update: c.func('int EVP_CipherUpdate(uintptr_t context, void *out, void *outLength, void *bytes, int length)'),
    finish: c.func('int EVP_CipherFinal_ex(uintptr_t context, void *out, void *outLength)'),
    control: c.func('int EVP_CIPHER_CTX_ctrl(uintptr_t context, int request, int length, void *bytes)'),
  });
  return agrees(suite) ? suite : undefined;
}

function suiteOf(evp: Evp): AeadSuite {
  /** Keys that nobody erased are freed with their object. */
  const unreachable = new FinalizationRegistry<Pointer>(context => evp.freeContext(context));
  return {
    name: 'OpenSSL chacha20-poly1305',
    key: bytes => {
      assert(bytes.length === KEY_BYTES, 'a ChaCha20-Poly1305 key has 32 bytes');
      const context = evp.newContext();
      const isReady = context !== 0 && evp.setKey(context, evp.cipher(), 0, bytes, 0, SEAL) === 1;
      assert(isReady, 'OpenSSL has ChaCha20-Poly1305 and memory for a key');
      const key = new EvpKey(evp, context, () => unreachable.unregister(key));
      unreachable.register(key, context, key);
      return key;
    },
  };
}

class EvpKey implements AeadKey {
  readonly #evp: Evp;
  /** 0 when erased. */
  #context: Pointer;
  readonly #freed: () => void;
  /** Where OpenSSL says how much it wrote, which we know. */
  readonly #outLength = new Int32Array(1);

  constructor(evp: Evp, context: Pointer, freed: () => void) {
    this.#evp = evp;
    this.#context = context;
    this.#freed = freed;
  }

  seal(nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    const [evp, context, outLength] = [this.#evp, this.#context, this.#outLength];
    const { length } = plaintext;
    assert(context !== 0, 'an erased key seals nothing');
    assert(out.length >= length + TAG_BYTES, 'the ciphertext has room');
    this.#begin(nonce, aad, SEAL);
    if (length > 0) evp.update(context, out, outLength, plaintext, length);
    const tag = out.subarray(length, length + TAG_BYTES);
    const isDone = evp.finish(context, tag, outLength) === 1 && evp.control(context, GET_TAG, TAG_BYTES, tag) === 1;
    assert(isDone, 'OpenSSL seals what has room');
  }

  open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    const [evp, context, outLength] = [this.#evp, this.#context, this.#outLength];
    const length = sealed.length - TAG_BYTES;
    if (context === 0 || length < 0) return false;
    assert(out.length >= length, 'the plaintext has room');
    this.#begin(nonce, aad, OPEN);
    if (length > 0) evp.update(context, out, outLength, sealed, length);
    const tag = sealed.subarray(length);
    return evp.control(context, SET_TAG, TAG_BYTES, tag) === 1 && evp.finish(context, tag, outLength) === 1;
  }

  /** OpenSSL clears the bytes of the key. */
  erase(): void {
    if (this.#context === 0) return;
    this.#evp.freeContext(this.#context);
    this.#context = 0;
    this.#freed();
  }

  toJSON(): string {
    return 'AeadKey';
  }

  #begin(nonce: Uint8Array, aad: Uint8Array, direction: number): void {
    const [evp, context] = [this.#evp, this.#context];
    assert(nonce.length === NONCE_BYTES, 'a nonce has 12 bytes');
    assert(evp.setNonce(context, 0, 0, 0, nonce, direction) === 1, 'OpenSSL takes any nonce');
    if (aad.length > 0) evp.addAad(context, 0, this.#outLength, aad, aad.length);
  }
}

/** Whether a suite seals as node:crypto does, opens that, and nothing else. */
function agrees(suite: AeadSuite): boolean {
  const bytes = Uint8Array.from({ length: KEY_BYTES }, (_, i) => i);
  const [nonce, aad] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(0, 13)];
  const [ours, theirs] = [new Uint8Array(KEY_BYTES + TAG_BYTES), new Uint8Array(KEY_BYTES + TAG_BYTES)];
  const [key, reference] = [suite.key(bytes), nodeAead.key(bytes)];
  key.seal(nonce, aad, bytes, ours);
  reference.seal(nonce, aad, bytes, theirs);
  const opened = new Uint8Array(KEY_BYTES);
  const isOpened = key.open(nonce, aad, theirs, opened) && sameBytes(opened, bytes);
  theirs[0] = (theirs[0] as number) ^ 1;
  const isFooled = key.open(nonce, aad, theirs, opened);
  theirs[0] = (theirs[0] as number) ^ 1;
  key.erase();
  reference.erase();
  return sameBytes(ours, theirs) && isOpened && !isFooled;
}

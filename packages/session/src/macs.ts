/**
 * HMAC-SHA-256 cut to 16 bytes, with the blocks that depend on the key alone
 * hashed beforehand: HS1 of a flood costs one or two of these and no more, so
 * they do not go through the suite (RFC 2104; session.md 2.4).
 */
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { sameSecret, utf8 } from '@warren/base';
import { MAC_BYTES } from '@warren/wire';

type State = ReturnType<typeof hmac.create>;

/** A key for mac1, mac2 or cookies. */
export class MacKey {
  readonly #state: State;
  /** Used for each mac anew: making one costs as much as hashing with it. */
  readonly #scratch: State;

  constructor(key: Uint8Array) {
    this.#state = hmac.create(sha256, key);
    this.#scratch = this.#state.clone() as State;
  }

  /** 16 bytes. */
  mac(bytes: Uint8Array): Uint8Array {
    const full = new Uint8Array(32);
    this.#state._cloneInto(this.#scratch).update(bytes).digestInto(full);
    return full.subarray(0, MAC_BYTES);
  }

  /** Whether `mac` is that of `bytes`; takes as long for any 16 bytes. */
  verifies(mac: Uint8Array, bytes: Uint8Array): boolean {
    return sameSecret(this.mac(bytes), mac);
  }

  toJSON(): string {
    return 'MacKey';
  }
}

/** The same for a key that is used once. */
export function macOnce(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return hmac(sha256, key, bytes).subarray(0, MAC_BYTES);
}

/** The key of everything that this network does with `label`: 32 bytes. */
export function networkSubkey(networkKey: Uint8Array, label: string, context: Uint8Array = EMPTY): Uint8Array {
  return hmac.create(sha256, networkKey).update(utf8(label)).update(context).digest();
}

/** The key of mac1: scanners who do not know the network get no answer. */
export function mac1Key(networkKey: Uint8Array): MacKey {
  return new MacKey(networkSubkey(networkKey, 'mac1'));
}

const EMPTY = new Uint8Array(0);

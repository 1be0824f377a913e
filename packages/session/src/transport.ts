/**
 * The data-plane seam: seals and opens DATA and FRAME with one pair of keys.
 * Made once from keys; knows nothing of peers, paths or time, so that it can
 * move to another thread. Layout: decisions.md "DATA, FRAME header".
 *
 * ```text
 * 0 type 1 | 1 flags 1 | 2 reserved 2 | 4 receiver index 4 | 8 counter 8 | 16 ciphertext | tag 16
 * nonce = 4 bytes fixed per key | counter;  AAD = header bytes 0-7 | 3 zeros | u16 plaintext length
 * ```
 */
import { concat, utf8 } from '@warren/base';
import { type AeadKey, type NoiseSuite, ReplayWindow } from '@warren/noise';
import { DATA_HEADER_BYTES, SEAL_OVERHEAD_BYTES } from '@warren/wire';

/** Hard stop: no counter of ours goes beyond (session.md 2.5). */
export const REJECT_AFTER_MESSAGES = 2 ** 40;

/** Counters that the link and the page read. */
export interface TransportStats {
  sealed: number;
  opened: number;
  /** Wrong tag or impossible length. */
  forged: number;
  /** Valid tag, but seen before or too old. */
  replayed: number;
}

export interface TransportKeys {
  readonly suite: NoiseSuite;
  /** 32 bytes each. */
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
  readonly localIndex: number;
  readonly remoteIndex: number;
}

/** One session's keys in both directions. */
export class Transport {
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly stats: TransportStats = { sealed: 0, opened: 0, forged: 0, replayed: 0 };
  private readonly sender: AeadKey;
  private readonly receiver: AeadKey;
  private readonly sendNonce: Uint8Array;
  private readonly receiveNonce: Uint8Array;
  private readonly aad = new Uint8Array(13);
  private readonly window = new ReplayWindow();
  private counter = 0;
  private erased = false;

  constructor(keys: TransportKeys) {
    this.localIndex = keys.localIndex;
    this.remoteIndex = keys.remoteIndex;
    this.sender = keys.suite.aead.key(keys.send);
    this.receiver = keys.suite.aead.key(keys.receive);
    this.sendNonce = fixedNonce(keys.suite, keys.send);
    this.receiveNonce = fixedNonce(keys.suite, keys.receive);
  }

  /** How many datagrams were sealed: the next counter. */
  get sentCounter(): number {
    return this.counter;
  }

  /** Seals one plaintext; `undefined` once the key is used up or erased. The result is `plaintext.length + 32` bytes. */
  seal(type: number, flags: number, plaintext: Uint8Array): Uint8Array | undefined {
    if (this.erased || this.counter >= REJECT_AFTER_MESSAGES) return undefined;
    const counter = this.counter++;
    const sealed = new Uint8Array(plaintext.length + SEAL_OVERHEAD_BYTES);
    sealed[0] = type;
    sealed[1] = flags;
    putUint(sealed, 4, this.remoteIndex, 4);
    putUint(sealed, 8, counter, 8);
    this.sendNonce.set(sealed.subarray(8, 16), 4);
    this.sender.seal(
      this.sendNonce,
      this.additional(sealed, plaintext.length),
      plaintext,
      sealed.subarray(DATA_HEADER_BYTES),
    );
    this.stats.sealed++;
    return sealed;
  }

  /** Opens one datagram; `undefined` for anything forged, repeated or too old. */
  open(datagram: Uint8Array): Uint8Array | undefined {
    const length = datagram.length - SEAL_OVERHEAD_BYTES;
    if (this.erased || length < 0 || datagram[2] !== 0 || datagram[3] !== 0) return this.forged();
    const counter = getUint(datagram, 8, 8);
    if (counter >= REJECT_AFTER_MESSAGES) return this.forged();
    if (!this.window.check(counter)) {
      this.stats.replayed++;
      return undefined;
    }
    this.receiveNonce.set(datagram.subarray(8, 16), 4);
    const plaintext = new Uint8Array(length);
    const sealed = datagram.subarray(DATA_HEADER_BYTES);
    if (!this.receiver.open(this.receiveNonce, this.additional(datagram, length), sealed, plaintext)) {
      return this.forged();
    }
    this.window.accept(counter);
    this.stats.opened++;
    return plaintext;
  }

  /** Forgets the keys. */
  erase(): void {
    if (this.erased) return;
    this.erased = true;
    this.sender.erase();
    this.receiver.erase();
  }

  /** Names the session, never its keys. */
  toJSON(): object {
    return { transport: this.localIndex };
  }

  private additional(header: Uint8Array, length: number): Uint8Array {
    this.aad.set(header.subarray(0, 8));
    putUint(this.aad, 11, length, 2);
    return this.aad;
  }

  private forged(): undefined {
    this.stats.forged++;
    return undefined;
  }
}

/** 4 bytes fixed per key, so that two keys never share a nonce sequence; then room for the counter. */
function fixedNonce(suite: NoiseSuite, key: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce.set(suite.hash(concat(utf8('warren-nonce/1'), key)).subarray(0, 4));
  return nonce;
}

function putUint(bytes: Uint8Array, at: number, value: number, length: number): void {
  let rest = value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[at + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

function getUint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + (bytes[at + i] as number);
  return value;
}

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
import { concat, Slab, utf8 } from '@warren/base';
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

/** One direction: its key, and what of a datagram's header goes into the AEAD with it. */
interface Direction {
  readonly key: AeadKey;
  /** 12 bytes: 4 fixed, then the counter. */
  readonly nonce: Uint8Array;
  /** 13 bytes. */
  readonly aad: Uint8Array;
}

/** Room for all that is sealed in this process. */
const slab = new Slab();

/** One session's keys in both directions. */
export class Transport {
  readonly localIndex: number;
  readonly remoteIndex: number;
  readonly stats: TransportStats = { sealed: 0, opened: 0, forged: 0, replayed: 0 };
  private readonly sender: Direction;
  private readonly receiver: Direction;
  private readonly window = new ReplayWindow();
  private counter = 0;
  private newest = false;
  private erased = false;

  constructor(keys: TransportKeys) {
    this.localIndex = keys.localIndex;
    this.remoteIndex = keys.remoteIndex;
    this.sender = direction(keys.suite, keys.send);
    this.receiver = direction(keys.suite, keys.receive);
  }

  /** How many datagrams were sealed: the next counter. */
  get sentCounter(): number {
    return this.counter;
  }

  /** Whether the datagram opened last has the highest counter so far: none that was sent later has come before it. */
  get isNewest(): boolean {
    return this.newest;
  }

  /** Seals one plaintext; `undefined` once the key is used up or erased. The result is `plaintext.length + 32` bytes. */
  seal(type: number, flags: number, plaintext: Uint8Array): Uint8Array | undefined {
    if (this.erased || this.counter >= REJECT_AFTER_MESSAGES) return undefined;
    const { key, nonce, aad } = this.sender;
    const sealed = slab.take(plaintext.length + SEAL_OVERHEAD_BYTES);
    sealed[0] = type;
    sealed[1] = flags;
    putU32(sealed, 4, this.remoteIndex);
    putU32(sealed, 8, Math.floor(this.counter / 2 ** 32));
    putU32(sealed, 12, this.counter);
    this.counter++;
    bind(this.sender, sealed, plaintext.length);
    key.seal(nonce, aad, plaintext, sealed.subarray(DATA_HEADER_BYTES));
    this.stats.sealed++;
    return sealed;
  }

  /** Opens one datagram in place, which is worthless then; `undefined` for anything forged, repeated or too old. */
  open(datagram: Uint8Array): Uint8Array | undefined {
    const length = datagram.length - SEAL_OVERHEAD_BYTES;
    if (this.erased || length < 0 || datagram[2] !== 0 || datagram[3] !== 0) return this.forged();
    const counter = u32At(datagram, 8) * 2 ** 32 + u32At(datagram, 12);
    if (counter >= REJECT_AFTER_MESSAGES) return this.forged();
    if (!this.window.check(counter)) {
      this.stats.replayed++;
      return undefined;
    }
    const { key, nonce, aad } = this.receiver;
    bind(this.receiver, datagram, length);
    const plaintext = datagram.subarray(DATA_HEADER_BYTES, DATA_HEADER_BYTES + length);
    if (!key.open(nonce, aad, datagram.subarray(DATA_HEADER_BYTES), plaintext)) return this.forged();
    this.newest = counter > this.window.highest;
    this.window.accept(counter);
    this.stats.opened++;
    return plaintext;
  }

  /** Forgets the keys. */
  erase(): void {
    if (this.erased) return;
    this.erased = true;
    this.sender.key.erase();
    this.receiver.key.erase();
  }

  /** Names the session, never its keys. */
  toJSON(): object {
    return { transport: this.localIndex };
  }

  private forged(): undefined {
    this.stats.forged++;
    return undefined;
  }
}

/** The 4 fixed bytes of the nonce follow from the key, so that two keys never share a nonce sequence. */
function direction({ aead, hash }: NoiseSuite, key: Uint8Array): Direction {
  const nonce = new Uint8Array(12);
  nonce.set(hash(concat(utf8('warren-nonce/1'), key)).subarray(0, 4));
  return { key: aead.key(key), nonce, aad: new Uint8Array(13) };
}

/** Takes the header of a datagram into nonce and additional data; `length` is that of the plaintext. */
function bind({ nonce, aad }: Direction, header: Uint8Array, length: number): void {
  for (let i = 0; i < 8; i++) {
    aad[i] = header[i] as number;
    nonce[4 + i] = header[8 + i] as number;
  }
  aad[11] = length >>> 8;
  aad[12] = length;
}

/** Writes the lowest 32 bits of a whole number: shifts take no others. */
function putU32(bytes: Uint8Array, at: number, value: number): void {
  const low = value | 0;
  bytes[at] = low >>> 24;
  bytes[at + 1] = low >>> 16;
  bytes[at + 2] = low >>> 8;
  bytes[at + 3] = low;
}

function u32At(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  return high * 0x10000 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
}

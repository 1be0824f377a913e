/**
 * Bounded reading and writing of big-endian fields. The reader never throws
 * and never reads outside: after the first missing byte it is `failed`, and
 * every further field reads as zero or empty. Decoders check `failed` once, at the end.
 */

/** Reads fields from front to back. */
export class Reader {
  private readonly bytes: Uint8Array;
  private at = 0;
  /** Whether any field lay beyond the end, or a decoder called `fail`. */
  failed = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Marks the input as impossible. */
  fail(): void {
    this.failed = true;
  }

  u8(): number {
    return this.uint(1);
  }

  u16(): number {
    return this.uint(2);
  }

  u32(): number {
    return this.uint(4);
  }

  /** 6 bytes: exact as a number. */
  u48(): number {
    return this.uint(6);
  }

  /** 8 bytes; fails above 2^53 - 1, which no counter or time of ours reaches. */
  u64(): number {
    const high = this.u32();
    const low = this.u32();
    if (high > 0x1fffff) this.fail();
    return high * 2 ** 32 + low;
  }

  /** Exactly `length` bytes, copied, so that a kept message does not keep its datagram alive. */
  take(length: number): Uint8Array {
    if (length > this.left) {
      this.fail();
      this.at = this.bytes.length;
      return new Uint8Array(0);
    }
    const taken = this.bytes.slice(this.at, this.at + length);
    this.at += length;
    return taken;
  }

  /** A byte string behind a 2-byte length, at most `most` bytes. */
  sized(most: number): Uint8Array {
    const length = this.u16();
    if (length > most) this.fail();
    return this.failed ? new Uint8Array(0) : this.take(length);
  }

  /** All that is left, copied. */
  rest(): Uint8Array {
    return this.take(this.left);
  }

  private uint(length: number): number {
    if (length > this.left) {
      this.fail();
      this.at = this.bytes.length;
      return 0;
    }
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + (this.bytes[this.at++] as number);
    return value;
  }
}

/** Up to here a loop is as fast as a copy by the engine. */
const SMALL_BYTES = 32;

/** Writes fields from front to back into a buffer that grows. */
export class Writer {
  private bytes: Uint8Array;
  private at = 0;

  /** `expected` is a size hint in bytes. */
  constructor(expected = 128) {
    this.bytes = new Uint8Array(expected);
  }

  u8(value: number): this {
    return this.uint(value, 1);
  }

  u16(value: number): this {
    return this.uint(value, 2);
  }

  u32(value: number): this {
    return this.uint(value, 4);
  }

  u48(value: number): this {
    return this.uint(value, 6);
  }

  u64(value: number): this {
    return this.uint(Math.floor(value / 2 ** 32), 4).uint(value % 2 ** 32, 4);
  }

  put(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    // `set` gives a small array, as an id is, a buffer object of its own for as long as it lives.
    if (bytes.length > SMALL_BYTES) this.bytes.set(bytes, this.at);
    else for (let i = 0; i < bytes.length; i++) this.bytes[this.at + i] = bytes[i] as number;
    this.at += bytes.length;
    return this;
  }

  /** A byte string of at most 65,535 bytes behind its 2-byte length. */
  sized(bytes: Uint8Array): this {
    return this.u16(bytes.length).put(bytes);
  }

  zeros(length: number): this {
    this.reserve(length);
    this.bytes.fill(0, this.at, this.at + length);
    this.at += length;
    return this;
  }

  /** What has been written. */
  done(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  private uint(value: number, length: number): this {
    this.reserve(length);
    let rest = value;
    for (let i = length - 1; i >= 0; i--) {
      this.bytes[this.at + i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.at += length;
    return this;
  }

  private reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.at + more, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
  }
}

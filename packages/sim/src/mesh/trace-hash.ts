/**
 * A rolling 64-bit hash of what happened, for comparing two runs of a seed:
 * quick enough for every event, and no protection against anybody.
 */

/** Bytes of each datagram that are mixed in: type, mode, hops, flags and request id. */
const HEAD_BYTES = 8;

/** Two lanes of 32 bits, after the mixing of MurmurHash3 (Appleby). */
export class TraceHash {
  private a = 0x9e3779b9;
  private b = 0x85ebca6b;
  private readonly time = new Float64Array(1);
  private readonly timeWords = new Uint32Array(this.time.buffer);

  /** Notes that `bytes` arrived. */
  note(at: number, from: number, to: number, bytes: Uint8Array): void {
    this.time[0] = at;
    this.word(this.timeWords[0] as number);
    this.word(this.timeWords[1] as number);
    this.word(Math.imul(from, 0x10001) ^ to);
    this.word(bytes.length);
    const end = Math.min(HEAD_BYTES, bytes.length);
    let head = 0;
    for (let i = 0; i < end; i++) {
      head = (head << 8) | (bytes[i] as number);
      if ((i & 3) === 3) this.word(head);
    }
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.a) + hex(this.b);
  }

  private word(word: number): void {
    let k = Math.imul(word, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    const mixed = this.a ^ k;
    this.a = (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
    this.b = (Math.imul(this.b ^ this.a, 0x2c1b3c6d) + (this.b >>> 15)) | 0;
  }
}

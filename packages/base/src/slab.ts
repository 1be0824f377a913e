/**
 * Byte strings cut from large blocks: making each datagram's bytes by itself
 * costs more than filling them. Not a pool: nothing is given back, and a block
 * lives as long as any piece of it.
 */

const BLOCK_BYTES = 65_536;
/** What is longer than this is made by itself, so that little of a block is left unused. */
const PIECE_MAX_BYTES = 4_096;

/** Where short-lived byte strings come from. */
export class Slab {
  private block = new Uint8Array(0);
  private used = 0;

  /** `length` bytes, all zero, that nobody else has. */
  take(length: number): Uint8Array {
    if (length > PIECE_MAX_BYTES) return new Uint8Array(length);
    if (this.used + length > this.block.length) {
      this.block = new Uint8Array(BLOCK_BYTES);
      this.used = 0;
    }
    const piece = this.block.subarray(this.used, this.used + length);
    this.used += length;
    return piece;
  }
}

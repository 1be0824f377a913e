/** Seeded chance for the simulator: xoshiro128** (Blackman and Vigna), seeded by splitmix32. Never for keys that matter. */
import type { Random } from '@warren/base';

/** A generator whose whole output follows from `seed` (any 32-bit number) and `stream` (a name, e.g. of a host). */
export class SeededRandom implements Random {
  private readonly state = new Uint32Array(4);

  constructor(seed: number, stream = '') {
    let mixed = scatter(seed >>> 0);
    for (const character of stream) mixed = Math.imul(mixed ^ character.charCodeAt(0), 0x01000193) >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      this.state[i] = scatter(mixed);
    }
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.next();
      for (let k = 0; k < 4 && i + k < length; k++) bytes[i + k] = (word >>> (8 * k)) & 0xff;
    }
    return bytes;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.next() / 2 ** 32;
  }

  private next(): number {
    const s = this.state as unknown as [number, number, number, number];
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 11);
    return result;
  }
}

/** The output function of splitmix32, on whole numbers of 32 bits: neighbouring ones end far apart. */
export function scatter(value: number): number {
  let z = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

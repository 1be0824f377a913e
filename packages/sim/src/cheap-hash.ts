/**
 * A keyed checksum of 32 bytes for simulations: well mixed, not secure. Each
 * word goes through a step that can be undone if the word is known, so inputs
 * of one length meet by chance only, at 2^-128.
 */

/** Four words, mixed in place. */
export type MixState = [number, number, number, number];

/** Odd, with bits all over: the golden ratio, and primes near other fractions of 2^32. */
const M1 = 0x9e3779b1;
const M2 = 0x85ebca77;
const SQUEEZE_ROUNDS = 6;

/** A start that follows from `label`: equal inputs under two labels have nothing in common. */
export function mixState(label: number): MixState {
  const state: MixState = [label, 0x243f6a88, 0x85a308d3, 0x13198a2e];
  rounds(state);
  return state;
}

/** Takes bytes in, and how many they were. */
export function absorb(state: MixState, bytes: Uint8Array): void {
  const { length } = bytes;
  let [a, b, c, d] = state;
  for (let i = 0; i < length; i += 4) {
    // Past the end are zeros: the length, taken in below, tells them from real ones.
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    const mixed = Math.imul(a ^ word, M1);
    const x = (mixed << 13) | (mixed >>> 19);
    a = (b + x) | 0;
    b = c ^ x;
    c = d;
    d = Math.imul(x, M2);
  }
  state[0] = a ^ length;
  state[1] = b;
  state[2] = c;
  state[3] = d;
  rounds(state);
}

/** Writes `out.length` bytes that follow from the state, which goes on from there. */
export function squeeze(state: MixState, out: Uint8Array): void {
  for (let i = 0; i < out.length; i++) {
    if (i % 16 === 0) rounds(state);
    out[i] = (state[(i >> 2) & 3] as number) >>> (8 * (i & 3));
  }
}

/** Mixes without input. */
function rounds(state: MixState): void {
  let [a, b, c, d] = state;
  for (let i = 0; i < SQUEEZE_ROUNDS; i++) {
    const mixed = Math.imul(a ^ (i + 1), M1);
    const x = (mixed << 13) | (mixed >>> 19);
    a = (b + x) | 0;
    b = c ^ x ^ (x >>> 15);
    c = d;
    d = Math.imul(x, M2);
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

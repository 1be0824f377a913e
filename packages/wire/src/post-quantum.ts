/**
 * The key upgrade inside a session: three kinds of DATA plaintext, with their
 * inner byte (session.md 2.8). Keys and ciphertexts are those of ML-KEM-768
 * (FIPS 203 table 3) and go in two halves, so that they fit a session that is
 * end-to-end inside point-to-point inside a path that is itself carried.
 *
 * ```text
 * PQ_KEY         0 inner 1 = 5 | 1 half 1: 0 or 1 | 2 receiver index 4 | 6 half of the encapsulation key 592   = 598
 * PQ_CIPHERTEXT  0 inner 1 = 6 | 1 half 1: 0 or 1 | 2 receiver index 4 | 6 half of the ciphertext 544          = 550
 * PQ_CONFIRM     0 inner 1 = 7                                                                                 = 1
 * ```
 * The receiver index is the sender's, for datagrams to it under the new keys.
 * PQ_CONFIRM goes under those: whoever can seal it has them.
 */
import { Inner } from './constants.ts';
import { Reader, Writer } from './reader.ts';

/** Bytes of an ML-KEM-768 encapsulation key, and of a ciphertext. */
export const PQ_KEY_BYTES = 1184;
export const PQ_CIPHERTEXT_BYTES = 1088;

/** A half of a key or of a ciphertext, or the proof of the new keys. */
export type PostQuantumMessage =
  | {
      readonly kind: 'key' | 'ciphertext';
      readonly half: 0 | 1;
      /** The sender's index for the new keys. */
      readonly receiverIndex: number;
      /** 592 bytes of a key, 544 of a ciphertext. */
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'confirm' };

/** Encodes 598, 550 or 1 bytes, the inner byte first. */
export function encodePostQuantum(m: PostQuantumMessage): Uint8Array {
  if (m.kind === 'confirm') return Uint8Array.of(Inner.PQ_CONFIRM);
  const inner = m.kind === 'key' ? Inner.PQ_KEY : Inner.PQ_CIPHERTEXT;
  return new Writer(6 + m.bytes.length).u8(inner).u8(m.half).u32(m.receiverIndex).put(m.bytes).done();
}

/** Reads one of the three; `undefined` unless it has exactly its length and names a half and an index other than 0. */
export function decodePostQuantum(plaintext: Uint8Array): PostQuantumMessage | undefined {
  const r = new Reader(plaintext);
  const inner = r.u8();
  if (inner === Inner.PQ_CONFIRM) return plaintext.length === 1 ? { kind: 'confirm' } : undefined;
  if (inner !== Inner.PQ_KEY && inner !== Inner.PQ_CIPHERTEXT) return undefined;
  const half = r.u8();
  const receiverIndex = r.u32();
  const bytes = r.rest();
  const whole = inner === Inner.PQ_KEY ? PQ_KEY_BYTES : PQ_CIPHERTEXT_BYTES;
  if (r.failed || bytes.length !== whole / 2 || (half !== 0 && half !== 1) || receiverIndex === 0) return undefined;
  return { kind: inner === Inner.PQ_KEY ? 'key' : 'ciphertext', half, receiverIndex, bytes };
}

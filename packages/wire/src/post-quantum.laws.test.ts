/** Laws of the key upgrade inside a session. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import {
  decodePostQuantum,
  encodePostQuantum,
  type PostQuantumMessage,
  PQ_CIPHERTEXT_BYTES,
  PQ_KEY_BYTES,
} from './post-quantum.ts';

const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const half = (kind: 'key' | 'ciphertext', length: number): fc.Arbitrary<PostQuantumMessage> =>
  fc.record({
    kind: fc.constant(kind),
    half: fc.constantFrom(0, 1),
    receiverIndex: fc.integer({ min: 1, max: 0xffffffff }),
    bytes: fc.uint8Array({ minLength: length / 2, maxLength: length / 2 }),
  });

codecLaws<PostQuantumMessage>({
  name: 'decodePostQuantum',
  decode: decodePostQuantum,
  encode: encodePostQuantum,
  values: fc.oneof(
    half('key', PQ_KEY_BYTES),
    half('ciphertext', PQ_CIPHERTEXT_BYTES),
    fc.constant({ kind: 'confirm' as const }),
  ),
  golden: [
    {
      value: { kind: 'key', half: 0, receiverIndex: 0x0a0b0c0d, bytes: filled(592, 0x11) },
      hex: `05 00 0a0b0c0d ${'11'.repeat(592)}`,
    },
    {
      value: { kind: 'ciphertext', half: 1, receiverIndex: 1, bytes: filled(544, 0x22) },
      hex: `06 01 00000001 ${'22'.repeat(544)}`,
    },
    { value: { kind: 'confirm' }, hex: '07' },
  ],
  impossible: [
    { why: 'another inner byte', hex: '08' },
    { why: 'a third half', hex: `05 02 0a0b0c0d ${'11'.repeat(592)}` },
    { why: 'the index 0', hex: `05 00 00000000 ${'11'.repeat(592)}` },
    { why: 'a key of the length of a ciphertext', hex: `05 00 0a0b0c0d ${'11'.repeat(544)}` },
    { why: 'a ciphertext of the length of a key', hex: `06 00 0a0b0c0d ${'11'.repeat(592)}` },
    { why: 'a confirmation with something behind it', hex: '07 00' },
  ],
  tail: 'refused',
});

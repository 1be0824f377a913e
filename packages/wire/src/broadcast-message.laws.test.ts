/** Laws of what neighbours say about broadcasts. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import {
  BROADCAST_MAX_BYTES,
  type BroadcastMessage,
  DIGESTS_MAX,
  decodeBroadcastMessage,
  encodeBroadcastMessage,
} from './broadcast-message.ts';

const bytes = (least: number, most = least) => fc.uint8Array({ minLength: least, maxLength: most });
const digests = fc.array(bytes(8), { minLength: 1, maxLength: DIGESTS_MAX });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

codecLaws<BroadcastMessage>({
  name: 'decodeBroadcastMessage',
  decode: decodeBroadcastMessage,
  encode: encodeBroadcastMessage,
  values: fc.oneof(
    fc.record({ kind: fc.constant('part' as const), end: bytes(20), content: bytes(1, BROADCAST_MAX_BYTES) }),
    fc.record({ kind: fc.constantFrom('have' as const, 'want' as const), digests }),
  ),
  golden: [
    {
      value: { kind: 'part', end: filled(20, 0x11), content: Uint8Array.of(7, 8) },
      hex: `01 ${'11'.repeat(20)} 0708`,
    },
    { value: { kind: 'have', digests: [filled(8, 0x22)] }, hex: `02 01 ${'22'.repeat(8)}` },
    {
      value: { kind: 'want', digests: [filled(8, 0x22), filled(8, 0x33)] },
      hex: `03 02 ${'22'.repeat(8)} ${'33'.repeat(8)}`,
    },
  ],
  impossible: [
    { why: 'another kind', hex: `04 01 ${'22'.repeat(8)}` },
    { why: 'a part without content', hex: `01 ${'11'.repeat(20)}` },
    { why: 'a content that is too long', hex: `01 ${'11'.repeat(20)} ${'07'.repeat(BROADCAST_MAX_BYTES + 1)}` },
    { why: 'no digest at all', hex: '02 00' },
    { why: '17 digests', hex: `02 11 ${'22'.repeat(8 * 17)}` },
  ],
  tail: { openFrom: 22 },
});

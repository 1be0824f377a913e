/** Laws of the values that a group keeps in the DHT. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import {
  decodeMemberCard,
  decodeRendezvousEntry,
  decodeSealedRendezvous,
  encodeMemberCard,
  encodeRendezvousEntry,
  encodeSealedRendezvous,
  HOST_KINDS,
} from './member-card.ts';

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

codecLaws({
  name: 'decodeMemberCard',
  decode: decodeMemberCard,
  encode: encodeMemberCard,
  values: fc.record({ hostKind: fc.constantFrom(...HOST_KINDS), address: fc.nat(0xffffffff) }),
  golden: [
    { value: { hostKind: 'browser', address: 0 }, hex: '01 00 00000000' },
    { value: { hostKind: 'edge', address: 0x0a800505 }, hex: '01 01 0a800505' },
    { value: { hostKind: 'site', address: 0xffffffff }, hex: '01 02 ffffffff' },
    { value: { hostKind: 'bootstrap', address: 1 }, hex: '01 03 00000001' },
  ],
  impossible: [
    { why: 'another version', hex: '02 00 00000000' },
    { why: 'an unknown kind of host', hex: '01 04 00000000' },
  ],
  tail: 'ignored',
});

codecLaws({
  name: 'decodeRendezvousEntry',
  decode: decodeRendezvousEntry,
  encode: encodeRendezvousEntry,
  values: fc.record({ publicId: exactly(20), memberId: exactly(20) }),
  golden: [
    {
      value: { publicId: filled(20, 0x11), memberId: filled(20, 0x22) },
      hex: `${'11'.repeat(20)} ${'22'.repeat(20)}`,
    },
  ],
  impossible: [{ why: 'one id alone', hex: '11'.repeat(20) }],
  tail: 'ignored',
});

codecLaws({
  name: 'decodeSealedRendezvous',
  decode: decodeSealedRendezvous,
  encode: encodeSealedRendezvous,
  values: fc.record({ nonce: exactly(24), sealed: exactly(56) }),
  golden: [
    { value: { nonce: filled(24, 0x33), sealed: filled(56, 0x44) }, hex: `${'33'.repeat(24)} ${'44'.repeat(56)}` },
  ],
  impossible: [{ why: 'a seal without its tag', hex: `${'33'.repeat(24)} ${'44'.repeat(40)}` }],
  tail: 'ignored',
});

/** Laws of the values that a group keeps in the DHT. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import {
  CARD_RANGES_MAX,
  decodeMemberCard,
  decodeRendezvousEntry,
  decodeSealedRendezvous,
  encodeMemberCard,
  encodeRendezvousEntry,
  encodeSealedRendezvous,
  HOST_KINDS,
} from './member-card.ts';

const plain = { hearsGroups: false, ranges: [] };
const range = fc
  .tuple(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }))
  .map(([address, prefixBits]) => ({ network: address - (address % 2 ** (32 - prefixBits)), prefixBits }));
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);

codecLaws({
  name: 'decodeMemberCard',
  decode: decodeMemberCard,
  encode: encodeMemberCard,
  values: fc.record(
    {
      hostKind: fc.constantFrom(...HOST_KINDS),
      address: fc.nat(0xffffffff),
      hearsGroups: fc.boolean(),
      ranges: fc.array(range, { maxLength: CARD_RANGES_MAX }),
      gateway: fc.record({ hasIpv6: fc.boolean(), capacityMbit: fc.nat(0xffffffff) }),
    },
    { requiredKeys: ['hostKind', 'address', 'hearsGroups', 'ranges'] },
  ),
  golden: [
    { value: { hostKind: 'browser', address: 0, ...plain }, hex: '01 00 00000000 00 00' },
    { value: { hostKind: 'site', address: 0xffffffff, ...plain }, hex: '01 02 ffffffff 00 00' },
    { value: { hostKind: 'bootstrap', address: 1, ...plain }, hex: '01 03 00000001 00 00' },
    {
      value: {
        hostKind: 'edge',
        address: 0x0a800505,
        hearsGroups: true,
        ranges: [{ network: 0xc0a80500, prefixBits: 24 }],
      },
      hex: '01 01 0a800505 01 01 c0a80500 18',
    },
    {
      value: { hostKind: 'edge', address: 1, ...plain, gateway: { hasIpv6: true, capacityMbit: 250 } },
      hex: '01 01 00000001 06 00 000000fa',
    },
  ],
  impossible: [
    { why: 'another version', hex: '02 00 00000000 00 00' },
    { why: 'an unknown kind of host', hex: '01 04 00000000 00 00' },
    { why: 'a range with host bits', hex: '01 00 00000000 00 01 c0a80501 18' },
    { why: 'a range of 33 bits', hex: '01 00 00000000 00 01 c0a80500 21' },
    { why: 'a gateway without its capacity', hex: '01 01 00000001 02 00 0000fa' },
    { why: 'too many ranges', hex: `01 00 00000000 00 11 ${'0a000000 08'.repeat(17)}` },
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

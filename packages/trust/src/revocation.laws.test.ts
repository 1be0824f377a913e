/** Laws of the revocation list. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeRevocationList, encodeRevocationList, REVOKED_MAX, type RevocationList } from './revocation.ts';

const signature = fc.uint8Array({ minLength: 64, maxLength: 64 });
const filled = (byte: number) => new Uint8Array(64).fill(byte);
const user = fc.string({ unit: fc.constantFrom(...'abcxyz0189._-'), minLength: 1, maxLength: 32 });

const before = fc.maxSafeNat();
const peerId = fc.uint8Array({ minLength: 20, maxLength: 20 });

const HEAD = `000000000007 0000019876543210 ${'0a'.repeat(64)}`;
const SIGNED = '0b'.repeat(64);

codecLaws<RevocationList>({
  name: 'decodeRevocationList',
  decode: decodeRevocationList,
  encode: encodeRevocationList,
  values: fc.record({
    head: fc.record({ sequence: fc.maxSafeNat().map(n => n % 2 ** 48), signedAt: fc.maxSafeNat(), signature }),
    revoked: fc.array(
      fc.oneof(fc.record({ user, before }), fc.record({ peerId, before }), fc.record({ teamsOf: user, before })),
      { maxLength: 12 },
    ),
    signature,
  }),
  golden: [
    {
      value: {
        head: { sequence: 7, signedAt: 0x0198_7654_3210, signature: filled(0x0a) },
        revoked: [],
        signature: filled(0x0b),
      },
      hex: `${HEAD} 0000 ${SIGNED}`,
    },
    {
      value: {
        head: { sequence: 7, signedAt: 0x0198_7654_3210, signature: filled(0x0a) },
        revoked: [
          { user: 'ada', before: 0x0198_0000_0000 },
          { user: 'b.o-b_9', before: 1 },
          { peerId: new Uint8Array(20).fill(0x0c), before: 2 },
          { teamsOf: 'ada', before: 3 },
        ],
        signature: filled(0x0b),
      },
      hex: `${HEAD} 0004 03 616461 0000019800000000 07 622e6f2d625f39 0000000000000001 00 ${'0c'.repeat(20)} 0000000000000002 83 616461 0000000000000003 ${SIGNED}`,
    },
    {
      value: {
        head: { sequence: 7, signedAt: 0x0198_7654_3210, signature: filled(0x0a) },
        revoked: new Array(REVOKED_MAX).fill({ user: 'u', before: 2 }),
        signature: filled(0x0b),
      },
      hex: `${HEAD} 0180 ${'01 75 0000000000000002'.repeat(384)} ${SIGNED}`,
    },
  ],
  impossible: [
    { why: '385 entries', hex: `${HEAD} 0181 ${'01 75 0000000000000002'.repeat(385)} ${SIGNED}` },
    { why: 'a peer id cut short', hex: `${HEAD} 0001 00 ${'0c'.repeat(19)} 0000000000000002 ${SIGNED}` },
    { why: 'a name of 33 bytes', hex: `${HEAD} 0001 21 ${'75'.repeat(33)} 0000000000000002 ${SIGNED}` },
    { why: 'teams of nobody', hex: `${HEAD} 0001 80 0000000000000002 ${SIGNED}` },
    { why: 'teams of a name of 33 bytes', hex: `${HEAD} 0001 a1 ${'75'.repeat(33)} 0000000000000002 ${SIGNED}` },
    { why: 'a capital letter in a name', hex: `${HEAD} 0001 01 41 0000000000000002 ${SIGNED}` },
    { why: 'a date beyond 2^53', hex: `${HEAD} 0001 01 75 0020000000000000 ${SIGNED}` },
    { why: 'an entry fewer than announced', hex: `${HEAD} 0002 01 75 0000000000000002 ${SIGNED}` },
  ],
  tail: 'ignored',
});

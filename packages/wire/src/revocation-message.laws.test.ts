/** Laws of how revocation lists are handed on. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import {
  decodeRevocationMessage,
  encodeRevocationMessage,
  REVOCATION_LIST_MAX_BYTES,
  type RevocationMessage,
} from './revocation-message.ts';

const signature = fc.uint8Array({ minLength: 64, maxLength: 64 });
const sequence = fc.maxSafeNat().map(n => n % 2 ** 48);

codecLaws<RevocationMessage>({
  name: 'decodeRevocationMessage',
  decode: decodeRevocationMessage,
  encode: encodeRevocationMessage,
  values: fc.oneof(
    fc.record({
      kind: fc.constant('head' as const),
      head: fc.record({ sequence, signedAt: fc.maxSafeNat(), signature }),
    }),
    fc.record({ kind: fc.constant('want' as const), sequence }),
    fc.record({ kind: fc.constant('list' as const), list: fc.uint8Array({ minLength: 144, maxLength: 400 }) }),
  ),
  golden: [
    {
      value: { kind: 'head', head: { sequence: 7, signedAt: 8, signature: new Uint8Array(64).fill(9) } },
      hex: `10 000000000007 0000000000000008 ${'09'.repeat(64)}`,
    },
    { value: { kind: 'want', sequence: 258 }, hex: '11 000000000102' },
    { value: { kind: 'list', list: new Uint8Array(144).fill(5) }, hex: `12 ${'05'.repeat(144)}` },
  ],
  impossible: [
    { why: 'another kind', hex: '13 000000000000' },
    { why: 'a list shorter than an empty one', hex: `12 ${'05'.repeat(143)}` },
    { why: 'a list that is too long', hex: `12 ${'05'.repeat(REVOCATION_LIST_MAX_BYTES + 1)}` },
    { why: 'a date beyond 2^53', hex: `10 000000000007 0020000000000000 ${'09'.repeat(64)}` },
  ],
  tail: { openFrom: 145 },
});

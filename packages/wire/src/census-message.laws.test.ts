/** Laws of questions to all, and of sums. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeGather, decodeGathered, encodeGather, encodeGathered } from './census-message.ts';

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const filled = (length: number, byte: number) => new Uint8Array(length).fill(byte);
const count = fc.nat(0xffffffff);
const sums = fc
  .record({ peers: count, links: count, records: count, unanswered: count, depth: fc.nat(32), share: fc.nat(1000) })
  .map(({ share, ...sum }) => {
    const part = Math.floor((sum.peers / 1000) * share);
    return { ...sum, consistent: part, browsers: part };
  });

codecLaws({
  name: 'decodeGather',
  decode: decodeGather,
  encode: encodeGather,
  values: fc.record({
    token: exactly(8),
    origin: exactly(20),
    end: exactly(20),
    hops: fc.integer({ min: 1, max: 32 }),
    waitMs: fc.nat(0xffff),
  }),
  golden: [
    {
      value: { token: filled(8, 1), origin: filled(20, 2), end: filled(20, 3), hops: 1, waitMs: 10_000 },
      hex: `${'01'.repeat(8)} ${'02'.repeat(20)} ${'03'.repeat(20)} 01 2710`,
    },
  ],
  impossible: [
    { why: 'no hops', hex: `${'01'.repeat(8)} ${'02'.repeat(40)} 00 2710` },
    { why: 'more hops than a census makes', hex: `${'01'.repeat(8)} ${'02'.repeat(40)} 21 2710` },
  ],
  tail: 'ignored',
});

codecLaws({
  name: 'decodeGathered',
  decode: decodeGathered,
  encode: encodeGathered,
  values: fc.record({ token: exactly(8), sum: sums }),
  golden: [
    {
      value: {
        token: filled(8, 1),
        sum: { peers: 7, consistent: 6, links: 5, records: 4, browsers: 3, unanswered: 2, depth: 1 },
      },
      hex: `${'01'.repeat(8)} 00000007 00000006 00000005 00000004 00000003 00000002 01`,
    },
  ],
  impossible: [
    {
      why: 'more consistent peers than peers',
      hex: `${'01'.repeat(8)} 00000007 00000008 00000005 00000004 00000003 00000002 01`,
    },
    {
      why: 'more browsers than peers',
      hex: `${'01'.repeat(8)} 00000002 00000002 00000005 00000004 00000003 00000002 01`,
    },
    {
      why: 'a greater depth than a census has',
      hex: `${'01'.repeat(8)} 00000007 00000006 00000005 00000004 00000003 00000002 21`,
    },
  ],
  tail: 'ignored',
});

/** Laws of ICMP echo messages. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeIcmpEcho, encodeIcmpEcho, type IcmpEcho } from './icmp.ts';

codecLaws<IcmpEcho>({
  name: 'decodeIcmpEcho',
  decode: decodeIcmpEcho,
  encode: encodeIcmpEcho,
  values: fc.record({
    operation: fc.constantFrom('request', 'reply'),
    identifier: fc.nat(0xffff),
    sequence: fc.nat(0xffff),
    data: fc.uint8Array({ maxLength: 64 }),
  }),
  golden: [
    {
      value: { operation: 'request', identifier: 0x1234, sequence: 1, data: Uint8Array.of(0x61, 0x62, 0x63) },
      hex: '08 00 2168 1234 0001 616263',
    },
    { value: { operation: 'reply', identifier: 0, sequence: 0, data: new Uint8Array(0) }, hex: '00 00 ffff 0000 0000' },
  ],
  impossible: [
    { why: 'another type', hex: '05 00 2468 1234 0001 616263' },
    { why: 'a code', hex: '08 01 2167 1234 0001 616263' },
    { why: 'a wrong checksum', hex: '08 00 2169 1234 0001 616263' },
  ],
  tail: { openFrom: 8 },
});

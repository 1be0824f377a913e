/** Laws of IPv6 packets. */
import { fromHex } from '@warren/base';
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeIpv6, encodeIpv6, type Ipv6Packet } from './ipv6.ts';

const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
const [from, to] = [`fd${'00'.repeat(14)}01`, `fd${'00'.repeat(14)}02`];

codecLaws<Ipv6Packet>({
  name: 'decodeIpv6',
  decode: decodeIpv6,
  encode: encodeIpv6,
  values: fc.record({
    trafficClass: fc.nat(255),
    flowLabel: fc.nat(0xfffff),
    nextHeader: fc.nat(255),
    hopLimit: fc.nat(255),
    source: address,
    destination: address,
    payload: fc.uint8Array({ maxLength: 64 }),
  }),
  golden: [
    {
      value: {
        trafficClass: 0xb8,
        flowLabel: 0x12345,
        nextHeader: 17,
        hopLimit: 64,
        source: fromHex(from) as Uint8Array,
        destination: fromHex(to) as Uint8Array,
        payload: Uint8Array.of(1, 2, 3),
      },
      hex: `6b812345 0003 11 40 ${from} ${to} 010203`,
    },
  ],
  impossible: [
    { why: 'version 4', hex: `4b812345 0000 11 40 ${from} ${to}` },
    { why: 'a length beyond the end', hex: `6b812345 0004 11 40 ${from} ${to} 010203` },
  ],
  tail: 'ignored',
});

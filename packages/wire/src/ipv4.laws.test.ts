/** Laws of IPv4 packets. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeIpv4, encodeIpv4 } from './ipv4.ts';

const address = fc.nat(0xffffffff);
const addresses = 'c0a80001 c0a800c7';

codecLaws({
  name: 'decodeIpv4',
  decode: decodeIpv4,
  encode: encodeIpv4,
  values: fc.record({
    trafficClass: fc.nat(0xff),
    identification: fc.nat(0xffff),
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: fc.nat(0x1fff),
    ttl: fc.nat(0xff),
    protocol: fc.nat(0xff),
    source: address,
    destination: address,
    options: fc.nat(10).chain(words => fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words })),
    payload: fc.uint8Array({ maxLength: 64 }),
  }),
  golden: [
    {
      value: {
        trafficClass: 0,
        identification: 0,
        dontFragment: true,
        moreFragments: false,
        fragmentOffset: 0,
        ttl: 64,
        protocol: 17,
        source: 0xc0a80001,
        destination: 0xc0a800c7,
        options: new Uint8Array(0),
        payload: Uint8Array.of(1, 2, 3, 4),
      },
      hex: `45 00 0018 0000 4000 40 11 b8bc ${addresses} 01020304`,
    },
  ],
  impossible: [
    { why: 'version 6', hex: `65 00 0018 0000 4000 40 11 98bc ${addresses} 01020304` },
    { why: 'a header of 16 bytes', hex: `44 00 0018 0000 4000 40 11 b9bc ${addresses} 01020304` },
    { why: 'a header longer than the packet', hex: `46 00 0014 0000 4000 40 11 b3ba ${addresses} 01020304` },
    { why: 'a total length beyond the bytes', hex: `45 00 0019 0000 4000 40 11 b8bb ${addresses} 01020304` },
    { why: 'a wrong checksum', hex: `45 00 0018 0000 4000 40 11 b8bd ${addresses} 01020304` },
    { why: 'the reserved flag', hex: `45 00 0018 0000 c000 40 11 38bc ${addresses} 01020304` },
  ],
  tail: 'ignored',
});

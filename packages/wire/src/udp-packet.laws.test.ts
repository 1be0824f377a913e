/** Laws of UDP packets. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeUdpPacket, encodeUdpPacket } from './udp-packet.ts';

const u16 = fc.nat(0xffff);

codecLaws({
  name: 'decodeUdpPacket',
  decode: decodeUdpPacket,
  encode: encodeUdpPacket,
  values: fc.record({
    sourcePort: u16,
    destinationPort: u16,
    checksum: u16,
    data: fc.uint8Array({ maxLength: 64 }),
  }),
  golden: [
    {
      value: { sourcePort: 68, destinationPort: 67, checksum: 0xbeef, data: Uint8Array.of(1, 2) },
      hex: '0044 0043 000a beef 0102',
    },
  ],
  impossible: [
    { why: 'a length below its header', hex: '0044 0043 0007 0000 0102' },
    { why: 'a length beyond the bytes', hex: '0044 0043 000b 0000 0102' },
  ],
  tail: 'ignored',
});

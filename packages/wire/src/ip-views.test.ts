/** Reading Ethernet, IPv4 and checksums in place: the same as decoding, without copies. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEthernet, etherTypeOf, isGroupFrame } from './ethernet.ts';
import {
  decodeIpv4,
  encodeIpv4,
  type Ipv4Packet,
  internetChecksum,
  ipv4DestinationAt,
  ipv4FragmentOffsetAt,
  ipv4HeaderBytesAt,
  ipv4ProtocolAt,
  ipv4SourceAt,
  ipv4TotalBytesAt,
  isIpv4At,
} from './ipv4.ts';
import { encodeUdpPacket, udpChecksum } from './udp-packet.ts';

const packet: Ipv4Packet = {
  trafficClass: 0,
  identification: 7,
  dontFragment: false,
  moreFragments: true,
  fragmentOffset: 0x123,
  ttl: 64,
  protocol: 17,
  source: 0xfffefdfc,
  destination: 0x80000001,
  options: Uint8Array.of(1, 1, 1, 0),
  payload: Uint8Array.of(9, 9, 9),
};

describe('Ethernet in place', () => {
  test('tells the type, or that there is no header', () => {
    const frame = encodeEthernet({ ...macs(0, 2), type: 0x86dd, payload: new Uint8Array(0) });
    expect(etherTypeOf(frame)).toBe(0x86dd);
    expect(etherTypeOf(frame.subarray(0, 13))).toBeUndefined();
  });

  test('tells frames to groups from frames to one station', () => {
    const type = 0x800;
    const payload = new Uint8Array(0);
    expect(isGroupFrame(encodeEthernet({ ...macs(0xff, 2), type, payload }))).toBe(true);
    expect(isGroupFrame(encodeEthernet({ ...macs(0x02, 2), type, payload }))).toBe(false);
  });
});

describe('IPv4 in place', () => {
  test('reads the fields that the decoder gives, above 2^31 too', () => {
    const bytes = Uint8Array.of(0xaa, 0xaa, ...encodeIpv4(packet), 0xaa);
    expect(isIpv4At(bytes, 2)).toBe(true);
    expect(ipv4HeaderBytesAt(bytes, 2)).toBe(24);
    expect(ipv4TotalBytesAt(bytes, 2)).toBe(27);
    expect(ipv4FragmentOffsetAt(bytes, 2)).toBe(0x123);
    expect(ipv4ProtocolAt(bytes, 2)).toBe(17);
    expect(ipv4SourceAt(bytes, 2)).toBe(0xfffefdfc);
    expect(ipv4DestinationAt(bytes, 2)).toBe(0x80000001);
  });

  test('takes whatever the decoder takes for a packet', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40, size: 'max' }),
        fc.constantFrom(0x45, 0x46, 0x4f, 0x44),
        (bytes, first) => {
          if (bytes.length > 3) bytes.set([first, 0, 0, bytes.length - (Number(bytes[3]) % 3)]);
          if (decodeIpv4(bytes) !== undefined) expect(isIpv4At(bytes, 0)).toBe(true);
          if (isIpv4At(bytes, 0)) expect(ipv4HeaderBytesAt(bytes, 0)).toBeLessThanOrEqual(ipv4TotalBytesAt(bytes, 0));
        },
      ),
    );
  });
});

describe('the Internet checksum', () => {
  test('gives the value of the worked example of RFC 1071, section 3', () => {
    const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(internetChecksum(bytes, 0, 8)).toBe(0xffff - 0xddf2);
  });

  test('fills an odd last byte with zero', () => {
    expect(internetChecksum(Uint8Array.of(0x12, 0x34, 0x56), 0, 3)).toBe(0xffff - 0x1234 - 0x5600);
  });

  test('verifies as zero with the pseudo-header of UDP, and is never zero itself', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffffffff),
        fc.nat(0xffffffff),
        fc.uint8Array({ maxLength: 32 }),
        (source, destination, data) => {
          const header = { sourcePort: 53, destinationPort: 5353, data };
          const checksum = udpChecksum(source, destination, encodeUdpPacket({ ...header, checksum: 0 }));
          const whole = encodeUdpPacket({ ...header, checksum });
          const pseudo = new Uint8Array(12);
          new DataView(pseudo.buffer).setUint32(0, source);
          new DataView(pseudo.buffer).setUint32(4, destination);
          pseudo.set([0, 17, 0, whole.length], 8);
          expect(internetChecksum(Uint8Array.of(...pseudo, ...whole), 0, 12 + whole.length)).toBe(0);
          expect(checksum).not.toBe(0);
        },
      ),
    );
  });
});

function macs(to: number, from: number): { destination: Uint8Array; source: Uint8Array } {
  return { destination: new Uint8Array(6).fill(to), source: new Uint8Array(6).fill(from) };
}

/** What of a peer's frames passes (faults #81, #100): each check alone, then all against a slow reading. */
import { decodeEthernet, decodeIpv4, EtherType, encodeEthernet, encodeUdpPacket, type Ipv4Packet } from '@warren/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FRAME_MAX_BYTES } from './constants.ts';
import { inspectEthernet, inspectInbound } from './inbound.ts';
import { macOf } from './mac.ts';
import { Routes } from './routes.ts';
import { isAssignable } from './subnet.ts';
import { ipFrame, peerOf, pingFrame, SUBNET } from './testbed.ts';

const ADA = peerOf(0xa1);
const BOB = peerOf(0xb2);
const THEIRS = 0x0a800505;
const OURS = 0x0a800606;
const PLACE = {
  own: OURS,
  subnet: SUBNET,
  announced: [],
  routes: new Routes(),
  hearsGroups: false,
  isTunnelled: false,
  acceptsFrom: () => false,
};
const good = { source: THEIRS, destination: OURS };

describe('a frame of a peer', () => {
  test('passes with the MAC of the peer, a member address and our own', () => {
    expect(inspect(ipFrame(ADA, BOB, good))).toBeUndefined();
    expect(inspect(pingFrame(ADA, BOB, good))).toBeUndefined();
    expect(inspect(udp(5000, 53))).toBeUndefined();
  });

  test('passes with whatever MAC address of one station it goes to: ours is written over it', () => {
    expect(inspect(ipFrame(ADA, ADA, good))).toBeUndefined();
  });

  test('passes with padding behind the packet', () => {
    expect(inspect(Uint8Array.of(...ipFrame(ADA, BOB, good), 0, 0, 0, 0))).toBeUndefined();
  });

  test.each([
    ['is shorter than a header', 'malformed', new Uint8Array(13)],
    ['is longer than the MTU allows', 'too-large', ipFrame(ADA, BOB, { ...good, payload: new Uint8Array(1261) })],
    ['carries the MAC of another peer', 'spoofed-mac', ipFrame(BOB, BOB, good)],
    ['is ARP', 'arp', ethernet(EtherType.arp)],
    ['is of another type', 'ethertype', ethernet(0x88cc)],
    ['goes to a group of stations', 'group', with1(ipFrame(ADA, BOB, good), 0, 0x01)],
    ['has another IP version', 'malformed', with1(ipFrame(ADA, BOB, good), 14, 0x65)],
    ['is IPv6 inside', 'malformed', with1(ipFrame(ADA, BOB, good), 14, 0x60)],
    ['has a header that is too short', 'malformed', with1(ipFrame(ADA, BOB, good), 14, 0x44)],
    ['claims more bytes than there are', 'malformed', with1(ipFrame(ADA, BOB, good), 17, 41)],
    ['claims fewer bytes than its header', 'malformed', with1(ipFrame(ADA, BOB, good), 17, 19)],
    ['goes to another member', 'destination', ip({ destination: OURS + 1 })],
    ['goes to broadcast', 'destination', ip({ destination: 0x0a80ffff })],
    ['comes from our own address', 'spoofed-source', ip({ source: OURS })],
    ['comes from outside the subnet', 'spoofed-source', ip({ source: 0x08080808 })],
    ['comes from the address of services', 'spoofed-source', ip({ source: 0x0a800001 })],
    ['comes from broadcast', 'spoofed-source', ip({ source: 0x0a80ffff })],
    ['comes from a DHCP server', 'dhcp', udp(67, 5000)],
    ['comes from a DHCP client', 'dhcp', udp(68, 5000)],
    ['goes to a DHCP server', 'dhcp', udp(5000, 67)],
    ['goes to a DHCP client', 'dhcp', udp(5000, 68)],
    ['goes to a DHCP client behind IP options', 'dhcp', udp(67, 68, { options: new Uint8Array(8) })],
    [
      'hides its ports in a later fragment',
      'malformed',
      udp(0, 0, { payload: new Uint8Array(4), moreFragments: true }),
    ],
    ['redirects', 'redirect', ip({ protocol: 1, payload: Uint8Array.of(5, 1, 0, 0, 0, 0, 0, 0) })],
    ['advertises a router', 'redirect', ip({ protocol: 1, payload: Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0) })],
    ['is ICMP without a header', 'malformed', ip({ protocol: 1, payload: Uint8Array.of(8, 0, 0, 0) })],
  ])('that %s is dropped', (_, reason, frame) => expect(inspect(frame)).toBe(reason));

  test('is dropped while we hold no address', () => {
    expect(inspectInbound(ipFrame(ADA, BOB, good), ADA, { ...PLACE, own: undefined }, 0)).toBe('no-address');
  });

  test('passes exactly when a slow reading of all its fields lets it', () => {
    fc.assert(
      fc.property(frames, frame => {
        expect(inspect(frame) === undefined).toBe(passesSlowly(frame));
      }),
      { numRuns: 2_000 },
    );
  });

  test('is read the same when it lies within a larger buffer', () => {
    fc.assert(
      fc.property(frames, frame => {
        const buffer = new Uint8Array(frame.length + 40).fill(0x45);
        buffer.set(frame, 20);
        expect(inspect(buffer.subarray(20, 20 + frame.length))).toBe(inspect(frame));
      }),
    );
  });
});

/** Mostly sound frames with a few fields and bytes changed. The checksum is left right for the slow reading. */
const address = fc.constantFrom(THEIRS, THEIRS, OURS, OURS, 0x0a800001, 0x08080808, 0x0a80ffff);
const port = fc.constantFrom(53, 67, 68, 5000);
const transport = fc.oneof(
  fc.tuple(port, port).map(([a, b]) => encodeUdpPacket({ sourcePort: a, destinationPort: b, checksum: 0, data: ADA })),
  fc.uint8Array({ maxLength: 12 }),
);
const frames = fc
  .record({
    from: fc.constantFrom(ADA, ADA, ADA, BOB),
    packet: fc.record({
      source: address,
      destination: address,
      protocol: fc.constantFrom(1, 6, 17),
      payload: transport,
      fragmentOffset: fc.constantFrom(0, 0, 1),
      options: fc.constantFrom(new Uint8Array(0), new Uint8Array(4)),
    }),
    at: fc.nat(17),
    to: fc.option(fc.nat(255)),
    padding: fc.nat(3),
  })
  .map(({ from, packet, at, to, padding }) => {
    const frame = Uint8Array.of(...ipFrame(from, BOB, packet), ...new Uint8Array(padding));
    return to === null ? frame : with1(frame, at, to);
  });

function passesSlowly(bytes: Uint8Array): boolean {
  const frame = decodeEthernet(bytes);
  if (frame === undefined || bytes.length > FRAME_MAX_BYTES || frame.type !== EtherType.ipv4) return false;
  if (frame.source.join() !== macOf(ADA).join() || (frame.destination[0] as number) % 2 === 1) return false;
  const packet = decodeIpv4(withRightChecksum(frame.payload));
  if (packet === undefined || packet.destination !== OURS) return false;
  if (packet.source === OURS || !isAssignable(SUBNET, packet.source)) return false;
  return packet.fragmentOffset > 0 || transportPassesSlowly(packet);
}

function transportPassesSlowly({ protocol, payload }: Ipv4Packet): boolean {
  if (protocol !== 1 && protocol !== 17) return true;
  if (payload.length < 8) return false;
  if (protocol === 1) return payload[0] !== 5 && payload[0] !== 9;
  const ports = new DataView(payload.buffer, payload.byteOffset);
  return ![0, 2].some(at => [67, 68].includes(ports.getUint16(at)));
}

/** Damaged headers keep no right checksum, which the receiving machine looks at and we do not. */
function withRightChecksum(packet: Uint8Array): Uint8Array {
  const bytes = packet.slice();
  const length = Math.min(((bytes[0] ?? 0) & 15) * 4, bytes.length);
  if (length < 12) return bytes;
  bytes[10] = 0;
  bytes[11] = 0;
  let sum = 0;
  for (let i = 0; i < length; i++) sum += (bytes[i] as number) << (i % 2 === 0 ? 8 : 0);
  sum = (sum % 65536) + Math.floor(sum / 65536);
  sum = 65535 - ((sum % 65536) + Math.floor(sum / 65536));
  bytes.set([sum >> 8, sum & 255], 10);
  return bytes;
}

function inspect(frame: Uint8Array): string | undefined {
  const drop = inspectEthernet(frame, ADA);
  return drop ?? inspectInbound(frame, ADA, PLACE, 0);
}

function ip(packet: Partial<Ipv4Packet>): Uint8Array {
  return ipFrame(ADA, BOB, { ...good, ...packet });
}

function udp(sourcePort: number, destinationPort: number, packet: Partial<Ipv4Packet> = {}): Uint8Array {
  const payload = encodeUdpPacket({ sourcePort, destinationPort, checksum: 0, data: new Uint8Array(4) });
  return ip({ protocol: 17, payload, ...packet });
}

function ethernet(type: number): Uint8Array {
  return encodeEthernet({ destination: macOf(BOB), source: macOf(ADA), type, payload: new Uint8Array(60) });
}

function with1(frame: Uint8Array, at: number, byte: number): Uint8Array {
  const changed = frame.slice();
  changed[at] = byte;
  return changed;
}

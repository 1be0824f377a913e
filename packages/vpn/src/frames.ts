/** Frames that we make ourselves: an IP packet around a payload, from one MAC address to another. */
import {
  EtherType,
  encodeEthernet,
  encodeIpv4,
  encodeIpv6,
  encodeUdpPacket,
  IpProtocol,
  type Ipv6Ends,
  internetChecksum,
  ipv6PseudoSum,
  udpChecksum,
} from '@warren/wire';

const TTL = 64;

/** From and to which station, 6 bytes each. */
export interface Macs {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** An IPv4 packet to be made; addresses as numbers. */
export interface Packet4 {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/** An IPv6 packet to be made. */
export interface Packet6 extends Ipv6Ends {
  readonly nextHeader: number;
  /** 64 by default. */
  readonly hopLimit?: number;
  readonly payload: Uint8Array;
}

/** What goes into a UDP packet. */
export interface Udp {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly data: Uint8Array;
}

/** A whole, unfragmentable IPv4 packet in a frame. */
export function ipv4Frame({ from, to }: Macs, packet: Packet4): Uint8Array {
  const whole = { trafficClass: 0, identification: 0, dontFragment: true, moreFragments: false, fragmentOffset: 0 };
  const payload = encodeIpv4({ ...whole, ttl: TTL, options: new Uint8Array(0), ...packet });
  return encodeEthernet({ destination: to, source: from, type: EtherType.ipv4, payload });
}

/** An IPv6 packet in a frame. */
export function ipv6Frame({ from, to }: Macs, packet: Packet6): Uint8Array {
  const payload = encodeIpv6({ trafficClass: 0, flowLabel: 0, hopLimit: TTL, ...packet });
  return encodeEthernet({ destination: to, source: from, type: EtherType.ipv6, payload });
}

/** A UDP packet over IPv4. */
export function udp4(source: number, destination: number, udp: Udp): Packet4 {
  const payload = encodeUdpPacket({ ...udp, checksum: 0 });
  putChecksum(payload, udpChecksum(source, destination, payload));
  return { source, destination, protocol: IpProtocol.udp, payload };
}

/** A UDP packet over IPv6. */
export function udp6({ source, destination }: Ipv6Ends, udp: Udp): Packet6 {
  const payload = encodeUdpPacket({ ...udp, checksum: 0 });
  const start = ipv6PseudoSum(source, destination, IpProtocol.udp, payload.length);
  putChecksum(payload, internetChecksum(payload, 0, payload.length, start) || 0xffff);
  return { source, destination, nextHeader: IpProtocol.udp, payload };
}

function putChecksum(udp: Uint8Array, checksum: number): void {
  udp[6] = checksum >> 8;
  udp[7] = checksum & 0xff;
}

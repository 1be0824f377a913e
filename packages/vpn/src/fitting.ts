/**
 * Packets that must fit the MTU: TCP connections are told so while they begin, who sends too much hears of it.
 * Source: RFC 9293, section 3.7.1; RFC 1191, section 4; RFC 8201, section 4.
 */
import {
  clampSegment,
  ETHERNET_HEADER_BYTES,
  EtherType,
  encodeIcmpError,
  encodeIcmpv6Error,
  etherTypeOf,
  type IcmpError,
  IPV4_HEADER_BYTES,
  IPV6_ADDRESS_BYTES,
  IPV6_HEADER_BYTES,
  IpProtocol,
  Ipv6Next,
  Ipv6Offset,
  ipv4FragmentOffsetAt,
  ipv4HeaderBytesAt,
  ipv4ProtocolAt,
  ipv4SourceAt,
  ipv4TotalBytesAt,
  ipv6PayloadBytesAt,
  isGroupFrame,
  isIpv4At,
  isIpv6At,
  type PeerId,
} from '@warren/wire';
import { TAP_MTU_BYTES } from './constants.ts';
import { ipv4Frame, ipv6Frame } from './frames.ts';
import { macOf } from './mac.ts';
import { SERVICE_MAC, type Services } from './service.ts';

const IP = ETHERNET_HEADER_BYTES;
const TCP_HEADER_BYTES = 20;

/** Lowers the largest segment that a beginning TCP connection asks for; frames that passed inspection, changed in place. */
export function clampFrame(frame: Uint8Array): void {
  if (etherTypeOf(frame) === EtherType.ipv4) {
    if (ipv4ProtocolAt(frame, IP) !== IpProtocol.tcp || ipv4FragmentOffsetAt(frame, IP) !== 0) return;
    const end = IP + ipv4TotalBytesAt(frame, IP);
    const mostBytes = TAP_MTU_BYTES - IPV4_HEADER_BYTES - TCP_HEADER_BYTES;
    clampSegment(frame, IP + ipv4HeaderBytesAt(frame, IP), end, mostBytes);
  } else if (frame[IP + 6] === IpProtocol.tcp) {
    const end = IP + IPV6_HEADER_BYTES + ipv6PayloadBytesAt(frame, IP);
    const mostBytes = TAP_MTU_BYTES - IPV6_HEADER_BYTES - TCP_HEADER_BYTES;
    clampSegment(frame, IP + IPV6_HEADER_BYTES, end, mostBytes);
  }
}

/** What tells our machine that its frame is too large; `undefined` where nobody is told: groups, errors, no packet. */
export function tooBig(frame: Uint8Array, self: PeerId, services: Services): Uint8Array | undefined {
  return refusal(frame, { kind: 'too-big', mtuBytes: TAP_MTU_BYTES }, self, services);
}

/** The same where nothing leads to the destination. */
export function noRoute(frame: Uint8Array, self: PeerId, services: Services): Uint8Array | undefined {
  return refusal(frame, { kind: 'no-route' }, self, services);
}

function refusal(frame: Uint8Array, error: IcmpError, self: PeerId, services: Services): Uint8Array | undefined {
  if (isGroupFrame(frame)) return undefined;
  const packet = frame.subarray(IP);
  const macs = { from: SERVICE_MAC, to: macOf(self) };
  if (etherTypeOf(frame) === EtherType.ipv4 && isIpv4At(frame, IP) && ipv4FragmentOffsetAt(frame, IP) === 0) {
    const ends = { source: services.address, destination: ipv4SourceAt(frame, IP) };
    return ipv4Frame(macs, { ...ends, protocol: IpProtocol.icmp, payload: encodeIcmpError(error, packet) });
  }
  if (etherTypeOf(frame) !== EtherType.ipv6 || !isIpv6At(frame, IP)) return undefined;
  const at = IP + Ipv6Offset.source;
  const ends = { source: services.address6, destination: frame.slice(at, at + IPV6_ADDRESS_BYTES) };
  const payload = encodeIcmpv6Error(error, packet, ends);
  return ipv6Frame(macs, { ...ends, nextHeader: Ipv6Next.icmp, payload });
}

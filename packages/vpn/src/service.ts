/**
 * The "virtual virtual" address: the first of the subnet, and the same of the IPv6 prefix. It exists inside each member
 * by itself, so that no service dies with another machine: it answers ARP, echo, DHCP and DNS, and routes lead to it.
 * Nothing sent to it leaves the member, except that DNS questions are handed out to be answered.
 * Source: P2 section 4.2.2.
 */
import {
  DhcpPort,
  DNS_PORT,
  decodeDhcp,
  decodeIcmpEcho,
  decodeIcmpv6Echo,
  decodeIpv4,
  decodeIpv6,
  decodeUdpPacket,
  ETHERNET_HEADER_BYTES,
  EthernetOffset,
  encodeDhcp,
  encodeIcmpEcho,
  encodeIcmpError,
  encodeIcmpv6Echo,
  encodeIcmpv6Error,
  IpProtocol,
  type Ipv4Packet,
  Ipv6Next,
  type Ipv6Packet,
  ipv4DestinationAt,
  ipv4FragmentOffsetAt,
  ipv4HeaderBytesAt,
  ipv4ProtocolAt,
  type PeerId,
} from '@warren/wire';
import { answerDhcp, type Lease } from './dhcp-server.ts';
import { ipv4Frame, ipv6Frame, udp4, udp6 } from './frames.ts';
import { hasAddress6, serviceAddress6 } from './ipv6-address.ts';
import { hasMac, macOf } from './mac.ts';
import type { OutboundDrop } from './stats.ts';
import { broadcastAddress, type Subnet, serviceAddress } from './subnet.ts';

/** The MAC address of the services: locally administered, and no member's, which all begin with 02. */
export const SERVICE_MAC: Uint8Array = Uint8Array.of(0x06, 0, 0, 0, 0, 0x01);

const BROADCAST = 0xffffffff;
const BROADCAST_MAC = new Uint8Array(6).fill(0xff);
/** The least that old clients read (RFC 1542, section 2.1). */
const DHCP_LEAST_BYTES = 300;

/** Who asked for a name: a port of our own machine, or of a member whose gateway we are. */
export interface DnsClient {
  /** IPv4 as a number, or IPv6 as 16 bytes. */
  readonly address: number | Uint8Array;
  readonly port: number;
  /** The member who asks us as its gateway; absent where it is our own machine. */
  readonly peer?: PeerId;
}

/** What becomes of a frame to the services. */
export type ServiceAnswer =
  | { readonly kind: 'frame'; readonly frame: Uint8Array; readonly counts: 'echo' | 'dhcp' | 'error' }
  | { readonly kind: 'dns'; readonly client: DnsClient; readonly query: Uint8Array }
  | { readonly kind: 'drop'; readonly reason: OutboundDrop };

/** The services of one member for its own machine. */
export class Services {
  /** IPv4 as a number. */
  readonly address: number;
  /** 16 bytes. */
  readonly address6: Uint8Array;
  private readonly self: PeerId;
  /** The subnet's broadcast address. */
  private readonly toAll: number;

  /** `prefix6` is the group's, 8 bytes. */
  constructor(self: PeerId, subnet: Subnet, prefix6: Uint8Array) {
    this.self = self;
    this.toAll = broadcastAddress(subnet);
    this.address = serviceAddress(subnet);
    this.address6 = serviceAddress6(prefix6);
  }

  /** Whether a frame with a sound IPv4 header is for the services: to their address, or a DHCP client's to all. */
  isFor4(frame: Uint8Array): boolean {
    const destination = ipv4DestinationAt(frame, ETHERNET_HEADER_BYTES);
    if (destination === this.address) return true;
    return (destination === BROADCAST || destination === this.toAll) && isDhcpClients(frame);
  }

  /** Whether an IPv6 packet at `at` is for the services. */
  isFor6(frame: Uint8Array, at: number): boolean {
    return hasAddress6(frame, at, this.address6);
  }

  /** Takes a frame for which `isFor4` said yes. `lease`: what DHCP gives; absent while no address is held. */
  take4(frame: Uint8Array, lease: Lease | undefined): ServiceAnswer {
    const packet = decodeIpv4(frame.subarray(ETHERNET_HEADER_BYTES));
    if (packet === undefined) return drop('malformed');
    if (!hasMac(frame, EthernetOffset.source, this.self)) return drop('source');
    if (packet.moreFragments || packet.fragmentOffset !== 0) return drop('service');
    if (isDhcpClients(frame)) return this.dhcp(packet, lease);
    if (lease === undefined) return drop('no-address');
    if (packet.source !== lease.address) return drop('source');
    if (packet.protocol === IpProtocol.icmp) return this.echo4(packet);
    const udp = packet.protocol === IpProtocol.udp ? decodeUdpPacket(packet.payload) : undefined;
    if (udp?.destinationPort === DNS_PORT) {
      return { kind: 'dns', client: { address: packet.source, port: udp.sourcePort }, query: udp.data };
    }
    return this.noPort4(packet, frame);
  }

  /** Takes an IPv6 frame for which `isFor6` said yes, from our own address. */
  take6(frame: Uint8Array): ServiceAnswer {
    const packet = decodeIpv6(frame.subarray(ETHERNET_HEADER_BYTES));
    if (packet === undefined) return drop('malformed');
    if (packet.nextHeader === Ipv6Next.icmp) return this.echo6(packet);
    const udp = packet.nextHeader === IpProtocol.udp ? decodeUdpPacket(packet.payload) : undefined;
    if (udp?.destinationPort === DNS_PORT) {
      return { kind: 'dns', client: { address: packet.source, port: udp.sourcePort }, query: udp.data };
    }
    return this.noPort6(packet, frame);
  }

  /** The frame with the answer to a DNS query; to a member from `own`, our address, and `undefined` without one. */
  dnsFrame({ address, port, peer }: DnsClient, data: Uint8Array, own: number | undefined): Uint8Array | undefined {
    const udp = { sourcePort: DNS_PORT, destinationPort: port, data };
    if (peer !== undefined) {
      if (own === undefined || typeof address !== 'number') return undefined;
      return ipv4Frame({ from: macOf(this.self), to: macOf(peer) }, udp4(own, address, udp));
    }
    const macs = { from: SERVICE_MAC, to: macOf(this.self) };
    if (typeof address === 'number') return ipv4Frame(macs, udp4(this.address, address, udp));
    return ipv6Frame(macs, udp6({ source: this.address6, destination: address }, udp));
  }

  private dhcp({ payload }: Ipv4Packet, lease: Lease | undefined): ServiceAnswer {
    const request = decodeDhcp(decodeUdpPacket(payload)?.data ?? new Uint8Array(0));
    if (request === undefined || !hasMac(request.clientMac, 0, this.self)) return drop('dhcp');
    const answer = answerDhcp(request, lease);
    if (answer === undefined) return drop(lease === undefined ? 'no-address' : 'dhcp');
    const encoded = encodeDhcp(answer);
    const data = new Uint8Array(Math.max(DHCP_LEAST_BYTES, encoded.length));
    data.set(encoded);
    const udp = { sourcePort: DhcpPort.server, destinationPort: DhcpPort.client, data };
    // RFC 2131, section 4.1: by broadcast where asked for and with a refusal, else to the address that is meant.
    const isToAll = answer.type === 'nak' || (answer.broadcast && answer.clientAddress === 0);
    const destination = isToAll ? BROADCAST : answer.clientAddress || answer.yourAddress;
    const macs = { from: SERVICE_MAC, to: isToAll ? BROADCAST_MAC : macOf(this.self) };
    return { kind: 'frame', frame: ipv4Frame(macs, udp4(this.address, destination, udp)), counts: 'dhcp' };
  }

  private echo4({ source, payload }: Ipv4Packet): ServiceAnswer {
    const echo = decodeIcmpEcho(payload);
    if (echo?.operation !== 'request') return drop('service');
    return this.answer4(source, IpProtocol.icmp, encodeIcmpEcho({ ...echo, operation: 'reply' }), 'echo');
  }

  private echo6({ source, destination, payload }: Ipv6Packet): ServiceAnswer {
    const echo = decodeIcmpv6Echo(payload, { source, destination });
    if (echo?.operation !== 'request') return drop('service');
    const ends = { source: this.address6, destination: source };
    return this.answer6(source, encodeIcmpv6Echo({ ...echo, operation: 'reply' }, ends), 'echo');
  }

  /** TCP understands it too, and gives up at once (RFC 5461, section 2). */
  private noPort4({ source, protocol }: Ipv4Packet, frame: Uint8Array): ServiceAnswer {
    if (protocol !== IpProtocol.udp && protocol !== IpProtocol.tcp) return drop('service');
    const error = encodeIcmpError({ kind: 'no-port' }, frame.subarray(ETHERNET_HEADER_BYTES));
    return this.answer4(source, IpProtocol.icmp, error, 'error');
  }

  private noPort6({ source, nextHeader }: Ipv6Packet, frame: Uint8Array): ServiceAnswer {
    if (nextHeader !== IpProtocol.udp && nextHeader !== IpProtocol.tcp) return drop('service');
    const ends = { source: this.address6, destination: source };
    const error = encodeIcmpv6Error({ kind: 'no-port' }, frame.subarray(ETHERNET_HEADER_BYTES), ends);
    return this.answer6(source, error, 'error');
  }

  private answer4(to: number, protocol: number, payload: Uint8Array, counts: 'echo' | 'error'): ServiceAnswer {
    const packet = { source: this.address, destination: to, protocol, payload };
    return { kind: 'frame', frame: ipv4Frame({ from: SERVICE_MAC, to: macOf(this.self) }, packet), counts };
  }

  private answer6(to: Uint8Array, payload: Uint8Array, counts: 'echo' | 'error'): ServiceAnswer {
    const packet = { source: this.address6, destination: to, nextHeader: Ipv6Next.icmp, payload };
    return { kind: 'frame', frame: ipv6Frame({ from: SERVICE_MAC, to: macOf(this.self) }, packet), counts };
  }
}

function drop(reason: OutboundDrop): ServiceAnswer {
  return { kind: 'drop', reason };
}

/** Whether an IPv4 frame is UDP to the port of DHCP servers. */
function isDhcpClients(frame: Uint8Array): boolean {
  const at = ETHERNET_HEADER_BYTES;
  if (ipv4ProtocolAt(frame, at) !== IpProtocol.udp || ipv4FragmentOffsetAt(frame, at) !== 0) return false;
  const port = at + ipv4HeaderBytesAt(frame, at) + 2;
  return frame[port] === 0 && frame[port + 1] === DhcpPort.server;
}

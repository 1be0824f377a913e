/**
 * Ping without a network stack: our own echo requests, and the answer to those of others where no TAP device has a
 * kernel behind it. Our requests are told from the kernel's by an identifier and data drawn at the start.
 */
import { type Instant, type Random, sameBytes, uint32 } from '@warren/base';
import {
  decodeIcmpEcho,
  decodeIcmpv6Echo,
  decodeIpv4,
  decodeIpv6,
  ETHERNET_HEADER_BYTES,
  encodeIcmpEcho,
  encodeIcmpv6Echo,
  type IcmpEcho,
  IpProtocol,
  Ipv6Next,
  ipv4ProtocolAt,
  MAC_ADDRESS_BYTES,
  type PeerId,
} from '@warren/wire';
import { PING_MS, PINGS_MAX } from './constants.ts';
import { ipv4Frame, ipv6Frame } from './frames.ts';
import { macOf } from './mac.ts';

/** Bytes of data in our requests: as many as the usual ping sends. */
const DATA_BYTES = 56;

/** An echo message on its way between two members. */
export interface EchoPacket {
  readonly source: number;
  readonly destination: number;
  readonly echo: IcmpEcho;
}

/** A ping of ours that was answered. */
export interface Pong {
  readonly id: number;
  readonly sequence: number;
  readonly rttMs: number;
  /** The address that answered. */
  readonly from: number;
}

interface Ping {
  readonly id: number;
  readonly to: number;
  readonly sentAt: Instant;
}

/** Echo requests of ours that wait for their reply. */
export class Pings {
  private readonly identifier: number;
  private readonly data: Uint8Array;
  /** By sequence number, oldest first. */
  private readonly waiting = new Map<number, Ping>();
  private started = 0;

  constructor(random: Random) {
    this.identifier = uint32(random) & 0xffff;
    this.data = random.bytes(DATA_BYTES);
  }

  /** Starts a ping. `id` is unique; `sequence` is `id` modulo 2^16, as it stands in the packet. */
  start(to: number, now: Instant): { readonly id: number; readonly sequence: number } {
    const id = ++this.started;
    const sequence = id & 0xffff;
    for (const [old, ping] of this.waiting) {
      if (now < ping.sentAt + PING_MS && this.waiting.size < PINGS_MAX) break;
      this.waiting.delete(old);
    }
    this.waiting.set(sequence, { id, to, sentAt: now });
    return { id, sequence };
  }

  /** The echo request of a ping. */
  request(sequence: number): IcmpEcho {
    return { operation: 'request', identifier: this.identifier, sequence, data: this.data };
  }

  /** The ping that an echo message answers; `undefined` when it answers none of ours. Each is answered once. */
  finish({ source, echo }: EchoPacket, now: Instant): Pong | undefined {
    if (echo.operation !== 'reply' || echo.identifier !== this.identifier) return undefined;
    const ping = this.waiting.get(echo.sequence);
    if (ping === undefined || ping.to !== source || !sameBytes(echo.data, this.data)) return undefined;
    this.waiting.delete(echo.sequence);
    return { id: ping.id, sequence: echo.sequence, rttMs: now - ping.sentAt, from: source };
  }
}

/** Reads a frame with a whole, unfragmented echo message; `undefined` for any other frame. */
export function readEcho(frame: Uint8Array): EchoPacket | undefined {
  if (ipv4ProtocolAt(frame, ETHERNET_HEADER_BYTES) !== IpProtocol.icmp) return undefined;
  const packet = decodeIpv4(frame.subarray(ETHERNET_HEADER_BYTES));
  if (packet === undefined || packet.moreFragments || packet.fragmentOffset !== 0) return undefined;
  const echo = decodeIcmpEcho(packet.payload);
  return echo && { source: packet.source, destination: packet.destination, echo };
}

/** An Ethernet frame with an echo message between two members. */
export function echoFrame(from: PeerId, to: PeerId, { source, destination, echo }: EchoPacket): Uint8Array {
  const packet = { source, destination, protocol: IpProtocol.icmp, payload: encodeIcmpEcho(echo) };
  return ipv4Frame({ from: macOf(from), to: macOf(to) }, packet);
}

/** The reply to an IPv6 frame with an echo request; `undefined` for any other frame. Its MAC addresses are the caller's. */
export function echoReply6(frame: Uint8Array): Uint8Array | undefined {
  const packet = decodeIpv6(frame.subarray(ETHERNET_HEADER_BYTES));
  if (packet?.nextHeader !== Ipv6Next.icmp) return undefined;
  const echo = decodeIcmpv6Echo(packet.payload, packet);
  if (echo?.operation !== 'request') return undefined;
  const ends = { source: packet.destination, destination: packet.source };
  const payload = encodeIcmpv6Echo({ ...echo, operation: 'reply' }, ends);
  const nobody = new Uint8Array(MAC_ADDRESS_BYTES);
  return ipv6Frame({ from: nobody, to: nobody }, { ...ends, nextHeader: Ipv6Next.icmp, payload });
}

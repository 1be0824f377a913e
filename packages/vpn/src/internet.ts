/**
 * Packets to and from outside the group. As a client: out through the chosen gateway, and in from it only. As a
 * gateway: in from any member, out to whom the answer is for; translation and firewall are the host's. What clients ask
 * a gateway itself comes as packets to its own address, so that it crosses the tunnel like all else: names at the port
 * of DNS, signs of life at that of the echo protocol (RFC 862), answered here and not by its machine, whose firewall
 * may be silent.
 * Source: P2 4.2; which gateway is `gateways.ts`.
 */
import { Bucket, Buckets, type Instant, type Random, sameBytes, uint32 } from '@warren/base';
import {
  DNS_PORT,
  decodeIpv4,
  decodeUdpPacket,
  ETHERNET_HEADER_BYTES,
  IpProtocol,
  Ipv6Offset,
  ipv4FragmentOffsetAt,
  ipv4HeaderBytesAt,
  ipv4ProtocolAt,
  ipv6TransportAt,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { RATED_PEERS_MAX } from './constants.ts';
import { ipv4Frame, udp4 } from './frames.ts';
import { Gateways, type GatewaysOptions, type GatewaysOutput, type GatewayWay } from './gateways.ts';
import { macOf } from './mac.ts';
import type { DnsClient } from './service.ts';

/** Questions of one member that a gateway answers: bursts of a page, and what a busy resolver asks. */
const DNS_RATE = { burst: 100, perSecond: 50 };
/** Questions of ours that wait for their answer, and for how long. */
const QUESTIONS_MAX = 256;
const QUESTION_MS = 5000;
/** Ports that our questions come from, beside those that a Linux kernel draws by default (32,768 to 60,999). */
const PORT_LEAST = 61_000;
const PORTS = 4500;
const ECHO_PORT = 7;
const IP = ETHERNET_HEADER_BYTES;

export type InternetOutput =
  | Exclude<GatewaysOutput, { kind: 'probe' }>
  /** Send this to a gateway. */
  | { readonly kind: 'frame'; readonly to: PeerId; readonly frame: Uint8Array };

/** A member that leads to the Internet, as its card says and its certificate allows. */
export interface InternetOffer {
  readonly peerId: PeerId;
  /** IPv4 as a number. */
  readonly address: number;
  /** Whether it leads to the IPv6 Internet too. */
  readonly hasIpv6: boolean;
  /** Mbit/s; 0: it does not say. */
  readonly capacityMbit: number;
}

/** What our own machine offers as a gateway. */
export interface Leading {
  readonly hasIpv6: boolean;
  readonly capacityMbit: number;
}

/** A question for a sign of life. */
interface Probe {
  readonly peer: PeerKey;
  /** 8 random bytes, that come back. */
  readonly token: Uint8Array;
  readonly sentAt: Instant;
}

/** One question to a gateway's resolver. */
interface Question {
  readonly id: number;
  readonly gateway: number;
  readonly until: Instant;
}

/** The Internet as one member of a group sees it. */
export class Internet {
  /** What we offer; absent where we are no gateway. */
  leading: Leading | undefined;
  private readonly random: Random;
  private gateways: Gateways | undefined;
  private offers = new Map<PeerKey, InternetOffer>();
  /** Questions for a sign of life by their port, oldest first. */
  private readonly probes = new Map<number, Probe>();
  /** By source port. */
  private readonly questions = new Map<number, Question>();
  private readonly dnsRate = new Buckets(DNS_RATE, RATED_PEERS_MAX);
  private readonly refusals = new Bucket({ burst: 20, perSecond: 20 });
  private nextQuestion = 1;

  constructor(random: Random) {
    this.random = random;
  }

  /** Whether our machine's Internet packets go through a gateway. */
  get isTunnelled(): boolean {
    return this.gateways !== undefined;
  }

  /** The gateway in use. */
  get current(): PeerKey | undefined {
    return this.gateways?.current;
  }

  /** All gateways that may be used, the best first; none where there is no tunnel. */
  get all(): ReturnType<Gateways['all']> {
    return this.gateways?.all() ?? [];
  }

  /** Sends our machine's Internet packets through gateways from now on, or no more. */
  tunnel(options: GatewaysOptions | undefined, now: Instant): void {
    if (options === undefined) this.gateways = undefined;
    else if (this.gateways !== undefined) this.gateways.configure(options, now);
    else {
      this.gateways = new Gateways(options);
      this.gateways.offered(this.offered, now);
    }
  }

  /** Takes over who leads to the Internet now; whoever says so has checked their rights (#78). */
  offer(offers: readonly InternetOffer[], now: Instant): void {
    this.offers = new Map(offers.map(offer => [peerKey(offer.peerId), offer]));
    this.gateways?.offered(this.offered, now);
  }

  /** Takes over how a gateway is reached. */
  reached(peer: PeerKey, way: GatewayWay): void {
    this.gateways?.reached(peer, way);
  }

  /** The gateway for an IPv4 frame; `undefined`: none is there, and the frame goes nowhere. */
  gateway4(frame: Uint8Array, now: Instant): PeerId | undefined {
    return this.offerFor(flowOf4(frame), now)?.peerId;
  }

  /** The gateway for an IPv6 frame; `undefined`: none is there, or it has no IPv6. */
  gateway6(frame: Uint8Array, now: Instant): PeerId | undefined {
    const offer = this.offerFor(flowOf6(frame), now);
    return offer?.hasIpv6 ? offer.peerId : undefined;
  }

  /** Whether our machine may be told that a packet goes nowhere, which is not said for each. */
  mayRefuse(now: Instant): boolean {
    return this.refusals.take(now);
  }

  /** Whether a packet from outside the group may come out of the session with this peer. */
  accepts(peerId: PeerId, now: Instant): boolean {
    return this.gateways?.accepts(peerKey(peerId), now) ?? false;
  }

  /** A packet from outside came through this peer. */
  heard(peerId: PeerId, now: Instant): void {
    this.gateways?.heard(peerKey(peerId), now);
  }

  /** What is to be done; frames to gateways from `own`, our address, if we hold one. */
  poll(self: PeerId, own: number | undefined, now: Instant): InternetOutput | undefined {
    for (let out = this.gateways?.poll(); out !== undefined; out = this.gateways?.poll()) {
      if (out.kind !== 'probe') return out;
      const offer = this.offers.get(out.peer);
      if (offer !== undefined && own !== undefined) return this.probe(self, own, offer, now);
    }
    return undefined;
  }

  private probe(self: PeerId, own: number, { peerId, address }: InternetOffer, now: Instant): InternetOutput {
    const [oldest] = this.probes.keys();
    if (this.probes.size >= QUESTIONS_MAX && oldest !== undefined) this.probes.delete(oldest);
    const sourcePort = PORT_LEAST + (uint32(this.random) % PORTS);
    const token = this.random.bytes(8);
    this.probes.set(sourcePort, { peer: peerKey(peerId), token, sentAt: now });
    const udp = { sourcePort, destinationPort: ECHO_PORT, data: token };
    const frame = ipv4Frame({ from: macOf(self), to: macOf(peerId) }, udp4(own, address, udp));
    return { kind: 'frame', to: peerId, frame };
  }

  /** Whether a frame of a member is the answer of a gateway that was asked for a sign of life. */
  isAlive(peer: PeerId, frame: Uint8Array, now: Instant): boolean {
    const udp = this.probes.size === 0 ? undefined : udpOf(frame)?.udp;
    const probe = udp?.sourcePort === ECHO_PORT ? this.probes.get(udp.destinationPort) : undefined;
    if (udp === undefined || probe?.peer !== peerKey(peer) || !sameBytes(probe.token, udp.data)) return false;
    this.probes.delete(udp.destinationPort);
    this.gateways?.answered(probe.peer, now - probe.sentAt, now);
    return true;
  }

  /** The answer where a member asks us, as a gateway, for a sign of life; `refused`: too often. */
  signOfLife(
    self: PeerId,
    own: number,
    peer: PeerId,
    frame: Uint8Array,
    now: Instant,
  ): Uint8Array | 'refused' | undefined {
    const packet = this.leading === undefined ? undefined : udpOf(frame);
    if (packet === undefined || packet.udp.destinationPort !== ECHO_PORT || packet.udp.data.length !== 8)
      return undefined;
    if (!this.dnsRate.take(peerKey(peer), now)) return 'refused';
    const udp = { sourcePort: ECHO_PORT, destinationPort: packet.udp.sourcePort, data: packet.udp.data };
    return ipv4Frame({ from: macOf(self), to: macOf(peer) }, udp4(own, packet.source, udp));
  }

  get wakeAt(): Instant | undefined {
    return this.gateways?.wakeAt;
  }

  tick(now: Instant): void {
    this.gateways?.tick(now);
    for (const [port, { until }] of this.questions) if (now >= until) this.questions.delete(port);
  }

  /** A DNS question from `own` to the gateway's resolver; `undefined` without a gateway, or with too many under way. */
  question(
    self: PeerId,
    own: number,
    query: Uint8Array,
    now: Instant,
  ): { readonly id: number; readonly to: PeerId; readonly frame: Uint8Array } | undefined {
    const offer = this.offerFor(0, now);
    if (offer === undefined || this.questions.size >= QUESTIONS_MAX) return undefined;
    const port = PORT_LEAST + (uint32(this.random) % PORTS);
    if (this.questions.has(port)) return undefined;
    const id = this.nextQuestion++;
    this.questions.set(port, { id, gateway: offer.address, until: now + QUESTION_MS });
    const udp = { sourcePort: port, destinationPort: DNS_PORT, data: query };
    const macs = { from: macOf(self), to: macOf(offer.peerId) };
    return { id, to: offer.peerId, frame: ipv4Frame(macs, udp4(own, offer.address, udp)) };
  }

  /** The answer to a question of ours in a frame that was let in. */
  answer(frame: Uint8Array): { readonly id: number; readonly answer: Uint8Array } | undefined {
    if (this.questions.size === 0) return undefined;
    const packet = udpOf(frame);
    if (packet?.udp.sourcePort !== DNS_PORT) return undefined;
    const { udp, source } = packet;
    const question = this.questions.get(udp.destinationPort);
    if (question === undefined || question.gateway !== source) return undefined;
    this.questions.delete(udp.destinationPort);
    return { id: question.id, answer: udp.data };
  }

  /** A member's question to us as a gateway; `refused`: too many. */
  asksUs(
    peer: PeerId,
    frame: Uint8Array,
    now: Instant,
  ): { client: DnsClient; query: Uint8Array } | 'refused' | undefined {
    const packet = this.leading === undefined ? undefined : udpOf(frame);
    if (packet?.udp.destinationPort !== DNS_PORT) return undefined;
    if (!this.dnsRate.take(peerKey(peer), now)) return 'refused';
    return { client: { address: packet.source, port: packet.udp.sourcePort, peer }, query: packet.udp.data };
  }

  private get offered() {
    return [...this.offers].map(([peer, { capacityMbit }]) => ({ peer, capacityMbit }));
  }

  private offerFor(flow: number, now: Instant): InternetOffer | undefined {
    const peer = this.gateways?.route(flow, now);
    return peer === undefined ? undefined : this.offers.get(peer);
  }
}

/** The UDP packet of a whole IPv4 frame. */
function udpOf(frame: Uint8Array) {
  if (ipv4ProtocolAt(frame, IP) !== IpProtocol.udp || ipv4FragmentOffsetAt(frame, IP) !== 0) return undefined;
  const packet = decodeIpv4(frame.subarray(IP));
  if (packet === undefined || packet.moreFragments) return undefined;
  const udp = decodeUdpPacket(packet.payload);
  return udp && { udp, source: packet.source };
}

/** Which flow a packet belongs to: addresses, protocol and, but in fragments, ports (RFC 6438 section 2, for want of a label). */
function flowOf4(frame: Uint8Array): number {
  const protocol = ipv4ProtocolAt(frame, IP);
  const isFragment = (((frame[IP + 6] as number) << 8) | (frame[IP + 7] as number)) & 0x3fff;
  const hasPorts = !isFragment && (protocol === IpProtocol.tcp || protocol === IpProtocol.udp);
  const at = IP + ipv4HeaderBytesAt(frame, IP);
  const addresses = hash(frame, IP + 12, IP + 20, protocol);
  return hasPorts ? hash(frame, at, Math.min(at + 4, frame.length), addresses) : addresses;
}

function flowOf6(frame: Uint8Array): number {
  const transport = ipv6TransportAt(frame, IP);
  const from = IP + Ipv6Offset.source;
  const addresses = hash(frame, from, from + 32, transport?.protocol ?? 0);
  const protocol = transport?.protocol;
  const hasPorts = transport?.isLaterFragment === false && (protocol === IpProtocol.tcp || protocol === IpProtocol.udp);
  return hasPorts ? hash(frame, transport.at, Math.min(transport.at + 4, frame.length), addresses) : addresses;
}

/** FNV-1a over a part of the frame. */
function hash(bytes: Uint8Array, from: number, to: number, start: number): number {
  let value = 0x811c9dc5 ^ start;
  for (let i = from; i < to; i++) value = Math.imul(value ^ (bytes[i] as number), 0x01000193);
  return value >>> 0;
}

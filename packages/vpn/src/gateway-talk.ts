/**
 * What gateways and those who use them say to each other: names at the port of DNS, signs of life at that of the echo
 * protocol (RFC 862). It comes as packets to the gateway's own address, so that it crosses the tunnel like all else, and
 * is answered here and not by its machine, whose firewall may be silent.
 * Source: P2 4.2.
 */
import { Buckets, type Instant, type Random, sameBytes, uint32 } from '@warren/base';
import {
  DNS_PORT,
  decodeIpv4,
  decodeUdpPacket,
  ETHERNET_HEADER_BYTES,
  IpProtocol,
  ipv4FragmentOffsetAt,
  ipv4ProtocolAt,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { RATED_PEERS_MAX } from './constants.ts';
import { ipv4Frame, type Udp, udp4 } from './frames.ts';
import { macOf } from './mac.ts';
import type { DnsClient } from './service.ts';

/** Questions of one member that a gateway answers: bursts of a page, and what a busy resolver asks. */
const ASKED_RATE = { burst: 100, perSecond: 50 };
/** Questions of ours that wait for their answer, and for how long. */
const QUESTIONS_MAX = 256;
const QUESTION_MS = 5000;
/** Ports that our questions come from, beside those that a Linux kernel draws by default (32,768 to 60,999). */
const PORT_LEAST = 61_000;
const PORTS = 4500;
const ECHO_PORT = 7;
const TOKEN_BYTES = 8;
const IP = ETHERNET_HEADER_BYTES;

/** One end of the talk. */
export interface TalkEnd {
  readonly peerId: PeerId;
  /** IPv4 as a number. */
  readonly address: number;
}

/** What a packet of the talk means; `refused`: they ask too often. */
export type Heard =
  /** A gateway lives: it answered after so long. */
  | { readonly kind: 'alive'; readonly peer: PeerKey; readonly rttMs: number }
  /** A gateway's answer to a question about a name. */
  | { readonly kind: 'dns-answer'; readonly id: number; readonly answer: Uint8Array }
  /** A member asks whether we live: this is the answer. */
  | { readonly kind: 'sign-of-life'; readonly frame: Uint8Array }
  /** A member asks us about a name. */
  | { readonly kind: 'dns'; readonly client: DnsClient; readonly query: Uint8Array }
  | { readonly kind: 'refused' };

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

/** The talk of one member with its gateways, and with those whose gateway it is. */
export class GatewayTalk {
  private readonly self: PeerId;
  private readonly random: Random;
  /** By source port, oldest first. */
  private readonly probes = new Map<number, Probe>();
  /** By source port. */
  private readonly questions = new Map<number, Question>();
  private readonly askedRate = new Buckets(ASKED_RATE, RATED_PEERS_MAX);
  private nextQuestion = 1;

  constructor(self: PeerId, random: Random) {
    this.self = self;
    this.random = random;
  }

  /** The frame that asks a gateway for a sign of life, from `own`, our address. */
  probe(own: number, gateway: TalkEnd, now: Instant): Uint8Array {
    const [oldest] = this.probes.keys();
    if (this.probes.size >= QUESTIONS_MAX && oldest !== undefined) this.probes.delete(oldest);
    const sourcePort = this.port();
    const token = this.random.bytes(TOKEN_BYTES);
    this.probes.set(sourcePort, { peer: peerKey(gateway.peerId), token, sentAt: now });
    return this.frame(own, gateway, { sourcePort, destinationPort: ECHO_PORT, data: token });
  }

  /** The frame that asks a gateway's resolver; `undefined` with too many questions under way. */
  question(
    own: number,
    gateway: TalkEnd,
    query: Uint8Array,
    now: Instant,
  ): { readonly id: number; readonly frame: Uint8Array } | undefined {
    const sourcePort = this.port();
    if (this.questions.size >= QUESTIONS_MAX || this.questions.has(sourcePort)) return undefined;
    const id = this.nextQuestion++;
    this.questions.set(sourcePort, { id, gateway: gateway.address, until: now + QUESTION_MS });
    return { id, frame: this.frame(own, gateway, { sourcePort, destinationPort: DNS_PORT, data: query }) };
  }

  /** What a member's IPv4 frame to `own`, our address, says; `undefined` for all that is our machine's. */
  hear(own: number, peerId: PeerId, frame: Uint8Array, leads: boolean, now: Instant): Heard | undefined {
    const awaitsNothing = this.probes.size === 0 && this.questions.size === 0;
    const packet = awaitsNothing && !leads ? undefined : udpOf(frame);
    if (packet === undefined) return undefined;
    const { udp, source } = packet;
    const answer = this.heardAnswer(peerId, source, udp, now);
    return answer ?? (leads ? this.heardQuestion(own, { peerId, address: source }, udp, now) : undefined);
  }

  tick(now: Instant): void {
    for (const [port, { until }] of this.questions) if (now >= until) this.questions.delete(port);
  }

  private heardAnswer(peerId: PeerId, source: number, udp: Udp, now: Instant): Heard | undefined {
    const port = udp.destinationPort;
    if (udp.sourcePort === ECHO_PORT) {
      const probe = this.probes.get(port);
      if (probe?.peer !== peerKey(peerId) || !sameBytes(probe.token, udp.data)) return undefined;
      this.probes.delete(port);
      return { kind: 'alive', peer: probe.peer, rttMs: now - probe.sentAt };
    }
    const question = udp.sourcePort === DNS_PORT ? this.questions.get(port) : undefined;
    if (question === undefined || question.gateway !== source) return undefined;
    this.questions.delete(port);
    return { kind: 'dns-answer', id: question.id, answer: udp.data };
  }

  private heardQuestion(own: number, from: TalkEnd, udp: Udp, now: Instant): Heard | undefined {
    const { sourcePort, destinationPort, data } = udp;
    const isProbe = destinationPort === ECHO_PORT && data.length === TOKEN_BYTES;
    if (!isProbe && destinationPort !== DNS_PORT) return undefined;
    if (!this.askedRate.take(peerKey(from.peerId), now)) return { kind: 'refused' };
    if (!isProbe) {
      return { kind: 'dns', client: { address: from.address, port: sourcePort, peer: from.peerId }, query: data };
    }
    const reply = { sourcePort: ECHO_PORT, destinationPort: sourcePort, data };
    return { kind: 'sign-of-life', frame: this.frame(own, from, reply) };
  }

  private frame(own: number, to: TalkEnd, udp: Udp): Uint8Array {
    return ipv4Frame({ from: macOf(this.self), to: macOf(to.peerId) }, udp4(own, to.address, udp));
  }

  private port(): number {
    return PORT_LEAST + (uint32(this.random) % PORTS);
  }
}

/** The UDP packet of a whole IPv4 frame. */
function udpOf(frame: Uint8Array): { readonly udp: Udp; readonly source: number } | undefined {
  if (ipv4ProtocolAt(frame, IP) !== IpProtocol.udp || ipv4FragmentOffsetAt(frame, IP) !== 0) return undefined;
  const packet = decodeIpv4(frame.subarray(IP));
  if (packet === undefined || packet.moreFragments) return undefined;
  const udp = decodeUdpPacket(packet.payload);
  return udp && { udp, source: packet.source };
}

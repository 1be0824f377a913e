/**
 * Packets to and from outside the group. As a client: out through the chosen gateway, and in from it only. As a
 * gateway: in from any member, out to whom the answer is for; translation and firewall are the host's.
 * Source: P2 4.2; which gateway is `gateways.ts`, what is said to it `gateway-talk.ts`.
 */
import { Bucket, type Instant, type Random } from '@warren/base';
import { ETHERNET_HEADER_BYTES, ipv4DestinationAt, type PeerId, type PeerKey, peerKey } from '@warren/wire';
import { FRAME_MAX_BYTES } from './constants.ts';
import { flowOf4, flowOf6 } from './flow.ts';
import { GatewayTalk } from './gateway-talk.ts';
import { Gateways, type GatewaysOptions, type GatewayWay } from './gateways.ts';
import type { InboundDrop, OutboundDrop } from './stats.ts';
import type { Ways } from './ways.ts';

/** How often our machine may be told that a packet goes nowhere. */
const REFUSALS = { burst: 20, perSecond: 20 };

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

export interface InternetParts {
  readonly self: PeerId;
  readonly ways: Ways;
  readonly random: Random;
  /** The address that we hold. */
  readonly address: () => number | undefined;
}

/** The Internet as one member of a group sees it. */
export class Internet {
  /** What we offer; absent where we are no gateway. */
  leading: Leading | undefined;
  private readonly parts: InternetParts;
  private readonly talk: GatewayTalk;
  private gateways: Gateways | undefined;
  private offers = new Map<PeerKey, InternetOffer>();
  private readonly refusals = new Bucket(REFUSALS);

  constructor(parts: InternetParts) {
    this.parts = parts;
    this.talk = new GatewayTalk(parts.self, parts.random);
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
    this.drain(now);
  }

  /** Takes over who leads to the Internet now; whoever says so has checked their rights (#78). */
  offer(offers: readonly InternetOffer[], now: Instant): void {
    this.offers = new Map(offers.map(offer => [peerKey(offer.peerId), offer]));
    this.gateways?.offered(this.offered, now);
    this.drain(now);
  }

  /** Takes over how a gateway is reached. */
  reached(peer: PeerKey, way: GatewayWay): void {
    this.gateways?.reached(peer, way);
  }

  /** Sends an IPv4 frame of our machine through a gateway; where none is there our machine hears of it, and nothing leaves. */
  send4(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    return this.send(this.offerFor(flowOf4(frame), now), frame, now);
  }

  /** The same with IPv6, where the gateway has it. */
  send6(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const offer = this.offerFor(flowOf6(frame), now);
    return this.send(offer?.hasIpv6 ? offer : undefined, frame, now);
  }

  /** Whether a packet from outside the group may come out of the session with this peer. */
  accepts(peerId: PeerId, now: Instant): boolean {
    return this.gateways?.accepts(peerKey(peerId), now) ?? false;
  }

  /** A packet from outside came through this peer. */
  heard(peerId: PeerId, now: Instant): void {
    this.gateways?.heard(peerKey(peerId), now);
  }

  /** Hands a DNS query to the gateway's resolver: `dns-answer` follows under this id, or not. `undefined` without a gateway. */
  ask(query: Uint8Array, now: Instant): number | undefined {
    const own = this.parts.address();
    const gateway = this.offerFor(0, now);
    const asked = own === undefined || gateway === undefined ? undefined : this.talk.question(own, gateway, query, now);
    if (asked === undefined || gateway === undefined || asked.frame.length > FRAME_MAX_BYTES) return undefined;
    this.parts.ways.send(gateway.peerId, asked.frame);
    return asked.id;
  }

  /** Takes what gateways and those who use them say to each other out of what goes to our machine: IPv4 frames that were let in. */
  take(peerId: PeerId, frame: Uint8Array, now: Instant): 'taken' | InboundDrop | undefined {
    const { ways, address } = this.parts;
    const own = address();
    if (own === undefined || ipv4DestinationAt(frame, ETHERNET_HEADER_BYTES) !== own) return undefined;
    const heard = this.talk.hear(own, peerId, frame, this.leading !== undefined, now);
    switch (heard?.kind) {
      case undefined:
        return undefined;
      case 'refused':
        return 'asked-rate';
      case 'alive':
        this.gateways?.answered(heard.peer, heard.rttMs, now);
        this.drain(now);
        return 'taken';
      case 'sign-of-life':
        ways.send(peerId, heard.frame);
        return 'taken';
      case 'dns':
        ways.serve(heard);
        return 'taken';
      case 'dns-answer':
        ways.outbox.push(heard);
        return 'taken';
    }
  }

  get wakeAt(): Instant | undefined {
    return this.gateways?.wakeAt;
  }

  tick(now: Instant): void {
    this.gateways?.tick(now);
    this.talk.tick(now);
    this.drain(now);
  }

  private get offered() {
    return [...this.offers].map(([peer, { capacityMbit }]) => ({ peer, capacityMbit }));
  }

  private offerFor(flow: number, now: Instant): InternetOffer | undefined {
    const peer = this.gateways?.route(flow, now);
    return peer === undefined ? undefined : this.offers.get(peer);
  }

  private send(gateway: InternetOffer | undefined, frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    if (gateway !== undefined) return this.parts.ways.toMember(gateway.peerId, frame);
    this.drain(now);
    if (this.refusals.take(now)) this.parts.ways.refuseRoute(frame);
    return 'no-gateway';
  }

  private drain(now: Instant): void {
    for (let out = this.gateways?.poll(); out !== undefined; out = this.gateways?.poll()) {
      if (out.kind === 'seek') this.parts.ways.outbox.push({ kind: 'seek-gateways' });
      else if (out.kind === 'chosen') this.parts.ways.outbox.push({ kind: 'gateway', peer: out.peer });
      else this.probe(out.peer, now);
    }
  }

  private probe(peer: PeerKey, now: Instant): void {
    const own = this.parts.address();
    const gateway = this.offers.get(peer);
    if (own === undefined || gateway === undefined) return;
    this.parts.ways.send(gateway.peerId, this.talk.probe(own, gateway, now));
  }
}

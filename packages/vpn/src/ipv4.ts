/**
 * IPv4 frames: each goes to the peer that owns its destination, and only those come in whose sender owns their source.
 * The DHT knows owners, so frames may wait. ARP is answered here.
 * Source: P2 sections 4 and 4.2; RFC 826, RFC 5227, RFC 792.
 */
import type { Instant } from '@warren/base';
import {
  ETHERNET_HEADER_BYTES,
  type IcmpEcho,
  ipv4DestinationAt,
  ipv4SourceAt,
  isGroupFrame,
  isIpv4At,
  type PeerId,
} from '@warren/wire';
import { type EchoPacket, echoFrame, type Pings, readEcho } from './echo.ts';
import { inspectInbound } from './inbound.ts';
import type { Internet } from './internet.ts';
import type { Lookups } from './lookups.ts';
import { macOf } from './mac.ts';
import { arpQuestion, arpReply, inspectOutbound } from './outbound.ts';
import type { Place } from './place.ts';
import type { Range, Routes } from './routes.ts';
import { SERVICE_MAC, type Services } from './service.ts';
import type { InboundDrop, OutboundDrop } from './stats.ts';
import { contains, isAssignable } from './subnet.ts';
import type { VpnOptions } from './vpn-options.ts';
import type { Ways } from './ways.ts';

/** Where the IP packet of a frame begins. */
const IP = ETHERNET_HEADER_BYTES;

/** What lies behind a gateway; the group's own subnet is never meant. */
const EVERYWHERE: readonly Range[] = [{ network: 0, prefixBits: 0 }];

export interface Ipv4Parts {
  readonly options: VpnOptions;
  readonly ways: Ways;
  readonly services: Services;
  readonly lookups: Lookups;
  readonly routes: Routes;
  readonly internet: Internet;
  readonly pings: Pings;
  /** The address that we hold. */
  readonly address: () => number | undefined;
}

/** The IPv4 half of one member's end. */
export class Ipv4 {
  private readonly parts: Ipv4Parts;
  private readonly place: Place;

  constructor(parts: Ipv4Parts) {
    this.parts = parts;
    this.place = placeOf(parts);
  }

  /** Takes a frame of our machine. */
  fromTap(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const { options, ways, services, routes, internet } = this.parts;
    if (!isIpv4At(frame, IP)) return 'malformed';
    if (services.isFor4(frame)) return this.serve(frame);
    const drop = inspectOutbound(frame, this.place);
    if (drop !== undefined) return drop;
    if (isGroupFrame(frame)) return ways.toListeners(frame, now);
    const destination = ipv4DestinationAt(frame, IP);
    if (contains(options.subnet, destination)) return this.toOwner(frame, destination, now);
    const next = routes.next(destination);
    return next === undefined ? internet.send4(frame, now) : ways.toMember(next, frame);
  }

  /** Answers a question of our machine for a MAC address. */
  answerArp(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const { options, ways, services, lookups, address } = this.parts;
    const question = arpQuestion(frame, address(), options.subnet);
    if (question === undefined) return 'arp';
    const { targetAddress } = question;
    const owner = targetAddress === services.address ? undefined : lookups.ownerOf(targetAddress, now);
    if (owner === 'unknown') return lookups.awaitOwner(targetAddress, frame, now);
    if (owner === 'nobody') return 'no-owner';
    ways.stats.arpAnswers++;
    ways.answer(arpReply(question, owner === undefined ? SERVICE_MAC : macOf(owner)));
    return undefined;
  }

  /** Sends an echo request of ours. */
  ping(to: number, echo: IcmpEcho, now: Instant): OutboundDrop | undefined {
    const source = this.parts.address();
    const { self, subnet } = this.parts.options;
    if (source === undefined) return 'no-address';
    if (to !== source && !isAssignable(subnet, to)) return 'destination';
    if (to !== source) return this.toOwner(echoFrame(self, self, { source, destination: to, echo }), to, now);
    this.finishPing({ source, destination: source, echo: { ...echo, operation: 'reply' } }, now);
    return undefined;
  }

  /** Takes a frame of a peer, whose MAC address was checked. */
  fromPeer(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    const { options, lookups, routes, internet } = this.parts;
    const drop = inspectInbound(frame, peerId, this.place, now);
    if (drop !== undefined) return drop;
    const source = ipv4SourceAt(frame, IP);
    // From behind a router or our gateway: the route said so.
    if (!contains(options.subnet, source)) {
      if (routes.next(source) === undefined) internet.heard(peerId, now);
      return this.deliver(peerId, frame, now);
    }
    const owner = lookups.ownerOf(source, now);
    if (owner === 'unknown') return lookups.awaitSource(source, { peerId, frame }, now);
    if (!lookups.isOwner(owner, source, peerId, now)) return 'spoofed-source';
    return this.deliver(peerId, frame, now);
  }

  private serve(frame: Uint8Array): OutboundDrop | undefined {
    const { options, ways, services, routes } = this.parts;
    const { subnet, names } = options;
    const address = this.parts.address();
    const lease = address === undefined ? undefined : { address, subnet, names, routes: routes.ranges };
    return ways.serve(services.take4(frame, lease));
  }

  /** The address decides, not the MAC address that the machine remembers: its owner may have changed. */
  private toOwner(frame: Uint8Array, destination: number, now: Instant): OutboundDrop | undefined {
    const { ways, lookups } = this.parts;
    const owner = lookups.ownerOf(destination, now);
    if (owner === 'unknown') return lookups.awaitOwner(destination, frame, now);
    if (owner === 'nobody') return 'no-owner';
    lookups.used(destination, now);
    return ways.toMember(owner, frame);
  }

  private deliver(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    const { options, ways, internet } = this.parts;
    if (isGroupFrame(frame) && !ways.takesGroup(peerId, now)) return 'group-rate';
    ways.stats.framesIn++;
    const packet = readEcho(frame);
    if (packet !== undefined && this.finishPing(packet, now)) return undefined;
    const taken = internet.take(peerId, frame, now);
    if (taken !== undefined) return taken === 'taken' ? undefined : taken;
    if (options.hasTap) return ways.toMachine(frame);
    if (packet?.echo.operation !== 'request') return 'not-echo';
    const echo = { ...packet.echo, operation: 'reply' } as const;
    const reply = { source: packet.destination, destination: packet.source, echo };
    return ways.answerEcho(peerId, echoFrame(options.self, peerId, reply), now);
  }

  private finishPing(packet: EchoPacket, now: Instant): boolean {
    const pong = this.parts.pings.finish(packet, now);
    if (pong === undefined) return false;
    this.parts.ways.outbox.push({ kind: 'pong', ...pong });
    return true;
  }
}

/** Made once and read for each frame: it answers as things are at that moment. */
function placeOf({ options, routes, internet, address }: Ipv4Parts): Place {
  const { subnet, announced = [], hearsGroups = false } = options;
  return {
    subnet,
    routes,
    hearsGroups,
    get own() {
      return address();
    },
    get announced() {
      return internet.leading === undefined ? announced : EVERYWHERE;
    },
    get isTunnelled() {
      return internet.isTunnelled;
    },
    acceptsFrom: (peer, now) => internet.accepts(peer, now),
  };
}

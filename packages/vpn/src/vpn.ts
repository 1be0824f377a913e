/**
 * The virtual network of one group at one member, with a TAP device (edge) or without (tab): it comes to an address,
 * sends each frame to the peer that owns its destination, and lets in only frames whose sender owns their source.
 * What our own machine asks of the network itself is answered here. Not here: sessions, the DHT, devices, names.
 * Source: P2 sections 4 and 4.2; RFC 826, RFC 5227, RFC 792.
 */
import { assert, Bucket, Buckets, earliest, type Instant, Outbox, type Random, sameBytes } from '@warren/base';
import {
  ETHERNET_HEADER_BYTES,
  EthernetOffset,
  EtherType,
  etherTypeOf,
  type IcmpEcho,
  Ipv6Offset,
  ipv4DestinationAt,
  ipv4SourceAt,
  ipv6TransportAt,
  isGroupFrame,
  isIpv6At,
  PEER_ID_BYTES,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { AddressChoice } from './address-choice.ts';
import { AddressClaim } from './claim.ts';
import {
  ECHOES_PER_SECOND,
  FRAME_MAX_BYTES,
  GROUP_FRAMES_BURST,
  GROUP_FRAMES_PER_SECOND,
  LISTENERS_MAX,
  RATED_PEERS_MAX,
} from './constants.ts';
import type { Lease } from './dhcp-server.ts';
import { type EchoPacket, echoFrame, echoReply6, Pings, readEcho } from './echo.ts';
import { clampFrame, noRoute, tooBig } from './fitting.ts';
import type { GatewaysOptions } from './gateways.ts';
import { inspectEthernet, inspectInbound } from './inbound.ts';
import { inspectInbound6 } from './inbound6.ts';
import { Internet, type InternetOffer } from './internet.ts';
import { hasAddress6, isInternet6, memberAddress6, prefixOf } from './ipv6-address.ts';
import { Lookups, type Released } from './lookups.ts';
import { macOf, putMac } from './mac.ts';
import { isDiscovery, neighbourQuestion, neighbourReply } from './neighbours.ts';
import { arpQuestion, arpReply, inspectOutbound } from './outbound.ts';
import type { Place } from './place.ts';
import { type Range, type Route, Routes } from './routes.ts';
import type { SearchNames } from './search-names.ts';
import { type DnsClient, SERVICE_MAC, type ServiceAnswer, Services } from './service.ts';
import { emptyStats, type InboundDrop, type OutboundDrop, type VpnStats } from './stats.ts';
import { contains, isAssignable, isSubnet, type Subnet } from './subnet.ts';

export type VpnInput =
  /** The private overlay can store records; also after it came back. */
  | { readonly kind: 'ready' }
  /** The DHT's answer to `claim`: ours, another's, or not known because storing failed. */
  | { readonly kind: 'claim-result'; readonly address: number; readonly result: 'held' | 'taken' | 'failed' }
  /** An older claim on our address came up, as after a partition. */
  | { readonly kind: 'claim-lost'; readonly address: number }
  /** The DHT's answer to `find-owner`, or unasked news; `undefined`: nobody. */
  | { readonly kind: 'owner'; readonly address: number; readonly peerId: PeerId | undefined }
  /** What lies behind other members: whoever says so has checked their rights. Replaces all from before. */
  | { readonly kind: 'routes'; readonly routes: readonly Route[] }
  /** Who leads to the Internet: the same holds. */
  | { readonly kind: 'gateways'; readonly offers: readonly InternetOffer[] };

export type VpnOutput =
  /** Store or renew our claim on the address. */
  | { readonly kind: 'claim'; readonly address: number }
  /** Look up whose claim on the address stands. */
  | { readonly kind: 'find-owner'; readonly address: number }
  /** The address is ours: give it to the device, keep it as `preferred`. */
  | { readonly kind: 'configured'; readonly address: number; readonly prefixBits: number }
  /** The address is no longer ours; another `configured` follows. */
  | { readonly kind: 'conflict'; readonly address: number }
  /** Send the Ethernet frame end to end to the peer. */
  | { readonly kind: 'frame'; readonly to: PeerId; readonly frame: Uint8Array }
  /** Write the Ethernet frame to the TAP device. */
  | { readonly kind: 'tap'; readonly frame: Uint8Array }
  /** Answer a DNS query of our machine, with `answerDns`. */
  | { readonly kind: 'dns'; readonly client: DnsClient; readonly query: Uint8Array }
  /** The answer to a question that went to our gateway by `askGateway`. */
  | { readonly kind: 'dns-answer'; readonly id: number; readonly answer: Uint8Array }
  /** Another gateway is in use, or none. */
  | { readonly kind: 'gateway'; readonly peer: PeerKey | undefined }
  /** Packets wait and no gateway is there: look who leads to the Internet. */
  | { readonly kind: 'seek-gateways' }
  /** A `ping` was answered. */
  | {
      readonly kind: 'pong';
      readonly id: number;
      readonly sequence: number;
      readonly rttMs: number;
      readonly from: number;
    };

/** What a member of a group is asked about others. */
export interface Acquainted {
  /** The member whose peer id begins with these 8 bytes; `undefined` when none is known. */
  memberWith(interfaceId: Uint8Array): PeerId | undefined;
  /** Members that asked for multicast and broadcast. */
  listeners(): readonly PeerId[];
  /** Whether frames may be exchanged with the peer. */
  allows(peerId: PeerId): boolean;
}

export interface VpnOptions {
  /** Our peer id, 20 bytes. */
  readonly self: PeerId;
  /** The group's id: IPv6 addresses follow from it. */
  readonly group: string;
  readonly subnet: Subnet;
  readonly hasTap: boolean;
  readonly names: SearchNames;
  readonly members: Acquainted;
  /** Ranges behind us, as a router; none by default. */
  readonly announced?: readonly Range[] | undefined;
  /** Whether we want multicast and broadcast of others; false by default. */
  readonly hearsGroups?: boolean | undefined;
  /** The address of the last run; ignored when it is not assignable. */
  readonly preferred?: number | undefined;
  readonly random: Random;
}

/** What lies behind a gateway; the group's own subnet is never meant. */
const EVERYWHERE: readonly Range[] = [{ network: 0, prefixBits: 0 }];

/** Where the IP packet of a frame begins. */
const IP = ETHERNET_HEADER_BYTES;

/** One member's end of the virtual network. Frames given to it belong to it: it may write into them. */
export class Vpn {
  /** Counters; read only. */
  readonly stats: VpnStats = emptyStats();
  /** Our IPv6 address, 16 bytes: ours from the start. */
  readonly address6: Uint8Array;
  private readonly options: VpnOptions;
  private readonly prefix6: Uint8Array;
  private readonly services: Services;
  private readonly outbox = new Outbox<VpnOutput>();
  private readonly claim: AddressClaim;
  private readonly routes = new Routes();
  /** The Internet beyond the group, through others or behind us. */
  readonly internet: Internet;
  private readonly lookups = new Lookups(this.stats, address => this.outbox.push({ kind: 'find-owner', address }));
  private readonly pings: Pings;
  private readonly echoRate = new Buckets({ burst: ECHOES_PER_SECOND, perSecond: ECHOES_PER_SECOND }, RATED_PEERS_MAX);
  private readonly groupRate = { burst: GROUP_FRAMES_BURST, perSecond: GROUP_FRAMES_PER_SECOND };
  private readonly groupsOut = new Bucket(this.groupRate);
  private readonly groupsIn = new Buckets(this.groupRate, RATED_PEERS_MAX);
  /** The latest time that any call told. */
  private latest: Instant = 0;

  constructor(options: VpnOptions) {
    const { self, group, subnet, preferred, random } = options;
    assert(self.length === PEER_ID_BYTES, 'a peer id has 20 bytes');
    assert(isSubnet(subnet), 'the subnet was checked when it was read');
    this.options = options;
    this.prefix6 = prefixOf(group);
    this.address6 = memberAddress6(this.prefix6, self);
    this.services = new Services(self, subnet, this.prefix6);
    this.claim = new AddressClaim(new AddressChoice(subnet, self, preferred), random);
    this.pings = new Pings(random);
    this.internet = new Internet(random);
  }

  /** The address that we hold; `undefined` while we hold none. */
  get address(): number | undefined {
    return this.claim.address;
  }

  handle(input: VpnInput, now: Instant): void {
    this.latest = now;
    if (input.kind === 'owner') {
      this.learnOwner(input.address, input.peerId, now);
    } else if (input.kind === 'routes') {
      this.routes.set(input.routes);
    } else if (input.kind === 'gateways') {
      this.internet.offer(input.offers, now);
      this.drainInternet(now);
    } else {
      this.claim.handle(input, now);
      this.drainClaim();
    }
  }

  poll(): VpnOutput | undefined {
    return this.outbox.poll();
  }

  tick(now: Instant): void {
    this.latest = now;
    this.claim.tick(now);
    this.drainClaim();
    this.lookups.tick(now);
    this.internet.tick(now);
    this.drainInternet(now);
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.claim.wakeAt, this.lookups.wakeAt, this.internet.wakeAt);
  }

  /** Takes a frame that the machine sends through its TAP device. */
  fromTap(frame: Uint8Array, now: Instant): void {
    this.latest = now;
    this.countOutbound(this.routeOut(frame, now));
  }

  /** Takes a frame that came through the session with `peerId`. */
  fromPeer(peerId: PeerId, frame: Uint8Array, now: Instant): void {
    this.latest = now;
    this.countInbound(this.routeIn(peerId, frame, now));
  }

  /** Takes the answer to a DNS query: at most `DNS_ANSWER_MAX_BYTES`, else it is dropped. */
  answerDns(client: DnsClient, answer: Uint8Array): void {
    const frame = this.services.dnsFrame(client, answer, this.address);
    if (frame === undefined || frame.length > FRAME_MAX_BYTES) return;
    if (client.peer === undefined) this.outbox.push({ kind: 'tap', frame });
    else this.send(client.peer, frame);
  }

  /** Sends our machine's Internet packets through gateways from now on, or no more. */
  tunnel(options: GatewaysOptions | undefined, now: Instant): void {
    this.internet.tunnel(options, now);
    this.drainInternet(now);
  }

  /** Hands a DNS query to our gateway's resolver: `dns-answer` follows under this id, or not. `undefined` without a gateway. */
  askGateway(query: Uint8Array, now: Instant): number | undefined {
    const { address } = this;
    const asked = address === undefined ? undefined : this.internet.question(this.options.self, address, query, now);
    if (asked === undefined || asked.frame.length > FRAME_MAX_BYTES) return undefined;
    this.send(asked.to, asked.frame);
    return asked.id;
  }

  /**
   * Sends an echo request to an address; a `pong` with the same `id` follows when it is answered, at once for our
   * own address. An unanswered one is forgotten: the caller decides when it is lost.
   */
  ping(to: number, now: Instant): { readonly id: number; readonly sequence: number } {
    this.latest = now;
    const ping = this.pings.start(to, now);
    this.countOutbound(this.routePing(to, this.pings.request(ping.sequence), now));
    return ping;
  }

  /** The peer that owns an address, as far as a fresh answer tells; `undefined` when none does. */
  knownOwner(address: number): PeerId | undefined {
    if (address === this.address) return this.options.self;
    const owner = this.lookups.ownerOf(address, this.latest);
    return typeof owner === 'string' ? undefined : owner;
  }

  /** The address that a peer owns, as far as a fresh answer tells; `undefined` when none does. */
  addressOf(peerId: PeerId): number | undefined {
    return sameBytes(peerId, this.options.self) ? this.address : this.lookups.addressOf(peerId, this.latest);
  }

  private get place(): Place {
    const { subnet, announced = [], hearsGroups = false } = this.options;
    const { isTunnelled, leading } = this.internet;
    const behind = leading === undefined ? announced : EVERYWHERE;
    const acceptsFrom = (peer: PeerId) => this.internet.accepts(peer, this.latest);
    return { own: this.address, subnet, announced: behind, routes: this.routes, hearsGroups, isTunnelled, acceptsFrom };
  }

  private drainInternet(now: Instant): void {
    const next = () => this.internet.poll(this.options.self, this.address, now);
    for (let out = next(); out !== undefined; out = next()) {
      if (out.kind === 'frame') this.send(out.to, out.frame);
      else if (out.kind === 'seek') this.outbox.push({ kind: 'seek-gateways' });
      else this.outbox.push({ kind: 'gateway', peer: out.peer });
    }
  }

  private drainClaim(): void {
    for (let output = this.claim.poll(); output !== undefined; output = this.claim.poll()) {
      const { kind, address } = output;
      const { prefixBits } = this.options.subnet;
      if (kind === 'held') this.outbox.push({ kind: 'configured', address, prefixBits });
      else this.outbox.push(output);
    }
  }

  /** A claim of ours on an address other than the one we hold is left from before: nobody is there. */
  private learnOwner(address: number, peerId: PeerId | undefined, now: Instant): void {
    if (!isAssignable(this.options.subnet, address)) return;
    const owner = peerId === undefined || sameBytes(peerId, this.options.self) ? undefined : peerId;
    const released: Released | undefined = this.lookups.learn(address, owner, now);
    for (const frame of released?.outgoing ?? []) this.fromTap(frame, now);
    for (const inbound of released?.incoming ?? []) this.fromPeer(inbound.peerId, inbound.frame, now);
  }

  private routeOut(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const type = etherTypeOf(frame);
    if (type === undefined) return 'malformed';
    if (frame.length > FRAME_MAX_BYTES) return this.refuseSize(frame);
    if (type === EtherType.arp) return this.answerArp(frame, now);
    if (type === EtherType.ipv6) return this.routeOut6(frame, now);
    if (type !== EtherType.ipv4) return 'ethertype';
    if (this.services.isFor4(frame)) return this.serve(this.services.take4(frame, this.lease()));
    const drop = inspectOutbound(frame, this.place);
    if (drop !== undefined) return drop;
    if (isGroupFrame(frame)) return this.sendToListeners(frame, now);
    const destination = ipv4DestinationAt(frame, IP);
    if (contains(this.options.subnet, destination)) return this.sendToOwner(frame, destination, now);
    const next = this.routes.next(destination);
    return next === undefined ? this.sendOut(this.internet.gateway4(frame, now), frame, now) : this.sendTo(next, frame);
  }

  /** To the Internet; where no gateway leads there our machine hears of it, and nothing leaves. */
  private sendOut(gateway: PeerId | undefined, frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    this.drainInternet(now);
    if (gateway !== undefined) return this.sendTo(gateway, frame);
    const error = this.internet.mayRefuse(now) ? noRoute(frame, this.options.self, this.services) : undefined;
    if (error !== undefined) this.outbox.push({ kind: 'tap', frame: error });
    return 'no-gateway';
  }

  private routeOut6(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    if (!isIpv6At(frame, IP)) return 'malformed';
    const transport = ipv6TransportAt(frame, IP);
    if (transport === undefined) return 'malformed';
    if (isDiscovery(frame, transport)) return this.answerNeighbour(frame);
    const fromOutside = this.internet.leading !== undefined && isInternet6(frame, IP + Ipv6Offset.source);
    if (!fromOutside && !hasAddress6(frame, IP + Ipv6Offset.source, this.address6)) return 'source';
    if (isGroupFrame(frame)) return 'group';
    const at = IP + Ipv6Offset.destination;
    if (this.services.isFor6(frame, at)) return this.serve(this.services.take6(frame));
    const isMember = hasAddress6(frame, at, this.prefix6) && !hasAddress6(frame, at, this.address6);
    if (isMember) return this.sendTo(this.memberAt(frame, at), frame);
    const isOut = this.internet.isTunnelled && isInternet6(frame, at);
    return isOut ? this.sendOut(this.internet.gateway6(frame, now), frame, now) : 'destination';
  }

  private serve(answer: ServiceAnswer): OutboundDrop | undefined {
    if (answer.kind === 'drop') return answer.reason;
    this.stats.serviceAnswers[answer.kind === 'dns' ? 'dns' : answer.counts]++;
    this.outbox.push(answer.kind === 'dns' ? answer : { kind: 'tap', frame: answer.frame });
    return undefined;
  }

  /** What DHCP gives to our machine. */
  private lease(): Lease | undefined {
    const { address } = this;
    const { subnet, names } = this.options;
    return address === undefined ? undefined : { address, subnet, names, routes: this.routes.ranges };
  }

  private refuseSize(frame: Uint8Array): OutboundDrop {
    const answer = tooBig(frame, this.options.self, this.services);
    if (answer !== undefined) {
      this.stats.tooBigs++;
      this.outbox.push({ kind: 'tap', frame: answer });
    }
    return 'too-large';
  }

  private answerArp(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const question = arpQuestion(frame, this.address, this.options.subnet);
    if (question === undefined) return 'arp';
    const { targetAddress } = question;
    const isService = targetAddress === this.services.address;
    const owner = isService ? undefined : this.lookups.ownerOf(targetAddress, now);
    if (owner === 'unknown') return this.lookups.awaitOwner(targetAddress, frame, now);
    if (owner === 'nobody') return 'no-owner';
    this.stats.arpAnswers++;
    this.outbox.push({ kind: 'tap', frame: arpReply(question, owner === undefined ? SERVICE_MAC : macOf(owner)) });
    return undefined;
  }

  private answerNeighbour(frame: Uint8Array): OutboundDrop | undefined {
    const question = neighbourQuestion(frame, this.address6);
    if (question === undefined || hasAddress6(question.target, 0, this.address6)) return 'neighbour';
    if (!hasAddress6(question.target, 0, this.prefix6)) return 'neighbour';
    const owner = this.services.isFor6(question.target, 0) ? undefined : this.memberAt(question.target, 0);
    if (owner === undefined && !this.services.isFor6(question.target, 0)) return 'no-owner';
    this.stats.neighbourAnswers++;
    const macs = { from: owner === undefined ? SERVICE_MAC : macOf(owner), to: macOf(this.options.self) };
    this.outbox.push({ kind: 'tap', frame: neighbourReply(question, macs) });
    return undefined;
  }

  /** Whose the IPv6 address at `at` is, as far as members are known. */
  private memberAt(bytes: Uint8Array, at: number): PeerId | undefined {
    return this.options.members.memberWith(bytes.subarray(at + this.prefix6.length, at + 16));
  }

  private routePing(to: number, echo: IcmpEcho, now: Instant): OutboundDrop | undefined {
    const source = this.address;
    const { self, subnet } = this.options;
    if (source === undefined) return 'no-address';
    if (to !== source && !isAssignable(subnet, to)) return 'destination';
    if (to !== source) return this.sendToOwner(echoFrame(self, self, { source, destination: to, echo }), to, now);
    this.finishPing({ source, destination: source, echo: { ...echo, operation: 'reply' } }, now);
    return undefined;
  }

  /** The address decides, not the MAC address that the machine remembers: its owner may have changed. */
  private sendToOwner(frame: Uint8Array, destination: number, now: Instant): OutboundDrop | undefined {
    const owner = this.lookups.ownerOf(destination, now);
    if (owner === 'unknown') return this.lookups.awaitOwner(destination, frame, now);
    if (owner === 'nobody') return 'no-owner';
    this.lookups.used(destination, now);
    return this.sendTo(owner, frame);
  }

  private sendTo(peerId: PeerId | undefined, frame: Uint8Array): OutboundDrop | undefined {
    if (peerId === undefined) return 'no-owner';
    if (!this.options.members.allows(peerId)) return 'refused';
    clampFrame(frame);
    this.send(peerId, frame);
    return undefined;
  }

  /** A copy to each who asked: their number is bounded, and so is the rate. */
  private sendToListeners(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const listeners = this.options.members.listeners().filter(peerId => this.options.members.allows(peerId));
    if (listeners.length === 0) return 'group';
    if (!this.groupsOut.take(now)) return 'group-rate';
    for (const to of listeners.slice(0, LISTENERS_MAX)) {
      const copy = frame.slice();
      putMac(copy, EthernetOffset.source, this.options.self);
      this.stats.framesOut++;
      this.outbox.push({ kind: 'frame', to, frame: copy });
    }
    return undefined;
  }

  private routeIn(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    const unsound = inspectEthernet(frame, peerId);
    if (unsound !== undefined) return unsound;
    if (!this.options.members.allows(peerId)) return 'refused';
    if (etherTypeOf(frame) === EtherType.ipv6) return this.routeIn6(peerId, frame, now);
    const drop = inspectInbound(frame, peerId, this.place);
    if (drop !== undefined) return drop;
    const source = ipv4SourceAt(frame, IP);
    // From behind a router or our gateway: the route said so.
    if (!contains(this.options.subnet, source)) {
      if (this.routes.next(source) === undefined) this.internet.heard(peerId, now);
      return this.deliver4(peerId, frame, now);
    }
    const owner = this.lookups.ownerOf(source, now);
    if (owner === 'unknown') return this.lookups.awaitSource(source, { peerId, frame }, now);
    if (!this.lookups.isOwner(owner, source, peerId, now)) return 'spoofed-source';
    return this.deliver4(peerId, frame, now);
  }

  private routeIn6(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    const leads = this.internet.leading?.hasIpv6 ?? false;
    const { acceptsFrom } = this.place;
    const drop = inspectInbound6(frame, peerId, { own: this.address6, prefix: this.prefix6, leads, acceptsFrom });
    if (drop !== undefined) return drop;
    if (isInternet6(frame, IP + Ipv6Offset.source)) this.internet.heard(peerId, now);
    this.stats.framesIn++;
    if (this.options.hasTap) return this.giveToTap(frame);
    const reply = echoReply6(frame);
    return reply === undefined ? 'not-echo' : this.answerEcho(peerId, reply, now);
  }

  private deliver4(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    if (isGroupFrame(frame) && !this.groupsIn.take(peerKey(peerId), now)) return 'group-rate';
    this.stats.framesIn++;
    const packet = readEcho(frame);
    if (packet !== undefined && this.finishPing(packet, now)) return undefined;
    const taken = this.betweenGateways(peerId, frame, now);
    if (taken !== undefined) return taken === 'taken' ? undefined : taken;
    if (this.options.hasTap) return this.giveToTap(frame);
    if (packet?.echo.operation !== 'request') return 'not-echo';
    const echo = { ...packet.echo, operation: 'reply' } as const;
    const reply = { source: packet.destination, destination: packet.source, echo };
    return this.answerEcho(peerId, echoFrame(this.options.self, peerId, reply), now);
  }

  /** What gateways and those who use them say to each other does not reach their machines. */
  private betweenGateways(peerId: PeerId, frame: Uint8Array, now: Instant): 'taken' | InboundDrop | undefined {
    const { address } = this;
    if (address === undefined || ipv4DestinationAt(frame, IP) !== address) return undefined;
    if (this.internet.isAlive(peerId, frame, now)) {
      this.drainInternet(now);
      return 'taken';
    }
    const answer = this.internet.answer(frame);
    if (answer !== undefined) this.outbox.push({ kind: 'dns-answer', ...answer });
    const sign = this.internet.signOfLife(this.options.self, address, peerId, frame, now);
    const question = sign === undefined ? this.internet.asksUs(peerId, frame, now) : undefined;
    if (sign === 'refused' || question === 'refused') return 'asked-rate';
    if (sign !== undefined) this.send(peerId, sign);
    if (question !== undefined) {
      this.stats.serviceAnswers.dns++;
      this.outbox.push({ kind: 'dns', ...question });
    }
    return answer === undefined && sign === undefined && question === undefined ? undefined : 'taken';
  }

  private giveToTap(frame: Uint8Array): undefined {
    if (!isGroupFrame(frame)) putMac(frame, EthernetOffset.destination, this.options.self);
    clampFrame(frame);
    this.outbox.push({ kind: 'tap', frame });
  }

  private finishPing(packet: EchoPacket, now: Instant): boolean {
    const pong = this.pings.finish(packet, now);
    if (pong === undefined) return false;
    this.outbox.push({ kind: 'pong', ...pong });
    return true;
  }

  private answerEcho(peerId: PeerId, reply: Uint8Array, now: Instant): InboundDrop | undefined {
    if (!this.echoRate.take(peerKey(peerId), now)) return 'echo-rate';
    this.stats.echoAnswers++;
    this.send(peerId, reply);
    return undefined;
  }

  private send(to: PeerId, frame: Uint8Array): void {
    putMac(frame, EthernetOffset.destination, to);
    putMac(frame, EthernetOffset.source, this.options.self);
    this.stats.framesOut++;
    this.outbox.push({ kind: 'frame', to, frame });
  }

  private countOutbound(drop: OutboundDrop | undefined): void {
    if (drop !== undefined) this.stats.outboundDrops[drop]++;
  }

  private countInbound(drop: InboundDrop | undefined): void {
    if (drop !== undefined) this.stats.inboundDrops[drop]++;
  }
}

/**
 * The virtual network of one group at one member, with a TAP device (edge) or without (tab): it comes to an address,
 * sends each frame to the peer that owns its destination, and lets in only frames whose sender owns their source.
 * Not here: sessions, the DHT, devices. Not yet carried: IPv6, broadcast, multicast, packets outside the subnet.
 * Source: P2 sections 4 and 4.2; RFC 826, RFC 5227, RFC 792.
 */
import { assert, Bucket, Buckets, earliest, type Instant, Outbox, type Random, sameBytes } from '@warren/base';
import {
  ETHERNET_HEADER_BYTES,
  EthernetOffset,
  EtherType,
  etherTypeOf,
  type IcmpEcho,
  ipv4DestinationAt,
  ipv4SourceAt,
  PEER_ID_BYTES,
  type PeerId,
  peerKey,
} from '@warren/wire';
import { AddressChoice } from './address-choice.ts';
import { AddressClaim } from './claim.ts';
import {
  ECHOES_PER_SECOND,
  FINDS_BURST,
  FINDS_PER_SECOND,
  PEER_FINDS_BURST,
  PEER_FINDS_PER_SECOND,
  RATED_PEERS_MAX,
  RETRY_ADDRESSES_MAX,
} from './constants.ts';
import { type EchoPacket, echoFrame, Pings, readEcho } from './echo.ts';
import { inspectInbound } from './inbound.ts';
import { putMac } from './mac.ts';
import { arpQuestion, arpReply, inspectOutbound } from './outbound.ts';
import { Owners } from './owners.ts';
import { Pending } from './pending.ts';
import { emptyStats, type InboundDrop, type OutboundDrop, type VpnStats } from './stats.ts';
import { isAssignable, isSubnet, type Subnet } from './subnet.ts';

export type VpnInput =
  /** The private overlay can store records; also after it came back. */
  | { readonly kind: 'ready' }
  /** The DHT's answer to `claim`: ours, another's, or not known because storing failed. */
  | { readonly kind: 'claim-result'; readonly address: number; readonly result: 'held' | 'taken' | 'failed' }
  /** An older claim on our address came up, as after a partition. */
  | { readonly kind: 'claim-lost'; readonly address: number }
  /** The DHT's answer to `find-owner`, or unasked news; `undefined`: nobody. */
  | { readonly kind: 'owner'; readonly address: number; readonly peerId: PeerId | undefined };

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
  /** A `ping` was answered. */
  | {
      readonly kind: 'pong';
      readonly id: number;
      readonly sequence: number;
      readonly rttMs: number;
      readonly from: number;
    };

export interface VpnOptions {
  /** Our peer id, 20 bytes. */
  readonly self: PeerId;
  readonly subnet: Subnet;
  readonly hasTap: boolean;
  /** The address of the last run; ignored when it is not assignable. */
  readonly preferred?: number;
  readonly random: Random;
}

interface Inbound {
  readonly peerId: PeerId;
  readonly frame: Uint8Array;
}

/** One member's end of the virtual network. Frames given to it belong to it: it may write into them. */
export class Vpn {
  /** Counters; read only. */
  readonly stats: VpnStats = emptyStats();
  private readonly self: PeerId;
  private readonly subnet: Subnet;
  private readonly hasTap: boolean;
  private readonly outbox = new Outbox<VpnOutput>();
  private readonly claim: AddressClaim;
  private readonly owners = new Owners();
  private readonly outgoing = new Pending<Uint8Array>();
  private readonly incoming = new Pending<Inbound>();
  private readonly pings: Pings;
  private readonly echoRate = new Buckets({ burst: ECHOES_PER_SECOND, perSecond: ECHOES_PER_SECOND }, RATED_PEERS_MAX);
  private readonly findRate = new Buckets(
    { burst: PEER_FINDS_BURST, perSecond: PEER_FINDS_PER_SECOND },
    RATED_PEERS_MAX,
  );
  private readonly seekRate = new Bucket({ burst: FINDS_BURST, perSecond: FINDS_PER_SECOND });
  /** When to ask for owners that our frames wait for and that were too many to ask for at once. */
  private seekAt: Instant | undefined;
  /** The latest time that any call told. */
  private latest: Instant = 0;

  constructor(options: VpnOptions) {
    assert(options.self.length === PEER_ID_BYTES, 'a peer id has 20 bytes');
    assert(isSubnet(options.subnet), 'the subnet was checked when it was read');
    this.self = options.self;
    this.subnet = options.subnet;
    this.hasTap = options.hasTap;
    this.claim = new AddressClaim(new AddressChoice(options.subnet, options.self, options.preferred), options.random);
    this.pings = new Pings(options.random);
  }

  /** The address that we hold; `undefined` while we hold none. */
  get address(): number | undefined {
    return this.claim.address;
  }

  handle(input: VpnInput, now: Instant): void {
    this.latest = now;
    if (input.kind === 'owner') {
      this.learnOwner(input.address, input.peerId, now);
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
    this.stats.outboundDrops['no-answer'] += this.outgoing.expire(now);
    this.stats.inboundDrops['no-answer'] += this.incoming.expire(now);
    for (const address of this.owners.dueAgain(now)) {
      if (this.outgoing.has(address)) this.seek(address, now);
      else if (this.incoming.has(address)) this.find(address, now);
    }
    this.seekMore(now);
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.claim.wakeAt, this.outgoing.wakeAt, this.incoming.wakeAt, this.owners.wakeAt, this.seekAt);
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
    if (address === this.address) return this.self;
    const owner = this.owners.ownerOf(address, this.latest);
    return typeof owner === 'string' ? undefined : owner;
  }

  /** The address that a peer owns, as far as a fresh answer tells; `undefined` when none does. */
  addressOf(peerId: PeerId): number | undefined {
    return sameBytes(peerId, this.self) ? this.address : this.owners.addressOf(peerId, this.latest);
  }

  private drainClaim(): void {
    for (let output = this.claim.poll(); output !== undefined; output = this.claim.poll()) {
      const { kind, address } = output;
      if (kind === 'held') this.outbox.push({ kind: 'configured', address, prefixBits: this.subnet.prefixBits });
      else this.outbox.push(output);
    }
  }

  /** A claim of ours on an address other than the one we hold is left from before: nobody is there. */
  private learnOwner(address: number, peerId: PeerId | undefined, now: Instant): void {
    if (!isAssignable(this.subnet, address)) return;
    const owner = peerId === undefined || sameBytes(peerId, this.self) ? undefined : peerId;
    if (owner === undefined && this.mayDoubtMiss(address) && this.owners.missed(address, now)) return;
    this.owners.learn(address, owner, now);
    for (const frame of this.outgoing.take(address)) this.fromTap(frame, now);
    for (const inbound of this.incoming.take(address)) this.fromPeer(inbound.peerId, inbound.frame, now);
  }

  /** Whether "nobody" is worth asking again: frames wait for the address, and not for many others. */
  private mayDoubtMiss(address: number): boolean {
    const { outgoing, incoming } = this;
    const isAwaited = outgoing.has(address) || incoming.has(address);
    return isAwaited && outgoing.addressCount + incoming.addressCount <= RETRY_ADDRESSES_MAX;
  }

  private routeOut(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    if (etherTypeOf(frame) === EtherType.arp) return this.answerArp(frame, now);
    const drop = inspectOutbound(frame, this.address, this.subnet);
    return drop ?? this.sendToOwner(frame, ipv4DestinationAt(frame, ETHERNET_HEADER_BYTES), now);
  }

  private answerArp(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const question = arpQuestion(frame, this.address, this.subnet);
    if (question === undefined) return 'arp';
    const owner = this.owners.ownerOf(question.targetAddress, now);
    if (owner === 'unknown') return this.awaitOwner(question.targetAddress, frame, now);
    if (owner === 'nobody') return 'no-owner';
    this.stats.arpAnswers++;
    this.outbox.push({ kind: 'tap', frame: arpReply(question, owner) });
    return undefined;
  }

  private routePing(to: number, echo: IcmpEcho, now: Instant): OutboundDrop | undefined {
    const source = this.address;
    if (source === undefined) return 'no-address';
    if (to !== source && !isAssignable(this.subnet, to)) return 'destination';
    if (to !== source)
      return this.sendToOwner(echoFrame(this.self, this.self, { source, destination: to, echo }), to, now);
    this.finishPing({ source, destination: source, echo: { ...echo, operation: 'reply' } }, now);
    return undefined;
  }

  /** The address decides, not the MAC address that the machine remembers: its owner may have changed. */
  private sendToOwner(frame: Uint8Array, destination: number, now: Instant): OutboundDrop | undefined {
    const owner = this.owners.ownerOf(destination, now);
    if (owner === 'unknown') return this.awaitOwner(destination, frame, now);
    if (owner === 'nobody') return 'no-owner';
    if (this.owners.isStale(destination, now)) this.find(destination, now);
    this.send(owner, frame);
    return undefined;
  }

  private awaitOwner(address: number, frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const room = this.outgoing.add(address, frame, now);
    if (room === 'full') return 'queue-full';
    if (room === 'replaced') this.countOutbound('queue-full');
    this.seek(address, now);
    return undefined;
  }

  /** Asks for the owner of an address that our own frames wait for, as soon as the rate of such questions allows. */
  private seek(address: number, now: Instant): void {
    if (this.owners.isAsked(address, now)) return;
    if (this.seekAt === undefined && this.seekRate.take(now)) this.find(address, now);
    else this.seekAt ??= now + 1000 / FINDS_PER_SECOND;
  }

  private seekMore(now: Instant): void {
    if (this.seekAt === undefined || now < this.seekAt) return;
    this.seekAt = undefined;
    for (const address of this.outgoing.addresses()) {
      if (this.seekAt !== undefined) return;
      this.seek(address, now);
    }
  }

  private routeIn(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    const drop = inspectInbound(frame, peerId, this.address, this.subnet);
    if (drop !== undefined) return drop;
    const source = ipv4SourceAt(frame, ETHERNET_HEADER_BYTES);
    const owner = this.owners.ownerOf(source, now);
    if (owner === 'unknown') return this.awaitSource(source, { peerId, frame }, now);
    if (owner === 'nobody' || !sameBytes(owner, peerId)) {
      this.doubt(source, peerId, now);
      return 'spoofed-source';
    }
    if (this.owners.isStale(source, now)) this.find(source, now);
    return this.deliver(peerId, frame, now);
  }

  /** The peer may have moved to the address since we asked; but it shall not make us ask without end. */
  private doubt(address: number, peerId: PeerId, now: Instant): void {
    if (!this.owners.isDoubtful(address, now) || this.owners.isAsked(address, now)) return;
    if (this.findRate.take(peerKey(peerId), now)) this.find(address, now);
  }

  private awaitSource(address: number, inbound: Inbound, now: Instant): InboundDrop | undefined {
    const mayAsk = this.owners.isAsked(address, now) || this.findRate.take(peerKey(inbound.peerId), now);
    if (!mayAsk) return 'find-rate';
    const room = this.incoming.add(address, inbound, now);
    if (room === 'full') return 'queue-full';
    if (room === 'replaced') this.countInbound('queue-full');
    this.find(address, now);
    return undefined;
  }

  private find(address: number, now: Instant): void {
    if (this.owners.isAsked(address, now)) return;
    if (this.owners.ask(address, now)) this.outbox.push({ kind: 'find-owner', address });
  }

  private deliver(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    this.stats.framesIn++;
    const packet = readEcho(frame);
    if (packet !== undefined && this.finishPing(packet, now)) return undefined;
    if (!this.hasTap) return this.answerEcho(peerId, packet, now);
    putMac(frame, EthernetOffset.destination, this.self);
    this.outbox.push({ kind: 'tap', frame });
    return undefined;
  }

  private finishPing(packet: EchoPacket, now: Instant): boolean {
    const pong = this.pings.finish(packet, now);
    if (pong !== undefined) this.outbox.push({ kind: 'pong', ...pong });
    return pong !== undefined;
  }

  private answerEcho(peerId: PeerId, packet: EchoPacket | undefined, now: Instant): InboundDrop | undefined {
    if (packet?.echo.operation !== 'request') return 'not-echo';
    if (!this.echoRate.take(peerKey(peerId), now)) return 'echo-rate';
    this.stats.echoAnswers++;
    const echo = { ...packet.echo, operation: 'reply' } as const;
    const reply = { source: packet.destination, destination: packet.source, echo };
    this.send(peerId, echoFrame(this.self, peerId, reply));
    return undefined;
  }

  private send(to: PeerId, frame: Uint8Array): void {
    putMac(frame, EthernetOffset.destination, to);
    putMac(frame, EthernetOffset.source, this.self);
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

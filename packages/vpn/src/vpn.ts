/**
 * The virtual network of one group at one member, with a TAP device (edge) or without (tab): it comes to an address,
 * sends each frame to the peer that owns its destination, and lets in only frames whose sender owns their source.
 * What our own machine asks of the network itself is answered here. Not here: sessions, the DHT, devices, names.
 * Source: P2 sections 4 and 4.2; frames are judged in `ipv4.ts` and `ipv6.ts`.
 */
import { assert, earliest, type Instant, sameBytes } from '@warren/base';
import { EtherType, etherTypeOf, PEER_ID_BYTES, type PeerId } from '@warren/wire';
import { AddressChoice } from './address-choice.ts';
import { AddressClaim } from './claim.ts';
import { FRAME_MAX_BYTES } from './constants.ts';
import { Pings } from './echo.ts';
import type { GatewaysOptions } from './gateways.ts';
import { inspectEthernet } from './inbound.ts';
import { Internet } from './internet.ts';
import { Ipv4 } from './ipv4.ts';
import { Ipv6 } from './ipv6.ts';
import { memberAddress6, prefixOf } from './ipv6-address.ts';
import { Lookups, type Released } from './lookups.ts';
import { Routes } from './routes.ts';
import { type DnsClient, Services } from './service.ts';
import type { InboundDrop, OutboundDrop, VpnStats } from './stats.ts';
import { isAssignable, isSubnet } from './subnet.ts';
import type { VpnInput, VpnOptions, VpnOutput } from './vpn-options.ts';
import { Ways } from './ways.ts';

/** One member's end of the virtual network. Frames given to it belong to it: it may write into them. */
export class Vpn {
  /** Our IPv6 address, 16 bytes: ours from the start. */
  readonly address6: Uint8Array;
  /** The Internet beyond the group, through others or behind us. */
  readonly internet: Internet;
  private readonly options: VpnOptions;
  private readonly services: Services;
  private readonly ways: Ways;
  private readonly claim: AddressClaim;
  private readonly routes = new Routes();
  private readonly lookups: Lookups;
  private readonly pings: Pings;
  private readonly ipv4: Ipv4;
  private readonly ipv6: Ipv6;
  /** The latest time that any call told. */
  private latest: Instant = 0;

  constructor(options: VpnOptions) {
    const { self, group, subnet, preferred, random } = options;
    assert(self.length === PEER_ID_BYTES, 'a peer id has 20 bytes');
    assert(isSubnet(subnet), 'the subnet was checked when it was read');
    const prefix = prefixOf(group);
    const own = memberAddress6(prefix, self);
    const address = () => this.claim.address;
    this.options = options;
    this.address6 = own;
    const services = new Services(self, subnet, prefix);
    const ways = new Ways(options, services);
    this.claim = new AddressClaim(new AddressChoice(subnet, self, preferred), random);
    this.pings = new Pings(random);
    this.lookups = new Lookups(ways.stats, wanted => ways.outbox.push({ kind: 'find-owner', address: wanted }));
    this.internet = new Internet({ self, ways, random, address });
    const { routes, lookups, pings, internet } = this;
    this.ipv4 = new Ipv4({ options, ways, services, lookups, routes, internet, pings, address });
    this.ipv6 = new Ipv6({ options, ways, services, internet, own, prefix });
    this.services = services;
    this.ways = ways;
  }

  /** Counters; read only. */
  get stats(): VpnStats {
    return this.ways.stats;
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
    } else {
      this.claim.handle(input, now);
      this.drainClaim();
    }
  }

  poll(): VpnOutput | undefined {
    return this.ways.outbox.poll();
  }

  tick(now: Instant): void {
    this.latest = now;
    this.claim.tick(now);
    this.drainClaim();
    this.lookups.tick(now);
    this.internet.tick(now);
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.claim.wakeAt, this.lookups.wakeAt, this.internet.wakeAt);
  }

  /** Takes a frame that the machine sends through its TAP device. */
  fromTap(frame: Uint8Array, now: Instant): void {
    this.latest = now;
    this.ways.countOutbound(this.routeOut(frame, now));
  }

  /** Takes a frame that came through the session with `peerId`. */
  fromPeer(peerId: PeerId, frame: Uint8Array, now: Instant): void {
    this.latest = now;
    this.ways.countInbound(this.routeIn(peerId, frame, now));
  }

  /** Takes the answer to a DNS query: at most `DNS_ANSWER_MAX_BYTES`, else it is dropped. */
  answerDns(client: DnsClient, answer: Uint8Array): void {
    const frame = this.services.dnsFrame(client, answer, this.address);
    if (frame === undefined || frame.length > FRAME_MAX_BYTES) return;
    if (client.peer === undefined) this.ways.answer(frame);
    else this.ways.send(client.peer, frame);
  }

  /** Sends our machine's Internet packets through gateways from now on, or no more. */
  tunnel(options: GatewaysOptions | undefined, now: Instant): void {
    this.internet.tunnel(options, now);
  }

  /** Hands a DNS query to our gateway's resolver: `dns-answer` follows under this id, or not. `undefined` without a gateway. */
  askGateway(query: Uint8Array, now: Instant): number | undefined {
    return this.internet.ask(query, now);
  }

  /**
   * Sends an echo request to an address; a `pong` with the same `id` follows when it is answered, at once for our
   * own address. An unanswered one is forgotten: the caller decides when it is lost.
   */
  ping(to: number, now: Instant): { readonly id: number; readonly sequence: number } {
    this.latest = now;
    const ping = this.pings.start(to, now);
    this.ways.countOutbound(this.ipv4.ping(to, this.pings.request(ping.sequence), now));
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

  private drainClaim(): void {
    for (let output = this.claim.poll(); output !== undefined; output = this.claim.poll()) {
      const { kind, address } = output;
      const { prefixBits } = this.options.subnet;
      if (kind === 'held') this.ways.outbox.push({ kind: 'configured', address, prefixBits });
      else this.ways.outbox.push(output);
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
    if (frame.length > FRAME_MAX_BYTES) return this.ways.refuseSize(frame);
    if (type === EtherType.ipv4) return this.ipv4.fromTap(frame, now);
    if (type === EtherType.ipv6) return this.ipv6.fromTap(frame, now);
    return type === EtherType.arp ? this.ipv4.answerArp(frame, now) : 'ethertype';
  }

  private routeIn(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    const unsound = inspectEthernet(frame, peerId);
    if (unsound !== undefined) return unsound;
    if (!this.options.members.allows(peerId)) return 'refused';
    const half = etherTypeOf(frame) === EtherType.ipv6 ? this.ipv6 : this.ipv4;
    return half.fromPeer(peerId, frame, now);
  }
}

/**
 * IPv6 frames: an address tells whose it is, so that nothing waits. Neighbor Discovery of our machine ends here.
 * Source: RFC 4193, RFC 4861; addresses are `ipv6-address.ts`.
 */
import type { Instant } from '@warren/base';
import { ETHERNET_HEADER_BYTES, Ipv6Offset, ipv6TransportAt, isGroupFrame, isIpv6At, type PeerId } from '@warren/wire';
import { echoReply6 } from './echo.ts';
import { inspectInbound6, type Place6 } from './inbound6.ts';
import type { Internet } from './internet.ts';
import { hasAddress6, isInternet6 } from './ipv6-address.ts';
import { macOf } from './mac.ts';
import { isDiscovery, neighbourQuestion, neighbourReply } from './neighbours.ts';
import { SERVICE_MAC, type Services } from './service.ts';
import type { InboundDrop, OutboundDrop } from './stats.ts';
import type { VpnOptions } from './vpn-options.ts';
import type { Ways } from './ways.ts';

/** Where the IP packet of a frame begins. */
const IP = ETHERNET_HEADER_BYTES;
const SOURCE = IP + Ipv6Offset.source;
const DESTINATION = IP + Ipv6Offset.destination;
const ADDRESS_BYTES = 16;

export interface Ipv6Parts {
  readonly options: VpnOptions;
  readonly ways: Ways;
  readonly services: Services;
  readonly internet: Internet;
  /** Our address, 16 bytes. */
  readonly own: Uint8Array;
  /** The group's, 8 bytes. */
  readonly prefix: Uint8Array;
}

/** The IPv6 half of one member's end. */
export class Ipv6 {
  private readonly parts: Ipv6Parts;
  private readonly place: Place6;

  constructor(parts: Ipv6Parts) {
    this.parts = parts;
    const { own, prefix, internet } = parts;
    this.place = {
      own,
      prefix,
      get leads() {
        return internet.leading?.hasIpv6 ?? false;
      },
      acceptsFrom: (peer, now) => internet.accepts(peer, now),
    };
  }

  /** Takes a frame of our machine. */
  fromTap(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const { ways, services, internet, own, prefix } = this.parts;
    if (!isIpv6At(frame, IP)) return 'malformed';
    const transport = ipv6TransportAt(frame, IP);
    if (transport === undefined) return 'malformed';
    if (isDiscovery(frame, transport)) return this.answerNeighbour(frame);
    const fromOutside = internet.leading !== undefined && isInternet6(frame, SOURCE);
    if (!fromOutside && !hasAddress6(frame, SOURCE, own)) return 'source';
    if (isGroupFrame(frame)) return 'group';
    if (services.isFor6(frame, DESTINATION)) return ways.serve(services.take6(frame));
    const isMember = hasAddress6(frame, DESTINATION, prefix) && !hasAddress6(frame, DESTINATION, own);
    if (isMember) return ways.toMember(this.memberAt(frame, DESTINATION), frame);
    const isOut = internet.isTunnelled && isInternet6(frame, DESTINATION);
    return isOut ? internet.send6(frame, now) : 'destination';
  }

  /** Takes a frame of a peer, whose MAC address was checked. */
  fromPeer(peerId: PeerId, frame: Uint8Array, now: Instant): InboundDrop | undefined {
    const { options, ways, internet } = this.parts;
    const drop = inspectInbound6(frame, peerId, this.place, now);
    if (drop !== undefined) return drop;
    if (isInternet6(frame, SOURCE)) internet.heard(peerId, now);
    ways.stats.framesIn++;
    if (options.hasTap) return ways.toMachine(frame);
    const reply = echoReply6(frame);
    return reply === undefined ? 'not-echo' : ways.answerEcho(peerId, reply, now);
  }

  private answerNeighbour(frame: Uint8Array): OutboundDrop | undefined {
    const { options, ways, services, own, prefix } = this.parts;
    const question = neighbourQuestion(frame, own);
    if (question === undefined || hasAddress6(question.target, 0, own)) return 'neighbour';
    if (!hasAddress6(question.target, 0, prefix)) return 'neighbour';
    const isService = services.isFor6(question.target, 0);
    const owner = isService ? undefined : this.memberAt(question.target, 0);
    if (owner === undefined && !isService) return 'no-owner';
    ways.stats.neighbourAnswers++;
    const macs = { from: owner === undefined ? SERVICE_MAC : macOf(owner), to: macOf(options.self) };
    ways.answer(neighbourReply(question, macs));
    return undefined;
  }

  /** Whose the IPv6 address at `at` is, as far as members are known. */
  private memberAt(bytes: Uint8Array, at: number): PeerId | undefined {
    const { options, prefix } = this.parts;
    return options.members.memberWith(bytes.subarray(at + prefix.length, at + ADDRESS_BYTES));
  }
}

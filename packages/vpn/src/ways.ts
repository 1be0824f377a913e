/**
 * Where a frame goes once it is judged: to members, to our own machine, or back to it with an answer. Counts what goes,
 * and checks rules and rates that hold for both families. Not here: whose a frame is.
 */
import { Bucket, Buckets, type Instant, Outbox } from '@warren/base';
import { EthernetOffset, isGroupFrame, type PeerId, peerKey } from '@warren/wire';
import {
  ECHOES_PER_SECOND,
  GROUP_FRAMES_BURST,
  GROUP_FRAMES_PER_SECOND,
  LISTENERS_MAX,
  RATED_PEERS_MAX,
} from './constants.ts';
import { clampFrame, noRoute, tooBig } from './fitting.ts';
import { putMac } from './mac.ts';
import type { ServiceAnswer, Services } from './service.ts';
import { emptyStats, type InboundDrop, type OutboundDrop, type VpnStats } from './stats.ts';
import type { VpnOptions, VpnOutput } from './vpn-options.ts';

const GROUP_RATE = { burst: GROUP_FRAMES_BURST, perSecond: GROUP_FRAMES_PER_SECOND };

/** The ways out of one member's end of the network. */
export class Ways {
  readonly stats: VpnStats = emptyStats();
  readonly outbox: Outbox<VpnOutput> = new Outbox();
  private readonly options: Pick<VpnOptions, 'self' | 'members'>;
  private readonly services: Services;
  private readonly echoRate = new Buckets({ burst: ECHOES_PER_SECOND, perSecond: ECHOES_PER_SECOND }, RATED_PEERS_MAX);
  private readonly groupsOut = new Bucket(GROUP_RATE);
  private readonly groupsIn = new Buckets(GROUP_RATE, RATED_PEERS_MAX);

  constructor(options: Pick<VpnOptions, 'self' | 'members'>, services: Services) {
    this.options = options;
    this.services = services;
  }

  /** Sends a frame of our machine to a member, under both MAC addresses. */
  toMember(peerId: PeerId | undefined, frame: Uint8Array): OutboundDrop | undefined {
    if (peerId === undefined) return 'no-owner';
    if (!this.options.members.allows(peerId)) return 'refused';
    clampFrame(frame);
    this.send(peerId, frame);
    return undefined;
  }

  /** A copy to each who asked: their number is bounded, and so is the rate. */
  toListeners(frame: Uint8Array, now: Instant): OutboundDrop | undefined {
    const { members, self } = this.options;
    const listeners = members.listeners().filter(peerId => members.allows(peerId));
    if (listeners.length === 0) return 'group';
    if (!this.groupsOut.take(now)) return 'group-rate';
    for (const to of listeners.slice(0, LISTENERS_MAX)) {
      const copy = frame.slice();
      putMac(copy, EthernetOffset.source, self);
      this.stats.framesOut++;
      this.outbox.push({ kind: 'frame', to, frame: copy });
    }
    return undefined;
  }

  /** Sends what we made ourselves, or what passed all checks. */
  send(to: PeerId, frame: Uint8Array): void {
    putMac(frame, EthernetOffset.destination, to);
    putMac(frame, EthernetOffset.source, this.options.self);
    this.stats.framesOut++;
    this.outbox.push({ kind: 'frame', to, frame });
  }

  /** Gives a member's frame to our machine. */
  toMachine(frame: Uint8Array): undefined {
    if (!isGroupFrame(frame)) putMac(frame, EthernetOffset.destination, this.options.self);
    clampFrame(frame);
    this.answer(frame);
  }

  /** Gives a frame of our own making to our machine. */
  answer(frame: Uint8Array): void {
    this.outbox.push({ kind: 'tap', frame });
  }

  /** Gives the answer of a service to our machine, or its question to whoever knows names. */
  serve(answer: ServiceAnswer): OutboundDrop | undefined {
    if (answer.kind === 'drop') return answer.reason;
    this.stats.serviceAnswers[answer.kind === 'dns' ? 'dns' : answer.counts]++;
    if (answer.kind === 'dns') this.outbox.push(answer);
    else this.answer(answer.frame);
    return undefined;
  }

  /** Tells our machine that a frame is too large. */
  refuseSize(frame: Uint8Array): OutboundDrop {
    const answer = tooBig(frame, this.options.self, this.services);
    if (answer !== undefined) {
      this.stats.tooBigs++;
      this.answer(answer);
    }
    return 'too-large';
  }

  /** Tells our machine that nothing leads to a frame's destination. */
  refuseRoute(frame: Uint8Array): void {
    const answer = noRoute(frame, this.options.self, this.services);
    if (answer !== undefined) this.answer(answer);
  }

  /** Whether a peer may send one more frame to all. */
  takesGroup(peerId: PeerId, now: Instant): boolean {
    return this.groupsIn.take(peerKey(peerId), now);
  }

  /** Answers an echo request of a peer for want of a device. */
  answerEcho(peerId: PeerId, reply: Uint8Array, now: Instant): InboundDrop | undefined {
    if (!this.echoRate.take(peerKey(peerId), now)) return 'echo-rate';
    this.stats.echoAnswers++;
    this.send(peerId, reply);
    return undefined;
  }

  countOutbound(drop: OutboundDrop | undefined): void {
    if (drop !== undefined) this.stats.outboundDrops[drop]++;
  }

  countInbound(drop: InboundDrop | undefined): void {
    if (drop !== undefined) this.stats.inboundDrops[drop]++;
  }
}

/**
 * Where datagrams go: to the next hop, to ourselves, or back along the way of
 * a request; and our own requests with their tries. Not here: who should be
 * linked to whom (`upkeep.ts`). Source: overlay.md "Peer ids and the ring";
 * decisions.md "Trust between strangers".
 */
import { type Instant, type Random, sameBytes, uint32 } from '@warren/base';
import {
  encodeOverlayDatagram,
  HOPS_MAX,
  type OverlayDatagram,
  OverlayFlag,
  OverlayMode,
  type OverlayType,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { answerTo, exactly, request } from './messages.ts';
import { PendingRequests, WayBack } from './requests.ts';
import type { Table } from './table.ts';

/** Datagrams by what became of them. */
export interface OverlayStats {
  forwarded: number;
  delivered: number;
  malformed: number;
  outOfHops: number;
  noRoute: number;
  forgedSource: number;
}

/** What forwarding asks of the machine around it. */
export interface ForwardingOptions {
  readonly self: PeerId;
  readonly random: Random;
  readonly table: Table;
  readonly stats: OverlayStats;
  readonly send: (to: PeerKey, bytes: Uint8Array) => void;
  /** For us; `from` is the neighbour that handed it over, `undefined` for what we sent to ourselves. */
  readonly deliver: (datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant) => void;
  /** The answer to a request of ours; `undefined` when there is none. */
  readonly answered: (tag: number, answer: OverlayDatagram | undefined, now: Instant) => void;
}

/** What one request asks. */
export interface Question {
  readonly type: OverlayType;
  readonly target: PeerId;
  /** Bits of `OverlayFlag`. */
  readonly flags: number;
  readonly payload: Uint8Array;
  /** Whether we may answer it ourselves when nobody is nearer. */
  readonly maySelf: boolean;
}

/** The forwarding of one overlay. */
export class Forwarding {
  private readonly options: ForwardingOptions;
  private readonly selfKey: PeerKey;
  private readonly wayBack = new WayBack();
  private readonly requests = new PendingRequests();

  constructor(options: ForwardingOptions) {
    this.options = options;
    this.selfKey = peerKey(options.self);
  }

  /** Takes a datagram of a neighbour that is not for one hop only. */
  receive(datagram: OverlayDatagram, source: PeerKey, from: PeerKey, now: Instant): void {
    if (this.isForged(datagram, source, from)) this.options.stats.forgedSource++;
    else this.route(datagram, from, now);
  }

  /** Sends one datagram that expects no answer. False when nobody is closer. */
  send(type: OverlayType, target: PeerId, payload: Uint8Array): boolean {
    const hop = this.options.table.nextHop(target);
    if (hop === undefined) {
      this.options.stats.noRoute++;
      return false;
    }
    this.sendOn(hop, exactly(type, this.options.self, target, payload));
    return true;
  }

  /** Asks whoever is nearest to a target. */
  ask(question: Question, tag: number, now: Instant): void {
    const { type, target, flags, payload, maySelf } = question;
    const { self, random, table } = this.options;
    const requestId = (uint32(random) | 1) >>> 0;
    const datagram = request(type, self, target, { flags, requestId, payload });
    const notTarget = (flags & OverlayFlag.NOT_TARGET) !== 0;
    const send = (avoid: ReadonlySet<PeerKey>) => {
      const hop = table.nextHop(target, { avoid, notTarget });
      if (hop !== undefined) this.sendOn(hop, datagram);
      else if (avoid.size === 0 && maySelf) this.deliver(datagram, undefined, now);
      return hop;
    };
    if (!this.requests.add(requestId, tag, send, now)) this.options.answered(tag, undefined, now);
  }

  /** Answers a delivered request along the way it came. */
  answer(
    asked: OverlayDatagram,
    from: PeerKey | undefined,
    type: OverlayType,
    payload: Uint8Array,
    now: Instant,
  ): void {
    const answer = answerTo(asked, type, this.options.self, payload);
    if (from === undefined) this.route(answer, undefined, now);
    else this.sendOn(from, answer);
  }

  /** Hands a datagram to a neighbour as it is. */
  sendOn(to: PeerKey, datagram: OverlayDatagram): void {
    this.options.send(to, encodeOverlayDatagram(datagram));
  }

  get wakeAt(): Instant | undefined {
    return this.requests.wakeAt;
  }

  tick(now: Instant): void {
    for (const tag of this.requests.tick(now)) this.options.answered(tag, undefined, now);
  }

  /** A source is believed for one hop: nobody else is us, and what has made no hop yet is from the neighbour itself. */
  private isForged({ mode, hopsLeft }: OverlayDatagram, source: PeerKey, from: PeerKey): boolean {
    return (source === this.selfKey && mode !== OverlayMode.ANSWER) || (hopsLeft === HOPS_MAX && source !== from);
  }

  private route(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    if (datagram.mode === OverlayMode.ANSWER) this.routeAnswer(datagram, from, now);
    else if (datagram.mode === OverlayMode.EXACT && sameBytes(datagram.target, this.options.self))
      this.deliver(datagram, from, now);
    else {
      const notTarget = (datagram.flags & OverlayFlag.NOT_TARGET) !== 0;
      const o = from === undefined ? { notTarget } : { from, notTarget };
      const hop = this.options.table.nextHop(datagram.target, o);
      if (hop !== undefined) this.forward(datagram, from, hop, now);
      else if (datagram.mode === OverlayMode.NEAREST) this.deliver(datagram, from, now);
      else this.options.stats.noRoute++;
    }
  }

  private routeAnswer(answer: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    if (sameBytes(answer.target, this.options.self)) {
      const asked = this.requests.take(answer.requestId, from);
      if (asked !== undefined) this.options.answered(asked.tag, answer, now);
      return;
    }
    const back = this.wayBack.towards(peerKey(answer.target), answer.requestId, now);
    if (back === undefined || back === from || !this.options.table.neighbours.has(back)) this.options.stats.noRoute++;
    else this.forward(answer, from, back, now);
  }

  private forward(datagram: OverlayDatagram, from: PeerKey | undefined, hop: PeerKey, now: Instant): void {
    if (datagram.hopsLeft <= 1) {
      this.options.stats.outOfHops++;
      return;
    }
    if (datagram.requestId !== 0 && datagram.mode !== OverlayMode.ANSWER && from !== undefined) {
      this.wayBack.remember(peerKey(datagram.source), datagram.requestId, from, now);
    }
    if (from !== undefined) this.options.stats.forwarded++;
    this.sendOn(hop, { ...datagram, hopsLeft: datagram.hopsLeft - 1 });
  }

  private deliver(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    this.options.stats.delivered++;
    this.options.deliver(datagram, from, now);
  }
}

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
  OverlayType,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { answerTo, exactly, request } from './messages.ts';
import { type PendingRequest, PendingRequests, Trails, WayBack } from './requests.ts';
import type { Table } from './table.ts';

/** Datagrams by what became of them. */
export interface OverlayStats {
  forwarded: number;
  delivered: number;
  malformed: number;
  outOfHops: number;
  noRoute: number;
  forgedSource: number;
  /** Requests that came by again and again. */
  circled: number;
}

/** Beside whoever is nearest, so many on each side get a copy of what is for a region. */
const COPIES_PER_SIDE = 1;
/** Who gets a copy has no more peers than this between itself and the target, as far as it knows: others may have come just now. */
const REGION_RANK_MAX = 4;
/** Where in a datagram the hops left are (`wire`). */
const HOPS_AT = 2;

/** One of our own requests, as its asker sees it. */
export type Asked = Pick<PendingRequest, 'tag' | 'target' | 'answers' | 'answerers' | 'mode'>;

/** What forwarding asks of the machine around it. */
export interface ForwardingOptions {
  readonly self: PeerId;
  readonly random: Random;
  readonly table: Table;
  readonly stats: OverlayStats;
  readonly send: (to: PeerKey, bytes: Uint8Array) => void;
  /** For us; `from` is the neighbour that handed it over, `undefined` for what we sent to ourselves. */
  readonly deliver: (datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant) => void;
  /** An answer to a request of ours. */
  readonly answered: (asked: Asked, answer: OverlayDatagram, now: Instant) => void;
  /** No more answers will come, and not all that were wanted did. */
  readonly over: (asked: Asked, now: Instant) => void;
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
  /** `NEAREST` by default. */
  readonly mode?: OverlayMode;
  /** 1 by default. */
  readonly answers?: number;
  /** Chooses first hops in place of greed: for asking in a part of the ring that is not ours. */
  readonly firstHop?: (avoid: ReadonlySet<PeerKey>) => PeerKey | undefined;
}

/** The forwarding of one overlay. */
export class Forwarding {
  private readonly options: ForwardingOptions;
  private readonly wayBack = new WayBack();
  private readonly trails = new Trails();
  private readonly requests: PendingRequests;
  /** The latest time that we were told. */
  private latest: Instant = Number.NEGATIVE_INFINITY;

  constructor(options: ForwardingOptions) {
    this.options = options;
    this.requests = new PendingRequests((hop, isAnswered) => options.table.judge(hop, isAnswered));
  }

  /** Takes a datagram of a neighbour that is not for one hop only, `bytes` being the same. */
  receive(datagram: OverlayDatagram, bytes: Uint8Array, from: PeerKey, now: Instant): void {
    this.latest = now;
    if (this.isForged(datagram, from)) this.options.stats.forgedSource++;
    else this.route(datagram, bytes, from, now);
  }

  /** Sends one datagram that expects no answer. False when nobody is closer. */
  send(type: OverlayType, target: PeerId, payload: Uint8Array): boolean {
    const hop = this.trail(type, target) ?? this.options.table.nextHop(target);
    if (hop === undefined) {
      this.options.stats.noRoute++;
      return false;
    }
    this.sendOn(hop, exactly(type, this.options.self, target, payload));
    return true;
  }

  /** Asks whoever is nearest to a target, or there, or around it. */
  ask(question: Question, tag: number, now: Instant): void {
    const { type, target, flags, payload, mode = OverlayMode.NEAREST, answers = 1 } = question;
    const requestId = (uint32(this.options.random) | 1) >>> 0;
    const datagram = request(type, this.options.self, target, { mode, flags, requestId, payload });
    const send = (avoid: ReadonlySet<PeerKey>) => this.sendFirst(datagram, question, avoid, now);
    const asked = { tag, target, mode, answers, isSure: mode !== OverlayMode.EXACT, send };
    if (!this.requests.add(requestId, asked, now)) this.options.over({ ...asked, answerers: [] }, now);
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
    if (from === undefined) this.routeAnswer(answer, undefined, undefined, now);
    else if (this.options.table.neighbours.has(from)) this.sendOn(from, answer);
    else this.options.stats.noRoute++;
  }

  /** Hands a datagram to a neighbour as it is. */
  sendOn(to: PeerKey, datagram: OverlayDatagram): void {
    this.options.send(to, encodeOverlayDatagram(datagram));
  }

  get wakeAt(): Instant | undefined {
    return this.requests.wakeAt;
  }

  tick(now: Instant): void {
    this.latest = now;
    for (const asked of this.requests.tick(now)) this.options.over(asked, now);
  }

  /** Forgets our own requests. */
  stop(): void {
    this.requests.clear();
  }

  /** A source is believed for one hop: nobody else is us, and what has made no hop yet is from the neighbour itself. */
  private isForged({ mode, hopsLeft, source }: OverlayDatagram, from: PeerKey): boolean {
    if (mode !== OverlayMode.ANSWER && sameBytes(source, this.options.self)) return true;
    return hopsLeft === HOPS_MAX && peerKey(source) !== from;
  }

  /** The first hop of a request of ours; `undefined` when it stays here or goes nowhere. */
  private sendFirst(datagram: OverlayDatagram, question: Question, avoid: ReadonlySet<PeerKey>, now: Instant) {
    const { table } = this.options;
    const { firstHop, target, flags, maySelf } = question;
    const notTarget = (flags & OverlayFlag.NOT_TARGET) !== 0;
    const hop = firstHop?.(avoid) ?? table.nextHop(target, { avoid, notTarget });
    if (hop !== undefined) this.sendOn(hop, datagram);
    else if (avoid.size === 0 && maySelf && datagram.mode !== OverlayMode.EXACT) this.arrived(datagram, undefined, now);
    return hop;
  }

  private route(datagram: OverlayDatagram, bytes: Uint8Array, from: PeerKey, now: Instant): void {
    const { type, mode, flags, target } = datagram;
    if (type === OverlayType.CARRIED) this.noteTrail(datagram.source, from, now);
    if (mode === OverlayMode.ANSWER) this.routeAnswer(datagram, bytes, from, now);
    else if (mode === OverlayMode.EXACT && sameBytes(target, this.options.self)) this.deliver(datagram, from, now);
    else if (mode === OverlayMode.REGION && (flags & OverlayFlag.COPY) !== 0) this.copied(datagram, from, now);
    else this.routeOn(datagram, bytes, from, now);
  }

  private routeOn(datagram: OverlayDatagram, bytes: Uint8Array, from: PeerKey, now: Instant): void {
    const { type, flags, mode, target } = datagram;
    const notTarget = (flags & OverlayFlag.NOT_TARGET) !== 0;
    const back = mode === OverlayMode.EXACT ? this.trail(type, target) : undefined;
    const hop = back !== undefined && back !== from ? back : this.options.table.nextHop(target, { from, notTarget });
    if (hop !== undefined) this.forward(datagram, bytes, from, hop, now);
    else if (mode === OverlayMode.EXACT) this.options.stats.noRoute++;
    else this.arrived(datagram, from, now);
  }

  private noteTrail(source: PeerId, from: PeerKey, now: Instant): void {
    if (!this.options.table.isKnown(source)) this.trails.note(peerKey(source), from, now);
  }

  /** The way of a call to somebody who called through us and whom nobody else leads to. */
  private trail(type: OverlayType, target: PeerId): PeerKey | undefined {
    const { table } = this.options;
    if (type !== OverlayType.CARRIED || table.isKnown(target)) return undefined;
    const back = this.trails.towards(target, this.latest);
    return back !== undefined && table.neighbours.has(back) ? back : undefined;
  }

  private routeAnswer(answer: OverlayDatagram, bytes: Uint8Array | undefined, from: PeerKey | undefined, now: Instant) {
    const { self, table, stats } = this.options;
    if (sameBytes(answer.target, self)) {
      const asked = this.requests.take(answer.requestId, from, answer.source, now);
      if (asked !== undefined) this.options.answered(asked, answer, now);
      return;
    }
    const back = this.wayBack.towards(answer.target, answer.requestId, now);
    if (back === undefined || back === from || !table.neighbours.has(back)) stats.noRoute++;
    else this.pass(answer, bytes ?? encodeOverlayDatagram(answer), back);
  }

  private forward(datagram: OverlayDatagram, bytes: Uint8Array, from: PeerKey, hop: PeerKey, now: Instant): void {
    const { source, requestId } = datagram;
    if (requestId !== 0 && datagram.hopsLeft > 1 && !this.wayBack.remember(source, requestId, from, now)) {
      this.options.stats.circled++;
      return;
    }
    this.pass(datagram, bytes, hop);
  }

  /** Hands on what a neighbour sent, with one hop less. */
  private pass({ hopsLeft }: OverlayDatagram, bytes: Uint8Array, to: PeerKey): void {
    if (hopsLeft <= 1) {
      this.options.stats.outOfHops++;
      return;
    }
    this.options.stats.forwarded++;
    const copy = bytes.slice();
    copy[HOPS_AT] = hopsLeft - 1;
    this.options.send(to, copy);
  }

  /** Nobody is nearer: it is ours, and if it is for a region, theirs too who sit beside us. */
  private arrived(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    if (datagram.mode === OverlayMode.REGION) this.copy(datagram, from, now);
    this.deliver(datagram, from, now);
  }

  private copy(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    const { source, requestId, flags, hopsLeft } = datagram;
    if (hopsLeft <= 1 || (from !== undefined && !this.wayBack.remember(source, requestId, from, now))) return;
    const copy = { ...datagram, flags: flags | OverlayFlag.COPY, hopsLeft: hopsLeft - 1 };
    for (const key of this.options.table.beside(COPIES_PER_SIDE, source)) {
      if (from === undefined) this.requests.alsoFrom(requestId, key);
      this.sendOn(key, copy);
    }
  }

  /** A copy counts from a near neighbour, and for places that we are among the nearest to. */
  private copied(datagram: OverlayDatagram, from: PeerKey, now: Instant): void {
    const { table, stats } = this.options;
    if (table.near().has(from) && table.isAmongNearest(datagram.target, REGION_RANK_MAX))
      this.deliver(datagram, from, now);
    else stats.noRoute++;
  }

  private deliver(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    this.options.stats.delivered++;
    this.options.deliver(datagram, from, now);
  }
}

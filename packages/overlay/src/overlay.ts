/**
 * One ring: joins, keeps near and far links, forwards. Sans-IO; links are made
 * by `link`, records kept by `dht`: both meet here only as outputs and inputs.
 * Source: overlay.md "Peer ids and the ring"; P1 II-A; P2 3-4.
 *
 * Join: the first link carries a FIND for the own id; whoever is nearest
 * answers with its neighbours; links to the true neighbours follow. Stabilise:
 * each peer tells its links which ids it is linked to, on change and every 15 s,
 * and looks for its own place again.
 */
import { earliest, type Instant, jitter, Outbox, type Random, sameBytes, TimerTable, uint32 } from '@warren/base';
import {
  decodeOverlayDatagram,
  decodePeerIds,
  encodeOverlayDatagram,
  encodePeerIds,
  HOPS_MAX,
  type OverlayDatagram,
  OverlayFlag,
  OverlayMode,
  OverlayType,
  PEER_IDS_MAX,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { Dials } from './dials.ts';
import { answerTo, exactly, neighbourList, request } from './messages.ts';
import { PendingRequests, WayBack } from './requests.ts';
import { drawFarPoint, estimatePeers, farLinkCount, NEAR_PER_SIDE, predecessors, successors } from './ring.ts';
import { Table } from './table.ts';

/** Neighbour lists are exchanged on change and so often, +-20 %. */
const STABILISE_MS = 15_000;
/** Changes within this time are told together. */
const TELL_SOON_MS = 100;
/** And once more so long after the last change: a datagram may be lost. */
const TELL_AGAIN_MS = 1500;
/** Between draws of far points. */
const FAR_EVERY_MS = 10_000;

export type LinkRole = 'near' | 'far' | 'leaf' | 'on-demand';

export type OverlayOutput =
  /** To a neighbour, inside its session. */
  | { readonly kind: 'send'; readonly to: PeerKey; readonly bytes: Uint8Array }
  /** For us: a datagram of another family. `from` is the neighbour that handed it over. */
  | { readonly kind: 'deliver'; readonly datagram: OverlayDatagram; readonly from: PeerKey | undefined }
  /** A link to this peer is wanted. */
  | { readonly kind: 'connect'; readonly to: PeerKey }
  /** More links than the budget: this one is of least use. */
  | { readonly kind: 'disconnect'; readonly to: PeerKey }
  | { readonly kind: 'answer'; readonly tag: number; readonly source: PeerId; readonly payload: Uint8Array }
  | { readonly kind: 'no-answer'; readonly tag: number }
  /** The peers right beside us have changed: holders may have to hand records over. */
  | { readonly kind: 'neighbourhood' };

export interface OverlayOptions {
  readonly self: PeerId;
  readonly random: Random;
  /** Links to keep at most, beyond those that either end needs as near ones: 24 in a tab, 256 in Node (overlay.md). */
  readonly linkBudget: number;
}

type Timer = 'tell' | 'tell-again' | 'stabilise' | 'far';

/** Datagrams by what became of them. */
export interface OverlayStats {
  forwarded: number;
  delivered: number;
  malformed: number;
  outOfHops: number;
  noRoute: number;
  forgedSource: number;
}

/** The overlay machine of one network. */
export class Overlay {
  readonly stats: OverlayStats = {
    forwarded: 0,
    delivered: 0,
    malformed: 0,
    outOfHops: 0,
    noRoute: 0,
    forgedSource: 0,
  };
  private readonly options: OverlayOptions;
  private readonly outbox = new Outbox<OverlayOutput>();
  private readonly table: Table;
  private readonly selfKey: PeerKey;
  private readonly wayBack = new WayBack();
  private readonly requests = new PendingRequests();
  private readonly timers = new TimerTable<Timer>();
  private readonly dials: Dials;
  private readonly finds = new Map<number, 'join' | 'far'>();
  private readonly far = new Set<PeerKey>();
  private nextTag = -1;
  private lastNear = '';

  constructor(options: OverlayOptions) {
    this.options = options;
    this.table = new Table(options.self);
    this.selfKey = peerKey(options.self);
    this.dials = new Dials(options.random);
  }

  poll(): OverlayOutput | undefined {
    return this.outbox.poll();
  }

  linkUp(key: PeerKey, now: Instant): void {
    this.dials.reached(key);
    if (key === this.selfKey || !this.table.add(key)) return;
    if (this.table.neighbours.size === 1) this.find('join', this.options.self, now);
    if (this.timers.at('stabilise') === undefined) this.timers.set('stabilise', now + STABILISE_MS);
    if (this.timers.at('far') === undefined) this.timers.set('far', now + FAR_EVERY_MS / 5);
    this.changed(now);
    this.trim();
  }

  linkDown(key: PeerKey, now: Instant): void {
    this.far.delete(key);
    if (!this.table.remove(key)) return;
    this.dials.failed(key, now);
    this.changed(now);
  }

  /** A wanted link did not come about. */
  unreachable(key: PeerKey, now: Instant): void {
    this.far.delete(key);
    this.table.forget(key);
    this.dials.failed(key, now);
    this.seek(now);
  }

  /** Takes what a neighbour sent. */
  receive(from: PeerKey, bytes: Uint8Array, now: Instant): void {
    const datagram = decodeOverlayDatagram(bytes);
    if (datagram === undefined) {
      this.stats.malformed++;
      return;
    }
    const source = peerKey(datagram.source);
    if (datagram.type === OverlayType.NEIGHBOURS) this.neighbours(from, source, datagram, now);
    else if (this.isForged(datagram, source, from)) this.stats.forgedSource++;
    else this.route(datagram, from, now);
  }

  /** A source is believed for one hop: nobody else is us, and what has made no hop yet is from the neighbour itself. */
  private isForged({ mode, hopsLeft }: OverlayDatagram, source: PeerKey, from: PeerKey): boolean {
    return (source === this.selfKey && mode !== OverlayMode.ANSWER) || (hopsLeft === HOPS_MAX && source !== from);
  }

  /** Sends one datagram that expects no answer. False when nobody is closer. */
  send(type: OverlayType, target: PeerId, payload: Uint8Array): boolean {
    const hop = this.table.nextHop(target);
    if (hop === undefined) {
      this.stats.noRoute++;
      return false;
    }
    this.sendOn(hop, exactly(type, this.options.self, target, payload));
    return true;
  }

  /** Asks whoever is nearest to `target`; the answer, or its lack, comes back under `tag` (at least 0). */
  request(type: OverlayType, target: PeerId, payload: Uint8Array, tag: number, now: Instant): void {
    this.ask(type, target, 0, payload, tag, now);
  }

  /** Answers a delivered request along the way it came. */
  answer(
    request: OverlayDatagram,
    from: PeerKey | undefined,
    type: OverlayType,
    payload: Uint8Array,
    now: Instant,
  ): void {
    const answer = answerTo(request, type, this.options.self, payload);
    if (from === undefined) this.route(answer, undefined, now);
    else this.sendOn(from, answer);
  }

  /** Why we keep a link. */
  rolesOf(key: PeerKey): LinkRole[] {
    const roles: LinkRole[] = [];
    if (this.table.near().has(key)) roles.push('near');
    if (this.far.has(key)) roles.push('far');
    return roles.length === 0 ? ['leaf'] : roles;
  }

  /** Whether nobody we know of is nearer to `position` than we are. */
  isNearest(position: PeerId): boolean {
    return this.table.nextHop(position) === undefined;
  }

  /** Whether a peer can be reached in one hop. */
  isNeighbour(key: PeerKey): boolean {
    return this.table.neighbours.has(key);
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.timers.next, this.requests.wakeAt, this.dials.wakeAt);
  }

  tick(now: Instant): void {
    for (const tag of this.requests.tick(now)) {
      if (!this.finds.delete(tag)) this.outbox.push({ kind: 'no-answer', tag });
    }
    for (const timer of this.timers.due(now)) this.due(timer, now);
    this.table.expire(now);
    if (this.dials.tick(now)) this.seek(now);
  }

  private due(timer: Timer, now: Instant): void {
    switch (timer) {
      case 'tell':
      case 'tell-again':
        this.tell();
        return;
      case 'stabilise':
        this.tell();
        if (this.table.neighbours.size > 0) this.find('join', this.options.self, now);
        this.seek(now);
        this.trim();
        this.timers.set('stabilise', now + jitter(this.options.random, STABILISE_MS, 0.2));
        return;
      case 'far':
        this.drawFar(now);
        this.timers.set('far', now + jitter(this.options.random, FAR_EVERY_MS, 0.2));
        return;
    }
  }

  private route(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    if (datagram.mode === OverlayMode.ANSWER) this.routeAnswer(datagram, from, now);
    else if (datagram.mode === OverlayMode.EXACT && sameBytes(datagram.target, this.options.self))
      this.deliver(datagram, from, now);
    else {
      const notTarget = (datagram.flags & OverlayFlag.NOT_TARGET) !== 0;
      const hop = this.table.nextHop(datagram.target, { ...(from === undefined ? {} : { from }), notTarget });
      if (hop !== undefined) this.forward(datagram, from, hop, now);
      else if (datagram.mode === OverlayMode.NEAREST) this.deliver(datagram, from, now);
      else this.stats.noRoute++;
    }
  }

  private routeAnswer(answer: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    if (sameBytes(answer.target, this.options.self)) {
      this.ownAnswer(answer, from, now);
      return;
    }
    const back = this.wayBack.towards(peerKey(answer.target), answer.requestId, now);
    if (back === undefined || back === from || !this.isNeighbour(back)) this.stats.noRoute++;
    else this.forward(answer, from, back, now);
  }

  private forward(datagram: OverlayDatagram, from: PeerKey | undefined, hop: PeerKey, now: Instant): void {
    if (datagram.hopsLeft <= 1) {
      this.stats.outOfHops++;
      return;
    }
    if (datagram.requestId !== 0 && datagram.mode !== OverlayMode.ANSWER && from !== undefined) {
      this.wayBack.remember(peerKey(datagram.source), datagram.requestId, from, now);
    }
    if (from !== undefined) this.stats.forwarded++;
    this.sendOn(hop, { ...datagram, hopsLeft: datagram.hopsLeft - 1 });
  }

  private sendOn(to: PeerKey, datagram: OverlayDatagram): void {
    this.outbox.push({ kind: 'send', to, bytes: encodeOverlayDatagram(datagram) });
  }

  private deliver(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    this.stats.delivered++;
    if (datagram.type === OverlayType.FIND) this.answerFind(datagram, from, now);
    else this.outbox.push({ kind: 'deliver', datagram, from });
  }

  private answerFind(find: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    const ids = [this.options.self, ...this.table.near().values()].filter(id => !sameBytes(id, find.source));
    this.answer(find, from, OverlayType.FOUND, encodePeerIds(ids), now);
  }

  private ask(type: OverlayType, target: PeerId, flags: number, payload: Uint8Array, tag: number, now: Instant): void {
    const requestId = (uint32(this.options.random) | 1) >>> 0;
    const datagram = request(type, this.options.self, target, { flags, requestId, payload });
    const notTarget = (flags & OverlayFlag.NOT_TARGET) !== 0;
    const send = (avoid: ReadonlySet<PeerKey>) => {
      const hop = this.table.nextHop(target, { avoid, notTarget });
      if (hop !== undefined) this.sendOn(hop, datagram);
      else if (avoid.size === 0 && type !== OverlayType.FIND) this.deliver(datagram, undefined, now);
      return hop;
    };
    if (this.requests.add(requestId, tag, send, now)) return;
    if (!this.finds.delete(tag)) this.outbox.push({ kind: 'no-answer', tag });
  }

  private find(purpose: 'join' | 'far', target: PeerId, now: Instant): void {
    const tag = this.nextTag--;
    this.finds.set(tag, purpose);
    const flags = purpose === 'join' ? OverlayFlag.NOT_TARGET : 0;
    this.ask(OverlayType.FIND, target, flags, new Uint8Array(0), tag, now);
  }

  private ownAnswer(answer: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    const request = this.requests.take(answer.requestId, from);
    if (request === undefined) return;
    const purpose = this.finds.get(request.tag);
    this.finds.delete(request.tag);
    if (purpose === undefined) {
      this.outbox.push({ kind: 'answer', tag: request.tag, source: answer.source, payload: answer.payload });
      return;
    }
    const ids = answer.type === OverlayType.FOUND ? decodePeerIds(answer.payload) : undefined;
    if (ids === undefined) this.stats.malformed++;
    else this.learn(ids, purpose, now);
  }

  private neighbours(from: PeerKey, source: PeerKey, datagram: OverlayDatagram, now: Instant): void {
    const ids = decodePeerIds(datagram.payload);
    const neighbour = this.table.neighbours.get(from);
    if (ids === undefined || source !== from) this.stats.malformed++;
    else if (neighbour !== undefined && this.table.learn(neighbour, ids)) this.seek(now);
  }

  private learn(ids: readonly PeerId[], purpose: 'join' | 'far', now: Instant): void {
    this.table.find(ids, now);
    const first = ids[0];
    const key = first === undefined ? this.selfKey : peerKey(first);
    const isFar = purpose === 'far' && key !== this.selfKey && !this.table.near().has(key);
    if (isFar && this.farWanted() && this.connect(key, now)) this.far.add(key);
    this.seek(now);
  }

  /** Wants links to the true neighbours among all ids known, unless they failed lately. */
  private seek(now: Instant): void {
    const reachable = [...this.table.allIds()].filter(
      ([key]) => this.table.neighbours.has(key) || !this.dials.isBackedOff(key, now),
    );
    const ids = reachable.map(([, id]) => id);
    const wanted = [...successors(this.options.self, ids), ...predecessors(this.options.self, ids)];
    for (const id of wanted) this.connect(peerKey(id), now);
    this.noteNeighbourhood();
  }

  /** Asks for a link unless it exists, is under way or failed lately; true when it exists or is asked for. */
  private connect(key: PeerKey, now: Instant): boolean {
    if (this.table.neighbours.has(key)) return true;
    if (!this.dials.begin(key, now)) return false;
    this.outbox.push({ kind: 'connect', to: key });
    return true;
  }

  /** Beyond the budget, lets go of links that neither end needs as near ones: those without a role first, newest first. */
  private trim(): void {
    const spare = this.table.spare().reverse();
    const byUse = [...spare.filter(({ key }) => !this.far.has(key)), ...spare.filter(({ key }) => this.far.has(key))];
    for (const { key } of byUse.slice(0, Math.max(0, this.table.neighbours.size - this.options.linkBudget))) {
      this.far.delete(key);
      this.table.remove(key);
      this.outbox.push({ kind: 'disconnect', to: key });
    }
  }

  private changed(now: Instant): void {
    if (this.timers.at('tell') === undefined) this.timers.set('tell', now + TELL_SOON_MS);
    this.timers.set('tell-again', now + TELL_AGAIN_MS);
    this.seek(now);
  }

  /** Tells all links whom we are linked to, near ones first. */
  private tell(): void {
    const near = this.table.near();
    const rest = [...this.table.neighbours.values()].filter(({ key }) => !near.has(key)).map(({ id }) => id);
    const ids = [...near.values(), ...rest].slice(0, PEER_IDS_MAX);
    for (const { id: to, key } of this.table.neighbours.values()) {
      const others = ids.filter(id => !sameBytes(id, to));
      this.sendOn(key, neighbourList(this.options.self, to, others));
    }
  }

  private noteNeighbourhood(): void {
    const near = [...this.table.near().keys()].sort().join();
    if (near === this.lastNear) return;
    this.lastNear = near;
    this.outbox.push({ kind: 'neighbourhood' });
  }

  private get estimatedPeers(): number {
    return estimatePeers(this.options.self, [...this.table.allIds().values()]);
  }

  private farWanted(): boolean {
    return this.table.neighbours.size < this.options.linkBudget && this.far.size < farLinkCount(this.estimatedPeers);
  }

  /** Draws a point harmonically and asks who sits there. */
  private drawFar(now: Instant): void {
    if (!this.farWanted() || this.estimatedPeers <= 2 * NEAR_PER_SIDE + 1) return;
    this.find('far', drawFarPoint(this.options.self, this.estimatedPeers, this.options.random), now);
  }
}

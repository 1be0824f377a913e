/**
 * One ring: joins, keeps near and far links, forwards. Sans-IO; links are made
 * by `link`, records kept by `dht`: both meet here only as outputs and inputs.
 * Source: overlay.md "Peer ids and the ring"; P1 II-A; P2 3-4.
 *
 * Join: the first link carries a FIND for the own id; whoever is nearest
 * answers with its neighbours; links to the true neighbours follow. Stabilise:
 * each peer tells its links which ids it is linked to, on change and every 15 s.
 */
import { type Instant, Outbox, type Random, TimerTable, earliest, jitter, sameBytes, uint32 } from '@warren/base';
import {
  HOPS_MAX,
  type OverlayDatagram,
  OverlayFlag,
  OverlayMode,
  OverlayType,
  PEER_IDS_MAX,
  type PeerId,
  type PeerKey,
  decodeOverlayDatagram,
  decodePeerIds,
  encodeOverlayDatagram,
  encodePeerIds,
  peerIdFromKey,
  peerKey,
} from '@warren/wire';
import { PendingRequests, WayBack } from './requests.ts';
import { drawFarPoint, estimatePeers, farLinkCount, predecessors, successors } from './ring.ts';
import { Table } from './table.ts';

/** Neighbour lists are exchanged on change and so often, +-20 %. */
export const STABILISE_MS = 15_000;
/** Changes within this time are told together. */
const TELL_SOON_MS = 100;
/** Ids found but not linked are remembered for so long. */
const FOUND_MS = 60_000;
const FOUND_MAX = 256;
/** Waits before an id that could not be reached is tried again. */
const BACKOFF_MS: readonly number[] = [2000, 5000, 15_000, 30_000, 60_000];
/** Failures are forgotten after that. */
const BACKOFF_KEPT_MS = 120_000;
/** Links being made at once. */
const CONNECTING_MAX = 8;
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
  | { readonly kind: 'answer'; readonly tag: number; readonly source: PeerId; readonly payload: Uint8Array }
  | { readonly kind: 'no-answer'; readonly tag: number }
  /** The peers right beside us have changed: holders may have to hand records over. */
  | { readonly kind: 'neighbourhood' };

export interface OverlayOptions {
  readonly self: PeerId;
  readonly random: Random;
  /** Most links: 24 in a tab, 256 in Node (overlay.md). */
  readonly linkBudget: number;
}

interface Backoff {
  failures: number;
  until: Instant;
  /** Its time came; it stays a while so that failures add up. */
  over: boolean;
}

type Timer = 'tell' | 'stabilise' | 'far';

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
  readonly stats: OverlayStats = { forwarded: 0, delivered: 0, malformed: 0, outOfHops: 0, noRoute: 0, forgedSource: 0 };
  private readonly options: OverlayOptions;
  private readonly outbox = new Outbox<OverlayOutput>();
  private readonly table: Table;
  private readonly selfKey: PeerKey;
  private readonly wayBack = new WayBack();
  private readonly requests = new PendingRequests();
  private readonly timers = new TimerTable<Timer>();
  private readonly found = new Map<PeerKey, { id: PeerId; until: Instant }>();
  private readonly connecting = new Map<PeerKey, Instant>();
  private readonly backoff = new Map<PeerKey, Backoff>();
  private readonly finds = new Map<number, 'join' | 'far'>();
  private readonly far = new Set<PeerKey>();
  private nextTag = -1;
  private lastNear = '';

  constructor(options: OverlayOptions) {
    this.options = options;
    this.table = new Table(options.self);
    this.selfKey = peerKey(options.self);
  }

  poll(): OverlayOutput | undefined {
    return this.outbox.poll();
  }

  linkUp(key: PeerKey, now: Instant): void {
    this.connecting.delete(key);
    this.backoff.delete(key);
    if (this.table.add(key, now) === undefined) return;
    if (this.table.neighbours.size === 1) this.find('join', this.options.self, now);
    if (this.timers.at('stabilise') === undefined) this.scheduleStabilise(now);
    if (this.timers.at('far') === undefined) this.timers.set('far', now + FAR_EVERY_MS / 5);
    this.changed(now);
  }

  linkDown(key: PeerKey, now: Instant): void {
    this.far.delete(key);
    this.found.delete(key);
    if (!this.table.remove(key)) return;
    this.penalise(key, now);
    for (const neighbour of this.table.neighbours.values()) {
      neighbour.known = neighbour.known.filter(id => peerKey(id) !== key);
    }
    this.changed(now);
  }

  /** A wanted link did not come about. */
  unreachable(key: PeerKey, now: Instant): void {
    this.connecting.delete(key);
    this.penalise(key, now);
    this.seek(now);
  }

  /** Somebody above wants a link: a rendezvous, traffic. */
  want(key: PeerKey, now: Instant): void {
    if (key !== this.selfKey && !this.table.neighbours.has(key)) this.connect(key, now);
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
    else if (source === this.selfKey && datagram.mode !== OverlayMode.ANSWER) this.stats.forgedSource++;
    else this.route(datagram, from, now);
  }

  /** Sends one datagram that expects no answer. False when nobody is closer. */
  send(type: OverlayType, target: PeerId, payload: Uint8Array): boolean {
    const hop = this.table.nextHop(target);
    if (hop === undefined) {
      this.stats.noRoute++;
      return false;
    }
    const { self } = this.options;
    const head = { type, mode: OverlayMode.EXACT, hopsLeft: HOPS_MAX, flags: 0, requestId: 0 } as const;
    this.outbox.push({ kind: 'send', to: hop, bytes: encodeOverlayDatagram({ ...head, source: self, target, payload }) });
    return true;
  }

  /** Asks whoever is nearest to `target`; the answer, or its lack, comes back under `tag` (at least 0). */
  request(type: OverlayType, target: PeerId, payload: Uint8Array, tag: number, now: Instant): void {
    this.ask(type, target, 0, payload, tag, now);
  }

  /** Answers a delivered request along the way it came. */
  answer(request: OverlayDatagram, from: PeerKey | undefined, type: OverlayType, payload: Uint8Array, now: Instant): void {
    const { requestId, source } = request;
    const head = { type, mode: OverlayMode.ANSWER, hopsLeft: HOPS_MAX, flags: 0, requestId } as const;
    const answer: OverlayDatagram = { ...head, source: this.options.self, target: source, payload };
    if (from === undefined) this.route(answer, undefined, now);
    else this.outbox.push({ kind: 'send', to: from, bytes: encodeOverlayDatagram(answer) });
  }

  /** Why we keep a link. */
  rolesOf(key: PeerKey): LinkRole[] {
    const roles: LinkRole[] = [];
    if (this.nearKeys().has(key)) roles.push('near');
    if (this.far.has(key)) roles.push('far');
    return roles.length === 0 ? ['leaf'] : roles;
  }

  /** Whether `id` is nearer to `position` than we and all our neighbours are known to be. */
  isNearest(position: PeerId): boolean {
    return this.table.nextHop(position) === undefined;
  }

  /** Whether a peer can be reached in one hop. */
  isNeighbour(key: PeerKey): boolean {
    return this.table.neighbours.has(key);
  }

  /** Everyone whom links and their lists name: for a small group that is everybody. */
  knownPeers(): PeerKey[] {
    return [...this.allIds().keys()];
  }

  get estimatedPeers(): number {
    return estimatePeers(this.options.self, [...this.allIds().values()]);
  }

  get wakeAt(): Instant | undefined {
    const backoff = [...this.backoff.values()].filter(entry => !entry.over).map(entry => entry.until);
    return earliest(this.timers.next, this.requests.wakeAt, ...backoff);
  }

  tick(now: Instant): void {
    for (const tag of this.requests.tick(now)) {
      if (!this.finds.delete(tag)) this.outbox.push({ kind: 'no-answer', tag });
    }
    for (const timer of this.timers.due(now)) this.due(timer, now);
    for (const [key, entry] of this.found) if (entry.until <= now) this.found.delete(key);
    this.endBackoffs(now);
  }

  private due(timer: Timer, now: Instant): void {
    switch (timer) {
      case 'tell':
        this.tell();
        return;
      case 'stabilise':
        this.tell();
        this.seek(now);
        this.scheduleStabilise(now);
        return;
      case 'far':
        this.drawFar(now);
        this.timers.set('far', now + jitter(this.options.random, FAR_EVERY_MS, 0.2));
        return;
    }
  }

  private endBackoffs(now: Instant): void {
    let ended = false;
    for (const [key, entry] of this.backoff) {
      if (entry.until > now) continue;
      if (!entry.over) ended = true;
      entry.over = true;
      if (now - entry.until > BACKOFF_KEPT_MS) this.backoff.delete(key);
    }
    if (ended) this.seek(now);
  }

  private route(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    if (datagram.mode === OverlayMode.ANSWER) this.routeAnswer(datagram, from, now);
    else if (datagram.mode === OverlayMode.EXACT && sameBytes(datagram.target, this.options.self)) this.deliver(datagram, from);
    else {
      const notTarget = (datagram.flags & OverlayFlag.NOT_TARGET) !== 0;
      const hop = this.table.nextHop(datagram.target, { ...(from === undefined ? {} : { from }), notTarget });
      if (hop !== undefined) this.forward(datagram, from, hop, now);
      else if (datagram.mode === OverlayMode.NEAREST) this.deliver(datagram, from);
      else this.stats.noRoute++;
    }
  }

  private routeAnswer(answer: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    if (sameBytes(answer.target, this.options.self)) {
      this.ownAnswer(answer, now);
      return;
    }
    const back = this.wayBack.towards(peerKey(answer.target), answer.requestId, now);
    if (back === undefined || back === from) this.stats.noRoute++;
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
    const bytes = encodeOverlayDatagram({ ...datagram, hopsLeft: datagram.hopsLeft - 1 });
    this.outbox.push({ kind: 'send', to: hop, bytes });
  }

  private deliver(datagram: OverlayDatagram, from: PeerKey | undefined): void {
    this.stats.delivered++;
    if (datagram.type === OverlayType.FIND) this.answerFind(datagram, from);
    else this.outbox.push({ kind: 'deliver', datagram, from });
  }

  private answerFind(request: OverlayDatagram, from: PeerKey | undefined): void {
    if (from === undefined) return;
    const ids = [this.options.self, ...this.nearIds()].filter(id => !sameBytes(id, request.source));
    const { requestId, source } = request;
    const head = { type: OverlayType.FOUND, mode: OverlayMode.ANSWER, hopsLeft: HOPS_MAX, flags: 0, requestId } as const;
    const answer = { ...head, source: this.options.self, target: source, payload: encodePeerIds(ids) };
    this.outbox.push({ kind: 'send', to: from, bytes: encodeOverlayDatagram(answer) });
  }

  private ask(type: OverlayType, target: PeerId, flags: number, payload: Uint8Array, tag: number, now: Instant): void {
    const requestId = (uint32(this.options.random) | 1) >>> 0;
    const { self } = this.options;
    const head = { type, mode: OverlayMode.NEAREST, hopsLeft: HOPS_MAX, flags, requestId } as const;
    const datagram: OverlayDatagram = { ...head, source: self, target, payload };
    const notTarget = (flags & OverlayFlag.NOT_TARGET) !== 0;
    const send = (avoid: ReadonlySet<PeerKey>) => {
      const hop = this.table.nextHop(target, { avoid, notTarget });
      if (hop !== undefined) this.outbox.push({ kind: 'send', to: hop, bytes: encodeOverlayDatagram(datagram) });
      else if (avoid.size === 0 && type !== OverlayType.FIND) this.deliver(datagram, undefined);
      return hop;
    };
    if (!this.requests.add(requestId, tag, send, now)) this.outbox.push({ kind: 'no-answer', tag });
  }

  private find(purpose: 'join' | 'far', target: PeerId, now: Instant): void {
    const tag = this.nextTag--;
    this.finds.set(tag, purpose);
    const flags = purpose === 'join' ? OverlayFlag.NOT_TARGET : 0;
    this.ask(OverlayType.FIND, target, flags, new Uint8Array(0), tag, now);
  }

  private ownAnswer(answer: OverlayDatagram, now: Instant): void {
    const request = this.requests.take(answer.requestId);
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
    else if (neighbour !== undefined) {
      neighbour.known = ids.filter(id => !sameBytes(id, this.options.self));
      this.seek(now);
    }
  }

  private learn(ids: readonly PeerId[], purpose: 'join' | 'far', now: Instant): void {
    for (const id of ids) {
      const key = peerKey(id);
      if (key !== this.selfKey && this.found.size < FOUND_MAX) this.found.set(key, { id, until: now + FOUND_MS });
    }
    const first = ids[0];
    if (first !== undefined && purpose === 'far' && this.farWanted()) this.considerFar(peerKey(first), now);
    this.seek(now);
  }

  /** Links and lookahead and what was found lately. */
  private allIds(): Map<PeerKey, PeerId> {
    const ids = this.table.knownIds();
    for (const neighbour of this.table.neighbours.values()) for (const id of neighbour.known) ids.set(peerKey(id), id);
    for (const [key, entry] of this.found) ids.set(key, entry.id);
    ids.delete(this.selfKey);
    return ids;
  }

  /** Wants links to the true neighbours among all ids known, unless they failed lately. */
  private seek(now: Instant): void {
    const reachable = [...this.allIds()].filter(([key]) => this.table.neighbours.has(key) || !this.isBackedOff(key, now));
    const ids = reachable.map(([, id]) => id);
    const wanted = [...successors(this.options.self, ids), ...predecessors(this.options.self, ids)];
    for (const id of wanted) this.want(peerKey(id), now);
    this.noteNeighbourhood();
  }

  private connect(key: PeerKey, now: Instant): void {
    if (this.connecting.has(key) || this.connecting.size >= CONNECTING_MAX || this.isBackedOff(key, now)) return;
    if (this.table.neighbours.size >= this.options.linkBudget) return;
    this.connecting.set(key, now);
    this.outbox.push({ kind: 'connect', to: key });
  }

  private isBackedOff(key: PeerKey, now: Instant): boolean {
    const entry = this.backoff.get(key);
    return entry !== undefined && entry.until > now;
  }

  private penalise(key: PeerKey, now: Instant): void {
    const failures = (this.backoff.get(key)?.failures ?? -1) + 1;
    const wait = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)] as number;
    if (this.backoff.size >= FOUND_MAX) this.backoff.clear();
    this.backoff.set(key, { failures, until: now + jitter(this.options.random, wait, 0.2), over: false });
  }

  private changed(now: Instant): void {
    if (this.timers.at('tell') === undefined) this.timers.set('tell', now + TELL_SOON_MS);
    this.seek(now);
  }

  /** Tells all links whom we are linked to, near ones first. */
  private tell(): void {
    const near = this.nearIds();
    const rest = [...this.table.neighbours.values()].map(n => n.id).filter(id => !near.some(other => sameBytes(other, id)));
    const ids = [...near, ...rest].slice(0, PEER_IDS_MAX);
    const { self } = this.options;
    const head = { type: OverlayType.NEIGHBOURS, mode: OverlayMode.EXACT, hopsLeft: 1, flags: 0, requestId: 0 } as const;
    for (const neighbour of this.table.neighbours.values()) {
      const payload = encodePeerIds(ids.filter(id => !sameBytes(id, neighbour.id)));
      const bytes = encodeOverlayDatagram({ ...head, source: self, target: neighbour.id, payload });
      this.outbox.push({ kind: 'send', to: neighbour.key, bytes });
    }
  }

  private nearIds(): PeerId[] {
    const ids = [...this.table.neighbours.values()].map(neighbour => neighbour.id);
    const both = [...successors(this.options.self, ids), ...predecessors(this.options.self, ids)];
    return both.filter((id, i) => both.findIndex(other => sameBytes(other, id)) === i);
  }

  private nearKeys(): Set<PeerKey> {
    return new Set(this.nearIds().map(peerKey));
  }

  private noteNeighbourhood(): void {
    const near = [...this.nearKeys()].sort().join();
    if (near === this.lastNear) return;
    this.lastNear = near;
    this.outbox.push({ kind: 'neighbourhood' });
  }

  private farWanted(): boolean {
    return this.far.size < farLinkCount(this.estimatedPeers);
  }

  /** Draws a point harmonically and asks who sits there. */
  private drawFar(now: Instant): void {
    if (!this.farWanted() || this.estimatedPeers <= 2 * 3 + 1) return;
    this.find('far', drawFarPoint(this.options.self, this.estimatedPeers, this.options.random), now);
  }

  private considerFar(key: PeerKey, now: Instant): void {
    if (key === this.selfKey || this.nearKeys().has(key) || peerIdFromKey(key) === undefined) return;
    this.far.add(key);
    this.want(key, now);
  }

  private scheduleStabilise(now: Instant): void {
    this.timers.set('stabilise', now + jitter(this.options.random, STABILISE_MS, 0.2));
  }
}

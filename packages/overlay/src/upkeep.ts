/**
 * Who is linked to whom: joining, near and far links, telling neighbours, and
 * letting go beyond the budget. Not here: where datagrams go (`forwarding.ts`).
 * Source: overlay.md "Peer ids and the ring"; P1 II-A; P2 3-4.
 *
 * Join: the first link carries a FIND for the own id; whoever is nearest
 * answers with its neighbours; links to the true neighbours follow. Stabilise:
 * each peer tells its links which ids it is linked to, on change and every 15 s,
 * and looks for its own place again.
 */
import { earliest, type Instant, jitter, type Random, sameBytes, TimerTable } from '@warren/base';
import {
  decodePeerIds,
  encodePeerIds,
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
import type { Asked, Forwarding, OverlayStats } from './forwarding.ts';
import { neighbourList } from './messages.ts';
import { drawFarPoint, estimatePeers, farLinkCount, isPlausibleOwner, NEAR_PER_SIDE } from './ring.ts';
import type { Table } from './table.ts';

/** Neighbour lists are exchanged on change and so often, +-20 %. */
const STABILISE_MS = 15_000;
/** Changes within this time are told together. */
const TELL_SOON_MS = 100;
/** And once more so long after the last change: a datagram may be lost. */
const TELL_AGAIN_MS = 1500;
/** Between draws of far points. */
const FAR_EVERY_MS = 10_000;

/** What upkeep asks for. */
export type UpkeepOutput =
  /** A link to this peer is wanted. */
  | { readonly kind: 'connect'; readonly to: PeerKey }
  /** More links than the budget: this one is of least use. */
  | { readonly kind: 'disconnect'; readonly to: PeerKey }
  /** The peers right beside us have changed: holders may have to hand records over. */
  | { readonly kind: 'neighbourhood' };

export interface UpkeepOptions {
  readonly self: PeerId;
  readonly random: Random;
  readonly linkBudget: number;
  readonly table: Table;
  readonly stats: OverlayStats;
  readonly forwarding: Forwarding;
  readonly push: (output: UpkeepOutput) => void;
}

type Timer = 'tell' | 'tell-again' | 'stabilise' | 'far';

/** The links that one overlay keeps. */
export class Upkeep {
  private readonly options: UpkeepOptions;
  private readonly table: Table;
  private readonly selfKey: PeerKey;
  private readonly timers = new TimerTable<Timer>();
  private readonly dials: Dials;
  private readonly finds = new Map<number, 'join' | 'far'>();
  private readonly far = new Set<PeerKey>();
  private nextTag = -1;
  private lastNear = '';

  constructor(options: UpkeepOptions) {
    this.options = options;
    this.table = options.table;
    this.selfKey = peerKey(options.self);
    this.dials = new Dials(options.random);
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

  /** Whether a link was chosen for its distance. */
  isFar(key: PeerKey): boolean {
    return this.far.has(key);
  }

  /** Takes a neighbour's list of links. */
  neighbours(from: PeerKey, source: PeerKey, datagram: OverlayDatagram, now: Instant): void {
    const ids = decodePeerIds(datagram.payload);
    const neighbour = this.table.neighbours.get(from);
    if (ids === undefined || source !== from) this.options.stats.malformed++;
    else if (neighbour !== undefined && this.table.learn(neighbour, ids)) this.seek(now);
  }

  /** Tells who asks for the neighbourhood of a place whom we know there. */
  answerFind(find: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    const ids = [this.options.self, ...this.table.near().values()].filter(id => !sameBytes(id, find.source));
    this.options.forwarding.answer(find, from, OverlayType.FOUND, encodePeerIds(ids), now);
  }

  /** Takes the answer to a question of our own, or its lack; false when the tag is of another. */
  answered(tag: number, answer: OverlayDatagram | undefined, now: Instant): boolean {
    const purpose = this.finds.get(tag);
    if (purpose === undefined) return false;
    this.finds.delete(tag);
    if (answer === undefined) return true;
    const ids = answer.type === OverlayType.FOUND ? decodePeerIds(answer.payload) : undefined;
    if (ids === undefined) this.options.stats.malformed++;
    else this.learn(ids, purpose, now);
    return true;
  }

  /** Whether an answer may well be from whom its request was for. */
  isPlausible({ target, mode }: Asked, source: PeerId): boolean {
    if (mode === OverlayMode.EXACT) return sameBytes(target, source);
    return isPlausibleOwner(target, source, this.estimatedPeers, { rank: mode === OverlayMode.REGION ? 2 : 0 });
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.timers.next, this.dials.wakeAt);
  }

  tick(now: Instant): void {
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

  private find(purpose: 'join' | 'far', target: PeerId, now: Instant): void {
    const tag = this.nextTag--;
    this.finds.set(tag, purpose);
    const flags = purpose === 'join' ? OverlayFlag.NOT_TARGET : 0;
    const question = { type: OverlayType.FIND, target, flags, payload: new Uint8Array(0), maySelf: false };
    this.options.forwarding.ask(question, tag, now);
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
    for (const id of this.table.wanted(key => !this.dials.isBackedOff(key, now))) this.connect(peerKey(id), now);
    this.noteNeighbourhood();
  }

  /** Asks for a link unless it exists, is under way or failed lately; true when it exists or is asked for. */
  private connect(key: PeerKey, now: Instant): boolean {
    if (this.table.neighbours.has(key)) return true;
    if (!this.dials.begin(key, now)) return false;
    this.options.push({ kind: 'connect', to: key });
    return true;
  }

  /** Beyond the budget, lets go of links that neither end needs as near ones: those without a role first, newest first. */
  private trim(): void {
    if (this.table.neighbours.size <= this.options.linkBudget) return;
    const near = this.table.near();
    const links = [...this.table.neighbours.values()];
    const spare = links.filter(each => !near.has(each.key) && !this.table.needsUs(each)).reverse();
    const byUse = [...spare.filter(({ key }) => !this.far.has(key)), ...spare.filter(({ key }) => this.far.has(key))];
    for (const { key } of byUse.slice(0, Math.max(0, this.table.neighbours.size - this.options.linkBudget))) {
      this.far.delete(key);
      this.table.remove(key);
      this.options.push({ kind: 'disconnect', to: key });
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
      this.options.forwarding.sendOn(key, neighbourList(this.options.self, to, others));
    }
  }

  private noteNeighbourhood(): void {
    const near = [...this.table.near().keys()].sort().join();
    if (near === this.lastNear) return;
    this.lastNear = near;
    this.options.push({ kind: 'neighbourhood' });
  }

  private get estimatedPeers(): number {
    return estimatePeers(this.options.self, [...this.table.near().values()]);
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

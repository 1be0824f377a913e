/**
 * Who is linked to whom: all transitions of joining, of near, far and on-demand
 * links, and of letting go. Not here: where datagrams go (`forwarding.ts`), what
 * neighbours tell each other (`telling.ts`), who holds a far point (`far-links.ts`).
 * Source: overlay.md "Peer ids and the ring"; P1 II-A; P2 3-4.
 *
 * Join: the first link carries a FIND for the own id; whoever is nearest
 * answers with its neighbours; links to the true neighbours follow. Stabilise:
 * each peer tells its links which ids it is linked to, and looks for its own
 * place again from somewhere else on the ring, through a link drawn by chance.
 */
import { earliest, type Instant, jitter, type Random, sameBytes, TimerTable } from '@warren/base';
import {
  encodePeerIds,
  type OverlayDatagram,
  OverlayType,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  peerKey,
} from '@warren/wire';
import { Demand } from './demand.ts';
import type { Dials } from './dials.ts';
import { FarLinks } from './far-links.ts';
import { FORMER_MAX, Former, sumOf } from './former.ts';
import type { Forwarding, OverlayStats } from './forwarding.ts';
import { drawFarPoint, isPlausibleOwner, NEAR_PER_SIDE } from './ring.ts';
import { type Found, Searches } from './searches.ts';
import type { Neighbour, Table } from './table.ts';
import { Telling } from './telling.ts';
import { leastUseful, tellIdle } from './trimming.ts';
import { Wishes } from './wishes.ts';

/** Neighbours are reminded, and the own place is looked for, so often, +-20 %; at rest less often. */
const STABILISE_MS = 15_000;
const STABILISE_AT_REST_MS = 60_000;
/** At rest is whose near links have not changed for so long. */
const REST_MS = 60_000;
/** Changes within this time are told together. */
const TELL_SOON_MS = 100;
/** So long after they were told neighbours are reminded: a datagram may be lost. */
const REMIND_MS = 1500;
/** Between draws of far points while one is missing. */
const FAR_EVERY_MS = 10_000;
/** Between trials of peers that may be nearer. */
const TRIAL_MS = 60_000;
/** What upkeep asks for. */
export type UpkeepOutput =
  /** A link to this peer is wanted. */
  | { readonly kind: 'connect'; readonly to: PeerKey }
  /** This link is of no use any more, or of least use and beyond the budget. */
  | { readonly kind: 'disconnect'; readonly to: PeerKey }
  /** The peers right beside us have changed: holders may have to hand records over. */
  | { readonly kind: 'neighbourhood' }
  /** To be kept on disk for `remember`: at most 64 ids of present and former neighbours, present ones first. */
  | { readonly kind: 'former'; readonly ids: readonly PeerId[] };

export interface UpkeepOptions {
  readonly self: PeerId;
  readonly random: Random;
  readonly linkBudget: number;
  readonly table: Table;
  readonly stats: OverlayStats;
  readonly forwarding: Forwarding;
  readonly push: (output: UpkeepOutput) => void;
}

/**
 * `tell`: the list to whoever has another. `remind`: its digest to all. `stabilise`: looks for the own place. `far`: a far link is missing,
 * or a nearer peer may hold its point. `look`: for a former neighbour. `review`: links that have become idle.
 */
type Timer = 'tell' | 'remind' | 'stabilise' | 'far' | 'look' | 'review';

/** The links that one overlay keeps. */
export class Upkeep {
  private readonly options: UpkeepOptions;
  private readonly table: Table;
  private readonly selfKey: PeerKey;
  private readonly timers = new TimerTable<Timer>();
  private readonly wishes: Wishes;
  private readonly dials: Dials;
  private readonly telling: Telling;
  private readonly far: FarLinks;
  private readonly demand = new Demand();
  private readonly former = new Former();
  private readonly searches: Searches;
  /** Sum over the near links that were told last. */
  private lastNear = 0;
  private nearChangedAt: Instant = Number.NEGATIVE_INFINITY;
  private hasLeft = false;

  constructor(options: UpkeepOptions) {
    const { table, random, linkBudget, self } = options;
    this.options = options;
    this.table = table;
    this.selfKey = peerKey(self);
    this.wishes = new Wishes({ table, random, linkBudget, wish: to => options.push({ kind: 'connect', to }) });
    this.dials = this.wishes.dials;
    this.searches = new Searches(options);
    this.telling = new Telling({
      ...options,
      isFar: key => this.far.holds(key),
      isSettled: now => this.isSettled(now),
      named: (id, now) => this.dials.named(peerKey(id), now),
    });
    this.far = new FarLinks({ table, random, linkBudget, mayDial: key => this.dials.mayBegin(key) });
  }

  linkUp(key: PeerKey, now: Instant): void {
    const isOurs = this.dials.isUnderWay(key);
    this.dials.reached(key, now);
    if (this.hasLeft) this.options.push({ kind: 'disconnect', to: key });
    if (this.hasLeft || key === this.selfKey || !this.table.add(key, now, isOurs)) return;
    const wasFormer = this.former.delete(key);
    if (this.table.neighbours.size === 1) this.searches.ownPlace(now);
    else if (wasFormer) this.searches.ownPlace(now, key);
    if (this.timers.at('stabilise') === undefined) this.timers.set('stabilise', now + STABILISE_MS);
    if (this.timers.at('far') === undefined) this.timers.set('far', now + FAR_EVERY_MS / 5);
    this.changed(now);
    this.trim(now);
  }

  linkDown(key: PeerKey, isGoodbye: boolean, now: Instant): void {
    this.far.lost(key);
    if (!this.table.remove(key)) return;
    this.dials.failed(key, now);
    if (!isGoodbye) this.remember(key, now);
    this.changed(now);
  }

  /** A wanted link did not come about. */
  unreachable(key: PeerKey, now: Instant): void {
    this.far.lost(key);
    this.table.forget(key);
    this.dials.failed(key, now);
    this.seek(now);
  }

  /** A peer is not to be looked for again. */
  forget(key: PeerKey): void {
    this.former.delete(key);
    this.table.forget(key);
  }

  /** Remembers neighbours of an earlier run. */
  rememberAll(ids: readonly PeerId[], now: Instant): void {
    for (const key of ids.slice(0, FORMER_MAX).map(peerKey)) {
      if (key !== this.selfKey && !this.table.neighbours.has(key)) this.remember(key, now);
    }
  }

  /** A smoothed round trip that we measured. */
  measured(key: PeerKey, rttMs: number): void {
    const neighbour = this.table.neighbours.get(key);
    if (neighbour !== undefined && rttMs >= 0) neighbour.rttMs = rttMs;
  }

  /** Datagrams went to a peer or came from it. */
  traffic(key: PeerKey, now: Instant, datagrams: number): void {
    if (key === this.selfKey || !this.demand.traffic(key, now, datagrams)) return;
    if (!this.table.neighbours.has(key) && this.wishes.hasRoom) this.wishes.connect(key, now);
  }

  setResting(isResting: boolean, now: Instant): void {
    if (this.telling.isResting === isResting) return;
    this.telling.isResting = isResting;
    this.start('tell', now + TELL_SOON_MS);
  }

  /** Whether we want to be chosen last for duties. */
  get isResting(): boolean {
    return this.telling.isResting;
  }

  /** Says goodbye to all, for good. */
  leave(): void {
    this.hasLeft = true;
    for (const key of [...this.table.neighbours.keys()]) this.letGo(key);
    for (const timer of ['tell', 'remind', 'stabilise', 'far', 'look', 'review'] as const) this.timers.clear(timer);
    this.wishes.end();
    this.searches.clear();
  }

  /** Whether a link holds a far point, or is tried for one. */
  isFar(key: PeerKey): boolean {
    return this.far.uses(key);
  }

  /** Whether traffic justified a link at the last look. */
  isOnDemand(key: PeerKey): boolean {
    return this.demand.isScored(key) && this.table.neighbours.has(key);
  }

  /** Takes what a neighbour tells of its links. */
  neighbours(from: PeerKey, datagram: OverlayDatagram, now: Instant): void {
    if (this.telling.receive(from, datagram, now)) this.seek(now);
  }

  /** Tells who asks for the neighbourhood of a place whom we know there. */
  answerFind(find: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    const ids = [this.options.self, ...this.table.near().values()].filter(id => !sameBytes(id, find.source));
    this.options.forwarding.answer(find, from, OverlayType.FOUND, encodePeerIds(ids), now);
  }

  /** Takes the answer to a question of our own, or its lack; false when the tag is of another. */
  answered(tag: number, answer: OverlayDatagram | undefined, now: Instant): boolean {
    const found = this.searches.answered(tag, answer);
    if (found !== undefined) this.found(found, now);
    return found !== undefined;
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
        if (this.telling.tell(now)) this.timers.set('remind', now + REMIND_MS);
        return;
      case 'remind':
        this.telling.remindAll();
        return;
      case 'stabilise':
        this.stabilise(now);
        return;
      case 'far':
        this.tendFar(now);
        return;
      case 'look':
        this.look(now);
        return;
      case 'review':
        this.review(now);
        return;
    }
  }

  private stabilise(now: Instant): void {
    if (!this.telling.tell(now)) this.telling.remindAll();
    if (this.table.neighbours.size > 0) this.searches.ownPlace(now);
    this.seek(now);
    this.trim(now);
    this.demand.expire(now);
    this.review(now);
    this.keepFormer();
    const every = this.isSettled(now) ? STABILISE_AT_REST_MS : STABILISE_MS;
    this.timers.set('stabilise', now + this.about(every));
  }

  private found({ search, source, ids }: Found, now: Instant): void {
    switch (search.kind) {
      case 'join':
        this.table.find(ids, now);
        this.seek(now);
        return;
      case 'far':
        this.foundFar(search.point, ids, now);
        return;
      case 'former':
        if (source !== undefined && peerKey(source) === search.key) this.former.delete(search.key);
        else this.wishes.connect(search.key, now);
        return;
    }
  }

  /** Links to whoever sits nearest to a far point, unless that cannot be. */
  private foundFar(point: PeerId, ids: readonly PeerId[], now: Instant): void {
    const [owner] = ids;
    if (this.table.neighbours.size < 2 * NEAR_PER_SIDE) this.table.find(ids, now);
    if (owner === undefined || !isPlausibleOwner(point, owner, this.table.fewestPeers, { rank: 0 })) return;
    const key = peerKey(owner);
    if (key === this.selfKey || this.table.near().has(key) || this.far.holds(key)) return;
    const peers = this.table.estimatedPeers;
    if (!this.far.isWanted(peers) || !(this.table.neighbours.has(key) || this.wishes.hasRoom)) return;
    if (this.wishes.connect(key, now)) this.far.take(point, key, peers);
  }

  /** Wants links to the true neighbours among all ids known, unless they failed lately. */
  private seek(now: Instant): void {
    this.wishes.seek(now);
    this.noteNeighbourhood(now);
  }

  private letGo(key: PeerKey): void {
    this.far.lost(key);
    this.table.remove(key);
    this.options.push({ kind: 'disconnect', to: key });
  }

  /** Lets go of what is beyond the budget, the least useful first. */
  private trim(now: Instant): void {
    const excess = this.table.neighbours.size - this.options.linkBudget;
    if (excess <= 0) return;
    const isChosen = (key: PeerKey) => this.far.uses(key) || this.demand.isWanted(key, now);
    for (const { key } of leastUseful(this.table, isChosen, now).slice(0, excess)) this.letGo(key);
    this.start('tell', now + TELL_SOON_MS);
  }

  /** Lets go of links of ours that neither end has had a use for in a minute. */
  private review(now: Instant): void {
    const { over, nextAt } = tellIdle(this.table, each => this.isUseful(each, now), now);
    for (const { key } of over) {
      this.letGo(key);
      this.changed(now);
    }
    if (nextAt !== undefined) this.start('review', nextAt);
  }

  private isUseful(neighbour: Neighbour, now: Instant): boolean {
    const { key, knownCount } = neighbour;
    if (this.table.near().has(key) || this.far.uses(key) || this.demand.isWanted(key, now)) return true;
    return knownCount === 0 || this.table.needsUs(neighbour);
  }

  private changed(now: Instant): void {
    this.start('tell', now + TELL_SOON_MS);
    if (this.table.neighbours.size === 0 && !this.former.isEmpty)
      this.timers.set('look', now + this.former.lookMs(now, true));
    this.seek(now);
  }

  /** A far link where one is missing; else a trial of somebody who may be nearer. */
  private tendFar(now: Instant): void {
    const peers = this.table.estimatedPeers;
    const loser = this.far.settle();
    const other = loser === undefined ? undefined : this.table.neighbours.get(loser);
    if (other?.isOurs === true && !this.isUseful(other, now)) {
      this.letGo(other.key);
      this.changed(now);
    }
    this.far.outgrown(peers);
    const isMissing = peers > 2 * NEAR_PER_SIDE + 1 && this.far.isWanted(peers);
    if (isMissing && this.wishes.hasRoom) {
      const point = drawFarPoint(this.options.self, peers, this.options.random);
      this.searches.at(point, now);
    } else if (!isMissing && this.wishes.hasRoom) this.tryNearer(now);
    this.timers.set('far', now + this.about(isMissing ? FAR_EVERY_MS : TRIAL_MS));
  }

  private tryNearer(now: Instant): void {
    const key = this.far.next();
    if (key !== undefined && !this.wishes.connect(key, now)) this.far.lost(key);
  }

  /** Looks for a former neighbour: in our ring first, then by a link of our own. */
  private look(now: Instant): void {
    const mayDial = (key: PeerKey) => this.dials.mayBegin(key) && !this.dials.isBackedOff(key, now);
    const isAlone = this.table.neighbours.size === 0;
    for (const key of this.former.due(now, isAlone, mayDial)) {
      if (isAlone) this.wishes.connect(key, now);
      else this.searches.forFormer(key, now);
    }
    if (!this.former.isEmpty) this.timers.set('look', now + this.about(this.former.lookMs(now, isAlone)));
  }

  private remember(key: PeerKey, now: Instant): void {
    this.former.add(key, now);
    const isAlone = this.table.neighbours.size === 0;
    this.start('look', now + (isAlone ? 0 : this.about(this.former.lookMs(now, false))));
  }

  /** Says whom to keep on disk, when that has changed. */
  private keepFormer(): void {
    const keys = this.former.toKeep([...new Set([...this.table.near().keys(), ...this.table.neighbours.keys()])]);
    if (keys !== undefined) this.options.push({ kind: 'former', ids: keys.flatMap(key => peerIdFromKey(key) ?? []) });
  }

  private noteNeighbourhood(now: Instant): void {
    const sum = sumOf(this.table.near().keys());
    if (sum === this.lastNear) return;
    this.lastNear = sum;
    this.nearChangedAt = now;
    const at = this.timers.at('stabilise');
    if (at !== undefined && at > now + STABILISE_MS) this.timers.set('stabilise', now + this.about(STABILISE_MS));
    this.options.push({ kind: 'neighbourhood' });
  }

  private isSettled(now: Instant): boolean {
    return now - this.nearChangedAt >= REST_MS;
  }

  /** Sets a timer unless it is due earlier. */
  private start(timer: Timer, at: Instant): void {
    const set = this.timers.at(timer);
    if (set === undefined || set > at) this.timers.set(timer, at);
  }

  private about(ms: number): number {
    return jitter(this.options.random, ms, 0.2);
  }
}

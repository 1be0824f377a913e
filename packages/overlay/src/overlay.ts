/**
 * One ring: the machine with its inputs and outputs. Sans-IO; links are made
 * by `link`, records kept by `dht`: both meet here only as outputs and inputs.
 * Its parts: `forwarding.ts` moves datagrams, `upkeep.ts` keeps links,
 * `ring-wide.ts` reaches everybody.
 * Source: overlay.md "Peer ids and the ring"; P1 II-A; P2 3-4.
 */
import { earliest, type Instant, Outbox, type Random, sameBytes } from '@warren/base';
import {
  decodeOverlayDatagram,
  type OverlayDatagram,
  OverlayMode,
  OverlayType,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { type Asked, Forwarding, type OverlayStats } from './forwarding.ts';
import { isPlausibleOwner } from './ring.ts';
import { type AboutSelf, RingWide, type RingWideOutput, type RingWideStats } from './ring-wide.ts';
import { Table } from './table.ts';
import { Upkeep, type UpkeepOutput } from './upkeep.ts';

export type LinkRole = 'near' | 'far' | 'leaf' | 'on-demand';

export type OverlayOutput =
  | UpkeepOutput
  | RingWideOutput
  /** To a neighbour, inside its session. */
  | { readonly kind: 'send'; readonly to: PeerKey; readonly bytes: Uint8Array }
  /** For us: a datagram of another family. `from` is the neighbour that handed it over. */
  | { readonly kind: 'deliver'; readonly datagram: OverlayDatagram; readonly from: PeerKey | undefined }
  | {
      readonly kind: 'answer';
      readonly tag: number;
      readonly source: PeerId;
      readonly payload: Uint8Array;
      /**
       * False when peers lie too densely round us for the answerer to be whom the request was for: ask elsewhere too.
       * True proves nothing: its name is hearsay, and whoever sits on the way can claim the right one.
       */
      readonly isPlausible: boolean;
    }
  /** Nobody answered. */
  | { readonly kind: 'no-answer'; readonly tag: number }
  /** Several answers were wanted, and those that came are all. */
  | { readonly kind: 'done'; readonly tag: number };

/** How a request goes. */
export interface RequestOptions {
  /**
   * `nearest` to the target by default; `exact`: nobody else; `region`: the nearest and those beside it, on each side
   * one, all of whom may answer.
   */
  readonly mode?: 'nearest' | 'exact' | 'region';
  /** 1 by default. When more are wanted, each comes out, and `done` at the end. */
  readonly answers?: number;
}

const MODES = { nearest: OverlayMode.NEAREST, exact: OverlayMode.EXACT, region: OverlayMode.REGION } as const;

export interface OverlayOptions {
  readonly self: PeerId;
  readonly random: Random;
  /** Links to keep at most, beyond those that either end needs as near ones: 24 in a tab, 256 in Node (overlay.md). */
  readonly linkBudget: number;
  /** The public overlay: no broadcasts, censuses and crawls. */
  readonly isPublic?: boolean;
  /** What to say of ourselves in censuses and to crawls; an edge without records by default. */
  readonly about?: () => Omit<AboutSelf, 'isResting'>;
}

const NOBODY_SPECIAL = { hostKind: 'edge', records: 0 } as const;

/** The overlay machine of one network. */
export class Overlay {
  readonly stats: OverlayStats = {
    forwarded: 0,
    delivered: 0,
    malformed: 0,
    outOfHops: 0,
    noRoute: 0,
    forgedSource: 0,
    circled: 0,
  };
  private readonly outbox = new Outbox<OverlayOutput>();
  private readonly table: Table;
  private readonly forwarding: Forwarding;
  private readonly upkeep: Upkeep;
  /** Made when it is first used: most peers of a large ring never need it, and memory counts. */
  private ringWideMade: RingWide | undefined;
  private readonly makeRingWide: () => RingWide;

  constructor(options: OverlayOptions) {
    const { stats } = this;
    const push = (output: OverlayOutput) => this.outbox.push(output);
    const table = new Table(options.self);
    this.table = table;
    this.forwarding = new Forwarding({
      ...options,
      table,
      stats,
      send: (to, bytes) => push({ kind: 'send', to, bytes }),
      deliver: (datagram, from, now) => this.deliver(datagram, from, now),
      answered: (asked, answer, now) => this.answered(asked, answer, now),
      over: (asked, now) => this.over(asked, now),
    });
    this.upkeep = new Upkeep({ ...options, table, stats, forwarding: this.forwarding, push });
    const { isPublic = false, about = () => NOBODY_SPECIAL } = options;
    const aboutSelf = () => ({ ...about(), isResting: this.upkeep.isResting });
    const ringWideOptions = { ...options, isPublic, about: aboutSelf, table, forwarding: this.forwarding, push };
    this.makeRingWide = () => new RingWide(ringWideOptions);
  }

  poll(): OverlayOutput | undefined {
    return this.outbox.poll();
  }

  linkUp(key: PeerKey, now: Instant): void {
    this.upkeep.linkUp(key, now);
  }

  /** A link is gone; with a goodbye of the other end, it is not looked for. */
  linkDown(key: PeerKey, now: Instant, isGoodbye = false): void {
    this.upkeep.linkDown(key, isGoodbye, now);
    this.ringWideMade?.linkDown(key, now);
  }

  /** Nothing comes back from a neighbour, or something does again. */
  linkDoubtful(key: PeerKey, isDoubtful: boolean): void {
    if (isDoubtful && this.table.neighbours.has(key)) this.table.doubtful.add(key);
    else this.table.doubtful.delete(key);
  }

  /** Whether what goes to a peer, a neighbour or not, would go through another neighbour. */
  goesRound(peer: PeerId): boolean {
    const hop = this.table.nextHop(peer);
    return hop !== undefined && hop !== peerKey(peer);
  }

  /** A peer is not to be looked for again, as a former neighbour or otherwise; links to it are left alone. */
  forget(key: PeerKey): void {
    this.upkeep.forget(key);
  }

  /** A wanted link did not come about. */
  unreachable(key: PeerKey, now: Instant): void {
    this.upkeep.unreachable(key, now);
  }

  /** Takes what a neighbour sent. */
  receive(from: PeerKey, bytes: Uint8Array, now: Instant): void {
    const datagram = decodeOverlayDatagram(bytes);
    if (datagram === undefined) {
      this.stats.malformed++;
      return;
    }
    switch (datagram.type) {
      // Between neighbours only: never passed on.
      case OverlayType.NEIGHBOURS:
        this.upkeep.neighbours(from, datagram, now);
        return;
      case OverlayType.BROADCAST:
      case OverlayType.GATHER:
      case OverlayType.GATHERED:
        this.ringWide.receive(datagram, peerKey(datagram.source), from, now);
        return;
      default:
        this.forwarding.receive(datagram, bytes, from, now);
    }
  }

  /** Sends one datagram that expects no answer. False when nobody is closer. */
  send(type: OverlayType, target: PeerId, payload: Uint8Array): boolean {
    return this.forwarding.send(type, target, payload);
  }

  /** Asks whoever is nearest to `target`, or as `o` says; answers, or their lack, come back under `tag` (at least 0). */
  request(
    type: OverlayType,
    target: PeerId,
    payload: Uint8Array,
    tag: number,
    now: Instant,
    o: RequestOptions = {},
  ): void {
    const { mode = 'nearest', answers = 1 } = o;
    this.forwarding.ask({ type, target, flags: 0, payload, maySelf: true, mode: MODES[mode], answers }, tag, now);
  }

  /** Answers a delivered request along the way it came. */
  answer(
    request: OverlayDatagram,
    from: PeerKey | undefined,
    type: OverlayType,
    payload: Uint8Array,
    now: Instant,
  ): void {
    this.forwarding.answer(request, from, type, payload, now);
  }

  /**
   * Begins a broadcast to everybody else in the ring: 1 to 1,000 bytes that all can check. False in the public overlay,
   * and for what was handed on already.
   */
  broadcast(content: Uint8Array, now: Instant): boolean {
    return this.ringWide.broadcast(content, now);
  }

  /** What came out as `broadcast` is good: hands it on, once. What is never handed on ends here. */
  handOn(token: string, now: Instant): void {
    this.ringWide.handOn(token, now);
  }

  /** Counts everybody in the ring; `gathered` comes out under `tag`. False in the public overlay, and when we did so just now. */
  census(tag: number, now: Instant): boolean {
    return this.ringWide.census(tag, now);
  }

  /** Walks the ring; `crawled` comes out under `tag` until it is over. False in the public overlay, and while another walk is under way. */
  crawl(tag: number, now: Instant): boolean {
    return this.ringWide.crawl(tag, now);
  }

  /** What became of broadcasts, censuses and peeks. */
  get ringWideStats(): RingWideStats {
    return this.ringWide.stats;
  }

  /** The smoothed round trip of a link, as we measured it: far links are chosen by it. */
  measured(peer: PeerKey, rttMs: number): void {
    this.upkeep.measured(peer, rttMs);
  }

  /** End-to-end datagrams went to a peer or came from it, by whatever way: much of it is worth a link of its own. */
  traffic(peer: PeerKey, now: Instant, datagrams = 1): void {
    this.upkeep.traffic(peer, now, datagrams);
  }

  /** We are a hidden tab, or on battery, or no longer: neighbours are told. */
  setResting(isResting: boolean, now: Instant): void {
    this.upkeep.setResting(isResting, now);
  }

  /** Whether a neighbour said that it wants to be chosen last for duties. */
  isResting(peer: PeerKey): boolean {
    return this.table.neighbours.get(peer)?.isResting === true;
  }

  /** Peers of an earlier run, 64 at most, to be looked for when we are alone or the ring may have been cut. */
  remember(ids: readonly PeerId[], now: Instant): void {
    this.upkeep.rememberAll(ids, now);
  }

  /** Says goodbye to all. Nothing is asked of anybody afterwards. */
  leave(): void {
    this.upkeep.leave();
    this.forwarding.stop();
  }

  /** Peers in the ring, guessed from how densely they lie round us. */
  get estimatedPeers(): number {
    return this.table.estimatedPeers;
  }

  /** Why we keep a link. */
  rolesOf(key: PeerKey): LinkRole[] {
    const roles: LinkRole[] = [];
    if (this.table.near().has(key)) roles.push('near');
    if (this.upkeep.isFar(key)) roles.push('far');
    if (this.upkeep.isOnDemand(key)) roles.push('on-demand');
    return roles.length === 0 ? ['leaf'] : roles;
  }

  /** Through whom a datagram for `target` that came from `from` would leave; `undefined` when we are the closest peer we know. */
  nextHop(target: PeerId, from?: PeerKey): PeerKey | undefined {
    return this.table.nextHop(target, { from });
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
    return earliest(this.forwarding.wakeAt, this.upkeep.wakeAt, this.ringWideMade?.wakeAt);
  }

  tick(now: Instant): void {
    this.forwarding.tick(now);
    this.upkeep.tick(now);
    this.ringWideMade?.tick(now);
  }

  private get ringWide(): RingWide {
    this.ringWideMade ??= this.makeRingWide();
    return this.ringWideMade;
  }

  /** For us: what a part of the overlay answers itself, else what comes out. */
  private deliver(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    switch (datagram.type) {
      case OverlayType.FIND:
        this.upkeep.answerFind(datagram, from, now);
        return;
      case OverlayType.PEEK:
        this.ringWide.answerPeek(datagram, from, now);
        return;
      default:
        this.outbox.push({ kind: 'deliver', datagram, from });
    }
  }

  /** Tags below 0 are questions of the overlay's own parts. */
  private answered(asked: Asked, answer: OverlayDatagram, now: Instant): void {
    const { tag, answers, answerers } = asked;
    if (this.upkeep.answered(tag, answer, now) || this.ringWideMade?.answered(tag, answer, now)) return;
    const { source, payload } = answer;
    this.outbox.push({ kind: 'answer', tag, source, payload, isPlausible: this.isPlausible(asked, source) });
    if (answers > 1 && answerers.length >= answers) this.outbox.push({ kind: 'done', tag });
  }

  /** Whether an answer may well be from whom its request was for, if it is from whom it says: `isPlausibleOwner`. */
  private isPlausible({ target, mode }: Asked, source: PeerId): boolean {
    if (mode === OverlayMode.EXACT) return sameBytes(target, source);
    return isPlausibleOwner(target, source, this.table.fewestPeers, { rank: mode === OverlayMode.REGION ? 2 : 0 });
  }

  private over({ tag, answerers }: Asked, now: Instant): void {
    if (this.upkeep.answered(tag, undefined, now) || this.ringWideMade?.answered(tag, undefined, now)) return;
    this.outbox.push({ kind: answerers.length > 0 ? 'done' : 'no-answer', tag });
  }
}

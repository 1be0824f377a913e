/**
 * Peers of one network that we met: calls them where they were reached before,
 * as long as we have no neighbour at all, and says what to keep on the disk.
 * So a restart needs neither bootstrap nodes nor the public overlay. Calls
 * spread: of many who come back at once, each calls a few, at a time of its own.
 * Addresses of members stay in the group's own book (decisions.md "Trust between
 * strangers").
 */
import {
  earliest,
  type Instant,
  jitter,
  Outbox,
  type Random,
  TimerTable,
  type UnixMs,
  unit,
  type WallClock,
} from '@warren/base';
import type { PeerKey } from '@warren/wire';
import { AddressBook } from './address-book.ts';
import type { PathId } from './host.ts';

/** Peers called in one round. */
const CALLED_AT_ONCE = 8;
/** The first round comes at a random time within this. */
const FIRST_CALL_MS = 500;
/** Waits between rounds, each +- 50 %; the last one again and again. */
const CALL_AGAIN_MS: readonly number[] = [3000, 6000, 12_000, 24_000, 48_000, 60_000];
/** News is kept so long after it came, together with what follows. */
const KEEP_SOON_MS = 2000;
/** But not more often than that: a disk wears. */
const KEEP_APART_MS = 5000;
/** And all is kept anew so often, since dates get old, +- 20 %. */
const KEEP_MS = 600_000;

export type AcquaintancesOutput =
  /** Try to reach this peer there. */
  | { readonly kind: 'call'; readonly to: PeerKey; readonly paths: readonly PathId[] }
  /** This peer was not met for so long that it is not to be looked for any more. */
  | { readonly kind: 'too-old'; readonly peer: PeerKey }
  /** Keep this for the next start, in place of what was kept before. */
  | { readonly kind: 'acquaintances'; readonly bytes: Uint8Array };

/** A neighbour, and the path in use to it. */
export interface Neighbour {
  readonly peer: PeerKey;
  readonly path: PathId;
}

export interface AcquaintancesOptions {
  readonly random: Random;
  readonly wallClock: WallClock;
  /** Whether peers may be anybody: then private and loopback addresses are neither kept nor tried. */
  readonly strangers: boolean;
  readonly canUdp: boolean;
  /** What was kept in the last run. */
  readonly kept?: Uint8Array;
  /** All neighbours now, whose dates are brought up. */
  readonly neighbours: () => readonly Neighbour[];
}

type Timer = 'call' | 'keep-soon' | 'keep';

/** The machine of one network. */
export class Acquaintances {
  private readonly options: AcquaintancesOptions;
  private readonly book: AddressBook;
  private readonly outbox = new Outbox<AcquaintancesOutput>();
  private readonly timers = new TimerTable<Timer>();
  private round = 0;
  private keptAt: Instant = Number.NEGATIVE_INFINITY;
  private isAlone = false;

  constructor(options: AcquaintancesOptions) {
    this.options = options;
    this.book = new AddressBook(options.strangers);
  }

  /** Reads what was kept; we are alone in the beginning. */
  start(now: Instant): void {
    const { kept, wallClock } = this.options;
    if (kept !== undefined) this.book.decode(kept, wallClock.at(now));
    this.setAlone(true, now);
    this.timers.set('keep', now + jitter(this.options.random, KEEP_MS, 0.2));
  }

  poll(): AcquaintancesOutput | undefined {
    return this.outbox.poll();
  }

  /** A neighbour came, or is reached by another path. */
  linked({ peer, path }: Neighbour, now: Instant): void {
    this.book.welcome(peer);
    if (this.note(peer, path, now)) this.keepSoon(now);
  }

  /** There is no neighbour at all, or there is one. */
  setAlone(isAlone: boolean, now: Instant): void {
    if (isAlone === this.isAlone) return;
    this.isAlone = isAlone;
    this.round = 0;
    if (isAlone) this.timers.set('call', now + FIRST_CALL_MS * unit(this.options.random));
    else this.timers.clear('call');
  }

  /** A bootstrap node was reached. */
  metNode(url: string, now: Instant): void {
    if (this.book.metNode(url, this.options.wallClock.at(now))) this.keepSoon(now);
  }

  /** Bootstrap nodes of before, those reached last first. */
  get urls(): readonly string[] {
    return this.book.urls();
  }

  /** Ways to a peer that is to be reached; none when it was never met. */
  paths(peer: PeerKey): readonly PathId[] {
    return this.options.canUdp ? this.book.paths(peer) : [];
  }

  /** Peers from before: those that the overlay gave, then those with addresses. */
  get remembered(): readonly PeerKey[] {
    return [...new Set([...this.book.former, ...this.book.known()])];
  }

  /** The overlay says whom to remember. */
  remember(former: readonly PeerKey[], now: Instant): void {
    const isNews = former.join() !== this.book.former.join();
    const here = new Set(this.options.neighbours().map(({ peer }) => peer));
    this.book.setFormer(former, peer => here.has(peer), this.options.wallClock.at(now));
    if (isNews) this.keepSoon(now);
  }

  /** Somebody was removed: is neither called nor named any more, until there is a link all the same. */
  forget(peer: PeerKey, now: Instant): void {
    this.book.forget(peer, this.options.wallClock.at(now));
    this.keepSoon(now);
  }

  /** When somebody was met last; `undefined` when nothing is remembered. */
  metAt(peer: PeerKey): UnixMs | undefined {
    return this.book.metAt(peer);
  }

  /** Whether somebody was removed, in this run or one before. */
  isGone(peer: PeerKey): boolean {
    return this.book.isGone(peer);
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.timers.next);
  }

  tick(now: Instant): void {
    for (const timer of this.timers.due(now)) {
      if (timer === 'call') this.call(now);
      else this.keep(now);
    }
  }

  /** Calls the next few, those met last first, and all over again. */
  private call(now: Instant): void {
    const { random } = this.options;
    const known = this.options.canUdp ? this.book.known() : [];
    for (let i = 0; i < Math.min(CALLED_AT_ONCE, known.length); i++) {
      const to = known[(this.round * CALLED_AT_ONCE + i) % known.length] as PeerKey;
      this.outbox.push({ kind: 'call', to, paths: this.book.paths(to) });
    }
    const wait = CALL_AGAIN_MS[Math.min(this.round++, CALL_AGAIN_MS.length - 1)] as number;
    if (known.length > 0) this.timers.set('call', now + jitter(random, wait, 0.5));
  }

  /** Notes where a neighbour is reached now; true when that is news. */
  private note(peer: PeerKey, path: PathId, now: Instant): boolean {
    const today = this.options.wallClock.at(now);
    // An extra socket is gone by the next time.
    const isLasting = path.startsWith('udp/') && !path.includes('~');
    return isLasting && this.book.met(peer, path.slice('udp/'.length), today);
  }

  private keepSoon(now: Instant): void {
    if (this.timers.at('keep-soon') === undefined)
      this.timers.set('keep-soon', Math.max(now + KEEP_SOON_MS, this.keptAt + KEEP_APART_MS));
  }

  private keep(now: Instant): void {
    const today = this.options.wallClock.at(now);
    for (const { peer, path } of this.options.neighbours()) {
      this.note(peer, path, now);
      this.book.seen(peer, today);
    }
    for (const peer of this.book.dropOld(today)) this.outbox.push({ kind: 'too-old', peer });
    this.timers.clear('keep-soon');
    this.keptAt = now;
    this.outbox.push({ kind: 'acquaintances', bytes: this.book.encode() });
    this.timers.set('keep', now + jitter(this.options.random, KEEP_MS, 0.2));
  }
}

/**
 * What we do for others: take and show records, pass copies to where they
 * belong, tell those who watch. Answers come back from `serve`; all else
 * goes out through `HolderIo`. Our own wishes are in `dht.ts`.
 */
import { Buckets, earliest, type Instant, type Rate } from '@warren/base';
import { CLOCK_SKEW_MS } from '@warren/trust';
import {
  type DhtAnswer,
  type DhtNotice,
  type DhtRecord,
  type DhtRequest,
  decodeDhtRequest,
  type GetRequest,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  peerKey,
  type RecordCopy,
  type WatchRequest,
} from '@warren/wire';
import { Copies, type CopyMessage } from './copies.ts';
import { Passing } from './passing.ts';
import { POLICIES } from './policy.ts';
import { type CheckedRecord, leftMs, recordName } from './records.ts';
import { Region } from './region.ts';
import { Settling } from './settling.ts';
import { Store } from './store.ts';
import type { Held } from './usage.ts';
import { type Watch, Watchers } from './watchers.ts';

/** Expired records are dropped so often. */
const SWEEP_MS = 10_000;
/** What leaves at most with our goodbye. */
const LEAVE_RECORDS_MAX = 256;
const LEAVE_WATCHES_MAX = 128;
/** Requests of one neighbour, its own and those that it forwards, so that a flood through one starves only that one. */
const NEIGHBOUR_RATE: Rate = { burst: 400, perSecond: 100 };
const NEIGHBOURS_MAX = 512;
/** A copy is attested by neighbours only, and for no longer than this: a claim older than that is as good as any. */
const ATTESTED_MAX_MS = 30 * 86_400_000;

/** Through whom a request came. */
export interface Via {
  /** The neighbour that handed it over. */
  readonly neighbour: PeerKey;
  /** Who is said to have made it: proved by the link when it is the neighbour itself, else hearsay. */
  readonly source: PeerKey;
}

/** Counters. */
export interface HolderStats {
  malformed: number;
  /** Records whose signature, writer, dates, policy or place were wrong. */
  refused: number;
  /** Requests beyond what one neighbour may ask. */
  busy: number;
  /** Records handed to other holders. */
  copied: number;
  /** Notices sent. */
  noticed: number;
}

/** What a holder needs of the machine around it. */
export interface HolderIo {
  readonly self: PeerId;
  readonly positions: (key: Uint8Array) => readonly PeerId[];
  readonly check: (record: DhtRecord, now: Instant) => CheckedRecord | undefined;
  readonly today: (now: Instant) => number;
  /** An answer without its records' writers. */
  readonly brief: (answer: DhtAnswer) => DhtAnswer;
  readonly ask: (
    request: DhtRequest,
    target: PeerId,
    done: (answer: DhtAnswer | undefined, now: Instant) => void,
  ) => void;
  readonly notify: (notice: DhtNotice, watcher: PeerId, done: (answer: DhtAnswer | undefined) => void) => void;
  /** A record should be, or need no longer be, on our disk. */
  readonly keep: (held: Held) => void;
  readonly drop: (held: Held) => void;
}

/** The holder's part of one DHT machine. */
export class Holder {
  readonly stats: HolderStats = { malformed: 0, refused: 0, busy: 0, copied: 0, noticed: 0 };
  readonly store: Store;
  readonly region: Region;
  private readonly io: HolderIo;
  private readonly watchers = new Watchers();
  private readonly copies: Copies;
  private readonly passing = new Passing();
  private readonly settling = new Settling();
  private readonly buckets = new Buckets(NEIGHBOUR_RATE, NEIGHBOURS_MAX);
  private sweepAt: Instant | undefined;
  private now: Instant = 0;

  constructor(io: HolderIo) {
    this.io = io;
    this.region = new Region(io.self);
    this.copies = new Copies(this.region);
    this.store = new Store({
      stored: (held, former) => this.stored(held, former),
      removed: held => {
        if (isKept(held)) io.drop(held);
      },
    });
  }

  /** How many watches of others are kept. */
  get watches(): number {
    return this.watchers.size;
  }

  /** Answers a request; `undefined` for malformed bytes. */
  serve(payload: Uint8Array, via: Via | undefined, now: Instant): DhtAnswer | undefined {
    this.now = now;
    const request = decodeDhtRequest(payload);
    if (request === undefined) {
      this.stats.malformed++;
      return undefined;
    }
    const isHandedOver = request.op === 'copy' && this.isBeside(via);
    if (!this.isFreeFor(via?.neighbour, now, request.op === 'copy' ? request.copies.length : 1)) {
      if (isHandedOver) this.settling.putOff(now);
      return status('busy');
    }
    if (isHandedOver) this.settling.handed(now);
    this.sweepAt ??= now + SWEEP_MS;
    switch (request.op) {
      case 'get':
        return this.get(request, now);
      case 'watch':
        return status(this.watch(request, via, now) ? 'ok' : 'refused');
      case 'put':
      case 'create':
        return this.write(request.position, request.record, via, now);
      case 'copy':
        return this.copied(request.copies, via, now);
    }
  }

  /** Takes back what was on our disk; false when it is nothing that anybody would believe. */
  restore(position: PeerId, record: DhtRecord, seenMs: number, endsInMs: number, now: Instant): boolean {
    this.now = now;
    const checked = this.check(position, record, now);
    if (checked === undefined || endsInMs <= 0) return false;
    const left = Math.min(leftMs(checked, this.io.today(now)), endsInMs);
    this.sweepAt ??= now + SWEEP_MS;
    this.isRestoring = true;
    const result = this.store.put({ position, checked, leftMs: left, heldMs: seenMs }, now);
    this.isRestoring = false;
    return result === 'ok';
  }

  /** Whether we do what a neighbour brings, a request or a notice. We ourselves (`undefined`) are never refused. */
  isFreeFor(neighbour: PeerKey | undefined, now: Instant, cost = 1): boolean {
    const isFree = neighbour === undefined || this.buckets.take(neighbour, now, cost);
    if (!isFree) this.stats.busy++;
    return isFree;
  }

  /** The peers beside us changed, perhaps: records and watches may belong elsewhere. */
  neighbours(neighbours: Iterable<PeerKey>, now: Instant): void {
    this.now = now;
    const change = this.region.set(neighbours);
    if (change === undefined) return;
    if (change.isFresh) this.settling.begin(now);
    this.copies.regionChanged(this.store.all(now), change.gone, now);
    for (const { watch } of this.watchers.all(now)) {
      if (this.nearerTo(watch) !== undefined) this.passing.add(watch, now);
    }
  }

  /** A neighbour runs anew: whatever it had of ours it may have lost. */
  replaced(neighbour: PeerKey, now: Instant): void {
    this.now = now;
    if (this.region.has(neighbour)) this.copies.regionChanged(this.store.all(now), [neighbour], now);
  }

  /** Hands on what nobody else has, and the watches: we are about to go. */
  leave(now: Instant): void {
    this.now = now;
    for (const message of this.copies.flush(LEAVE_RECORDS_MAX, held => this.store.has(held), now)) this.send(message);
    let left = LEAVE_WATCHES_MAX;
    for (const { request } of this.watchers.all(now)) {
      const heir = this.region.heir(request.position);
      if (heir !== undefined && left-- > 0) this.passWatch(request, peerKey(heir), () => {});
    }
  }

  /** Forgets all records and watches; what is on the disk stays. */
  clear(): void {
    this.store.clear();
    this.copies.clear();
    this.watchers.clear();
    this.passing.clear();
    this.sweepAt = undefined;
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.sweepAt, this.copies.wakeAt, this.watchers.wakeAt, this.passing.wakeAt);
  }

  tick(now: Instant): void {
    this.now = now;
    if (this.sweepAt !== undefined && now >= this.sweepAt) {
      this.store.sweep(now);
      this.watchers.expire(now);
      this.sweepAt = this.store.size + this.watchers.size > 0 ? now + SWEEP_MS : undefined;
    }
    for (const message of this.copies.due(held => this.store.has(held), now)) this.send(message);
    for (const { watch, notice } of this.watchers.notices(now)) {
      this.stats.noticed++;
      this.io.notify(notice, watch.request.watcher, answer => {
        if (answer?.status === 'busy') this.watchers.again(watch, this.now);
        else if (answer?.status !== 'ok') this.watchers.end(watch);
      });
    }
    for (const watch of this.passing.due(now)) this.pass(watch, now);
  }

  /** Takes a watch from its watcher, or handed over by whoever beside us had it. */
  private watch(request: WatchRequest, via: Via | undefined, now: Instant): boolean {
    const isOwn = via === undefined || via.source === peerKey(request.watcher);
    return (isOwn || this.isBeside(via)) && this.watchers.set(request, via?.neighbour, now);
  }

  private get(request: GetRequest, now: Instant): DhtAnswer {
    const answer = this.store.get(request, now);
    return request.isBrief ? this.io.brief(answer) : answer;
  }

  private pass(waiting: Watch, now: Instant): void {
    const watch = this.watchers.current(waiting);
    if (watch === undefined) return;
    const nearest = this.nearerTo(watch);
    const request = this.watchers.requestOf(watch, now);
    if (request !== undefined && nearest !== undefined)
      this.passWatch(request, nearest, () => this.watchers.end(watch));
  }

  /** Who beside us is nearest to the place of a watch; `undefined` when that is ourselves. */
  private nearerTo({ request }: Watch): PeerKey | undefined {
    const [nearest] = this.region.holders(request.position);
    return nearest === undefined || this.region.isSelf(nearest) ? undefined : nearest;
  }

  private write(position: PeerId, record: DhtRecord, via: Via | undefined, now: Instant): DhtAnswer {
    const checked = this.check(position, record, now);
    const today = this.io.today(now);
    if (checked === undefined || today > checked.writer.statement.notAfter + CLOCK_SKEW_MS) {
      this.stats.refused++;
      return status('refused');
    }
    // Whose the key is those beside us may know, and are about to tell.
    const isNew = POLICIES[record.kind].access === 'first-claim' && !this.store.inTheWay(position, checked);
    if (isNew && via !== undefined && this.settling.isUnderWay(now)) return status('busy');
    const from = via === undefined ? {} : { from: via.neighbour };
    const result = this.store.put({ position, checked, leftMs: leftMs(checked, today), ...from }, now);
    const other = result === 'ok' ? undefined : this.store.inTheWay(position, checked);
    return { status: result, more: false, records: other === undefined ? [] : [other.record] };
  }

  /** Takes copies, and says which it does not take. */
  private copied(copies: readonly RecordCopy[], via: Via | undefined, now: Instant): DhtAnswer {
    let untaken = 0;
    copies.forEach((copy, i) => {
      if (!this.copy(copy, via, now)) untaken |= 1 << i;
    });
    return untaken === 0 ? status('ok') : { ...status('partly'), untaken };
  }

  /**
   * Takes a copy; false when it is neither taken nor known. What the sender attests counts if it is a neighbour beside
   * us, of claims if it is not the claimant himself. From others only what the record itself says counts.
   */
  private copy({ position, record, heldS, leftS }: RecordCopy, via: Via | undefined, now: Instant): boolean {
    const checked = this.check(position, record, now);
    if (checked === undefined || leftS === 0) {
      this.stats.refused++;
      return false;
    }
    const today = this.io.today(now);
    const isBeside = this.isBeside(via);
    const whole = leftMs(checked, today);
    // Nobody takes anything of a life that its writer's own dates still give.
    const left = isBeside ? Math.min(whole, Math.max(leftS * 1000, checked.expiresAt - today)) : whole;
    const isAttested = isBeside && via?.neighbour !== peerKey(checked.writer.leaf.peerId);
    const heldMs = Math.min(heldS * 1000, ATTESTED_MAX_MS);
    const isFromNearest = isAttested && this.region.holders(position)[0] === via?.neighbour;
    const from = via === undefined ? {} : { from: via.neighbour };
    const attested = isAttested ? { heldMs, isFromNearest } : {};
    this.sharedBy = isBeside ? via?.neighbour : undefined;
    const result = this.store.put(
      { position, checked, leftMs: left, endsEarly: left < whole, ...from, ...attested },
      now,
    );
    this.sharedBy = undefined;
    if (result === 'taken' && isAttested) this.giveBack(position, checked, via?.neighbour, heldMs, now);
    // Of what is older than ours there is nothing left to hand over.
    return result === 'ok' || this.store.find(position, record, recordName(checked)) !== undefined;
  }

  /** A neighbour holds a claim that is younger than ours: it gets ours at once. */
  private giveBack(position: PeerId, theirs: CheckedRecord, to: PeerKey | undefined, heldMs: number, now: Instant) {
    const ours = this.store.inTheWay(position, theirs);
    if (ours === undefined || to === undefined || now - ours.seenAt <= heldMs) return;
    ours.shared.delete(to);
    this.copies.add(ours, now);
  }

  private isBeside(via: Via | undefined): boolean {
    return via !== undefined && via.source === via.neighbour && this.region.has(via.neighbour);
  }

  /** Who is known to hold the record that is being stored. */
  private sharedBy: PeerKey | undefined;
  /** Whether what is stored is on the disk already. */
  private isRestoring = false;

  private stored(held: Held, former: Held | undefined): void {
    if (this.sharedBy !== undefined) held.shared.set(this.sharedBy, held.until);
    if (isKept(held) && !this.isRestoring) this.io.keep(held);
    this.copies.add(held, this.now);
    this.watchers.changed(held, former?.record, this.now);
  }

  /** The record, if it is good and this is one of its places. */
  private check(position: PeerId, record: DhtRecord, now: Instant): CheckedRecord | undefined {
    const at = peerKey(position);
    const isReplica = this.io.positions(record.key).some(place => peerKey(place) === at);
    return isReplica ? this.io.check(record, now) : undefined;
  }

  private send(message: CopyMessage): void {
    this.stats.copied += message.held.length;
    this.io.ask(message.request, message.target, (answer, now) => this.copies.ended(message, answer, now));
  }

  private passWatch(request: WatchRequest, to: PeerKey, taken: () => void): void {
    const target = peerIdFromKey(to) ?? request.position;
    this.io.ask(request, target, answer => {
      if (answer?.status === 'ok') taken();
    });
  }
}

function isKept(held: Held): boolean {
  return POLICIES[held.record.kind].isKept;
}

function status(of: DhtAnswer['status']): DhtAnswer {
  return { status: of, more: false, records: [] };
}

/**
 * The DHT of one network: signed records at r = 4 replicas spread round the
 * ring (P4 2.1), each at the nearest peer and one neighbour on each side.
 * Sans-IO: requests and answers travel by `overlay`, which finds whoever is
 * nearest to a position. Here are our own wishes: put, create, get, delete,
 * watch. What we do for others is in `holder.ts`, and what becomes of what we
 * wrote in `published.ts`.
 */
import { earliest, type Instant, Outbox, type Random, uint32 } from '@warren/base';
import {
  type DhtAnswer,
  type DhtRecord,
  type DhtRequest,
  decodeDhtNotice,
  encodeDhtAnswer,
  encodeDhtNotice,
  encodeDhtRequest,
  type GetRequest,
  OverlayType,
  type PeerId,
  type PeerKey,
  type RecordKind,
} from '@warren/wire';
import { Asks, type Done } from './asks.ts';
import { Filling } from './filling.ts';
import { Holder, type HolderStats, type Via } from './holder.ts';
import { decodeKept, encodeKept, keptSlot } from './kept.ts';
import { type Found, Lookup } from './lookup.ts';
import { POLICIES } from './policy.ts';
import { Published } from './published.ts';
import { type CheckedRecord, makeRecord, RecordChecker, type RecordContext, type Value } from './records.ts';
import type { Store } from './store.ts';
import type { Held } from './usage.ts';
import { shuffled, Watching } from './watching.ts';
import { Write, type Written } from './write.ts';
import { Writers } from './writers.ts';

/** Replicas of each key. */
export const REPLICAS = 4;
/** A light get asks so many of them at first. */
const LIGHT_REPLICAS = 2;
/** When most replicas agree, the others have so long to know better; a holder that is busy is asked again after it. */
const GRACE_MS = 300;
/** Records put right after reading, in so long: a lying replica makes every reader try. */
const REPAIRS_MAX = 32;
const REPAIRS_MS = 10_000;

export type DhtOutput =
  /** Ask whoever is nearest to `target`, with a datagram of this type; the answer comes back under `tag`. */
  | {
      readonly kind: 'request';
      readonly type: typeof OverlayType.DHT_REQUEST | typeof OverlayType.DHT_NOTIFY;
      readonly target: PeerId;
      readonly payload: Uint8Array;
      readonly tag: number;
    }
  | ({ readonly kind: 'stored'; readonly operation: number } & Written)
  | ({ readonly kind: 'found'; readonly operation: number } & Omit<Found, 'deleted'>)
  /** News under a watched key: values and ends of values. */
  | { readonly kind: 'changed'; readonly watch: number; readonly records: readonly CheckedRecord[] }
  /** A newer run of our own identity writes records: this one is a copy, or that. */
  | { readonly kind: 'doubled' }
  /** Our disk should hold this; put out before the answer that acknowledges it. */
  | { readonly kind: 'keep'; readonly slot: string; readonly bytes: Uint8Array }
  | { readonly kind: 'drop'; readonly slot: string };

export interface DhtOptions extends RecordContext {
  readonly random: Random;
}

/** How a get asks. */
export interface GetOptions {
  /** Two replicas drawn at random, and the others when these disagree or are silent: for what is read often. */
  readonly isLight?: boolean;
  /** Takes "nothing there" from nobody but the whole region of each place: for what must be found. */
  readonly isThorough?: boolean;
}

/** Counters. */
export interface DhtStats extends HolderStats {
  /** Records of ours that a replica which had taken them no longer had. */
  lost: number;
  /** Records that we gave to replicas which lacked them. */
  repaired: number;
}

/** The DHT machine. */
export class Dht {
  private options: DhtOptions;
  private readonly holder: Holder;
  private readonly watching: Watching;
  private readonly outbox = new Outbox<DhtOutput>();
  private readonly checker = new RecordChecker();
  private readonly writers: Writers;
  private readonly asks = new Asks();
  private readonly published: Published;
  private repaired = 0;
  private nextOperation = 1;
  /** Gets that could end and creates that ask again, in the order of time. */
  private readonly graces: { readonly at: Instant; readonly over: () => void }[] = [];
  private repairs = { left: REPAIRS_MAX, since: 0 };
  private now: Instant = 0;

  constructor(options: DhtOptions) {
    this.options = options;
    const self = options.credentials.leaf.peerId;
    const ask = (request: DhtRequest, target: PeerId, done: Done) => this.ask(request, target, done);
    const check = (record: DhtRecord, now: Instant) => this.check(record, now);
    this.writers = new Writers(bytes => this.options.place(bytes));
    this.holder = new Holder({
      ...{ self, ask, check },
      positions: key => this.positions(key),
      today: now => this.options.wallClock.at(now),
      brief: answer => this.writers.brief(answer),
      notify: (notice, watcher, done) => this.send(OverlayType.DHT_NOTIFY, watcher, encodeDhtNotice(notice), done),
      keep: held => this.keep(held),
      drop: held => this.outbox.push({ kind: 'drop', slot: keptSlot(held) }),
    });
    this.watching = new Watching({
      ...{ self, ask, check, random: options.random },
      read: (watch, kind, key) => this.readFor(watch, kind, key),
      changed: (watch, records) => this.outbox.push({ kind: 'changed', watch, records }),
    });
    this.published = new Published({
      ...{ ask, check, random: options.random },
      positions: key => this.positions(key),
      doubled: () => this.outbox.push({ kind: 'doubled' }),
    });
  }

  get stats(): Readonly<DhtStats> {
    return { ...this.holder.stats, lost: this.published.lost, repaired: this.repaired };
  }

  /** What we hold for others. */
  get store(): Store {
    return this.holder.store;
  }

  /** How many watches of others we keep. */
  get watches(): number {
    return this.holder.watches;
  }

  poll(): DhtOutput | undefined {
    return this.outbox.poll();
  }

  /** Stores our own record under a key, in place of our former one. Returns the operation's number. */
  put(o: Value, now: Instant): number {
    return this.write('put', o, now);
  }

  /** Stores our own record unless another writer holds the key. */
  create(o: Value, now: Instant): number {
    return this.write('create', o, now);
  }

  /** Ends our own record under a key: what remains lives as long as any copy of the record could. */
  delete(o: Pick<Value, 'kind' | 'key' | 'index'>, now: Instant): number {
    const lifetimeS = POLICIES[o.kind].lifetimeMaxS;
    return this.write('put', { ...o, value: new Uint8Array(0), lifetimeS, isDeleted: true }, now);
  }

  /** Reads all live records under a key. */
  get(kind: RecordKind, key: Uint8Array, o: GetOptions = {}): number {
    const operation = this.nextOperation++;
    this.lookup(kind, key, o, ({ records, answers, disagreement }) =>
      this.outbox.push({ kind: 'found', operation, records, answers, disagreement }),
    );
    return operation;
  }

  /** Wants to hear of changes under a key; returns the watch's number, `undefined` beyond 256 of them. */
  watch(kind: RecordKind, key: Uint8Array, now: Instant): number | undefined {
    this.now = now;
    const id = this.nextOperation++;
    const isBegun = this.watching.begin(id, { kind, key, positions: this.positions(key) }, now);
    this.watching.tick(now);
    return isBegun ? id : undefined;
  }

  unwatch(watch: number): void {
    this.watching.end(watch);
  }

  /** A request that reached us; returns the answer's payload, `undefined` for malformed bytes. */
  serve(payload: Uint8Array, now: Instant, via?: Via): Uint8Array | undefined {
    this.now = now;
    const answer = this.holder.serve(payload, via, now);
    return answer === undefined ? undefined : encodeDhtAnswer(answer);
  }

  /** A notice for us; returns the payload of its acknowledgement, `undefined` for malformed bytes. */
  notified(payload: Uint8Array, now: Instant, via?: Via): Uint8Array | undefined {
    this.now = now;
    if (!this.holder.isFreeFor(via?.neighbour, now)) {
      return encodeDhtAnswer({ status: 'busy', more: false, records: [] });
    }
    const notice = decodeDhtNotice(payload);
    if (notice === undefined) {
      this.holder.stats.malformed++;
      return undefined;
    }
    const isOurs = this.watching.notified(notice, now);
    return encodeDhtAnswer({ status: isOurs ? 'ok' : 'refused', more: false, records: [] });
  }

  /** The answer to a request of ours. `isPlausible`: whether its sender may be the nearest peer, going by how close peers lie. */
  answered(tag: number, payload: Uint8Array, now: Instant, isPlausible = true): void {
    this.now = now;
    if (!this.asks.answered(tag, payload, isPlausible, now)) this.holder.stats.malformed++;
  }

  unanswered(tag: number, now: Instant): void {
    this.now = now;
    this.asks.unanswered(tag, now);
  }

  /** To whom we are linked: records and watches may now belong to somebody else. */
  neighbourhoodChanged(neighbours: Iterable<PeerKey>, now: Instant): void {
    this.now = now;
    this.holder.neighbours(neighbours, now);
  }

  /** A neighbour was there all the time, but runs anew, perhaps without what it held. */
  neighbourReplaced(neighbour: PeerKey, now: Instant): void {
    this.now = now;
    this.holder.replaced(neighbour, now);
  }

  /** Takes back what our disk held; it is checked like a stranger's. False when it is worth nothing any more. */
  restore(bytes: Uint8Array, now: Instant): boolean {
    this.now = now;
    const kept = decodeKept(bytes);
    if (kept === undefined) {
      this.holder.stats.malformed++;
      return false;
    }
    const today = this.options.wallClock.at(now);
    return this.holder.restore(kept.position, kept.record, Math.max(0, today - kept.seenAt), kept.endsAt - today, now);
  }

  /** Our disk has lost what it held: all that is held comes out to be kept once more. */
  keepAnew(now: Instant): void {
    this.now = now;
    for (const held of this.store.all(now)) this.keep(held);
  }

  private keep(held: Held): void {
    const bytes = encodeKept(held, this.now, this.options.wallClock.at(this.now));
    this.outbox.push({ kind: 'keep', slot: keptSlot(held), bytes });
  }

  /** Hands over what only we have: the goodbye follows. */
  leave(now: Instant): void {
    this.now = now;
    this.holder.leave(now);
  }

  /** Forgets everything; nothing more is asked. What our disk holds stays. */
  close(): void {
    this.holder.clear();
    this.watching.clear();
    this.published.clear();
    this.graces.length = 0;
  }

  /** Takes over fresh credentials; later records are signed with them. */
  renew(credentials: DhtOptions['credentials']): void {
    this.options = { ...this.options, credentials };
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.holder.wakeAt, this.watching.wakeAt, this.published.wakeAt, this.graces[0]?.at);
  }

  tick(now: Instant): void {
    this.now = now;
    this.holder.tick(now);
    this.watching.tick(now);
    while ((this.graces[0]?.at ?? now + 1) <= now) this.graces.shift()?.over();
    this.published.tick(now, this.options.wallClock.at(now));
  }

  /** Where the replicas of a key lie. */
  positions(key: Uint8Array): PeerId[] {
    return Array.from({ length: REPLICAS }, (_, i) => {
      const numbered = new Uint8Array(key.length + 1);
      numbered.set(key);
      numbered[key.length] = i;
      return this.options.place(numbered);
    });
  }

  private write(op: 'put' | 'create', o: Value & { readonly isDeleted?: boolean }, now: Instant): number {
    this.now = now;
    const operation = this.nextOperation++;
    const { credentials, wallClock } = this.options;
    const sequence = this.published.nextSequence(wallClock.at(now));
    const record = makeRecord(this.options, { ...o, sequence }, now);
    const { leaf, statement, keys } = credentials;
    const expiresAt = record.signedAt + record.lifetimeS * 1000;
    const own = { record, writer: { leaf, statement, noiseStatic: keys.noise.public }, expiresAt };
    this.published.add(own, now);
    this.writers.note(own);
    const write = new Write(op, own, this.positions(o.key), {
      ask: (request, target, done) => this.ask(request, target, done),
      check: of => this.check(of, this.now),
      beside: position => this.beside(position),
      written: written => this.outbox.push({ kind: 'stored', operation, ...written }),
      behind: newer => this.published.behind(own, newer),
      wait: over => this.wait(over),
    });
    write.start();
    return operation;
  }

  private lookup(kind: RecordKind, key: Uint8Array, o: GetOptions, found: (found: Found) => void): void {
    const order = shuffled(REPLICAS, this.options.random);
    const atOnce = o.isLight ? LIGHT_REPLICAS : REPLICAS;
    const isBrief = this.writers.hasRead(kind, key);
    const { isThorough = false } = o;
    const what = { kind, key, isBrief, positions: this.positions(key), order, atOnce, isThorough };
    const lookup = new Lookup(what, {
      ask: (request, target, done) => this.ask(request, target, done),
      check: record => this.check(record, this.now),
      beside: position => this.beside(position),
      found: result => {
        if (result.records.length > 0) this.writers.noteRead(kind, key);
        found(result);
      },
      wait: over => this.wait(over),
      repair: (position, record) => this.repair(position, record),
    });
    lookup.start();
  }

  private readFor(watch: number, kind: RecordKind, key: Uint8Array): void {
    this.lookup(kind, key, { isLight: true }, ({ records, deleted }) =>
      this.watching.learn(watch, [...records, ...deleted]),
    );
  }

  private repair(position: PeerId, { record, expiresAt }: CheckedRecord): void {
    if (this.now - this.repairs.since >= REPAIRS_MS) this.repairs = { left: REPAIRS_MAX, since: this.now };
    if (expiresAt <= this.options.wallClock.at(this.now) || this.repairs.left <= 0) return;
    this.repairs.left--;
    this.repaired++;
    this.ask({ op: 'put', position, record }, position, () => {});
  }

  private wait(over: () => void): void {
    this.graces.push({ at: this.now + GRACE_MS, over });
  }

  private beside(position: PeerId): PeerId {
    return this.holder.region.beside(position, uint32(this.options.random) % 2 === 0 ? 1 : -1);
  }

  private check(record: DhtRecord, now: Instant): CheckedRecord | undefined {
    const checked = this.checker.check(this.options, record, now);
    if (checked !== undefined) this.writers.note(checked);
    return checked;
  }

  private ask(request: DhtRequest, target: PeerId, done: Done): void {
    this.send(OverlayType.DHT_REQUEST, target, encodeDhtRequest(request), (answer, now) => {
      if (answer?.brief === undefined) done(answer, now);
      else if (request.op !== 'get' || !request.isBrief) done(undefined, now);
      else this.makeWhole(answer, request, target, done);
    });
  }

  private makeWhole(answer: DhtAnswer, request: GetRequest, target: PeerId, done: Done): void {
    const filling = new Filling(answer, request, {
      writers: this.writers,
      ask: (question, filled) => this.ask(question, target, filled),
      check: record => this.check(record, this.now),
      done: whole => done(whole, this.now),
    });
    filling.next();
  }

  private send(
    type: Extract<DhtOutput, { kind: 'request' }>['type'],
    target: PeerId,
    payload: Uint8Array,
    done: Done,
  ): void {
    const tag = this.asks.add(done, this.now);
    this.outbox.push({ kind: 'request', type, target, payload, tag });
  }
}

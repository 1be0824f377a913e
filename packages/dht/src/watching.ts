/**
 * What we ourselves watch: each key at two of its replicas, so that one may
 * lie or go. A watch is renewed every minute; a replica that does not take it
 * is exchanged for another. Notices are believed because records prove
 * themselves, and only what is newer than all before counts as news.
 */
import { compareBytes, type Instant, jitter, type Random, uint32 } from '@warren/base';
import type { DhtAnswer, DhtNotice, DhtRecord, DhtRequest, PeerId, RecordKind } from '@warren/wire';
import { type Age, type CheckedRecord, compareAge, recordName } from './records.ts';

/** Replicas at which a key is watched. */
const PLACES = 2;
/** Renewals, +-20 %; a watch outlives two lost ones. */
const RENEW_MS = 60_000;
const LIFETIME_S = 150;
/** Before another replica is tried, +-20 %. */
const RETRY_MS = 5000;
const WATCHES_MAX = 256;
/** A key is read again for a notice so often at most. */
const READ_EVERY_MS = 2000;
/** Records remembered per watch, to tell news from what is known. */
const SEEN_MAX = 1024;

/** What watching needs. */
export interface WatchingIo {
  readonly self: PeerId;
  readonly random: Random;
  readonly ask: (
    request: DhtRequest,
    target: PeerId,
    done: (answer: DhtAnswer | undefined, now: Instant) => void,
  ) => void;
  readonly check: (record: DhtRecord, now: Instant) => CheckedRecord | undefined;
  /** Reads everything under the key of a watch; what it finds comes back by `learn`. */
  readonly read: (watch: number, kind: RecordKind, key: Uint8Array) => void;
  readonly changed: (watch: number, records: readonly CheckedRecord[]) => void;
}

interface Watch {
  readonly id: number;
  readonly kind: RecordKind;
  readonly key: Uint8Array;
  readonly positions: readonly PeerId[];
  /** Replicas by number: those watched first, then the reserve. */
  readonly order: number[];
  readonly dueAt: (Instant | undefined)[];
  readonly seen: Map<string, Age>;
  hasRead: boolean;
  /** When the next reading is wanted, and how early it may be. */
  readAt: Instant | undefined;
  quietUntil: Instant;
  isReading: boolean;
}

const UNREAD = { hasRead: false, readAt: undefined, quietUntil: 0, isReading: false } as const;

/** All watches of one machine. */
export class Watching {
  private readonly io: WatchingIo;
  /** By the number that holders know. */
  private readonly watches = new Map<number, Watch>();

  constructor(io: WatchingIo) {
    this.io = io;
  }

  /** Begins a watch under our own number `id`; false when there are too many. */
  begin(id: number, o: { kind: RecordKind; key: Uint8Array; positions: readonly PeerId[] }, now: Instant): boolean {
    if (this.watches.size >= WATCHES_MAX) return false;
    const order = shuffled(o.positions.length, this.io.random);
    const dueAt = Array.from({ length: PLACES }, () => now);
    this.watches.set(uint32(this.io.random), { id, ...o, order, dueAt, ...UNREAD, seen: new Map() });
    return true;
  }

  /** Ends a watch, and tells its holders. */
  end(id: number): void {
    for (const [number, watch] of this.watches) {
      if (watch.id !== id) continue;
      this.watches.delete(number);
      for (let i = 0; i < PLACES; i++) this.send(number, watch, i, 0, () => {});
    }
  }

  get wakeAt(): Instant | undefined {
    let least: Instant | undefined;
    for (const { dueAt, readAt, isReading } of this.watches.values()) {
      for (const at of isReading ? dueAt : [...dueAt, readAt])
        if (at !== undefined && (least === undefined || at < least)) least = at;
    }
    return least;
  }

  tick(now: Instant): void {
    for (const [number, watch] of this.watches) {
      watch.dueAt.forEach((at, i) => {
        if (at !== undefined && at <= now) this.renew(number, watch, i);
      });
      this.readIfDue(watch, now);
    }
  }

  /** Takes a notice; false when it is about nothing that we watch. */
  notified(notice: DhtNotice, now: Instant): boolean {
    const watch = this.watches.get(notice.watch);
    if (watch === undefined) return false;
    const checked = notice.records.flatMap(record => {
      const isAbout = record.kind === watch.kind && compareBytes(record.key, watch.key) === 0;
      return (isAbout ? this.io.check(record, now) : undefined) ?? [];
    });
    this.news(watch, checked);
    if (notice.more) this.wantRead(watch, now);
    return true;
  }

  /** Takes what a reading for a watch found. */
  learn(id: number, records: readonly CheckedRecord[]): void {
    for (const watch of this.watches.values()) {
      if (watch.id !== id) continue;
      watch.isReading = false;
      this.news(watch, records);
    }
  }

  clear(): void {
    this.watches.clear();
  }

  private renew(number: number, watch: Watch, i: number): void {
    const { random } = this.io;
    watch.dueAt[i] = undefined;
    this.send(number, watch, i, LIFETIME_S, (answer, now) => {
      const isTaken = answer?.status === 'ok';
      if (!isTaken) exchange(watch.order, i);
      watch.dueAt[i] = now + jitter(random, isTaken ? RENEW_MS : RETRY_MS, 0.2);
      if (!isTaken || watch.hasRead) return;
      watch.hasRead = true;
      this.wantRead(watch, now);
    });
  }

  private wantRead(watch: Watch, now: Instant): void {
    watch.readAt ??= Math.max(now, watch.quietUntil);
    this.readIfDue(watch, now);
  }

  private readIfDue(watch: Watch, now: Instant): void {
    if (watch.isReading || watch.readAt === undefined || now < watch.readAt) return;
    watch.readAt = undefined;
    watch.isReading = true;
    watch.quietUntil = now + READ_EVERY_MS;
    this.io.read(watch.id, watch.kind, watch.key);
  }

  private send(
    number: number,
    watch: Watch,
    i: number,
    lifetimeS: number,
    done: (answer: DhtAnswer | undefined, now: Instant) => void,
  ): void {
    const position = watch.positions[watch.order[i] as number] as PeerId;
    const { kind, key } = watch;
    const request = { op: 'watch', position, kind, key, watcher: this.io.self, watch: number, lifetimeS } as const;
    this.io.ask(request, position, done);
  }

  private news(watch: Watch, records: readonly CheckedRecord[]): void {
    const news = records.filter(checked => {
      const known = watch.seen.get(recordName(checked));
      return known === undefined || compareAge(checked.record, known) > 0;
    });
    for (const checked of news) {
      const name = recordName(checked);
      watch.seen.delete(name);
      const oldest = watch.seen.keys().next();
      if (watch.seen.size >= SEEN_MAX && !oldest.done) watch.seen.delete(oldest.value);
      const { sequence, signature } = checked.record;
      watch.seen.set(name, { sequence, signature });
    }
    if (news.length > 0) this.io.changed(watch.id, news);
  }
}

/** The numbers below `count` in any order. */
export function shuffled(count: number, random: Random): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = uint32(random) % (i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** Puts the first of the reserve in place of the i-th, and that at the end. */
function exchange(order: number[], i: number): void {
  const [next] = order.splice(PLACES, 1);
  if (next === undefined) return;
  order.push(order[i] as number);
  order[i] = next;
}

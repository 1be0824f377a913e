/**
 * Who wants to hear of changes under keys that we hold. A watch is soft state:
 * it ends unless renewed, and with the first notice that its watcher does not
 * acknowledge, so that nobody can have others flooded. Bounded per watcher and
 * neighbour, per neighbour and in all: who a watcher is nobody proves beyond
 * one hop, so what is full makes room at the cost of the neighbour that brought most.
 */
import { type Instant, toHex } from '@warren/base';
import {
  ANSWER_RECORDS_MAX,
  type DhtNotice,
  type DhtRecord,
  type PeerKey,
  peerKey,
  type WatchRequest,
} from '@warren/wire';
import { isRenewal } from './store.ts';
import type { Held } from './usage.ts';

/** Watches kept, in all, of one watcher as far as one neighbour brought them, and of those that one neighbour brought. */
const WATCHES_MAX = 2048;
const PER_WATCHER_MAX = 64;
const PER_NEIGHBOUR_MAX = 1024;
/** Longest life of a watch. */
export const WATCH_MAX_S = 300;
/** Changes within this time go in one notice. */
const TOGETHER_MS = 200;
/** Records that wait for one watcher; beyond, it is told to read again. */
const WAITING_MAX = ANSWER_RECORDS_MAX;
const NOTICE_BYTES_MAX = 12_000;
/** A watcher that had no time for a notice is told again, to read, after this. */
const AGAIN_MS = 5000;

/** One subscription. */
export interface Watch {
  readonly request: WatchRequest;
  readonly from: PeerKey | undefined;
  readonly until: Instant;
  readonly waiting: Map<string, Held>;
  isMore: boolean;
  noticeAt: Instant | undefined;
}

/** The subscriptions at one holder. */
export class Watchers {
  /** By key, then by watcher and number. */
  private readonly byKey = new Map<string, Map<string, Watch>>();
  private readonly perWatcher = new Map<string, number>();
  /** What each neighbour brought, oldest first. */
  private readonly byNeighbour = new Map<PeerKey, Set<Watch>>();
  private readonly due = new Set<Watch>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Takes, renews or ends a watch; false when there is no room. */
  set(request: WatchRequest, from: PeerKey | undefined, now: Instant): boolean {
    const at = keyOf(request);
    const name = nameOf(request);
    const former = this.byKey.get(at)?.get(name);
    if (former !== undefined) this.remove(former);
    if (request.lifetimeS === 0) return true;
    if (this.count >= WATCHES_MAX) this.expire(now);
    if (!this.makeRoom(peerKey(request.watcher), from)) return false;
    const until = now + Math.min(request.lifetimeS, WATCH_MAX_S) * 1000;
    const { waiting = new Map(), isMore = false, noticeAt } = former ?? {};
    const watch: Watch = { request, from, until, waiting, isMore, noticeAt };
    if (noticeAt !== undefined) this.due.add(watch);
    this.add(at, name, watch);
    return true;
  }

  /** A record came: all who watch its key hear of it, unless it says what the former one said. */
  changed(held: Held, former: DhtRecord | undefined, now: Instant): void {
    if (former !== undefined && isRenewal(former, held.record)) return;
    for (const watch of this.byKey.get(keyOf({ ...held.record, position: held.position }))?.values() ?? []) {
      if (watch.waiting.size >= WAITING_MAX && !watch.waiting.has(held.name)) watch.isMore = true;
      else watch.waiting.set(held.name, held);
      watch.noticeAt ??= now + TOGETHER_MS;
      this.due.add(watch);
    }
  }

  get wakeAt(): Instant | undefined {
    let least: Instant | undefined;
    for (const { noticeAt } of this.due)
      if (noticeAt !== undefined && (least === undefined || noticeAt < least)) least = noticeAt;
    return least;
  }

  /** The notices that are due. */
  notices(now: Instant): { watch: Watch; notice: DhtNotice }[] {
    const notices: { watch: Watch; notice: DhtNotice }[] = [];
    for (const watch of this.due) {
      if (watch.noticeAt === undefined || watch.noticeAt > now) continue;
      this.due.delete(watch);
      watch.noticeAt = undefined;
      if (watch.until > now) notices.push({ watch, notice: noticeOf(watch) });
    }
    return notices;
  }

  /** Drops a watch: its watcher is gone, or says that it wants none. */
  end(watch: Watch): void {
    const current = this.current(watch);
    if (current !== undefined) this.remove(current);
  }

  /** A watch as it is now, perhaps renewed; `undefined` when it has ended. */
  current(watch: Watch): Watch | undefined {
    return this.byKey.get(keyOf(watch.request))?.get(nameOf(watch.request));
  }

  /** Its watcher had no time for a notice. */
  again(watch: Watch, now: Instant): void {
    const current = this.current(watch);
    if (current === undefined) return;
    current.isMore = true;
    current.noticeAt ??= now + AGAIN_MS;
    this.due.add(current);
  }

  /** A live watch as a request for somebody else. */
  requestOf(watch: Watch, now: Instant): WatchRequest | undefined {
    const lifetimeS = Math.ceil((watch.until - now) / 1000);
    return lifetimeS > 0 ? { ...watch.request, lifetimeS } : undefined;
  }

  /** All live watches, as requests for somebody else. */
  *all(now: Instant): Iterable<{ watch: Watch; request: WatchRequest }> {
    for (const watches of this.byKey.values()) {
      for (const watch of watches.values()) {
        const request = this.requestOf(watch, now);
        if (request !== undefined) yield { watch, request };
      }
    }
  }

  /** Drops what has expired. */
  expire(now: Instant): void {
    for (const watches of this.byKey.values()) {
      for (const watch of watches.values()) if (watch.until <= now) this.remove(watch);
    }
  }

  clear(): void {
    for (const each of [this.byKey, this.perWatcher, this.byNeighbour, this.due]) each.clear();
    this.count = 0;
  }

  private makeRoom(watcher: PeerKey, from: PeerKey | undefined): boolean {
    const brought = this.byNeighbour.get(from ?? '')?.size ?? 0;
    if (brought >= PER_NEIGHBOUR_MAX) return false;
    if ((this.perWatcher.get(broughtBy(from, watcher)) ?? 0) >= PER_WATCHER_MAX) return false;
    if (this.count < WATCHES_MAX) return true;
    let most: ReadonlySet<Watch> = new Set();
    for (const watches of this.byNeighbour.values()) if (watches.size > most.size) most = watches;
    const [oldest] = most;
    if (oldest === undefined || most.size <= brought + 1) return false;
    this.remove(oldest);
    return true;
  }

  private add(at: string, name: string, watch: Watch): void {
    const watches = this.byKey.get(at) ?? new Map<string, Watch>();
    watches.set(name, watch);
    this.byKey.set(at, watches);
    count(this.perWatcher, broughtBy(watch.from, peerKey(watch.request.watcher)), 1);
    const from = watch.from ?? '';
    this.byNeighbour.set(from, (this.byNeighbour.get(from) ?? new Set()).add(watch));
    this.count++;
  }

  private remove(watch: Watch): void {
    const at = keyOf(watch.request);
    const watches = this.byKey.get(at);
    this.due.delete(watch);
    if (!watches?.delete(nameOf(watch.request))) return;
    if (watches.size === 0) this.byKey.delete(at);
    count(this.perWatcher, broughtBy(watch.from, peerKey(watch.request.watcher)), -1);
    const brought = this.byNeighbour.get(watch.from ?? '');
    brought?.delete(watch);
    if (brought?.size === 0) this.byNeighbour.delete(watch.from ?? '');
    this.count--;
  }
}

function noticeOf(watch: Watch): DhtNotice {
  const records: DhtRecord[] = [];
  let bytes = 0;
  for (const held of watch.waiting.values()) {
    bytes += held.bytes;
    if (bytes > NOTICE_BYTES_MAX) watch.isMore = true;
    else records.push(held.record);
  }
  const notice = { watch: watch.request.watch, more: watch.isMore, records };
  watch.waiting.clear();
  watch.isMore = false;
  return notice;
}

function count(counts: Map<string, number>, name: string, by: number): void {
  const total = (counts.get(name) ?? 0) + by;
  if (total > 0) counts.set(name, total);
  else counts.delete(name);
}

function broughtBy(neighbour: PeerKey | undefined, watcher: PeerKey): string {
  return `${neighbour ?? ''} ${watcher}`;
}

function keyOf(o: Pick<WatchRequest, 'position' | 'kind' | 'key'>): string {
  return `${toHex(o.position)}${o.kind}${toHex(o.key)}`;
}

function nameOf({ watcher, watch }: WatchRequest): string {
  return `${peerKey(watcher)}${watch}`;
}

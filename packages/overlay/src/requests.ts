/**
 * Requests and the way back. An answer retraces the path of its request, so a
 * forged source gains nothing (decisions.md "Trust between strangers"). Each
 * try takes first hops that no earlier one took, while there are any.
 */
import { type Instant, sameBytes } from '@warren/base';
import { type OverlayMode, type PeerId, type PeerKey, peerKey } from '@warren/wire';

/** How long a forwarder remembers whence a request came. */
const RETRACE_MS = 30_000;
const RETRACE_MAX = 4096;
const TRAILS_MAX = 1024;
/** So often one request passes: all its tries together, and what goes round in circles ends. */
const PASSES_MAX = 8;
/** Wait for an answer, by try. */
const ANSWER_MS: readonly number[] = [700, 1500, 3000, 4000];
/** First hops, by try: once it is urgent, two at a time. */
const HOPS: readonly number[] = [1, 1, 2, 2];
/** Where several answers are wanted and one is there, the others have so long. */
const OTHERS_MS = 1500;
const PENDING_MAX = 1024;

interface Way {
  readonly source: PeerId;
  from: PeerKey;
  until: Instant;
  passes: number;
}

/** Whence requests came. Of whichever neighbour has brought most the oldest go first. */
export class WayBack {
  private readonly entries = new Map<number, Way>();
  /** Requests by the neighbour that brought them, oldest first. */
  private readonly brought = new Map<PeerKey, Set<number>>();

  /** Notes whence a request comes; false when it came too often. */
  remember(source: PeerId, requestId: number, from: PeerKey, now: Instant): boolean {
    this.expire(now);
    const known = this.entries.get(requestId);
    const isSame = known !== undefined && sameBytes(known.source, source);
    const passes = isSame ? known.passes + 1 : 1;
    if (passes > PASSES_MAX) return false;
    this.delete(requestId);
    if (this.entries.size >= RETRACE_MAX) this.makeRoom();
    this.entries.set(requestId, { source, from, until: now + RETRACE_MS, passes });
    const ids = this.brought.get(from) ?? new Set();
    this.brought.set(from, ids.add(requestId));
    return true;
  }

  /** The neighbour to hand an answer to; `undefined` when nobody asked through us lately. */
  towards(source: PeerId, requestId: number, now: Instant): PeerKey | undefined {
    const way = this.entries.get(requestId);
    return way !== undefined && way.until > now && sameBytes(way.source, source) ? way.from : undefined;
  }

  /** All are kept equally long, so the first are the first to end. */
  private expire(now: Instant): void {
    for (const [id, { until }] of this.entries) {
      if (until > now) return;
      this.delete(id);
    }
  }

  private makeRoom(): void {
    let most: ReadonlySet<number> = new Set();
    for (const ids of this.brought.values()) if (ids.size > most.size) most = ids;
    const [oldest] = most;
    if (oldest !== undefined) this.delete(oldest);
  }

  private delete(requestId: number): void {
    const way = this.entries.get(requestId);
    if (way === undefined) return;
    this.entries.delete(requestId);
    const ids = this.brought.get(way.from);
    ids?.delete(requestId);
    if (ids?.size === 0) this.brought.delete(way.from);
  }
}

interface Trail {
  readonly from: PeerKey;
  until: Instant;
  uses: number;
}

/**
 * Ways back to peers that are not on the ring yet: whoever calls others while it joins can be answered only along the
 * way of its calls. Only for targets that nobody is known to be linked to; what goes there is sealed above us. Who
 * called is hearsay: the first neighbour to bring a call keeps the trail while it lasts, and every third use goes where
 * it would go without, so that a forged call slows others down and does not cut them off.
 */
export class Trails {
  private readonly entries = new Map<PeerKey, Trail>();

  /** Notes whence a call of `source` came. */
  note(source: PeerKey, from: PeerKey, now: Instant): void {
    const known = this.entries.get(source);
    const isLive = known !== undefined && known.until > now;
    if (isLive && known.from !== from) return;
    this.entries.delete(source);
    for (const [key, { until }] of this.entries) {
      if (until > now && this.entries.size < TRAILS_MAX) break;
      this.entries.delete(key);
    }
    this.entries.set(source, { from, until: now + RETRACE_MS, uses: isLive ? known.uses : 0 });
  }

  /** The neighbour through which `target` called in the last 30 s; `undefined` when it did not, and every third time. */
  towards(target: PeerId, now: Instant): PeerKey | undefined {
    const trail = this.entries.size === 0 ? undefined : this.entries.get(peerKey(target));
    if (trail === undefined || trail.until <= now) return undefined;
    return trail.uses++ % 3 === 1 ? undefined : trail.from;
  }
}

/** What a request of our own needs. */
export interface PendingOptions {
  /** The asker's own number for it. */
  readonly tag: number;
  /** Where it asks. */
  readonly target: PeerId;
  readonly mode: OverlayMode;
  /** Answers wanted, at least 1. */
  readonly answers: number;
  /** Whether somebody answers for sure unless a hop fails: only then is silence held against first hops. */
  readonly isSure: boolean;
  /** Sends through the best hop that is not to be avoided; `undefined` when there is none. */
  readonly send: (avoid: ReadonlySet<PeerKey>) => PeerKey | undefined;
}

/** A request of our own that waits for its answers. */
export interface PendingRequest extends PendingOptions {
  readonly tried: Set<PeerKey>;
  /** Hops of the latest try. */
  latest: PeerKey[];
  /** Who has answered. */
  readonly answerers: PeerId[];
  tries: number;
  retryAt: Instant;
}

/** Our own requests. */
export class PendingRequests {
  private readonly pending = new Map<number, PendingRequest>();
  private readonly judge: (hop: PeerKey, isAnswered: boolean) => void;
  /** Never later than the next time something is due. */
  private dueAt: Instant = Number.POSITIVE_INFINITY;

  constructor(judge: (hop: PeerKey, isAnswered: boolean) => void) {
    this.judge = judge;
  }

  /** Begins a request; false when there are too many. */
  add(requestId: number, options: PendingOptions, now: Instant): boolean {
    if (this.pending.size >= PENDING_MAX || this.pending.has(requestId)) return false;
    const state = { tried: new Set<PeerKey>(), latest: [], answerers: [], tries: 0, retryAt: now };
    const request: PendingRequest = { ...options, ...state };
    this.pending.set(requestId, request);
    this.attempt(request, now);
    return true;
  }

  /** Expects answers through this neighbour too, which got a copy from us. */
  alsoFrom(requestId: number, neighbour: PeerKey): void {
    this.pending.get(requestId)?.tried.add(neighbour);
  }

  /**
   * Takes the request that an answer from this neighbour belongs to; `undefined` when we did not ask through it, and
   * when the same peer has answered. With its last answer a request is over.
   */
  take(requestId: number, from: PeerKey | undefined, source: PeerId, now: Instant): PendingRequest | undefined {
    const request = this.pending.get(requestId);
    if (request === undefined || (from !== undefined && !request.tried.has(from))) return undefined;
    if (from !== undefined) this.judge(from, true);
    request.latest = [];
    if (request.answerers.some(other => sameBytes(other, source))) return undefined;
    request.answerers.push(source);
    if (request.answerers.length >= request.answers) this.pending.delete(requestId);
    else if (request.answerers.length === 1) this.wait(request, now + OTHERS_MS);
    return request;
  }

  /** Tries again what is due; returns the requests that are over without all their answers. */
  tick(now: Instant): PendingRequest[] {
    if (this.dueAt > now) return [];
    const over: PendingRequest[] = [];
    this.dueAt = Number.POSITIVE_INFINITY;
    for (const [id, request] of this.pending) {
      if (request.retryAt > now) this.dueAt = Math.min(this.dueAt, request.retryAt);
      else if (request.tries < ANSWER_MS.length && request.answerers.length === 0) this.retry(request, now);
      else {
        this.blame(request);
        this.pending.delete(id);
        over.push(request);
      }
    }
    return over;
  }

  /** Perhaps earlier than anything is due, never later. */
  get wakeAt(): Instant | undefined {
    return this.pending.size === 0 ? undefined : this.dueAt;
  }

  /** Forgets all. */
  clear(): void {
    this.pending.clear();
  }

  private retry(request: PendingRequest, now: Instant): void {
    this.blame(request);
    this.attempt(request, now);
  }

  private blame(request: PendingRequest): void {
    if (request.isSure) for (const hop of request.latest) this.judge(hop, false);
  }

  private attempt(request: PendingRequest, now: Instant): void {
    const nth = request.tries++;
    request.latest = [];
    this.wait(request, now + (ANSWER_MS[nth] as number));
    for (let i = 0; i < (HOPS[nth] as number); i++) {
      const another = request.send(request.tried);
      const isStuck = another === undefined && i === 0 && request.tried.size > 0;
      const hop = isStuck ? request.send(new Set()) : another;
      if (hop === undefined) return;
      request.tried.add(hop);
      request.latest.push(hop);
    }
  }

  private wait(request: PendingRequest, until: Instant): void {
    request.retryAt = until;
    this.dueAt = Math.min(this.dueAt, until);
  }
}

/**
 * Requests and the way back. An answer retraces the path of its request, so a
 * forged source gains nothing (decisions.md "Trust between strangers").
 */
import { earliest, type Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/** How long a forwarder remembers whence a request came. */
const RETRACE_MS = 30_000;
const RETRACE_MAX = 4096;
/** Wait for an answer, by try. */
const ANSWER_MS: readonly number[] = [700, 1500, 3000, 4000];
const PENDING_MAX = 1024;

/** Whence requests came. Oldest entries go first. */
export class WayBack {
  private readonly entries = new Map<string, { from: PeerKey; until: Instant }>();

  remember(source: PeerKey, requestId: number, from: PeerKey, now: Instant): void {
    const key = `${source}${requestId}`;
    this.entries.delete(key);
    const oldest = this.entries.keys().next();
    if (this.entries.size >= RETRACE_MAX && !oldest.done) this.entries.delete(oldest.value);
    this.entries.set(key, { from, until: now + RETRACE_MS });
  }

  /** The neighbour to hand an answer to; `undefined` when nobody asked through us lately. */
  towards(source: PeerKey, requestId: number, now: Instant): PeerKey | undefined {
    const entry = this.entries.get(`${source}${requestId}`);
    return entry !== undefined && entry.until > now ? entry.from : undefined;
  }
}

/** A request of our own that waits for its answer. */
export interface PendingRequest {
  /** The asker's own number for it. */
  readonly tag: number;
  readonly send: (avoid: ReadonlySet<PeerKey>) => PeerKey | undefined;
  readonly tried: Set<PeerKey>;
  tries: number;
  retryAt: Instant;
}

/** Our own requests; each try takes another first hop while there is one. */
export class PendingRequests {
  private readonly pending = new Map<number, PendingRequest>();

  add(requestId: number, tag: number, send: PendingRequest['send'], now: Instant): boolean {
    if (this.pending.size >= PENDING_MAX || this.pending.has(requestId)) return false;
    const request: PendingRequest = { tag, send, tried: new Set(), tries: 0, retryAt: now };
    this.pending.set(requestId, request);
    this.attempt(request, now);
    return true;
  }

  /** Takes the request that an answer from this neighbour belongs to; `undefined` when we did not ask through it. */
  take(requestId: number, from: PeerKey | undefined): PendingRequest | undefined {
    const request = this.pending.get(requestId);
    if (request === undefined || (from !== undefined && !request.tried.has(from))) return undefined;
    this.pending.delete(requestId);
    return request;
  }

  /** Tries again what is due; returns the tags of requests that ran out of tries. */
  tick(now: Instant): number[] {
    const failed: number[] = [];
    for (const [id, request] of this.pending) {
      if (request.retryAt > now) continue;
      if (request.tries < ANSWER_MS.length) this.attempt(request, now);
      else {
        this.pending.delete(id);
        failed.push(request.tag);
      }
    }
    return failed;
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.pending.values()].map(request => request.retryAt));
  }

  private attempt(request: PendingRequest, now: Instant): void {
    request.retryAt = now + (ANSWER_MS[request.tries++] as number);
    const another = request.send(request.tried);
    const hop = another === undefined && request.tried.size > 0 ? request.send(new Set()) : another;
    if (hop !== undefined) request.tried.add(hop);
  }
}

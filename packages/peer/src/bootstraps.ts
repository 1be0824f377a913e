/**
 * Ways into the public overlay: dials each bootstrap node's WebSocket, again
 * and again with growing waits, as long as the participant runs. Nodes of
 * former runs that nobody names any more are dialled only where nothing else helps.
 */
import { earliest, type Instant, jitter, type Random } from '@warren/base';
import type { PathId } from './host.ts';

const RETRY_MS: readonly number[] = [500, 1000, 2000, 5000, 10_000, 30_000];
/** A WebSocket that no link has used for so long is closed and dialled anew: more than a handshake takes. */
const UNUSED_MS = 10_000;
/** Spare nodes are dialled so long after the start, and looked at again so often. */
const SPARE_AFTER_MS = 3000;
const SPARE_AGAIN_MS = 30_000;

type State =
  | { readonly kind: 'waiting'; readonly until: Instant; readonly failures: number }
  | { readonly kind: 'dialling'; readonly failures: number }
  | { readonly kind: 'open'; readonly path: PathId; readonly usedAt: Instant };

/** State of all bootstrap WebSockets. */
export class Bootstraps {
  private readonly states = new Map<string, State>();
  private readonly spare: ReadonlySet<string>;
  private readonly random: Random;

  /** `former`: nodes that were reached in earlier runs. */
  constructor(urls: readonly string[], random: Random, now: Instant, former: readonly string[] = []) {
    this.random = random;
    this.spare = new Set(former.filter(url => !urls.includes(url)));
    for (const url of urls) this.states.set(url, { kind: 'waiting', until: now, failures: 0 });
    for (const url of this.spare) {
      this.states.set(url, { kind: 'waiting', until: now + jitter(random, SPARE_AFTER_MS, 0.5), failures: 0 });
    }
  }

  /** URLs to dial at `now`, spare ones only where we have no neighbour; each counts as being dialled from here on. */
  due(now: Instant, isAlone: () => boolean = () => true): string[] {
    const due: string[] = [];
    for (const [url, state] of this.states) {
      if (state.kind !== 'waiting' || state.until > now) continue;
      if (this.spare.has(url) && !isAlone()) {
        this.states.set(url, { ...state, until: now + jitter(this.random, SPARE_AGAIN_MS, 0.2) });
        continue;
      }
      this.states.set(url, { kind: 'dialling', failures: state.failures });
      due.push(url);
    }
    return due;
  }

  /** A WebSocket to `url` is open; false when no bootstrap node is there. */
  opened(url: string, path: PathId, now: Instant): boolean {
    if (!this.states.has(url)) return false;
    this.states.set(url, { kind: 'open', path, usedAt: now });
    return true;
  }

  failed(url: string, now: Instant): void {
    const state = this.states.get(url);
    if (state?.kind !== 'dialling') return;
    this.wait(url, state.failures, now);
  }

  closed(path: PathId, now: Instant): void {
    for (const [url, state] of this.states) if (state.kind === 'open' && state.path === path) this.wait(url, 0, now);
  }

  /**
   * Paths to close, which no link uses any more: their other end fell silent, and a socket may not notice that for
   * many minutes. Each is dialled again.
   */
  unused(links: { uses(path: PathId): boolean }, now: Instant): PathId[] {
    const unused: PathId[] = [];
    for (const [url, state] of this.states) {
      if (state.kind !== 'open') continue;
      if (links.uses(state.path)) this.opened(url, state.path, now);
      else if (now >= state.usedAt + UNUSED_MS) {
        unused.push(state.path);
        this.wait(url, 0, now);
      }
    }
    return unused;
  }

  /** Dials at once whatever waits, and what no link uses: the host's network came back. */
  hurry(now: Instant): void {
    for (const [url, state] of this.states) {
      if (state.kind === 'waiting') this.states.set(url, { kind: 'waiting', until: now, failures: 0 });
      if (state.kind === 'open') this.opened(url, state.path, now - UNUSED_MS);
    }
  }

  view(): { url: string; state: 'connecting' | 'connected' | 'failed' }[] {
    const seen = [...this.states].filter(([url, state]) => !this.spare.has(url) || state.kind === 'open');
    return seen.map(([url, state]) => ({ url, state: shown(state) }));
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.states.values()].map(dueAt));
  }

  private wait(url: string, failures: number, now: Instant): void {
    const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] as number;
    this.states.set(url, { kind: 'waiting', until: now + jitter(this.random, wait, 0.2), failures: failures + 1 });
  }
}

function dueAt(state: State): Instant | undefined {
  if (state.kind === 'open') return state.usedAt + UNUSED_MS;
  return state.kind === 'waiting' ? state.until : undefined;
}

function shown(state: State): 'connecting' | 'connected' | 'failed' {
  if (state.kind === 'open') return 'connected';
  return state.kind === 'waiting' && state.failures > 0 ? 'failed' : 'connecting';
}

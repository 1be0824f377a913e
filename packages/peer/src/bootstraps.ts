/**
 * Ways into the public overlay: dials each bootstrap node's WebSocket, again
 * and again with growing waits, as long as the participant runs.
 */
import { earliest, type Instant, jitter, type Random } from '@warren/base';
import type { PathId } from './host.ts';

const RETRY_MS: readonly number[] = [500, 1000, 2000, 5000, 10_000, 30_000];

type State =
  | { readonly kind: 'waiting'; readonly until: Instant; readonly failures: number }
  | { readonly kind: 'dialling'; readonly failures: number }
  | { readonly kind: 'open'; readonly path: PathId; readonly since: Instant };

/** State of all bootstrap WebSockets. */
export class Bootstraps {
  private readonly states = new Map<string, State>();
  private readonly random: Random;

  constructor(urls: readonly string[], random: Random, now: Instant) {
    this.random = random;
    for (const url of urls) this.states.set(url, { kind: 'waiting', until: now, failures: 0 });
  }

  /** URLs to dial at `now`; each counts as being dialled from here on. */
  due(now: Instant): string[] {
    const due: string[] = [];
    for (const [url, state] of this.states) {
      if (state.kind !== 'waiting' || state.until > now) continue;
      this.states.set(url, { kind: 'dialling', failures: state.failures });
      due.push(url);
    }
    return due;
  }

  opened(url: string, path: PathId, now: Instant): void {
    if (this.states.has(url)) this.states.set(url, { kind: 'open', path, since: now });
  }

  failed(url: string, now: Instant): void {
    const state = this.states.get(url);
    if (state?.kind !== 'dialling') return;
    this.wait(url, state.failures, now);
  }

  closed(path: PathId, now: Instant): void {
    for (const [url, state] of this.states) if (state.kind === 'open' && state.path === path) this.wait(url, 0, now);
  }

  /** Dials at once whatever waits: the host's network came back. */
  hurry(now: Instant): void {
    for (const [url, state] of this.states) {
      if (state.kind === 'waiting') this.states.set(url, { kind: 'waiting', until: now, failures: 0 });
    }
  }

  view(): { url: string; state: 'connecting' | 'connected' | 'failed' }[] {
    return [...this.states].map(([url, state]) => ({ url, state: shown(state) }));
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.states.values()].map(state => (state.kind === 'waiting' ? state.until : undefined)));
  }

  private wait(url: string, failures: number, now: Instant): void {
    const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] as number;
    this.states.set(url, { kind: 'waiting', until: now + jitter(this.random, wait, 0.2), failures: failures + 1 });
  }
}

function shown(state: State): 'connecting' | 'connected' | 'failed' {
  if (state.kind === 'open') return 'connected';
  return state.kind === 'waiting' && state.failures > 0 ? 'failed' : 'connecting';
}

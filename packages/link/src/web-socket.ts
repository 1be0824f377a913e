/**
 * WebSockets to members that listen for them (overlay.md "Links": UDP blocked):
 * dialled where a link goes through others a second after the neighbour said
 * where it listens. TLS only looks like the web to what is between; the server
 * is known by its key, and all that passes is sealed by the session anyway.
 * Among members only: strangers could aim us at servers of other people.
 */
import { earliest, type Instant } from '@warren/base';
import type { PathId } from '@warren/session';
import type { PeerKey } from '@warren/wire';
import { isOfAnother, PATH_RANK } from './candidates.ts';
import type { Link } from './link.ts';

/** What UDP gets before TCP is tried: a few round trips of probing. */
const DIAL_AFTER_MS = 1000;
/** Where both sides listen, the one with the larger id leaves it to the other for so long. */
const DIAL_SECOND_AFTER_MS = 4000;
/** Waits between attempts, by failures in a row. */
const RETRY_MS: readonly number[] = [10_000, 20_000, 40_000, 60_000];
/** How often a link with a direct path is looked at, whether it has it still. */
const LOOK_MS = 15_000;

export type WebSocketOutput =
  | { readonly kind: 'dial'; readonly url: string }
  | { readonly kind: 'close-path'; readonly path: PathId };

type State =
  | { readonly kind: 'waiting'; readonly at: Instant; readonly failures: number }
  | { readonly kind: 'dialling'; readonly url: string; readonly failures: number }
  | { readonly kind: 'open'; readonly path: PathId };

export interface WebSocketsOptions {
  readonly self: PeerKey;
  /** Whether this host can dial servers that are known by their key. */
  readonly isAble: boolean;
  /** Where we listen ourselves. */
  readonly urls: () => readonly string[];
  readonly push: (output: WebSocketOutput) => void;
}

/** The WebSockets that the links of one network have dialled. */
export class WebSockets {
  /** URLs that no member may have us dial. */
  refused = 0;
  private readonly options: WebSocketsOptions;
  private readonly states = new Map<PeerKey, State>();

  constructor(options: WebSocketsOptions) {
    this.options = options;
  }

  /** A neighbour said how it can be reached. */
  offered(link: Link, now: Instant): void {
    const isFirst = link.peer > this.options.self || this.options.urls().length === 0;
    const at = now + (isFirst ? DIAL_AFTER_MS : DIAL_SECOND_AFTER_MS);
    if (!this.options.isAble || this.states.has(link.peer) || link.remote?.urls.length === 0) return;
    this.states.set(link.peer, { kind: 'waiting', at, failures: 0 });
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.states.values()].map(state => (state.kind === 'waiting' ? state.at : undefined)));
  }

  /** Dials for those links that are due. */
  tick(linkOf: (peer: PeerKey) => Link | undefined, now: Instant): void {
    for (const [peer, state] of this.states) {
      if (state.kind !== 'waiting' || now < state.at) continue;
      const link = linkOf(peer);
      const url = link && this.urlOf(link, state.failures);
      if (link === undefined || url === undefined) this.states.delete(peer);
      else if (link.best === undefined || link.best.rank <= PATH_RANK.websocket) {
        this.states.set(peer, { kind: 'waiting', at: now + LOOK_MS, failures: 0 });
      } else {
        this.states.set(peer, { kind: 'dialling', url, failures: state.failures });
        this.options.push({ kind: 'dial', url });
      }
    }
  }

  /** A WebSocket to `url` is open: the neighbour whose it is; `undefined` when no link waits for one. */
  opened(url: string, path: PathId): PeerKey | undefined {
    const peer = this.dialling(url);
    if (peer !== undefined) this.states.set(peer, { kind: 'open', path });
    return peer;
  }

  /** A WebSocket did not come about; false when no link waits for one. */
  failed(url: string, now: Instant): boolean {
    const peer = this.dialling(url);
    const state = peer === undefined ? undefined : this.states.get(peer);
    if (peer === undefined || state?.kind !== 'dialling') return false;
    this.retry(peer, state.failures + 1, now);
    return true;
  }

  /** A path of a link is of no use any more. */
  lost(peer: PeerKey, path: PathId, now: Instant): void {
    const state = this.states.get(peer);
    if (state?.kind !== 'open' || state.path !== path) return;
    this.options.push({ kind: 'close-path', path });
    this.retry(peer, 1, now);
  }

  /** Gives up whatever there is with a neighbour. */
  end(peer: PeerKey): void {
    const state = this.states.get(peer);
    this.states.delete(peer);
    if (state?.kind === 'open') this.options.push({ kind: 'close-path', path: state.path });
  }

  /** One of the URLs that the neighbour told us and that we may dial, each in its turn. */
  private urlOf(link: Link, failures: number): string | undefined {
    const told = link.remote?.urls ?? [];
    const urls = told.filter(mayDial);
    this.refused += told.length - urls.length;
    return urls[failures % Math.max(1, urls.length)];
  }

  private dialling(url: string): PeerKey | undefined {
    for (const [peer, state] of this.states) if (state.kind === 'dialling' && state.url === url) return peer;
    return undefined;
  }

  private retry(peer: PeerKey, failures: number, now: Instant): void {
    const wait = RETRY_MS[Math.min(failures, RETRY_MS.length) - 1] as number;
    this.states.set(peer, { kind: 'waiting', at: now + wait, failures });
  }
}

/**
 * Whether a member may have us dial `url`: `wss://192.0.2.7:443/warren#<base64url SHA-256 of the server's key>`, so that
 * no other server gets a request of ours and no name is looked up, and never ourselves.
 */
export function mayDial(url: string): boolean {
  const [, address] = /^wss:\/\/([^/]+)\/warren#[\w-]{43}$/.exec(url) ?? [];
  return address !== undefined && isOfAnother(address);
}

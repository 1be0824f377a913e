/**
 * One neighbour: its paths, which of them is in use, what it offered. All
 * decisions about one link live here; `links.ts` does the sending.
 */
import { earliest, type Instant } from '@warren/base';
import type { Identity, PathId } from '@warren/session';
import type { LinkMessage, PeerKey } from '@warren/wire';
import { Reassembly } from './fragments.ts';
import { Path } from './path.ts';
import { Reliable } from './reliable.ts';

/** Paths per link; beyond it new ones are refused. */
export const PATHS_MAX = 12;
/** A path in reserve takes over only when it is this much faster within the same rank. */
const FASTER_SHARE = 0.7;
/** A link without a proven path is given up after that. */
export const SETUP_MS = 20_000;
/** Waits between attempts at WebRTC. */
const WEBRTC_RETRY_MS: readonly number[] = [2000, 10_000, 30_000, 60_000];

/** What a neighbour offered. */
export type Candidates = Extract<LinkMessage, { kind: 'candidates' }>;

/** WebRTC towards this neighbour. */
export type WebRtcState =
  | { readonly kind: 'none'; readonly retryAt: Instant; readonly failures: number }
  | { readonly kind: 'connecting'; readonly connection: string; readonly failures: number }
  | { readonly kind: 'open'; readonly connection: string; readonly path: PathId };

/** One neighbour. */
export class Link {
  readonly peer: PeerKey;
  identity: Identity;
  readonly paths = new Map<PathId, Path>();
  readonly reliable = new Reliable();
  readonly reassembly = new Reassembly();
  readonly createdAt: Instant;
  remote: Candidates | undefined;
  webrtc: WebRtcState = { kind: 'none', retryAt: 0, failures: 0 };
  /** Whether it is ours to offer WebRTC: neither side's UDP sockets meet, both can, and our id is the smaller. */
  offersWebRtc = false;
  best: Path | undefined;
  /** Whether those above know of it. */
  announced = false;
  sentBytes = 0;
  receivedBytes = 0;
  nextPartId = 1;
  private firstParts = new Map<number, Uint8Array>();

  constructor(peer: PeerKey, identity: Identity, now: Instant) {
    this.peer = peer;
    this.identity = identity;
    this.createdAt = now;
  }

  /** Adds a path unless it is known or there are too many; returns it when it is new. */
  addPath(id: PathId, bindingHash: Uint8Array, setupOnly: boolean, now: Instant): Path | undefined {
    if (this.paths.has(id) || this.paths.size >= PATHS_MAX) return undefined;
    const path = new Path(id, bindingHash, setupOnly, now);
    this.paths.set(id, path);
    return path;
  }

  /** Chooses the path in use again: by rank, then by time, with hysteresis. */
  choose(): void {
    const proven = [...this.paths.values()].filter(path => path.proven);
    let best = this.best !== undefined && proven.includes(this.best) ? this.best : undefined;
    for (const path of proven) if (best === undefined || isBetter(path, best)) best = path;
    this.best = best;
  }

  /** Whether messages of the overlay may use the link. */
  get isUsable(): boolean {
    return this.best !== undefined && !this.best.setupOnly;
  }

  /** Notes that WebRTC did not come about or ended. */
  webrtcFailed(now: Instant): void {
    const failures = this.webrtc.kind === 'open' ? 0 : this.webrtc.failures + 1;
    const wait = WEBRTC_RETRY_MS[Math.min(failures, WEBRTC_RETRY_MS.length - 1)] as number;
    this.webrtc = { kind: 'none', retryAt: now + wait, failures };
  }

  /** Puts the two parts of a frame together; part ids are per link, a few unfinished are kept. */
  joinParts(partId: number, first: boolean, part: Uint8Array): [Uint8Array, Uint8Array] | undefined {
    const key = first ? partId : -partId;
    const other = this.firstParts.get(-key);
    if (other !== undefined) {
      this.firstParts.delete(-key);
      return first ? [part, other] : [other, part];
    }
    if (this.firstParts.size >= 16) this.firstParts.clear();
    this.firstParts.set(key, part);
    return undefined;
  }

  get wakeAt(): Instant | undefined {
    const paths = [...this.paths.values()].map(path => path.wakeAt(path === this.best));
    const mayOffer = this.offersWebRtc && this.best !== undefined;
    const webrtc = mayOffer && this.webrtc.kind === 'none' ? this.webrtc.retryAt : undefined;
    const setup = this.announced ? undefined : this.createdAt + SETUP_MS;
    return earliest(...paths, this.best && this.reliable.wakeAt, webrtc, setup);
  }
}

function isBetter(candidate: Path, current: Path): boolean {
  if (candidate.rank !== current.rank) return candidate.rank < current.rank;
  if (candidate.rttMs === undefined || current.rttMs === undefined) return false;
  return candidate.rttMs < current.rttMs * FASTER_SHARE && current.rttMs - candidate.rttMs > 5;
}

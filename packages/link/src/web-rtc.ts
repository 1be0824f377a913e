/**
 * Who opens a data channel to whom, and when again: the neighbour with the
 * smaller id offers, one connection per link at a time. SDP passes through as
 * text, inside the session. The channel itself belongs to the host.
 */
import { Buckets, type Instant, type Random, type Rate, toHex } from '@warren/base';
import type { PathId } from '@warren/session';
import type { LinkMessage, PeerKey } from '@warren/wire';
import type { Link } from './link.ts';

/** Connections that one neighbour may have us answer: honest ones come every two seconds at most (`RETRY_MS`). */
const OPENED: Rate = { burst: 4, perSecond: 0.5 };
/** Waits between attempts, by failures in a row. */
const RETRY_MS: readonly number[] = [2000, 10_000, 30_000, 60_000];

/** What the host is asked for. Connections have names that are unique in this process. */
export type WebRtcOutput =
  | { readonly kind: 'open-webrtc'; readonly connection: string; readonly role: 'offerer' | 'answerer' }
  | { readonly kind: 'signal-webrtc'; readonly connection: string; readonly signal: string }
  | { readonly kind: 'close-path'; readonly path: PathId };

/** WebRTC towards one neighbour. */
export type WebRtcState =
  | { readonly kind: 'none'; readonly retryAt: Instant; readonly failures: number }
  | { readonly kind: 'connecting'; readonly connection: string; readonly failures: number }
  | { readonly kind: 'open'; readonly connection: string; readonly path: PathId };

export interface WebRtcOptions {
  readonly self: PeerKey;
  readonly network: string;
  /** Whether this host can do WebRTC. */
  readonly isAble: boolean;
  readonly random: Random;
  readonly push: (output: WebRtcOutput) => void;
}

/** The WebRTC connections of one network. */
export class WebRtc {
  /** Connections that we did not answer, as there were too many. */
  refused = 0;
  private readonly options: WebRtcOptions;
  private readonly owners = new Map<string, PeerKey>();
  private readonly asked = new Buckets(OPENED);
  private nextConnection = 1;

  constructor(options: WebRtcOptions) {
    this.options = options;
  }

  /** The neighbour that a connection is for; `undefined` when it is not of this network. */
  owner(connection: string): PeerKey | undefined {
    return this.owners.get(connection);
  }

  /** Offers a connection when it is ours to do so and due. */
  offer(link: Link, now: Instant): void {
    const { webrtc } = link;
    if (!link.offersWebRtc || link.best === undefined || webrtc.kind !== 'none' || now < webrtc.retryAt) return;
    const { network, random } = this.options;
    const connection = `${network.slice(0, 8)}.${this.nextConnection++}.${toHex(random.bytes(6))}`;
    this.begin(link, connection, 'offerer', webrtc.failures);
  }

  /** Takes the neighbour's signal; one about an unknown connection asks us to answer, which costs us sockets. */
  signal(link: Link, { connection, signal }: Extract<LinkMessage, { kind: 'signal' }>, now: Instant): void {
    const isKnown = link.webrtc.kind !== 'none' && link.webrtc.connection === connection;
    if (!isKnown) {
      if (!this.mayAnswer(link, connection, now)) return;
      this.end(link);
      this.begin(link, connection, 'answerer', 0);
    }
    this.options.push({ kind: 'signal-webrtc', connection, signal });
  }

  /** The channel of a connection is open; false when nobody waits for it. */
  opened(link: Link, connection: string, path: PathId): boolean {
    if (link.webrtc.kind !== 'connecting' || link.webrtc.connection !== connection) return false;
    link.webrtc = { kind: 'open', connection, path };
    return true;
  }

  /** A connection did not come about. */
  failed(link: Link, connection: string, now: Instant): void {
    const { webrtc } = link;
    if (webrtc.kind === 'connecting' && webrtc.connection === connection) this.retry(link, webrtc.failures + 1, now);
  }

  /** The open channel of a link is of no use any more; `wasProven` tells whether it ever was. */
  lost(link: Link, wasProven: boolean, now: Instant): void {
    this.end(link);
    this.retry(link, wasProven ? 0 : 1, now);
  }

  /** Gives up whatever there is with a neighbour. */
  end(link: Link): void {
    const { webrtc } = link;
    if (webrtc.kind === 'none') return;
    this.owners.delete(webrtc.connection);
    const path = webrtc.kind === 'open' ? webrtc.path : `rtc:${webrtc.connection}`;
    this.options.push({ kind: 'close-path', path });
    link.webrtc = { kind: 'none', retryAt: 0, failures: 0 };
  }

  private mayAnswer(link: Link, connection: string, now: Instant): boolean {
    const { isAble, self } = this.options;
    if (!isAble || self < link.peer || this.owners.has(connection)) return false;
    const isAllowed = this.asked.take(link.peer, now);
    if (!isAllowed) this.refused++;
    return isAllowed;
  }

  private begin(link: Link, connection: string, role: 'offerer' | 'answerer', failures: number): void {
    this.owners.set(connection, link.peer);
    link.webrtc = { kind: 'connecting', connection, failures };
    this.options.push({ kind: 'open-webrtc', connection, role });
  }

  private retry(link: Link, failures: number, now: Instant): void {
    if (link.webrtc.kind !== 'none') this.owners.delete(link.webrtc.connection);
    const wait = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] as number;
    link.webrtc = { kind: 'none', retryAt: now + wait, failures };
  }
}

/**
 * Telling neighbours to whom we are linked, and taking in what they tell. The
 * whole list on change, a digest of it else; whoever holds another list asks.
 * Not here: when (`upkeep.ts`). Source: P1 II-A; Symphony (lookahead).
 */
import type { Instant } from '@warren/base';
import {
  decodeNeighbours,
  encodeNeighbours,
  listDigest,
  type NeighboursMessage,
  type OverlayDatagram,
  OverlayFlag,
  OverlayType,
  PEER_IDS_MAX,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import type { Forwarding, OverlayStats } from './forwarding.ts';
import { toNeighbour } from './messages.ts';
import type { Neighbour, Table } from './table.ts';

/** At rest a link that either end made by choice, not need, is told of when it has lasted so long: trials are not. */
const LASTING_MS = 90_000;
/** One neighbour gets the list for asking no more often than this. */
const ASKED_MS = 1000;

export interface TellingOptions {
  readonly table: Table;
  readonly forwarding: Forwarding;
  readonly stats: OverlayStats;
  /** Whether a link holds a far point of ours: such links last. */
  readonly isFar: (key: PeerKey) => boolean;
  /** Whether our near links have not changed lately; else all links are told of, as others look for their places. */
  readonly isSettled: (now: Instant) => boolean;
  /** A neighbour tells of a link that it did not tell of before. */
  readonly named: (id: PeerId, now: Instant) => void;
}

/** What one overlay and its neighbours tell each other of their links. */
export class Telling {
  private readonly options: TellingOptions;
  /** A hidden tab, or on battery: neighbours are told with everything. */
  isResting = false;
  /** What all were told last. */
  private last: { readonly digest: number; readonly isResting: boolean } = { digest: 0, isResting: false };

  constructor(options: TellingOptions) {
    this.options = options;
  }

  /** Tells to whom we are linked: everybody when that has changed, else those who do not know. True when it has changed. */
  tell(now: Instant): boolean {
    const list = this.list(now);
    const { isResting } = this;
    const digest = listDigest(list);
    const isNews = digest !== this.last.digest || isResting !== this.last.isResting;
    this.last = { digest, isResting };
    for (const neighbour of this.options.table.neighbours.values()) {
      if (isNews || neighbour.toldAt < neighbour.since) this.tellOne(neighbour, list, now);
    }
    return isNews;
  }

  /** Tells all links a digest of what they should know. */
  remindAll(): void {
    const digest = encodeNeighbours({ kind: 'digest', digest: this.last.digest });
    for (const neighbour of this.options.table.neighbours.values()) this.send(neighbour, digest);
  }

  /** Takes what a neighbour tells of its links; true when it is news. */
  receive(from: PeerKey, datagram: OverlayDatagram, now: Instant): boolean {
    const { table, stats } = this.options;
    const message = peerKey(datagram.source) === from ? decodeNeighbours(datagram.payload) : undefined;
    const neighbour = table.neighbours.get(from);
    if (message === undefined) stats.malformed++;
    if (message === undefined || neighbour === undefined) return false;
    neighbour.isResting = (datagram.flags & OverlayFlag.RESTING) !== 0;
    return this.take(neighbour, message, datagram.payload, now);
  }

  private take(neighbour: Neighbour, message: NeighboursMessage, payload: Uint8Array, now: Instant): boolean {
    switch (message.kind) {
      case 'list':
        neighbour.digest = listDigest(payload);
        return this.options.table.learn(neighbour, message.ids, id => this.options.named(id, now));
      case 'digest':
        if (message.digest !== neighbour.digest) this.send(neighbour, encodeNeighbours({ kind: 'ask' }));
        return false;
      case 'ask':
        if (now - neighbour.toldAt >= ASKED_MS) this.tellOne(neighbour, this.list(now), now);
        return false;
    }
  }

  private tellOne(neighbour: Neighbour, list: Uint8Array, now: Instant): void {
    neighbour.toldAt = now;
    this.send(neighbour, list);
  }

  private send({ id, key }: Neighbour, payload: Uint8Array): void {
    const { table, forwarding } = this.options;
    const flags = this.isResting ? OverlayFlag.RESTING : 0;
    forwarding.sendOn(key, { ...toNeighbour(OverlayType.NEIGHBOURS, table.self, id, payload), flags });
  }

  /** Our links that last, near ones first. The same for all, so that it is made once: each leaves itself out. */
  private list(now: Instant): Uint8Array {
    const { table, isFar, isSettled } = this.options;
    const lastingSince = isSettled(now) ? now - LASTING_MS : now;
    const near = table.near();
    const ids = [...near.values()];
    for (const { id, key, since } of table.neighbours.values()) {
      if (ids.length >= PEER_IDS_MAX) break;
      if (!near.has(key) && (since <= lastingSince || isFar(key))) ids.push(id);
    }
    return encodeNeighbours({ kind: 'list', ids });
  }
}

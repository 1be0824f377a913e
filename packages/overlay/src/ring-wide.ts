/**
 * What concerns the whole ring, beside routing: broadcasts, censuses, and
 * crawls with the answers to those of others. Puts the machines of
 * `broadcast.ts`, `gather.ts` and `crawl.ts` on one overlay's links and
 * messages. All that is for groups only: in the public overlay one stranger's
 * datagram would make everybody send, and strangers need not know who we are.
 */
import { Buckets, earliest, type Instant, type Random, type Rate } from '@warren/base';
import {
  decodeBroadcastMessage,
  decodeGather,
  decodeGathered,
  decodePeeked,
  encodeBroadcastMessage,
  encodeGather,
  encodeGathered,
  encodePeeked,
  type OverlayDatagram,
  OverlayType,
  PEEK_BYTES,
  type Peeked,
  type PeerId,
  type PeerKey,
  peerKey,
  type WireHostKind,
} from '@warren/wire';
import type { Place } from './arcs.ts';
import { Broadcasts, type BroadcastsOutput } from './broadcast.ts';
import { Crawl, type CrawlReport } from './crawl.ts';
import type { Forwarding } from './forwarding.ts';
import { Gathers, type GathersOutput } from './gather.ts';
import { toNeighbour } from './messages.ts';
import { predecessors, successors } from './ring.ts';
import type { Table } from './table.ts';

/** What a crawl has found so far is told so often. */
const PROGRESS_MS = 500;
/** Questions of crawls that come by one neighbour. */
const PEEK_RATE: Rate = { burst: 32, perSecond: 10 };
/** Tags of our own requests count down from here; others of the overlay are far above. */
const FIRST_TAG = -(2 ** 40);

/** What a peer says of itself in a census and to a crawl. */
export interface AboutSelf {
  readonly hostKind: WireHostKind;
  /** A hidden tab, or on battery. */
  readonly isResting: boolean;
  /** DHT records held. */
  readonly records: number;
}

export type RingWideOutput =
  | Extract<BroadcastsOutput, { kind: 'broadcast' }>
  /** A census is over. */
  | {
      readonly kind: 'gathered';
      readonly tag: number;
      readonly sum: Extract<GathersOutput, { kind: 'sum' }>['sum'];
      readonly tookMs: number;
    }
  /** What a crawl has found so far, and in the end. */
  | { readonly kind: 'crawled'; readonly tag: number; readonly report: CrawlReport };

export interface RingWideOptions {
  readonly self: PeerId;
  readonly random: Random;
  readonly table: Table;
  readonly forwarding: Forwarding;
  /** No broadcasts, censuses and crawls. */
  readonly isPublic: boolean;
  readonly about: () => AboutSelf;
  readonly push: (output: RingWideOutput) => void;
}

/** Ring-wide messages by what became of them; those of a broadcast and a census count themselves. */
export interface RingWideStats {
  malformed: number;
  /** In the public overlay. */
  refused: number;
  peeksRefused: number;
  readonly broadcasts: Readonly<Broadcasts['stats']>;
  readonly censuses: Readonly<Gathers['stats']>;
}

interface Crawling {
  readonly tag: number;
  readonly crawl: Crawl;
  readonly asked: Map<number, PeerId>;
  tellAt: Instant;
}

/** The ring-wide side of one overlay. */
export class RingWide {
  readonly stats: RingWideStats;
  private readonly options: RingWideOptions;
  private readonly broadcasts: Broadcasts;
  private readonly gathers: Gathers;
  private readonly peeks = new Buckets(PEEK_RATE);
  private crawling: Crawling | undefined;
  private nextTag = FIRST_TAG;
  private isWalking = false;

  constructor(options: RingWideOptions) {
    this.options = options;
    const { self, random, table } = options;
    const links = () => this.usable();
    this.broadcasts = new Broadcasts({ self, random, links, near: () => table.near() });
    this.gathers = new Gathers({ self, random, links, own: () => this.counted() });
    const { stats: broadcasts } = this.broadcasts;
    const { stats: censuses } = this.gathers;
    this.stats = { malformed: 0, refused: 0, peeksRefused: 0, broadcasts, censuses };
  }

  /** Begins a broadcast; false in the public overlay, for a content of no or more than 1,000 bytes, and one known already. */
  broadcast(content: Uint8Array, now: Instant): boolean {
    const hasBegun = !this.options.isPublic && this.broadcasts.begin(content, now);
    this.settle();
    return hasBegun;
  }

  /** The content offered under `token` is good: hands it on. */
  handOn(token: string, now: Instant): void {
    this.broadcasts.handOn(token, now);
    this.settle();
  }

  /** Counts everybody; false in the public overlay, and when we did so just now. */
  census(tag: number, now: Instant): boolean {
    const hasBegun = !this.options.isPublic && this.gathers.begin(tag, now);
    this.settle();
    return hasBegun;
  }

  /** Walks the ring; false in the public overlay, and while another walk is under way. */
  crawl(tag: number, now: Instant): boolean {
    if (this.crawling !== undefined || this.options.isPublic) return false;
    const { self, table } = this.options;
    const links = [...table.neighbours.values()].map(({ id }) => id);
    const crawl = new Crawl({ self, own: () => this.view(), links }, now);
    this.crawling = { tag, crawl, asked: new Map(), tellAt: now + PROGRESS_MS };
    this.walk(now);
    return true;
  }

  /** Takes what neighbours say of a broadcast or a census. */
  receive(datagram: OverlayDatagram, source: PeerKey, from: PeerKey, now: Instant): void {
    const { type, payload } = datagram;
    if (this.options.isPublic) this.stats.refused++;
    else if (source !== from || !this.take(type, payload, from, now)) this.stats.malformed++;
    this.settle();
  }

  /** Tells a crawl what we see; not more than a neighbour may ask. */
  answerPeek(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    if (this.options.isPublic) {
      this.stats.refused++;
      return;
    }
    // A shorter question would get more than three times its bytes.
    if (datagram.payload.length < PEEK_BYTES || !this.peeks.take(from ?? '', now)) {
      this.stats.peeksRefused++;
      return;
    }
    this.options.forwarding.answer(datagram, from, OverlayType.PEEKED, encodePeeked(this.view()), now);
  }

  /** Takes the answer to a question of a crawl of ours, or its lack; false when the tag is of another. */
  answered(tag: number, answer: OverlayDatagram | undefined, now: Instant): boolean {
    const asked = this.crawling?.asked.get(tag);
    if (this.crawling === undefined || asked === undefined) return tag <= FIRST_TAG;
    this.crawling.asked.delete(tag);
    // Whoever sits nearest answers for those who are gone.
    const isFromThem = answer?.type === OverlayType.PEEKED && peerKey(answer.source) === peerKey(asked);
    this.crawling.crawl.answered(asked, isFromThem ? decodePeeked(answer.payload) : undefined, now);
    this.walk(now);
    return true;
  }

  linkDown(key: PeerKey, now: Instant): void {
    this.gathers.linkDown(key, now);
    this.settle();
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.broadcasts.wakeAt, this.gathers.wakeAt, this.crawling?.tellAt);
  }

  tick(now: Instant): void {
    this.broadcasts.tick(now);
    this.gathers.tick(now);
    this.settle();
    if (this.crawling === undefined || now < this.crawling.tellAt) return;
    this.crawling.tellAt = now + PROGRESS_MS;
    this.crawling.crawl.tick(now);
    if (!this.crawling.crawl.isOver) this.tell(this.crawling, now);
    this.walk(now);
  }

  /** What we see of the ring, by our own links. */
  view(): Peeked {
    const { self, table, about } = this.options;
    const ids = [...table.neighbours.values()].map(({ id }) => id);
    const sides = { successors: successors(self, ids), predecessors: predecessors(self, ids) };
    return { ...about(), links: ids.length, ...sides };
  }

  /** Our links but those on which nothing comes back: their arcs go to the links before them. */
  private *usable(): Iterable<Place> {
    const { neighbours, doubtful } = this.options.table;
    for (const neighbour of neighbours.values()) if (!doubtful.has(neighbour.key)) yield neighbour;
  }

  private take(type: OverlayType, payload: Uint8Array, from: PeerKey, now: Instant): boolean {
    switch (type) {
      case OverlayType.BROADCAST: {
        const message = decodeBroadcastMessage(payload);
        if (message !== undefined) this.broadcasts.receive(from, message, now);
        return message !== undefined;
      }
      case OverlayType.GATHER: {
        const message = decodeGather(payload);
        if (message !== undefined) this.gathers.gather(from, message, now);
        return message !== undefined;
      }
      case OverlayType.GATHERED: {
        const message = decodeGathered(payload);
        if (message !== undefined) this.gathers.gathered(from, message, now);
        return message !== undefined;
      }
      default:
        return false;
    }
  }

  /** Ourselves in a census. Consistent is who is linked to the nearest peers that it has heard of on both sides. */
  private counted(): { consistent: number; links: number; records: number; browsers: number } {
    const { self, table, about } = this.options;
    const known = [...table.allIds().values()];
    const beside = [...successors(self, known, 1), ...predecessors(self, known, 1)];
    const isConsistent = beside.every(id => table.neighbours.has(peerKey(id)));
    const { records, hostKind } = about();
    const browsers = hostKind === 'browser' ? 1 : 0;
    return { consistent: isConsistent ? 1 : 0, links: table.neighbours.size, records, browsers };
  }

  private walk(now: Instant): void {
    const { crawling } = this;
    // A question may be refused at once: the loop below that asked it goes on, not one inside it.
    if (crawling === undefined || this.isWalking) return;
    this.isWalking = true;
    this.askAll(crawling, now);
    this.isWalking = false;
    if (!crawling.crawl.isOver || this.crawling !== crawling) return;
    this.crawling = undefined;
    this.tell(crawling, now);
  }

  private askAll({ crawl, asked }: Crawling, now: Instant): void {
    for (let id = crawl.next(now); id !== undefined; id = crawl.next(now)) {
      if (this.options.table.nextHop(id) === undefined) {
        // Nobody we know is nearer to that place than we are: it is not there.
        crawl.answered(id, undefined, now);
        continue;
      }
      const tag = this.nextTag--;
      asked.set(tag, id);
      const question = { type: OverlayType.PEEK, target: id, flags: 0, payload: new Uint8Array(PEEK_BYTES) };
      this.options.forwarding.ask({ ...question, maySelf: false }, tag, now);
    }
  }

  private tell({ tag, crawl }: Crawling, now: Instant): void {
    this.options.push({ kind: 'crawled', tag, report: crawl.report(now) });
  }

  private settle(): void {
    const { push } = this.options;
    for (let out = this.broadcasts.poll(); out !== undefined; out = this.broadcasts.poll()) {
      if (out.kind === 'send') this.send(out.to, OverlayType.BROADCAST, encodeBroadcastMessage(out.message));
      else push(out);
    }
    for (let out = this.gathers.poll(); out !== undefined; out = this.gathers.poll()) {
      if (out.kind === 'gather') this.send(out.to, OverlayType.GATHER, encodeGather(out.message));
      else if (out.kind === 'gathered') this.send(out.to, OverlayType.GATHERED, encodeGathered(out.message));
      else push({ kind: 'gathered', tag: out.tag, sum: out.sum, tookMs: out.tookMs });
    }
  }

  private send(to: PeerKey, type: OverlayType, payload: Uint8Array): void {
    const id = this.options.table.neighbours.get(to)?.id;
    if (id !== undefined) this.options.forwarding.sendOn(to, toNeighbour(type, this.options.self, id, payload));
  }
}

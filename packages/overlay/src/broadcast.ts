/**
 * Bounded broadcast: a content reaches all peers of the ring once, each peer
 * handing it on to the parts of its arc (`arcs.ts`); neighbours then tell each
 * other what they have, so that an arc that somebody dropped heals. Nothing is
 * handed on before the user of this machine has found it good, so junk ends at
 * the first honest peer. Not here: what makes a content good.
 * Source: P1 III-B.2; overlay.md.
 *
 * ```text
 * part --> unknown? offered to the user --> handOn --> parts to the links in our arc, once
 *                                             `--> 1 s later HAVE to near neighbours and two others, 8 s later to two others
 * HAVE --> unknown? WANT, to one neighbour at a time          WANT --> the content, with an empty arc
 * ```
 */
import { sha256 } from '@noble/hashes/sha2.js';
import {
  Buckets,
  below,
  earliest,
  type Instant,
  jitter,
  Outbox,
  type Random,
  type Rate,
  sameBytes,
  toHex,
} from '@warren/base';
import {
  BROADCAST_MAX_BYTES,
  type BroadcastMessage,
  DIGESTS_MAX,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
} from '@warren/wire';
import { fartherEnd, type Place, partArc, withinReach } from './arcs.ts';

/** After a content came along the tree, near neighbours and two others are told that it is here, then two others: so long after, +-20 %. */
const GOSSIP_MS: readonly number[] = [1000, 8000];
/** Whoever got it from such gossip sits in an arc that was dropped: its neighbours want it soon. */
const REPAIR_MS: readonly number[] = [100, 4000];
/** Told by chance, besides the near neighbours. */
const GOSSIP_OTHERS = 2;
/** A content that was asked for and did not come is asked of the next who has it, so many times. */
const WANT_AGAIN_MS = 1000;
const WANTS_MAX = 6;
/** Those who are remembered to have it. */
const HOLDERS_MAX = 4;
/** How often one neighbour gets the same content for asking. */
const GIVEN_MAX = 2;
/** Contents are remembered for so long, and so many; those not found good go first. */
const REMEMBERED_MS = 600_000;
const REMEMBERED_MAX = 64;
/** Of the hash of a content. */
const DIGEST_BYTES = 8;
/** Questions that are open. */
const WANTED_MAX = 64;
/** Messages of one neighbour. */
const RATE: Rate = { burst: 16, perSecond: 1 };

export type BroadcastsOutput =
  | { readonly kind: 'send'; readonly to: PeerKey; readonly message: BroadcastMessage }
  /** Good? Then say `handOn(token)`, now or within ten minutes. */
  | { readonly kind: 'broadcast'; readonly token: string; readonly content: Uint8Array; readonly from: PeerKey };

export interface BroadcastsOptions {
  readonly self: PeerId;
  readonly random: Random;
  readonly links: () => Iterable<Place>;
  readonly near: () => ReadonlyMap<PeerKey, PeerId>;
}

/** A content that a neighbour has and we do not. */
interface Wanted {
  readonly digest: Uint8Array;
  /** The one asked last comes last. */
  readonly holders: PeerKey[];
  asked: number;
  askAt: Instant;
}

interface Content {
  readonly digest: Uint8Array;
  readonly content: Uint8Array;
  /** Where our arc ends; ourselves: nobody. `undefined`: we began. */
  end: PeerId | undefined;
  handedOn: boolean;
  readonly until: Instant;
  /** Who has it for sure. */
  readonly knownBy: Set<PeerKey>;
  /** How often who got it for asking. */
  readonly given: Map<PeerKey, number>;
  /** When neighbours are told next, and then. */
  gossipAt: Instant[];
}

/** The broadcasts of one overlay, as one peer sees them. */
export class Broadcasts {
  readonly stats = { begun: 0, offered: 0, handedOn: 0, repaired: 0, duplicates: 0, tooMany: 0 };
  private readonly options: BroadcastsOptions;
  private readonly outbox = new Outbox<BroadcastsOutput>();
  /** By digest. */
  private readonly contents = new Map<string, Content>();
  private readonly wanted = new Map<string, Wanted>();
  private readonly rates = new Buckets(RATE);

  constructor(options: BroadcastsOptions) {
    this.options = options;
  }

  poll(): BroadcastsOutput | undefined {
    return this.outbox.poll();
  }

  /** Begins a broadcast to everybody else; false for an empty or too long content, and for one that was handed on already. */
  begin(content: Uint8Array, now: Instant): boolean {
    if (content.length < 1 || content.length > BROADCAST_MAX_BYTES) return false;
    const digest = digestOf(content);
    const known = this.contents.get(toHex(digest));
    if (known?.handedOn === true) return false;
    this.stats.begun++;
    this.spread(this.remember(digest, content, undefined, now), GOSSIP_MS, now);
    return true;
  }

  /** Takes what a neighbour says. */
  receive(from: PeerKey, message: BroadcastMessage, now: Instant): void {
    if (!this.rates.take(from, now)) {
      this.stats.tooMany++;
      return;
    }
    if (message.kind === 'part') this.part(from, message.end, message.content, now);
    else if (message.kind === 'have') this.have(from, message.digests, now);
    else this.want(from, message.digests);
  }

  /** Hands a content on that was offered under `token`, once; nothing happens for others. */
  handOn(token: string, now: Instant): void {
    const entry = this.contents.get(token);
    if (entry === undefined || entry.handedOn || entry.until <= now) return;
    const isRepair = entry.end !== undefined && sameBytes(entry.end, this.options.self);
    if (isRepair) this.stats.repaired++;
    this.spread(entry, isRepair ? REPAIR_MS : GOSSIP_MS, now);
  }

  get wakeAt(): Instant | undefined {
    let at: Instant | undefined;
    for (const { gossipAt } of this.contents.values()) at = earliest(at, gossipAt[0]);
    for (const { askAt } of this.wanted.values()) at = earliest(at, askAt);
    return at;
  }

  tick(now: Instant): void {
    const first: Content[] = [];
    const again: Content[] = [];
    for (const entry of this.contents.values()) {
      if ((entry.gossipAt[0] ?? Number.POSITIVE_INFINITY) > now) continue;
      entry.gossipAt = entry.gossipAt.slice(1);
      (entry.gossipAt.length > 0 ? first : again).push(entry);
    }
    if (first.length > 0) this.gossip(first, [...this.options.near().keys(), ...this.others()]);
    if (again.length > 0) this.gossip(again, this.others());
    for (const [token, wanted] of this.wanted) {
      if (wanted.askAt > now) continue;
      if (wanted.asked < WANTS_MAX) this.ask(wanted, now);
      else this.wanted.delete(token);
    }
  }

  private part(from: PeerKey, said: PeerId, content: Uint8Array, now: Instant): void {
    const { self } = this.options;
    const sender = peerIdFromKey(from);
    if (sender === undefined) return;
    const end = withinReach(self, sender, said);
    const digest = digestOf(content);
    const known = this.contents.get(toHex(digest));
    this.wanted.delete(toHex(digest));
    if (known !== undefined && known.until > now && (known.handedOn || sameBytes(known.content, content))) {
      known.knownBy.add(from);
      if (!known.handedOn && known.end !== undefined) known.end = fartherEnd(self, known.end, end);
      this.stats.duplicates++;
      return;
    }
    const entry = this.remember(digest, content, end, now);
    entry.knownBy.add(from);
    this.stats.offered++;
    this.outbox.push({ kind: 'broadcast', token: toHex(digest), content, from });
  }

  private have(from: PeerKey, digests: readonly Uint8Array[], now: Instant): void {
    const missing: Uint8Array[] = [];
    for (const digest of digests) {
      const token = toHex(digest);
      const known = this.contents.get(token);
      const wanted = this.wanted.get(token);
      if (known !== undefined) known.knownBy.add(from);
      else if (wanted === undefined) {
        const [oldest] = this.wanted.keys();
        if (this.wanted.size >= WANTED_MAX && oldest !== undefined) this.wanted.delete(oldest);
        this.wanted.set(token, { digest, holders: [from], asked: 1, askAt: now + WANT_AGAIN_MS });
        missing.push(digest);
      } else if (wanted.holders.length < HOLDERS_MAX && !wanted.holders.includes(from)) wanted.holders.unshift(from);
    }
    if (missing.length > 0) this.send(from, { kind: 'want', digests: missing });
  }

  /** Asks again: who has it and was asked longest ago. */
  private ask(wanted: Wanted, now: Instant): void {
    wanted.askAt = now + WANT_AGAIN_MS;
    wanted.asked++;
    const to = wanted.holders.shift();
    if (to === undefined) return;
    wanted.holders.push(to);
    this.send(to, { kind: 'want', digests: [wanted.digest] });
  }

  private want(from: PeerKey, digests: readonly Uint8Array[]): void {
    const end = peerIdFromKey(from);
    if (end === undefined) return;
    for (const digest of digests) {
      const entry = this.contents.get(toHex(digest));
      const given = entry?.given.get(from) ?? 0;
      if (entry?.handedOn !== true || given >= GIVEN_MAX) continue;
      entry.given.set(from, given + 1);
      this.send(from, { kind: 'part', end, content: entry.content });
    }
  }

  private spread(entry: Content, gossip: readonly number[], now: Instant): void {
    const { self, links, random } = this.options;
    entry.handedOn = true;
    for (const { to, end } of partArc(self, entry.end, links())) {
      this.stats.handedOn++;
      this.send(to, { kind: 'part', end, content: entry.content });
    }
    entry.gossipAt = gossip.map(ms => now + jitter(random, ms, 0.2));
  }

  private gossip(entries: readonly Content[], listeners: readonly PeerKey[]): void {
    for (const to of listeners) {
      const news = entries.filter(({ knownBy }) => !knownBy.has(to)).map(({ digest }) => digest);
      if (news.length > 0) this.send(to, { kind: 'have', digests: news.slice(0, DIGESTS_MAX) });
    }
  }

  /** Two neighbours by chance that are not near. */
  private others(): PeerKey[] {
    const { near, links, random } = this.options;
    const others: PeerKey[] = [];
    for (const { key } of links()) if (!near().has(key)) others.push(key);
    const chosen: PeerKey[] = [];
    for (let n = 0; n < GOSSIP_OTHERS && others.length > 0; n++) {
      const [key] = others.splice(below(random, others.length), 1);
      if (key !== undefined) chosen.push(key);
    }
    return chosen;
  }

  private remember(digest: Uint8Array, content: Uint8Array, end: PeerId | undefined, now: Instant): Content {
    const token = toHex(digest);
    this.contents.delete(token);
    for (const [old, { until }] of this.contents) if (until <= now) this.contents.delete(old);
    if (this.contents.size >= REMEMBERED_MAX) this.forgetOne();
    const until = now + REMEMBERED_MS;
    const entry: Content = {
      digest,
      content,
      end,
      handedOn: false,
      until,
      knownBy: new Set(),
      given: new Map(),
      gossipAt: [],
    };
    this.contents.set(token, entry);
    return entry;
  }

  private forgetOne(): void {
    const [oldest] = this.contents.keys();
    const refused = [...this.contents].find(([, { handedOn }]) => !handedOn)?.[0] ?? oldest;
    if (refused !== undefined) this.contents.delete(refused);
  }

  private send(to: PeerKey, message: BroadcastMessage): void {
    this.outbox.push({ kind: 'send', to, message });
  }
}

/**
 * Names a content: the first 8 bytes of its SHA-256, so that nobody can make junk of the name of what is to come, and
 * whoever was offered junk never asks for it again.
 */
export function digestOf(content: Uint8Array): Uint8Array {
  return sha256(content).slice(0, DIGEST_BYTES);
}

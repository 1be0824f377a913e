/**
 * How a group's revocation list reaches every member: whoever learns a newer
 * one, from the site or from a neighbour, tells all neighbours once; whoever is
 * behind, by a head that came with a handshake, asks. Believes the CA's
 * signature only (`RevocationSet`), so nobody has to be trusted on the way. Not
 * here: what happens to those who are removed (`group-network.ts`).
 *
 * ```text
 * newer list ---> all neighbours but the one it came from: a short list itself, a long one by its head
 * head       ---> behind? want, to who told       handshake ---> behind? want, to two neighbours, again with growing waits
 * want       ---> our list, if it is newer than theirs
 * ```
 */
import { type Instant, Outbox, type Random, uint32 } from '@warren/base';
import { decodeRevocationList, encodeRevocationList, type RevocationList, type RevocationSet } from '@warren/trust';
import {
  decodeRevocationMessage,
  encodeRevocationMessage,
  isRevocationMessage,
  type PeerKey,
  type RevocationMessage,
} from '@warren/wire';

/** Waits between questions while a newer list is known to exist. */
const ASK_MS: readonly number[] = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000];
const ASKED_AT_ONCE = 2;
/** A list up to this size is told whole, as one datagram carries it. */
const TOLD_WHOLE_BYTES = 1000;
/** A neighbour gets one list in this time, however often it asks. */
const ANSWER_EVERY_MS = 1000;
/** Whoever sent something that the CA did not sign is not listened to for so long. */
const MUTED_MS = 10_000;
/** Neighbours with something to remember; the longest known go first. */
const REMEMBERED_MAX = 512;

export type RevocationsOutput =
  | { readonly kind: 'send'; readonly to: PeerKey; readonly bytes: Uint8Array }
  /** A newer list is believed: keep it, end what it ends. */
  | { readonly kind: 'learned'; readonly list: RevocationList };

export interface RevocationsOptions {
  readonly set: RevocationSet;
  readonly random: Random;
  /** Those with a usable link. */
  readonly neighbours: () => readonly PeerKey[];
}

/** The spreading of one group's list. */
export class Revocations {
  readonly stats = { malformed: 0, forged: 0 };
  private readonly options: RevocationsOptions;
  private readonly outbox = new Outbox<RevocationsOutput>();
  private readonly answeredAt = new Map<PeerKey, Instant>();
  private readonly mutedUntil = new Map<PeerKey, Instant>();
  private asked = 0;
  private askAt: Instant | undefined;

  constructor(options: RevocationsOptions) {
    this.options = options;
  }

  poll(): RevocationsOutput | undefined {
    return this.outbox.poll();
  }

  /** Takes a list from the site or from a disk; true when it is the CA's and newer. */
  learn(list: RevocationList): boolean {
    return this.take(list, undefined);
  }

  /** Takes a member's message; false when it is not one of these. */
  receive(from: PeerKey, bytes: Uint8Array, now: Instant): boolean {
    if (!isRevocationMessage(bytes)) return false;
    const message = decodeRevocationMessage(bytes);
    if (message === undefined) this.stats.malformed++;
    else if (now >= (this.mutedUntil.get(from) ?? now)) this.handle(from, message, now);
    return true;
  }

  /** Handshakes may have told of a newer list: asks for it. Call after anything happened. */
  look(now: Instant): void {
    if (!this.options.set.isBehind) {
      this.askAt = undefined;
      this.asked = 0;
    } else if (this.askAt === undefined) this.ask(now);
  }

  get wakeAt(): Instant | undefined {
    return this.askAt;
  }

  tick(now: Instant): void {
    if (this.askAt !== undefined && now >= this.askAt) this.ask(now);
  }

  private handle(from: PeerKey, message: RevocationMessage, now: Instant): void {
    const { set } = this.options;
    switch (message.kind) {
      case 'head': {
        const { sequence } = set.head;
        const isNew = set.learnHead(message.head);
        if (!isNew && message.head.sequence > sequence) this.mute(from, now);
        else if (isNew && set.isBehind) this.want(from);
        return;
      }
      case 'want':
        this.answer(from, message.sequence, now);
        return;
      case 'list': {
        const list = decodeRevocationList(message.list);
        if (list === undefined) this.stats.malformed++;
        else if (!this.take(list, from) && list.head.sequence > (set.list?.head.sequence ?? 0)) this.mute(from, now);
        return;
      }
    }
  }

  private take(list: RevocationList, from: PeerKey | undefined): boolean {
    const { set, neighbours } = this.options;
    const before = set.list?.head.sequence ?? 0;
    if (!set.learnList(list)) return false;
    // A list that was only signed again says nothing new: heads in handshakes tell its date.
    if (list.head.sequence > before) {
      const bytes = told(list);
      for (const to of neighbours()) if (to !== from) this.outbox.push({ kind: 'send', to, bytes });
    }
    this.outbox.push({ kind: 'learned', list });
    return true;
  }

  private answer(to: PeerKey, theirs: number, now: Instant): void {
    const { list } = this.options.set;
    const last = this.answeredAt.get(to);
    const isSoon = last !== undefined && now - last < ANSWER_EVERY_MS;
    if (list === undefined || list.head.sequence <= theirs || isSoon) return;
    remember(this.answeredAt, to, now);
    this.outbox.push({ kind: 'send', to, bytes: whole(list) });
  }

  private ask(now: Instant): void {
    this.askAt = now + (ASK_MS[Math.min(this.asked++, ASK_MS.length - 1)] as number);
    const neighbours = [...this.options.neighbours()];
    for (let n = 0; n < ASKED_AT_ONCE && neighbours.length > 0; n++) {
      const [to] = neighbours.splice(uint32(this.options.random) % neighbours.length, 1);
      if (to !== undefined) this.want(to);
    }
  }

  private want(to: PeerKey): void {
    const sequence = this.options.set.list?.head.sequence ?? 0;
    this.outbox.push({ kind: 'send', to, bytes: encodeRevocationMessage({ kind: 'want', sequence }) });
  }

  private mute(peer: PeerKey, now: Instant): void {
    this.stats.forged++;
    remember(this.mutedUntil, peer, now + MUTED_MS);
  }
}

function told(list: RevocationList): Uint8Array {
  const bytes = whole(list);
  return bytes.length <= TOLD_WHOLE_BYTES ? bytes : encodeRevocationMessage({ kind: 'head', head: list.head });
}

function whole(list: RevocationList): Uint8Array {
  return encodeRevocationMessage({ kind: 'list', list: encodeRevocationList(list) });
}

function remember(map: Map<PeerKey, Instant>, peer: PeerKey, at: Instant): void {
  const [oldest] = map.keys();
  if (map.size >= REMEMBERED_MAX && oldest !== undefined && !map.has(peer)) map.delete(oldest);
  map.set(peer, at);
}

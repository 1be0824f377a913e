/**
 * How a group's revocation list reaches every member: whoever learns a newer
 * one, from the site or from a neighbour, begins a broadcast in the ring, and
 * each member hands on what the CA signed and what is newer than its own, once.
 * Whoever was passed over hears of it from neighbours (`overlay` tells them what
 * is here), or by the head in the next handshake, and asks. Nobody has to be
 * trusted on the way (`RevocationSet`). Not here: what happens to those who are
 * removed (`group-network.ts`).
 *
 * ```text
 * newer list ---> broadcast: a short list itself, a long one by its head
 * list heard ---> newer? learned, handed on                 not newer, not signed: ends here, counted
 * head heard ---> newer? want, to who told; handed on when the list is here
 * handshake  ---> behind? want, to two neighbours, again with growing waits
 * want       ---> our list, if it is newer than theirs
 * ```
 */
import { type Instant, Outbox, type Random, sameBytes, uint32 } from '@warren/base';
import {
  decodeRevocationList,
  encodeRevocationList,
  type RevocationHead,
  type RevocationList,
  type RevocationSet,
} from '@warren/trust';
import {
  BROADCAST_MAX_BYTES,
  decodeRevocationMessage,
  encodeRevocationMessage,
  isRevocationMessage,
  type PeerKey,
  type RevocationMessage,
} from '@warren/wire';

/** Waits between questions while a newer list is known to exist. */
const ASK_MS: readonly number[] = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000];
const ASKED_AT_ONCE = 2;
/** A neighbour gets one list in this time, however often it asks. */
const ANSWER_EVERY_MS = 1000;
/** Whoever sent something that the CA did not sign is not listened to for so long. */
const MUTED_MS = 10_000;
/** Neighbours with something to remember; the longest known go first. */
const REMEMBERED_MAX = 512;

export type RevocationsOutput =
  | { readonly kind: 'send'; readonly to: PeerKey; readonly bytes: Uint8Array }
  /** A newer list is believed: keep it, end what it ends, then let others know. */
  | { readonly kind: 'learned'; readonly list: RevocationList; readonly spread: Spread | undefined };

/** How others are to know of a list: by a broadcast of ours, or of somebody else's that waits for our word. */
export type Spread =
  | { readonly kind: 'begin'; readonly content: Uint8Array }
  | { readonly kind: 'hand-on'; readonly token: string };

export interface RevocationsOptions {
  readonly set: RevocationSet;
  readonly random: Random;
  /** Those with a usable link. */
  readonly neighbours: () => readonly PeerKey[];
}

/** The spreading of one group's list. */
export class Revocations {
  /** What came and did not spread: not readable, not of the CA, not newer than ours. */
  readonly stats = { malformed: 0, forged: 0, old: 0 };
  private readonly options: RevocationsOptions;
  private readonly outbox = new Outbox<RevocationsOutput>();
  private readonly answeredAt = new Map<PeerKey, Instant>();
  private readonly mutedUntil = new Map<PeerKey, Instant>();
  /** A head was heard whose list we do not have yet. */
  private waiting: { readonly token: string; readonly sequence: number } | undefined;
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
    return this.take(list);
  }

  /** Takes a member's message; false when it is not one of these. */
  receive(from: PeerKey, bytes: Uint8Array, now: Instant): boolean {
    if (!isRevocationMessage(bytes)) return false;
    const message = decodeRevocationMessage(bytes);
    if (message === undefined) this.stats.malformed++;
    else if (!this.isMuted(from, now)) this.handle(from, message, now);
    return true;
  }

  /** Takes what was broadcast under `token`: hands it on when it is good and new, or once the list behind it is here. */
  heard(from: PeerKey, content: Uint8Array, token: string, now: Instant): void {
    if (this.isMuted(from, now)) return;
    const message = decodeRevocationMessage(content);
    if (message?.kind === 'list') this.listed(from, message.list, token, now);
    else if (message?.kind === 'head') {
      if (this.headed(from, message.head, now)) this.waiting = { token, sequence: message.head.sequence };
    } else {
      this.stats.malformed++;
      this.mute(from, now);
    }
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
    switch (message.kind) {
      case 'head':
        this.headed(from, message.head, now);
        return;
      case 'want':
        this.answer(from, message.sequence, now);
        return;
      case 'list':
        this.listed(from, message.list, undefined, now);
        return;
    }
  }

  /** Takes somebody's head; true when there is a list behind it that we do not have, and then that is asked for. */
  private headed(from: PeerKey, head: RevocationHead, now: Instant): boolean {
    const { set } = this.options;
    const ours = set.head;
    const isKnown = sameBytes(head.signature, ours.signature) && head.signedAt === ours.signedAt;
    const isGood = set.learnHead(head) || (isKnown && head.sequence === ours.sequence);
    const isAwaited = isGood && set.isBehind;
    if (isAwaited) this.want(from);
    else if (isGood || head.sequence <= ours.sequence) this.stats.old++;
    else this.forged(from, now);
    return isAwaited;
  }

  private listed(from: PeerKey, bytes: Uint8Array, token: string | undefined, now: Instant): void {
    const ours = this.options.set.list?.head.sequence ?? 0;
    const list = decodeRevocationList(bytes);
    if (list === undefined) this.stats.malformed++;
    else if (this.take(list, token)) return;
    else if (list.head.sequence > ours) this.forged(from, now);
    else this.stats.old++;
  }

  private take(list: RevocationList, token?: string): boolean {
    const { set } = this.options;
    const before = set.list?.head.sequence ?? 0;
    if (!set.learnList(list)) return false;
    const { sequence } = list.head;
    const heard = token ?? (this.waiting?.sequence === sequence ? this.waiting.token : undefined);
    if (this.waiting !== undefined && this.waiting.sequence <= sequence) this.waiting = undefined;
    // A list that was only signed again says nothing new: heads in handshakes tell its date.
    const spread = sequence === before ? undefined : spreading(list, heard);
    this.outbox.push({ kind: 'learned', list, spread });
    return true;
  }

  private answer(to: PeerKey, theirs: number, now: Instant): void {
    const { list } = this.options.set;
    const last = this.answeredAt.get(to);
    const isSoon = last !== undefined && now - last < ANSWER_EVERY_MS;
    if (list === undefined || list.head.sequence <= theirs || isSoon) return;
    remember(this.answeredAt, to, now);
    this.outbox.push({ kind: 'send', to, bytes: revocationListMessage(list) });
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

  private forged(from: PeerKey, now: Instant): void {
    this.stats.forged++;
    this.mute(from, now);
  }

  private isMuted(from: PeerKey, now: Instant): boolean {
    return now < (this.mutedUntil.get(from) ?? now);
  }

  private mute(peer: PeerKey, now: Instant): void {
    remember(this.mutedUntil, peer, now + MUTED_MS);
  }
}

function spreading(list: RevocationList, token: string | undefined): Spread {
  if (token !== undefined) return { kind: 'hand-on', token };
  const whole = revocationListMessage(list);
  const isShort = whole.length <= BROADCAST_MAX_BYTES;
  return { kind: 'begin', content: isShort ? whole : encodeRevocationMessage({ kind: 'head', head: list.head }) };
}

/** The message that carries the whole list. */
export function revocationListMessage(list: RevocationList): Uint8Array {
  return encodeRevocationMessage({ kind: 'list', list: encodeRevocationList(list) });
}

function remember(map: Map<PeerKey, Instant>, peer: PeerKey, at: Instant): void {
  const [oldest] = map.keys();
  if (map.size >= REMEMBERED_MAX && oldest !== undefined && !map.has(peer)) map.delete(oldest);
  map.set(peer, at);
}

/**
 * Keeps copies where they belong: a record lies at the nearest peer to its
 * place and one neighbour on each side. The nearest hands copies to both; who
 * finds somebody nearer hands over to him. A record proves itself, so anybody
 * may hand it on. Not here: what a receiver believes of it (`store.ts`).
 *
 * What others hold is remembered with each record, so that a change beside us
 * moves only what is missing there, and nothing while nothing changes.
 */
import { earliest, type Instant } from '@warren/base';
import {
  ANSWER_RECORDS_MAX,
  type DhtAnswer,
  type DhtRequest,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  type RecordCopy,
} from '@warren/wire';
import type { Region } from './region.ts';
import type { Held } from './usage.ts';

/** What is new waits so long for company. */
const SOON_MS = 100;
/** So many records leave at most, so often: 160 in a second, some 160 kB. */
const BATCH = 32;
const BATCH_EVERY_MS = 200;
/** Bytes of records in one message. */
const MESSAGE_BYTES_MAX = 12_000;
/** Who is not next in line to hand a record to somebody nearer leaves it to the one who is, for so long. */
const LATER_MS = 3000;
/** After a message without answer its records wait so long. */
export const RETRY_MS = 5000;
/** What a neighbour did not take is offered again after this: as long as it may remember an end (`store.ts`). */
const REFUSED_MS = 600_000;
/** Messages under way. */
const UNDER_WAY_MAX = 64;

/** A message with copies, to whoever is nearest to `target`. */
export interface CopyMessage {
  readonly target: PeerId;
  readonly request: Extract<DhtRequest, { op: 'copy' }>;
  readonly held: readonly Held[];
  /** Under which name it is noted who holds them: the peer, or the place where we know nobody. */
  readonly holder: PeerKey;
}

/** What waits to be handed on. */
export class Copies {
  private readonly region: Region;
  private readonly queue = new Set<Held>();
  private readonly later = new Set<Held>();
  private laterAt: Instant | undefined;
  private readonly refused = new Set<Held>();
  private refusedAt: Instant | undefined;
  private underWay = 0;
  private at: Instant | undefined;

  constructor(region: Region) {
    this.region = region;
  }

  /** A record is new or renewed here. */
  add(held: Held, now: Instant): void {
    if (this.wanted(held, now).length === 0) return;
    if (this.region.rank(held.position) > 1) {
      this.later.add(held);
      this.laterAt ??= now + LATER_MS;
    } else {
      this.queue.add(held);
      this.at ??= now + SOON_MS;
    }
  }

  /** The peers beside us changed: looks through everything. What those had who are `gone` counts no more, should they come back. */
  regionChanged(all: Iterable<Held>, gone: readonly PeerKey[], now: Instant): void {
    for (const held of all) {
      for (const key of gone) held.shared.delete(key);
      this.add(held, now);
    }
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.at, this.laterAt, this.refusedAt);
  }

  /** The messages that are due. `isHeld` says whether a record is still the newest of its name. */
  due(isHeld: (held: Held) => boolean, now: Instant): CopyMessage[] {
    if (this.laterAt !== undefined && now >= this.laterAt) {
      for (const held of this.later) this.queue.add(held);
      this.later.clear();
      this.laterAt = undefined;
      this.at ??= now;
    }
    if (this.refusedAt !== undefined && now >= this.refusedAt) this.offerAgain(isHeld, now);
    if (this.at === undefined || now < this.at) return [];
    const messages = this.underWay < UNDER_WAY_MAX ? this.take(BATCH, isHeld, now) : [];
    this.at = this.queue.size > 0 ? now + BATCH_EVERY_MS : undefined;
    return messages;
  }

  /** All that waits, at once, up to `most` records: we are about to leave. */
  flush(most: number, isHeld: (held: Held) => boolean, now: Instant): CopyMessage[] {
    const messages = this.take(most, isHeld, now);
    this.queue.clear();
    this.clear();
    return messages;
  }

  /** Forgets what waits. */
  clear(): void {
    for (const each of [this.queue, this.later, this.refused]) each.clear();
    this.at = this.laterAt = this.refusedAt = undefined;
  }

  /** A message was answered, or not. */
  ended(message: CopyMessage, answer: DhtAnswer | undefined, now: Instant): void {
    this.underWay--;
    const untaken = answer === undefined ? undefined : untakenOf(answer);
    if (untaken === undefined) {
      for (const held of message.held) this.queue.add(held);
      this.at = Math.max(this.at ?? 0, now + RETRY_MS);
      return;
    }
    // Of those who have left our region meanwhile nothing is remembered.
    const isBeside = this.region.has(message.holder);
    message.held.forEach((held, i) => {
      if ((untaken >> i) & 1) this.wasRefused(held, now);
      else if (isBeside) held.shared.set(message.holder, held.until);
    });
  }

  private wasRefused(held: Held, now: Instant): void {
    this.refused.add(held);
    this.refusedAt ??= now + REFUSED_MS;
  }

  private offerAgain(isHeld: (held: Held) => boolean, now: Instant): void {
    const all = [...this.refused];
    this.refused.clear();
    this.refusedAt = undefined;
    for (const held of all) if (isHeld(held)) this.add(held, now);
  }

  private take(most: number, isHeld: (held: Held) => boolean, now: Instant): CopyMessage[] {
    const byHolder = new Map<string, { held: Held[]; target: PeerId }>();
    let taken = 0;
    for (const held of this.queue) {
      if (taken >= most) break;
      this.queue.delete(held);
      if (!isHeld(held)) continue;
      taken++;
      for (const { holder, target } of this.wanted(held, now)) {
        const of = byHolder.get(holder) ?? { held: [], target };
        of.held.push(held);
        byHolder.set(holder, of);
      }
    }
    return [...byHolder].flatMap(([holder, { held, target }]) =>
      inMessages(held).map(part => this.message(holder, target, part, now)),
    );
  }

  private message(holder: string, target: PeerId, held: readonly Held[], now: Instant): CopyMessage {
    this.underWay++;
    const copies = held.map(
      (each): RecordCopy => ({
        position: each.position,
        heldS: Math.floor((now - each.seenAt) / 1000),
        leftS: Math.max(1, Math.ceil((each.until - now) / 1000)),
        record: each.record,
      }),
    );
    return { holder, target, held, request: { op: 'copy', copies } };
  }

  /** Who should have a record from us and has it not, or not for long. */
  private wanted(held: Held, now: Instant): { holder: PeerKey; target: PeerId }[] {
    const holders = this.region.holders(held.position);
    const [nearest] = holders;
    if (nearest === undefined || held.until <= now) return [];
    const receivers = this.region.isSelf(nearest) ? holders.slice(1) : [nearest];
    return receivers
      .filter(holder => lacks(held, holder, now))
      .map(holder => ({ holder, target: this.targetOf(holder, held) }));
  }

  private targetOf(holder: PeerKey, held: Held): PeerId {
    return peerIdFromKey(holder) ?? held.position;
  }
}

/** A renewal that changes nothing is handed on once the copy there has less than half of its life left. */
function lacks(held: Held, holder: PeerKey, now: Instant): boolean {
  const until = held.shared.get(holder);
  if (until === undefined) return true;
  return until < held.until && until - now < (held.record.lifetimeS * 1000) / 2;
}

/** Which copies of a message were not taken, a bit each; `undefined` for an answer that tells nothing. */
function untakenOf({ status, untaken = 0 }: DhtAnswer): number | undefined {
  if (status === 'ok') return 0;
  return status === 'partly' ? untaken : undefined;
}

function inMessages(held: readonly Held[]): Held[][] {
  const parts: Held[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const each of held) {
    const last = parts.at(-1);
    bytes += each.bytes;
    if (last === undefined || last.length >= ANSWER_RECORDS_MAX || bytes > MESSAGE_BYTES_MAX) {
      parts.push([each]);
      bytes = each.bytes;
    } else last.push(each);
  }
  return parts;
}

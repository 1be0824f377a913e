/**
 * Link messages must arrive although datagrams may not: each is repeated until
 * acknowledged, and delivered once. Order is not kept. Bounded on both sides.
 */
import { earliest, type Instant } from '@warren/base';
import type { LinkMessage } from '@warren/wire';

const RETRY_MS: readonly number[] = [300, 600, 1200, 2400, 4800];
const TRIES_MAX = 8;
const PENDING_MAX = 64;
const SEEN_MAX = 256;

/** A message of its kind is older than the last by less than this; a sender that began anew is elsewhere in 2^32. */
const REORDERED_MAX = 1024;

/** A link message before it has its number. */
export type Unnumbered = DistributiveOmit<Exclude<LinkMessage, { kind: 'acknowledge' }>, 'id'>;
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

interface Pending {
  readonly message: LinkMessage;
  tries: number;
  sendAt: Instant;
}

/** The numbering, repeating and deduplicating of one link. */
export class Reliable {
  private readonly pending = new Map<number, Pending>();
  private readonly seen = new Set<number>();
  /** The newest of each kind that was taken. */
  private readonly newest = new Map<LinkMessage['kind'], number>();
  private nextId: number;

  /**
   * `firstId` is random, below 2^32: a side that lost the link and made it
   * anew must not repeat numbers that the other side has seen.
   */
  constructor(firstId: number) {
    this.nextId = firstId;
  }

  /** Queues a message; the oldest goes when the neighbour answers nothing for long. */
  push(message: Unnumbered, now: Instant): void {
    const id = this.nextId;
    this.nextId = (id + 1) % 2 ** 32;
    const [oldest] = this.pending.keys();
    if (this.pending.size >= PENDING_MAX && oldest !== undefined) this.pending.delete(oldest);
    this.pending.set(id, { message: { ...message, id } as LinkMessage, tries: 0, sendAt: now });
  }

  /** Messages that are due, each to be sent once. */
  due(now: Instant): LinkMessage[] {
    const due: LinkMessage[] = [];
    for (const [id, entry] of this.pending) {
      if (entry.sendAt > now) continue;
      if (entry.tries >= TRIES_MAX) {
        this.pending.delete(id);
        continue;
      }
      entry.sendAt = now + (RETRY_MS[Math.min(entry.tries++, RETRY_MS.length - 1)] as number);
      due.push(entry.message);
    }
    return due;
  }

  acknowledged(id: number): void {
    this.pending.delete(id);
  }

  /** Whether a message is new; repeats are acknowledged again but not delivered. */
  isNew(id: number): boolean {
    if (this.seen.has(id)) return false;
    const [oldest] = this.seen;
    if (this.seen.size >= SEEN_MAX && oldest !== undefined) this.seen.delete(oldest);
    this.seen.add(id);
    return true;
  }

  /**
   * Whether nothing newer of its kind was taken before: repeats may come after what was said later, and would put an offer
   * or a list back in force that does not hold any more.
   */
  isNewest({ kind, id }: LinkMessage): boolean {
    const last = this.newest.get(kind);
    if (last !== undefined && (last - id + 2 ** 32) % 2 ** 32 < REORDERED_MAX) return false;
    this.newest.set(kind, id);
    return true;
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.pending.values()].map(entry => entry.sendAt));
  }
}

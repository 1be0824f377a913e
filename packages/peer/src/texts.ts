/**
 * Lines of text between members: repeated until received, shown once. Offline
 * members get nothing; a mailbox comes on top of this, not into it.
 */
import { earliest, type Instant, Outbox, type Random, uint32 } from '@warren/base';
import {
  decodeMemberMessage,
  encodeMemberMessage,
  type MemberMessage,
  type PeerKey,
  TEXT_MAX_BYTES,
} from '@warren/wire';

const RETRY_MS: readonly number[] = [500, 1000, 2000, 4000, 8000];
const PENDING_MAX = 64;
const SEEN_MAX = 512;

export type TextsOutput =
  | { readonly kind: 'send'; readonly to: PeerKey; readonly bytes: Uint8Array }
  | { readonly kind: 'text'; readonly from: PeerKey; readonly text: string };

interface Pending {
  readonly to: PeerKey;
  readonly bytes: Uint8Array;
  tries: number;
  sendAt: Instant;
}

/** Sends and receives texts of one group. */
export class Texts {
  private readonly random: Random;
  private readonly outbox = new Outbox<TextsOutput>();
  private readonly pending = new Map<number, Pending>();
  private readonly seen = new Set<string>();
  readonly stats = { malformed: 0 };

  constructor(random: Random) {
    this.random = random;
  }

  poll(): TextsOutput | undefined {
    return this.outbox.poll();
  }

  /** Sends a text of 1 to 1,000 bytes; false when it is empty, too long, or too many wait. */
  send(to: PeerKey, text: string, now: Instant): boolean {
    const id = uint32(this.random);
    const bytes = encodeMemberMessage({ kind: 'text', id, text });
    if (text === '' || bytes.length > TEXT_MAX_BYTES + 5 || this.pending.size >= PENDING_MAX) return false;
    this.pending.set(id, { to, bytes, tries: 0, sendAt: now });
    this.tick(now);
    return true;
  }

  receive(from: PeerKey, bytes: Uint8Array): void {
    const message: MemberMessage | undefined = decodeMemberMessage(bytes);
    if (message === undefined) {
      this.stats.malformed++;
      return;
    }
    if (message.kind === 'received') {
      if (this.pending.get(message.id)?.to === from) this.pending.delete(message.id);
      return;
    }
    this.outbox.push({ kind: 'send', to: from, bytes: encodeMemberMessage({ kind: 'received', id: message.id }) });
    const key = `${from}${message.id}`;
    if (this.seen.has(key)) return;
    const oldest = this.seen.values().next();
    if (this.seen.size >= SEEN_MAX && !oldest.done) this.seen.delete(oldest.value);
    this.seen.add(key);
    this.outbox.push({ kind: 'text', from, text: message.text });
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.pending.values()].map(entry => entry.sendAt));
  }

  tick(now: Instant): void {
    for (const [id, entry] of this.pending) {
      if (entry.sendAt > now) continue;
      const wait = RETRY_MS[entry.tries++];
      if (wait === undefined) {
        this.pending.delete(id);
        continue;
      }
      entry.sendAt = now + wait;
      this.outbox.push({ kind: 'send', to: entry.to, bytes: entry.bytes });
    }
  }
}

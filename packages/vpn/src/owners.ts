/**
 * Who owns which address, as the DHT told: a cache with two ages, and the questions that are open.
 * Not here: the frames that wait for an answer (`pending.ts`).
 */
import { earliest, type Instant } from '@warren/base';
import { type PeerId, type PeerKey, peerKey } from '@warren/wire';
import {
  FIND_AGAIN_MS,
  FINDS_MAX,
  MISS_RETRY_MS,
  NO_OWNER_MS,
  OWNER_DOUBT_MS,
  OWNER_MS,
  OWNER_REFRESH_MS,
  OWNERS_MAX,
  PENDING_MS,
} from './constants.ts';

/** What is known of an address. */
export type Ownership = PeerId | 'nobody' | 'unknown';

/** Answers "nobody" while somebody waits for the owner: it may just have come, or its record be on the move. */
interface Missed {
  readonly count: number;
  /** Infinity once that was done. */
  readonly askAt: Instant;
  /** Nobody waits any longer then. */
  readonly until: Instant;
}

interface Answer {
  /** `undefined`: nobody owns it. */
  readonly peerId: PeerId | undefined;
  readonly learnedAt: Instant;
}

/** Answers and open questions, both bounded, each in the order of their time. */
export class Owners {
  private readonly answers = new Map<number, Answer>();
  private readonly addresses = new Map<PeerKey, number>();
  /** Address to the time from which it may be asked again. */
  private readonly asked = new Map<number, Instant>();
  private readonly misses = new Map<number, Missed>();

  /**
   * Takes over an answer of the DHT. "Nobody" does not replace an owner whose answer is fresh: a lookup may fail while
   * the owner is well, and a claim that is not renewed lapses here by itself.
   */
  learn(address: number, peerId: PeerId | undefined, now: Instant): void {
    if (peerId === undefined && typeof this.ownerOf(address, now) !== 'string') return;
    this.forget(address);
    this.asked.delete(address);
    this.misses.delete(address);
    if (this.answers.size >= OWNERS_MAX) this.forget(this.answers.keys().next().value as number);
    this.answers.set(address, { peerId, learnedAt: now });
    if (peerId !== undefined) this.addresses.set(peerKey(peerId), address);
  }

  /** The owner of an address, as far as a fresh answer tells. */
  ownerOf(address: number, now: Instant): Ownership {
    const answer = this.answers.get(address);
    if (answer === undefined) return 'unknown';
    const age = now - answer.learnedAt;
    if (answer.peerId === undefined) return age < NO_OWNER_MS ? 'nobody' : 'unknown';
    return age < OWNER_MS ? answer.peerId : 'unknown';
  }

  /** The address that a peer was last seen to own; `undefined` when no fresh answer names the peer. */
  addressOf(peerId: PeerId, now: Instant): number | undefined {
    const address = this.addresses.get(peerKey(peerId));
    if (address === undefined) return undefined;
    return typeof this.ownerOf(address, now) === 'string' ? undefined : address;
  }

  /** Whether an answer is so old that using it should ask again in the background. */
  isStale(address: number, now: Instant): boolean {
    return this.ageOf(address, now) >= OWNER_REFRESH_MS;
  }

  /** Whether an answer is old enough to be doubted when a frame contradicts it. */
  isDoubtful(address: number, now: Instant): boolean {
    return this.ageOf(address, now) >= OWNER_DOUBT_MS;
  }

  /** Whether the question is open: asked, not answered, and not long ago; or its answer is doubted, after a pause. */
  isAsked(address: number, now: Instant): boolean {
    const askAt = this.misses.get(address)?.askAt ?? now;
    const isPausing = askAt > now && askAt < Number.POSITIVE_INFINITY;
    return isPausing || (this.asked.get(address) ?? now) > now;
  }

  /** Notes that the question is asked. Returns false when too many are open: then it must not be asked. */
  ask(address: number, now: Instant): boolean {
    for (const [old, until] of this.asked) {
      if (until > now) break;
      this.asked.delete(old);
    }
    this.asked.delete(address);
    if (this.asked.size >= FINDS_MAX) return false;
    this.asked.set(address, now + FIND_AGAIN_MS);
    return true;
  }

  /**
   * Notes an answer "nobody" to a question for which frames wait. True when the question will be asked again; false
   * when the answer holds, as another is fresh or it came often enough.
   */
  missed(address: number, now: Instant): boolean {
    if (typeof this.ownerOf(address, now) !== 'string') return false;
    const { count = 0, until = now + PENDING_MS } = this.misses.get(address) ?? {};
    const wait = MISS_RETRY_MS[count];
    if (wait === undefined) return false;
    this.misses.set(address, { count: count + 1, askAt: now + wait, until });
    this.asked.delete(address);
    return true;
  }

  /** Addresses to ask for again; each comes out once. */
  dueAgain(now: Instant): number[] {
    const due: number[] = [];
    for (const [address, { count, askAt, until }] of this.misses) {
      if (until <= now) this.misses.delete(address);
      else if (askAt <= now) {
        due.push(address);
        this.misses.set(address, { count, askAt: Number.POSITIVE_INFINITY, until });
      }
    }
    return due;
  }

  /** When `dueAgain` has something to do. */
  get wakeAt(): Instant | undefined {
    return earliest(...[...this.misses.values()].map(({ askAt, until }) => Math.min(askAt, until)));
  }

  private ageOf(address: number, now: Instant): number {
    return now - (this.answers.get(address)?.learnedAt ?? now);
  }

  private forget(address: number): void {
    const peerId = this.answers.get(address)?.peerId;
    this.answers.delete(address);
    if (peerId !== undefined && this.addresses.get(peerKey(peerId)) === address) this.addresses.delete(peerKey(peerId));
  }
}

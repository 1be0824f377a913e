/**
 * Who owns which address, as the DHT told: a cache with two ages, and the questions that are open.
 * Not here: the frames that wait for an answer (`pending.ts`).
 */
import type { Instant } from '@warren/base';
import { type PeerId, type PeerKey, peerKey } from '@warren/wire';
import {
  FIND_AGAIN_MS,
  FINDS_MAX,
  NO_OWNER_MS,
  OWNER_DOUBT_MS,
  OWNER_MS,
  OWNER_REFRESH_MS,
  OWNERS_MAX,
} from './constants.ts';

/** What is known of an address. */
export type Ownership = PeerId | 'nobody' | 'unknown';

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

  /**
   * Takes over an answer of the DHT. "Nobody" does not replace an owner whose answer is fresh: a lookup may fail while
   * the owner is well, and a claim that is not renewed lapses here by itself.
   */
  learn(address: number, peerId: PeerId | undefined, now: Instant): void {
    if (peerId === undefined && typeof this.ownerOf(address, now) !== 'string') return;
    this.forget(address);
    this.asked.delete(address);
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

  /** Whether the question is open: asked, not answered, and not long ago. */
  isAsked(address: number, now: Instant): boolean {
    return (this.asked.get(address) ?? now) > now;
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

  private ageOf(address: number, now: Instant): number {
    return now - (this.answers.get(address)?.learnedAt ?? now);
  }

  private forget(address: number): void {
    const peerId = this.answers.get(address)?.peerId;
    this.answers.delete(address);
    if (peerId !== undefined && this.addresses.get(peerKey(peerId)) === address) this.addresses.delete(peerKey(peerId));
  }
}

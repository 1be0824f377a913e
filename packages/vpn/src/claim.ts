/**
 * How a member comes to its address and keeps it: claim, move on when it is taken, renew, give way after a partition.
 * The claim itself is a record in the group's DHT (policy FIRST-CLAIM), which the driver stores and judges.
 *
 *     offline --ready--> claiming --held--> held --taken or lost--> claiming (next address)
 *                         |    ^             |  ^
 *                  failed v    | pause over  +--+ every 60 s
 *                         pausing
 */
import { type Instant, jitter, Outbox, type Random, unreachable } from '@warren/base';
import type { AddressChoice } from './address-choice.ts';
import { CLAIM_ANSWER_MS, CLAIM_QUICK_MOVES, CLAIM_RENEW_MS, CLAIM_RETRY_MAX_MS, CLAIM_RETRY_MS } from './constants.ts';

export type ClaimInput =
  | { readonly kind: 'ready' }
  | { readonly kind: 'claim-result'; readonly address: number; readonly result: 'held' | 'taken' | 'failed' }
  | { readonly kind: 'claim-lost'; readonly address: number };

export type ClaimOutput =
  | { readonly kind: 'claim'; readonly address: number }
  | { readonly kind: 'held'; readonly address: number }
  | { readonly kind: 'conflict'; readonly address: number };

type ClaimState =
  | { readonly kind: 'offline' }
  /** Waits for the answer; `until` then counts as failed. */
  | { readonly kind: 'claiming'; readonly address: number; readonly until: Instant }
  /** Claims the address at `until`. */
  | { readonly kind: 'pausing'; readonly address: number; readonly until: Instant }
  /** Renews at `until`. */
  | { readonly kind: 'held'; readonly address: number; readonly until: Instant };

/** The claim of one member on one address at a time. */
export class AddressClaim {
  private readonly choice: AddressChoice;
  private readonly random: Random;
  private readonly outbox = new Outbox<ClaimOutput>();
  private state: ClaimState = { kind: 'offline' };
  /** Claims in a row that failed or went without an answer. */
  private failures = 0;
  /** Addresses in a row that were taken. */
  private moves = 0;

  constructor(choice: AddressChoice, random: Random) {
    this.choice = choice;
    this.random = random;
  }

  /** The address that we hold; `undefined` while we hold none. */
  get address(): number | undefined {
    return this.state.kind === 'held' ? this.state.address : undefined;
  }

  handle(input: ClaimInput, now: Instant): void {
    switch (input.kind) {
      case 'ready':
        this.onReady(now);
        break;
      case 'claim-lost':
        this.onResult(input.address, 'taken', now);
        break;
      case 'claim-result':
        this.onResult(input.address, input.result, now);
        break;
      default:
        unreachable(input);
    }
  }

  poll(): ClaimOutput | undefined {
    return this.outbox.poll();
  }

  tick(now: Instant): void {
    const state = this.state;
    if (state.kind === 'offline' || state.until > now) return;
    if (state.kind === 'claiming') this.onResult(state.address, 'failed', now);
    else if (state.kind === 'pausing') this.claim(state.address, now);
    else this.renew(state.address, now);
  }

  get wakeAt(): Instant | undefined {
    return this.state.kind === 'offline' ? undefined : this.state.until;
  }

  private onReady(now: Instant): void {
    if (this.state.kind === 'offline') this.claim(this.choice.next(), now);
    else if (this.state.kind === 'pausing') this.claim(this.state.address, now);
    else if (this.state.kind === 'held') this.renew(this.state.address, now);
  }

  /** Answers about any address but the present one come late and mean nothing. */
  private onResult(address: number, result: 'held' | 'taken' | 'failed', now: Instant): void {
    if (this.state.kind === 'offline' || this.state.address !== address) return;
    if (result === 'held') this.hold(address, now);
    else if (result === 'taken') this.moveOn(address, now);
    else this.retry(address, now);
  }

  private hold(address: number, now: Instant): void {
    const fresh = this.state.kind !== 'held';
    this.failures = 0;
    this.moves = 0;
    this.state = { kind: 'held', address, until: now + jitter(this.random, CLAIM_RENEW_MS, 0.1) };
    if (fresh) this.outbox.push({ kind: 'held', address });
  }

  private moveOn(address: number, now: Instant): void {
    if (this.state.kind === 'held') this.outbox.push({ kind: 'conflict', address });
    this.failures = 0;
    this.moves++;
    const next = this.choice.next();
    if (this.moves <= CLAIM_QUICK_MOVES) this.claim(next, now);
    else this.pause(next, this.moves - CLAIM_QUICK_MOVES, now);
  }

  /** A held address stays ours when its renewal fails: while cut off we may go on talking to those we reach. */
  private retry(address: number, now: Instant): void {
    this.failures++;
    if (this.state.kind !== 'held') this.pause(address, this.failures, now);
    else this.state = { kind: 'held', address, until: now + this.backoff(this.failures) };
  }

  private claim(address: number, now: Instant): void {
    this.state = { kind: 'claiming', address, until: now + CLAIM_ANSWER_MS };
    this.outbox.push({ kind: 'claim', address });
  }

  private renew(address: number, now: Instant): void {
    this.state = { kind: 'held', address, until: now + jitter(this.random, CLAIM_RENEW_MS, 0.1) };
    this.outbox.push({ kind: 'claim', address });
  }

  private pause(address: number, times: number, now: Instant): void {
    this.state = { kind: 'pausing', address, until: now + this.backoff(times) };
  }

  private backoff(times: number): number {
    return jitter(this.random, Math.min(CLAIM_RETRY_MAX_MS, CLAIM_RETRY_MS * 2 ** (times - 1)), 0.2);
  }
}

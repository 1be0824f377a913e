/**
 * Handshakes that we began: HS1 goes over every path that may work, again and
 * again with growing waits; after a good HS2, HS3 is repeated until the
 * responder shows that it has the keys (session.md 2.5). What forged answers may
 * cost is bounded between two transmissions. No cryptography here.
 */
import { compareBytes, earliest, type Instant, jitter, type Random, sameBytes } from '@warren/base';
import type { HsReply, PeerKey } from '@warren/wire';
import type { HandshakeFailure, Initiator } from './handshake.ts';

/** Names one way to a remote host, or in end-to-end scope the remote peer. Opaque here. */
export type PathId = string;

const FIRST_WAIT_MS = 500;
/**
 * Waits between retransmissions of HS1 and HS3, each +-20 %: eleven in eight seconds, since at 30 % loss both ways
 * half of all round trips fail, and nearly every pair is to be done within ten.
 */
export const RETRANSMIT_MS: readonly number[] = [
  ...Array<number>(4).fill(FIRST_WAIT_MS),
  ...Array<number>(6).fill(1000),
  2000,
  4000,
  8000,
];
/** A handshake that is not done by then is reported as failed. */
export const HANDSHAKE_TIMEOUT_MS = 45_000;
/** How long our own HS1 keeps silent for one that takes precedence. */
const YIELD_MS = 2000;
const PATHS_PER_ATTEMPT_MAX = 16;
/** HS2 that are not from whoever got our HS1: so many are looked at until the next transmission. */
export const WRONG_HS2_MAX = 8;
/** HS1 is sent again at once for so many cookies of one path until the next transmission: whoever saw mac1 forges some. */
export const COOKIES_TAKEN_MAX = 4;
/** How often an attempt lets others go first: whoever forges such calls delays it no longer. */
const YIELDS_MAX = 3;

export type AttemptState =
  | { readonly kind: 'calling' }
  /** HS2 was good: HS3 is repeated on that path until the responder has confirmed. */
  | {
      readonly kind: 'answered';
      readonly peer: PeerKey;
      readonly path: PathId;
      /** The good HS2, of which a copy shows that HS3 was lost. */
      readonly hs2: HsReply;
      readonly hs3: Uint8Array;
    };

/** One handshake of ours. */
export interface Attempt {
  /** The only peer accepted; `undefined` for whoever answers. */
  readonly to: PeerKey | undefined;
  readonly paths: PathId[];
  readonly initiator: Initiator;
  readonly localIndex: number;
  readonly startedAt: Instant;
  readonly giveUpAt: Instant;
  /** Cookies taken by path since the last transmission. */
  readonly cookies: Map<PathId, number>;
  state: AttemptState;
  step: number;
  yields: number;
  /** Wrong HS2 since the last transmission. */
  wrongReplies: number;
  /** What was wrong with the last HS2 of somebody who is not shown to be `to`. */
  doubt: HandshakeFailure | undefined;
  /** When it was last sent, and when it is sent again. */
  sentAt: Instant;
  sendAt: Instant;
}

/** What an HS1 that comes in on `path` means for our own attempts. */
export type Precedence = 'theirs' | 'ours' | { readonly own: Attempt };

export interface AttemptsOptions {
  readonly random: Random;
  readonly send: (path: PathId, bytes: Uint8Array) => void;
  /** HS1 as it goes out on a path: with what a cookie of there adds. */
  readonly show: (path: PathId, hs1: Uint8Array, now: Instant) => Uint8Array;
}

/** All handshakes that we began, by our index. */
export class Attempts {
  private readonly byIndex = new Map<number, Attempt>();
  private readonly options: AttemptsOptions;

  constructor(options: AttemptsOptions) {
    this.options = options;
  }

  begin(o: Pick<Attempt, 'to' | 'initiator' | 'localIndex'>, paths: readonly PathId[], now: Instant): void {
    const giveUpAt = now + HANDSHAKE_TIMEOUT_MS;
    const attempt: Attempt = {
      ...o,
      paths: [],
      startedAt: now,
      giveUpAt,
      cookies: new Map(),
      state: { kind: 'calling' },
      step: 0,
      yields: 0,
      wrongReplies: 0,
      doubt: undefined,
      sentAt: now,
      sendAt: now,
    };
    this.byIndex.set(o.localIndex, attempt);
    attempt.paths.push(...paths.slice(0, PATHS_PER_ATTEMPT_MAX));
    this.transmit(attempt, now);
  }

  /** The attempt to `peer` that has no answer yet. */
  calling(peer: PeerKey): Attempt | undefined {
    for (const attempt of this.byIndex.values()) {
      if (attempt.to === peer && attempt.state.kind === 'calling') return attempt;
    }
    return undefined;
  }

  at(index: number): Attempt | undefined {
    return this.byIndex.get(index);
  }

  all(): Attempt[] {
    return [...this.byIndex.values()];
  }

  /** Attempts that are for `peer` or were answered by it. */
  of(peer: PeerKey): Attempt[] {
    return this.all().filter(({ to, state }) => to === peer || (state.kind === 'answered' && state.peer === peer));
  }

  /** Sends a calling attempt's HS1 over one more path. */
  addPath(attempt: Attempt, path: PathId, now: Instant): void {
    if (attempt.paths.includes(path) || attempt.paths.length >= PATHS_PER_ATTEMPT_MAX) return;
    attempt.paths.push(path);
    this.call(attempt, path, now);
  }

  /** Whether a cookie for HS1 is awaited on `path`. */
  awaitsCookie(attempt: Attempt, path: PathId): boolean {
    const isCalled = attempt.state.kind === 'calling' && attempt.paths.includes(path);
    return isCalled && (attempt.cookies.get(path) ?? 0) < COOKIES_TAKEN_MAX;
  }

  /** Sends HS1 again at once to where a cookie came from. */
  cookieTaken(attempt: Attempt, path: PathId, now: Instant): void {
    attempt.cookies.set(path, (attempt.cookies.get(path) ?? 0) + 1);
    this.call(attempt, path, now);
  }

  /** Notes an HS2 that is not from the peer that is called: others may answer, perhaps it will, too. */
  wrong(attempt: Attempt, doubt?: HandshakeFailure): void {
    attempt.wrongReplies++;
    attempt.doubt = doubt ?? attempt.doubt;
  }

  /** Turns to repeating HS3. */
  answered(attempt: Attempt, state: Extract<AttemptState, { kind: 'answered' }>, now: Instant): void {
    attempt.state = state;
    attempt.doubt = undefined;
    attempt.step = 0;
    this.transmit(attempt, now);
  }

  /** Forgets an attempt; what it agreed so far is erased. */
  delete(attempt: Attempt): void {
    this.byIndex.delete(attempt.localIndex);
    attempt.initiator.erase();
  }

  /**
   * Simultaneous open: the smaller ephemeral stays initiator. The other side
   * answers, and keeps its own attempt back for a while in case nothing comes of it. Whoever calls us has not heard
   * ours, and would now: it is not kept until its long wait is over.
   */
  precedence(path: PathId, ephemeral: Uint8Array, now: Instant): Precedence {
    const calling = this.all().filter(({ state }) => state.kind === 'calling');
    const own = calling.find(({ initiator }) => sameBytes(initiator.ephemeral, ephemeral));
    if (own !== undefined) return { own };
    for (const attempt of calling) {
      if (!attempt.paths.includes(path)) continue;
      if (compareBytes(attempt.initiator.ephemeral, ephemeral) < 0) {
        attempt.sendAt = Math.min(attempt.sendAt, attempt.sentAt + FIRST_WAIT_MS);
        return 'ours';
      }
      if (attempt.yields++ < YIELDS_MAX) attempt.sendAt = Math.max(attempt.sendAt, now + YIELD_MS);
    }
    return 'theirs';
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.byIndex.values()].map(attempt => Math.min(attempt.sendAt, attempt.giveUpAt)));
  }

  /** Sends what is due; returns attempts whose time is over. */
  tick(now: Instant): Attempt[] {
    const over: Attempt[] = [];
    for (const attempt of this.byIndex.values()) {
      if (now >= attempt.giveUpAt) over.push(attempt);
      else if (now >= attempt.sendAt) this.transmit(attempt, now);
    }
    return over;
  }

  private transmit(attempt: Attempt, now: Instant): void {
    const wait = RETRANSMIT_MS[Math.min(attempt.step++, RETRANSMIT_MS.length - 1)] as number;
    attempt.sentAt = now;
    attempt.sendAt = now + jitter(this.options.random, wait, 0.2);
    attempt.wrongReplies = 0;
    attempt.cookies.clear();
    if (attempt.state.kind === 'answered') this.options.send(attempt.state.path, attempt.state.hs3);
    else for (const path of attempt.paths) this.call(attempt, path, now);
  }

  private call({ initiator }: Attempt, path: PathId, now: Instant): void {
    this.options.send(path, this.options.show(path, initiator.hs1, now));
  }
}

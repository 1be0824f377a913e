/**
 * Handshakes that others begin: HS1 in, HS2 or COOKIE out, HS3 in. Who is
 * admitted is in `admission.ts`, what is half-open in `half-opens.ts`; what
 * becomes of a finished one is for `sessions.ts` to say.
 */
import type { Instant } from '@warren/base';
import { decodeHs1, type Hs1, type HsReply } from '@warren/wire';
import { Admission, type AdmissionOptions } from './admission.ts';
import type { Attempt, Attempts, PathId } from './attempts.ts';
import { type Caller, HalfOpens } from './half-opens.ts';
import { type HandshakeContext, type HandshakeFailure, type HandshakeResult, Responder } from './handshake.ts';
import type { SessionsStats } from './stats.ts';

export interface RespondersOptions extends AdmissionOptions {
  /** Read anew for each handshake, as credentials change. */
  readonly context: HandshakeContext;
  readonly prologueFor: (path: PathId) => Uint8Array;
  readonly attempts: Pick<Attempts, 'precedence'>;
  readonly allocate: () => number | undefined;
  readonly release: (index: number) => void;
  readonly send: (path: PathId, bytes: Uint8Array) => void;
  readonly stats: SessionsStats;
}

/** A handshake that came to an end, well or not. */
export interface FinishedResponder {
  readonly responder: Responder;
  readonly outcome: HandshakeResult | HandshakeFailure;
}

/** The responder's side of all handshakes of one session table. */
export class Responders {
  private readonly options: RespondersOptions;
  private readonly admission: Admission;
  private readonly halfOpens = new HalfOpens();
  private recognised: Uint8Array | undefined;

  constructor(options: RespondersOptions) {
    this.options = options;
    this.admission = new Admission(options);
  }

  /** Whether HS1 bytes have the mac1 of this network. Who hands the same bytes in next does not pay for it again. */
  recognises(bytes: Uint8Array): boolean {
    const isOurs = this.admission.recognises(bytes);
    this.recognised = isOurs ? bytes : undefined;
    return isOurs;
  }

  /** Takes HS1; returns our own attempt where it is that which has come back to us. */
  receiveHs1(path: PathId, via: string | undefined, bytes: Uint8Array, now: Instant): Attempt | undefined {
    const { stats, attempts, send } = this.options;
    const isOurs = this.recognised === bytes || this.admission.recognises(bytes);
    this.recognised = undefined;
    const hs1 = isOurs ? decodeHs1(bytes) : undefined;
    if (hs1 === undefined) {
      stats.badMac++;
      return undefined;
    }
    if (this.isRepeated(path, hs1.mac1)) return undefined;
    const verdict = this.admission.judge(hs1, bytes, { path, via, halfOpen: this.halfOpens.size }, now);
    if (verdict.kind === 'too-fast') stats.tooFast++;
    else if (verdict.kind === 'cookie') {
      stats.cookiesSent++;
      send(path, verdict.bytes);
    } else {
      const precedence = attempts.precedence(path, hs1.noise.subarray(0, 32), now);
      if (precedence === 'theirs') this.answer(hs1, verdict.caller, now);
      else if (precedence !== 'ours') return precedence.own;
    }
    return undefined;
  }

  /** Takes HS3; `unknown` when no handshake waits for it, `undefined` when it is not from whoever got our HS2. */
  receiveHs3(hs3: HsReply, now: Instant): FinishedResponder | 'unknown' | undefined {
    // No timer may have fired for long, as in a page that is throttled.
    this.tick(now);
    const responder = this.halfOpens.at(hs3.receiverIndex);
    if (responder === undefined) return 'unknown';
    const outcome = hs3.senderIndex === responder.remoteIndex ? responder.finish(hs3.noise, now) : undefined;
    if (outcome === undefined) {
      this.options.stats.badHandshake++;
      return undefined;
    }
    this.halfOpens.finish(responder.localIndex);
    return { responder, outcome };
  }

  get wakeAt(): Instant | undefined {
    return this.halfOpens.wakeAt;
  }

  tick(now: Instant): void {
    for (const responder of this.halfOpens.tick(now)) this.discard(responder);
  }

  /** Ends all handshakes that wait for HS3. */
  close(): void {
    this.tick(Number.POSITIVE_INFINITY);
  }

  /** Ends a handshake of which no session comes. */
  discard(responder: Responder): void {
    responder.erase();
    this.options.release(responder.localIndex);
  }

  /** The same HS1 gets the same HS2, and nothing once its handshake is over. */
  private isRepeated(path: PathId, mac1: Uint8Array): boolean {
    const known = this.halfOpens.repeated(mac1);
    if (known === 'finished') this.options.stats.replayedHs1++;
    else if (known !== undefined) this.options.send(path, known.hs2);
    return known !== undefined;
  }

  private answer(hs1: Hs1, caller: Caller, now: Instant): void {
    const { stats, context, prologueFor, release, send } = this.options;
    const localIndex = this.makeRoom(caller) ? this.options.allocate() : undefined;
    if (localIndex === undefined) {
      stats.halfOpenFull++;
      return;
    }
    const responder = Responder.answer(context, prologueFor(caller.path), hs1, localIndex, now);
    if (responder === undefined) {
      release(localIndex);
      stats.badHandshake++;
      return;
    }
    this.halfOpens.add(responder, hs1.mac1, caller, now);
    send(caller.path, responder.hs2);
  }

  private makeRoom(caller: Caller): boolean {
    const victim = this.halfOpens.makeRoom(caller);
    if (victim === 'full') return false;
    if (victim === undefined) return true;
    this.options.stats.evicted++;
    this.discard(victim);
    return true;
  }
}

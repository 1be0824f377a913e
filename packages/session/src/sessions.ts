/**
 * All sessions of one network in one scope: point-to-point over paths, or
 * end-to-end over the overlay (then a path names the other end). Takes
 * datagrams in and drives handshakes. Our own are in `attempts.ts`, those of
 * others in `responders.ts`, what comes of them in `keyring.ts`. Timers and
 * rules: session.md 2.5.
 */
import { earliest, type Instant, Outbox, sameBytes } from '@warren/base';
import type { Identity } from '@warren/trust';
import {
  decodeCookie,
  decodeHsReply,
  decodeNoSession,
  type HsReply,
  PacketType,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { type Agreement, agree, type Disagreement, Disagreements, isDisagreement } from './agreement.ts';
import { type Attempt, Attempts, type PathId, WRONG_HS2_MAX } from './attempts.ts';
import { CookieJar } from './cookies.ts';
import {
  eraseKeys,
  type FinishedInitiator,
  type HandshakeContext,
  type HandshakeFailure,
  type HandshakeResult,
  Initiator,
} from './handshake.ts';
import { Keyring, type Opened } from './keyring.ts';
import { Responders } from './responders.ts';
import type { Session } from './secured-peer.ts';
import type { SessionsOptions, SessionsOutput } from './sessions-options.ts';
import { noSessionsStats, type SessionsStats } from './stats.ts';

/** The session table of one network and scope. */
export class Sessions {
  readonly stats: SessionsStats = noSessionsStats();
  private readonly options: SessionsOptions & { credentials: HandshakeContext['credentials'] };
  private readonly outbox = new Outbox<SessionsOutput>();
  private readonly attempts: Attempts;
  private readonly responders: Responders;
  private readonly jar: CookieJar;
  private readonly keyring: Keyring;
  private readonly disagreements = new Disagreements();
  private isClosed = false;

  constructor(options: SessionsOptions) {
    this.options = { ...options };
    this.jar = new CookieJar(options.authority.networkKey);
    this.attempts = new Attempts({
      random: options.random,
      send: (path, bytes) => this.send(path, bytes),
      show: (path, hs1, now) => this.jar.show(path, hs1, now),
    });
    this.responders = this.newResponders();
    this.keyring = this.newKeyring();
  }

  poll(): SessionsOutput | undefined {
    return this.outbox.poll();
  }

  /**
   * Starts a handshake over all of `paths` at once, at least one; `to` is the only peer accepted, or anyone.
   * With a handshake to that peer under way, its HS1 goes over the new paths too.
   */
  connect(to: PeerKey | undefined, paths: readonly PathId[], now: Instant): void {
    if (this.isClosed) return;
    const disagreement = to === undefined ? undefined : this.disagreements.at(to, now);
    if (disagreement !== undefined) {
      this.outbox.push({ kind: 'failed', to, reason: disagreement });
      return;
    }
    const running = to === undefined ? undefined : this.attempts.calling(to);
    const [first] = paths;
    if (running !== undefined) for (const path of paths) this.attempts.addPath(running, path, now);
    if (running !== undefined || first === undefined) return;
    const localIndex = this.options.indices.allocate(this);
    if (localIndex === undefined) {
      this.outbox.push({ kind: 'failed', to, reason: 'no-room' });
      return;
    }
    const initiator = new Initiator(this.options, this.options.prologueFor(first, 'initiator'), localIndex);
    this.attempts.begin({ to, initiator, localIndex }, paths, now);
  }

  /** Whether HS1 bytes are meant for this network; all networks of a process share their sockets. */
  recognises(hs1: Uint8Array): boolean {
    return !this.isClosed && this.responders.recognises(hs1);
  }

  /** Takes one datagram of ours, in end-to-end scope with the neighbour it came through; returns what DATA and FRAME contain. */
  receive(path: PathId, bytes: Uint8Array, now: Instant, via?: string): Opened | undefined {
    if (this.isClosed) return undefined;
    switch (bytes[0]) {
      case PacketType.DATA:
      case PacketType.FRAME:
        return this.keyring.open(path, bytes, now);
      case PacketType.HS1:
        this.receiveHs1(path, via, bytes, now);
        return undefined;
      case PacketType.HS2:
        this.receiveHs2(path, bytes, now);
        return undefined;
      case PacketType.HS3:
        this.receiveHs3(path, bytes, now);
        return undefined;
      case PacketType.COOKIE:
        this.receiveCookie(path, bytes, now);
        return undefined;
      case PacketType.NOSESS:
        this.receiveHint(path, bytes, now);
        return undefined;
      default:
        return undefined;
    }
  }

  /** Why there was no session with a peer when it was tried last. */
  disagreement(peer: PeerKey): Disagreement | undefined {
    return this.disagreements.last(peer);
  }

  /** Seals a plaintext for a peer with its current key; `undefined` without a live session that may carry data. */
  seal(peer: PeerKey, type: number, flags: number, plaintext: Uint8Array, now: Instant): Uint8Array | undefined {
    return this.keyring.seal(peer, type, flags, plaintext, now);
  }

  /** Who the peer proved to be; `undefined` without a session. */
  identity(peer: PeerKey): Identity | undefined {
    return this.keyring.identity(peer);
  }

  /** Everybody whom we share keys with, as their newest handshake proved them. */
  identities(): Iterable<Identity> {
    return this.keyring.identities();
  }

  /** Whether what we send to the peer goes under post-quantum keys; `undefined` without a session that may carry data. */
  isPostQuantum(peer: PeerKey): boolean | undefined {
    return this.keyring.isPostQuantum(peer);
  }

  /** Erases all that is known of a peer. */
  forget(peer: PeerKey): void {
    this.keyring.forget(peer);
  }

  /** Ends all sessions and handshakes, erases their keys and gives their indices back; nothing begins any more. */
  close(): void {
    this.isClosed = true;
    this.keyring.close();
    for (const attempt of this.attempts.all()) this.drop(attempt);
    this.responders.close();
  }

  /** Handshakes with a peer, one under way too, go over this path, and hints count from there alone, until another is chosen. */
  usePath(peer: PeerKey, path: PathId, now: Instant): void {
    this.keyring.usePath(peer, path);
    const running = this.attempts.calling(peer);
    if (running !== undefined) this.attempts.addPath(running, path, now);
  }

  /** The host slept, or its clock was set: all peers are rekeyed, which checks them again, a few at a time. */
  resume(now: Instant): void {
    this.keyring.resume(now);
  }

  /** Takes over a fresh working statement, in handshakes under way too; running sessions keep their keys until they rekey. */
  renew(credentials: HandshakeContext['credentials']): void {
    this.options.credentials = credentials;
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.attempts.wakeAt, this.responders.wakeAt, this.keyring.wakeAt);
  }

  tick(now: Instant): void {
    for (const attempt of this.attempts.tick(now)) this.timedOut(attempt);
    this.responders.tick(now);
    this.keyring.tick(now);
  }

  private newKeyring(): Keyring {
    const { suite, random, self, scope = 'point-to-point', kem, limits, indices } = this.options;
    return new Keyring({
      ...{ suite, random, self, scope, kem, limits, stats: this.stats, pathTo: this.options.pathTo },
      allocate: () => indices.allocate(this),
      release: index => indices.release(index),
      send: (path, bytes) => this.send(path, bytes),
      established: (peer, identity, path) => this.outbox.push({ kind: 'established', peer, identity, path }),
      failed: (to, reason) => this.outbox.push({ kind: 'failed', to, reason }),
      connect: (peer, path, now) => this.connect(peer, [path], now),
      forgotten: peer => {
        for (const attempt of this.attempts.of(peer)) this.drop(attempt);
      },
      handshakeDone: index => {
        const attempt = this.attempts.at(index);
        if (attempt !== undefined) this.attempts.delete(attempt);
      },
    });
  }

  private newResponders(): Responders {
    const { options, attempts, stats } = this;
    return new Responders({
      context: options,
      networkKey: options.authority.networkKey,
      random: options.random,
      groupOf: options.groupOf ?? ((path, via) => via ?? path),
      prologueFor: path => options.prologueFor(path, 'responder'),
      attempts,
      allocate: () => options.indices.allocate(this),
      release: index => options.indices.release(index),
      send: (path, bytes) => this.send(path, bytes),
      stats,
    });
  }

  private receiveHs1(path: PathId, via: string | undefined, bytes: Uint8Array, now: Instant): void {
    const own = this.responders.receiveHs1(path, via, bytes, now);
    if (own === undefined) return;
    // Whoever sees our HS1 can send it back, which must not end a call to somebody else.
    if (own.to === undefined) this.fail(own, 'own-identity');
    else this.stats.reflectedHs1++;
  }

  /** The responder is under load, and our HS1 goes there again with what it sent (session.md 2.4). */
  private receiveCookie(path: PathId, bytes: Uint8Array, now: Instant): void {
    const cookie = decodeCookie(bytes);
    const attempt = cookie && this.attempts.at(cookie.receiverIndex);
    const isAwaited = attempt !== undefined && this.attempts.awaitsCookie(attempt, path);
    if (cookie === undefined || !isAwaited || !this.jar.keep(path, cookie, attempt.initiator.hs1, now)) {
      this.stats.cookiesRefused++;
      return;
    }
    this.stats.cookiesAccepted++;
    this.attempts.cookieTaken(attempt, path, now);
  }

  private receiveHs2(from: PathId, bytes: Uint8Array, now: Instant): void {
    const hs2 = decodeHsReply(bytes);
    const attempt = hs2 && this.attempts.at(hs2.receiverIndex);
    if (hs2 === undefined || attempt === undefined) {
      this.stats.unknownIndex++;
      return;
    }
    const { state, to } = attempt;
    const path = (to && this.options.pathTo?.(to)) ?? from;
    if (state.kind === 'answered') {
      // Only a copy of the good one: others would make us send HS3 to wherever they seem to come from.
      if (state.hs2.senderIndex === hs2.senderIndex && sameBytes(state.hs2.noise, hs2.noise))
        this.send(path, state.hs3);
    } else if (attempt.wrongReplies >= WRONG_HS2_MAX) this.stats.ignoredHs2++;
    else this.finish(attempt, hs2, path, now);
  }

  private finish(attempt: Attempt, hs2: HsReply, path: PathId, now: Instant): void {
    const done = attempt.initiator.finish(hs2.noise, hs2.senderIndex, now);
    if (done === undefined) {
      this.stats.badHandshake++;
      this.attempts.wrong(attempt);
    } else if (typeof done === 'string') this.refuse(attempt, done);
    else this.judge(attempt, done, hs2, path, now);
  }

  private judge(attempt: Attempt, done: FinishedInitiator, hs2: HsReply, path: PathId, now: Instant): void {
    const { result, hs3 } = done;
    const peer = peerKey(result.identity.leaf.peerId);
    const isWrong = attempt.to !== undefined && attempt.to !== peer;
    const reason = isWrong ? 'wrong-peer' : this.objection(result, now);
    if (reason === undefined) {
      this.attempts.answered(attempt, { kind: 'answered', peer, path, hs2: copied(hs2), hs3 }, now);
      const { localIndex, startedAt } = attempt;
      this.install(result, { role: 'initiator', localIndex, startedAt }, path, now);
      return;
    }
    eraseKeys(result);
    if (isWrong) {
      this.refuse(attempt, reason);
      return;
    }
    if (isDisagreement(reason)) this.disagree(peer, reason, path, hs3, now);
    this.fail(attempt, reason);
  }

  /** Whoever answered is not shown to be the one who is called, who may answer yet; where nobody in particular is, it is over. */
  private refuse(attempt: Attempt, reason: HandshakeFailure): void {
    if (attempt.to === undefined) this.fail(attempt, reason);
    else {
      this.stats.rejected++;
      this.attempts.wrong(attempt, reason);
    }
  }

  private receiveHs3(path: PathId, bytes: Uint8Array, now: Instant): void {
    const hs3 = decodeHsReply(bytes);
    if (hs3 === undefined) return;
    const finished = this.responders.receiveHs3(hs3, now);
    if (finished === 'unknown') this.repeatedHs3(hs3.receiverIndex, path);
    if (finished === undefined || finished === 'unknown') return;
    const { responder, outcome: result } = finished;
    const reason = typeof result === 'string' ? result : this.objection(result, now);
    if (typeof result === 'string' || reason !== undefined) {
      this.stats.rejected++;
      this.responders.discard(responder);
      if (typeof result === 'object') eraseKeys(result);
      if (typeof result === 'object' && reason !== undefined && isDisagreement(reason)) {
        this.disagreed(peerKey(result.identity.leaf.peerId), reason, now);
      }
      return;
    }
    this.dropCalling(peerKey(result.identity.leaf.peerId));
    const { localIndex, startedAt } = responder;
    this.keyring.confirm(this.install(result, { role: 'responder', localIndex, startedAt }, path, now), path);
  }

  /** Our confirmation was lost, as the initiator still repeats HS3. */
  private repeatedHs3(index: number, path: PathId): void {
    const session = this.keyring.at(index);
    if (session?.role === 'responder') this.keyring.confirm(session, path);
  }

  /** Why we want no session with somebody whose certificate is good. */
  private objection({ identity, flags }: HandshakeResult, now: Instant): HandshakeFailure | undefined {
    const key = peerKey(identity.leaf.peerId);
    if (key === this.options.self) return 'own-identity';
    if (this.keyring.hasNewerInstance(identity, now)) return 'older-instance';
    const agreed = this.agreement(flags);
    return isDisagreement(agreed) ? agreed : undefined;
  }

  /** Our own attempt is pointless once the peer's has succeeded. */
  private dropCalling(peer: PeerKey): void {
    const attempt = this.attempts.calling(peer);
    if (attempt !== undefined) this.drop(attempt);
  }

  private install(
    result: HandshakeResult,
    handshake: Pick<Session, 'role' | 'startedAt'> & { readonly localIndex: number },
    path: PathId,
    now: Instant,
  ): Session {
    this.disagreements.delete(peerKey(result.identity.leaf.peerId));
    return this.keyring.install(result, handshake, this.agreement(result.flags) as Agreement, path, now);
  }

  /** Believed by nobody, so nothing is closed. */
  private receiveHint(path: PathId, bytes: Uint8Array, now: Instant): void {
    const hint = decodeNoSession(bytes);
    if (hint !== undefined) this.keyring.hinted(hint.index, path, now);
  }

  private timedOut(attempt: Attempt): void {
    this.keyring.unconfirmed(attempt.localIndex);
    this.drop(attempt);
    this.outbox.push({ kind: 'failed', to: attempt.to, reason: attempt.doubt ?? 'timed-out' });
  }

  private fail(attempt: Attempt, reason: HandshakeFailure): void {
    this.stats.rejected++;
    this.drop(attempt);
    this.outbox.push({ kind: 'failed', to: attempt.to, reason });
  }

  /** Ends an attempt; its index lives on with the session that came of it. */
  private drop(attempt: Attempt): void {
    this.attempts.delete(attempt);
    if (this.keyring.at(attempt.localIndex) === undefined) this.options.indices.release(attempt.localIndex);
  }

  private agreement(flags: number): Agreement | Disagreement {
    return agree(this.options.postQuantum ?? 'off', flags);
  }

  /** The remote does not see from HS2 that we disagree: HS3 tells it, once. */
  private disagree(peer: PeerKey, reason: Disagreement, path: PathId, hs3: Uint8Array, now: Instant): void {
    this.send(path, hs3);
    this.disagreements.note(peer, reason, now);
  }

  private disagreed(peer: PeerKey, reason: Disagreement, now: Instant): void {
    this.dropCalling(peer);
    if (this.disagreements.note(peer, reason, now)) this.outbox.push({ kind: 'failed', to: peer, reason });
  }

  private send(path: PathId, bytes: Uint8Array): void {
    this.outbox.push({ kind: 'send', path, bytes });
  }
}

/** Apart from the buffer that the datagram came in. */
function copied(hs2: HsReply): HsReply {
  return { ...hs2, noise: hs2.noise.slice() };
}

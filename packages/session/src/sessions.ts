/**
 * All sessions of one network in one scope: point-to-point over paths, or
 * end-to-end over the overlay (then a path names the other end). Drives the
 * handshakes, keeps current, previous and next keys of each peer, and rekeys.
 * Timers and rules: session.md 2.5. Cookies are not here yet.
 */
import { type Instant, Outbox, compareBytes, earliest, jitter, sameBytes, sameSecret, toHex } from '@warren/base';
import type { Identity } from '@warren/trust';
import { HS1_MAC1_OFFSET, Inner, PacketType, type PeerKey, decodeHs1, decodeHsReply, decodeNoSession, peerKey } from '@warren/wire';
import { type HandshakeContext, type HandshakeFailure, type HandshakeResult, Initiator, Responder, mac1 } from './handshake.ts';
import { type SessionIndices, readIndex } from './indices.ts';
import { Transport } from './transport.ts';

/** Names one way to a remote host, or in end-to-end scope the remote peer. Opaque here. */
export type PathId = string;

/** Waits between retransmissions of HS1 and HS3, each +-20 %. */
export const RETRANSMIT_MS: readonly number[] = [500, 1000, 2000, 4000, 8000, 8000];
/** A handshake that is not done by then is reported as failed. */
export const HANDSHAKE_TIMEOUT_MS = 45_000;
/** The old initiator rekeys then, +-10 %; the old responder this much later, should nothing have come. */
export const REKEY_AFTER_MS = 300_000;
export const REKEY_RESPONDER_DELAY_MS = 60_000;
/** No datagram is sealed or opened with an older key, which is erased a minute later. */
export const REJECT_AFTER_MS = 540_000;
/** The previous key may still receive for so long. */
export const PREVIOUS_KEPT_MS = 60_000;
/** Half-open handshakes: how many, and how long each. */
export const HALF_OPEN_MAX = 256;
export const HALF_OPEN_MS = 10_000;
/** A NOSESS hint starts at most one handshake per peer in this time. */
const HINT_REKEY_MS = 5000;
const PATHS_PER_ATTEMPT_MAX = 16;

export type SessionsOutput =
  | { readonly kind: 'send'; readonly path: PathId; readonly bytes: Uint8Array }
  /** `fresh`: there was no session with this peer before; otherwise a rekey or a restarted peer. */
  | { readonly kind: 'established'; readonly peer: PeerKey; readonly identity: Identity; readonly path: PathId; readonly fresh: boolean; readonly attempt?: number }
  | { readonly kind: 'failed'; readonly attempt: number; readonly to: PeerKey | undefined; readonly reason: HandshakeFailure };

/** An opened datagram. */
export interface Opened {
  readonly peer: PeerKey;
  readonly type: typeof PacketType.DATA | typeof PacketType.FRAME;
  readonly flags: number;
  readonly plaintext: Uint8Array;
}

export interface SessionsOptions extends HandshakeContext {
  readonly indices: SessionIndices<Sessions>;
  readonly self: PeerKey;
  /** The prologue for a handshake over `path` in which we have `role`. */
  readonly prologueFor: (path: PathId, role: 'initiator' | 'responder') => Uint8Array;
}

interface Session {
  readonly transport: Transport;
  readonly role: 'initiator' | 'responder';
  readonly createdAt: Instant;
  /** Whether the remote has shown that it holds the keys by a datagram under them. */
  confirmed: boolean;
}

interface SecuredPeer {
  readonly key: PeerKey;
  identity: Identity;
  lastPath: PathId;
  current: Session;
  previous: Session | undefined;
  next: Session | undefined;
  previousUntil: Instant;
  rekeyAt: Instant;
  hintedAt: Instant;
}

interface Attempt {
  readonly id: number;
  readonly to: PeerKey | undefined;
  readonly paths: PathId[];
  readonly initiator: Initiator;
  readonly localIndex: number;
  readonly giveUpAt: Instant;
  step: number;
  sendAt: Instant;
  /** Set once HS2 was good: HS3 is repeated on that path until the responder has confirmed. */
  answered: { readonly peer: PeerKey; readonly path: PathId; readonly hs3: Uint8Array } | undefined;
}

interface HalfOpen {
  readonly responder: Responder;
  readonly ephemeral: string;
  readonly until: Instant;
}

/** Counters; hostile or useless datagrams by cause. */
export interface SessionsStats {
  handshakes: number;
  badMac: number;
  badHandshake: number;
  halfOpenFull: number;
  unknownIndex: number;
  rejected: number;
}

/** The session table of one network and scope. */
export class Sessions {
  readonly stats: SessionsStats = { handshakes: 0, badMac: 0, badHandshake: 0, halfOpenFull: 0, unknownIndex: 0, rejected: 0 };
  private options: SessionsOptions;
  private readonly outbox = new Outbox<SessionsOutput>();
  private readonly peers = new Map<PeerKey, SecuredPeer>();
  private readonly sessionsByIndex = new Map<number, { peer: SecuredPeer; session: Session }>();
  private readonly attempts = new Map<number, Attempt>();
  private readonly halfOpen = new Map<number, HalfOpen>();
  private readonly halfOpenByEphemeral = new Map<string, number>();
  private nextAttempt = 1;

  constructor(options: SessionsOptions) {
    this.options = options;
  }

  poll(): SessionsOutput | undefined {
    return this.outbox.poll();
  }

  /** Starts a handshake over all of `paths` at once; `to` is the only peer accepted, or anyone. Returns the attempt's number. */
  connect(to: PeerKey | undefined, paths: readonly PathId[], now: Instant): number | undefined {
    const running = to === undefined ? undefined : [...this.attempts.values()].find(a => a.to === to && !a.answered);
    if (running !== undefined) {
      for (const path of paths) this.addPath(running.id, path);
      return running.id;
    }
    const localIndex = this.options.indices.allocate(this);
    const first = paths[0];
    if (localIndex === undefined || first === undefined) return undefined;
    const id = this.nextAttempt++;
    const initiator = new Initiator(this.options, this.options.prologueFor(first, 'initiator'), localIndex);
    const giveUpAt = now + HANDSHAKE_TIMEOUT_MS;
    const attempt: Attempt = { id, to, paths: [...paths], initiator, localIndex, giveUpAt, step: 0, sendAt: now, answered: undefined };
    this.attempts.set(localIndex, attempt);
    this.transmit(attempt, now);
    return id;
  }

  /** Sends a running attempt's HS1 over one more path. */
  addPath(attemptId: number, path: PathId): void {
    const attempt = [...this.attempts.values()].find(a => a.id === attemptId);
    if (attempt === undefined || attempt.answered || attempt.paths.includes(path)) return;
    if (attempt.paths.length >= PATHS_PER_ATTEMPT_MAX) return;
    attempt.paths.push(path);
    this.send(path, attempt.initiator.hs1);
  }

  /** Ends an attempt without a report. */
  abandon(attemptId: number): void {
    for (const attempt of this.attempts.values()) if (attempt.id === attemptId) this.drop(attempt);
  }

  /** Whether HS1 bytes are meant for this network; all networks of a process share their sockets. */
  recognises(hs1: Uint8Array): boolean {
    const expected = mac1(this.options.suite, this.options.authority.networkKey, hs1);
    return sameSecret(expected, hs1.subarray(HS1_MAC1_OFFSET, HS1_MAC1_OFFSET + expected.length));
  }

  /** Takes one datagram of ours; returns what DATA and FRAME contain. */
  receive(path: PathId, bytes: Uint8Array, now: Instant): Opened | undefined {
    switch (bytes[0]) {
      case PacketType.DATA:
      case PacketType.FRAME:
        return this.open(path, bytes, now);
      case PacketType.HS1:
        this.receiveHs1(path, bytes, now);
        return undefined;
      case PacketType.HS2:
        this.receiveHs2(path, bytes, now);
        return undefined;
      case PacketType.HS3:
        this.receiveHs3(path, bytes, now);
        return undefined;
      case PacketType.NOSESS:
        this.receiveHint(path, bytes, now);
        return undefined;
      default:
        return undefined;
    }
  }

  /** Seals a plaintext for a peer with its current key; `undefined` without a live session. */
  seal(peer: PeerKey, type: number, flags: number, plaintext: Uint8Array, now: Instant): Uint8Array | undefined {
    const current = this.peers.get(peer)?.current;
    if (current === undefined || now - current.createdAt >= REJECT_AFTER_MS) return undefined;
    return current.transport.seal(type, flags, plaintext);
  }

  /** Who the peer proved to be; `undefined` without a session. */
  identity(peer: PeerKey): Identity | undefined {
    return this.peers.get(peer)?.identity;
  }

  /** Erases all that is known of a peer. */
  forget(peer: PeerKey): void {
    const secured = this.peers.get(peer);
    if (secured === undefined) return;
    for (const session of [secured.current, secured.previous, secured.next]) if (session) this.eraseSession(session);
    this.peers.delete(peer);
    for (const attempt of this.attempts.values()) if (attempt.to === peer || attempt.answered?.peer === peer) this.drop(attempt);
  }

  /** Takes over a fresh working statement; running sessions keep their keys until they rekey. */
  renew(credentials: HandshakeContext['credentials']): void {
    this.options = { ...this.options, credentials };
  }

  get wakeAt(): Instant | undefined {
    const attempts = [...this.attempts.values()].map(a => Math.min(a.sendAt, a.giveUpAt));
    const peers = [...this.peers.values()].map(p => (p.previous ? Math.min(p.rekeyAt, p.previousUntil) : p.rekeyAt));
    const halfOpen = [...this.halfOpen.values()].map(h => h.until);
    return earliest(...attempts, ...peers, ...halfOpen);
  }

  tick(now: Instant): void {
    for (const attempt of [...this.attempts.values()]) {
      if (now >= attempt.giveUpAt) this.fail(attempt, 'timed-out');
      else if (now >= attempt.sendAt) this.transmit(attempt, now);
    }
    for (const [index, half] of this.halfOpen) if (now >= half.until) this.dropHalfOpen(index, half, true);
    for (const secured of [...this.peers.values()]) this.age(secured, now);
  }

  private age(secured: SecuredPeer, now: Instant): void {
    if (secured.previous !== undefined && now >= secured.previousUntil) {
      this.eraseSession(secured.previous);
      secured.previous = undefined;
    }
    if (now - secured.current.createdAt >= REJECT_AFTER_MS) this.forget(secured.key);
    else if (now >= secured.rekeyAt) {
      secured.rekeyAt = now + HANDSHAKE_TIMEOUT_MS + REKEY_RESPONDER_DELAY_MS;
      this.connect(secured.key, [secured.lastPath], now);
    }
  }

  private transmit(attempt: Attempt, now: Instant): void {
    const wait = RETRANSMIT_MS[Math.min(attempt.step++, RETRANSMIT_MS.length - 1)] as number;
    attempt.sendAt = now + jitter(this.options.random, wait, 0.2);
    if (attempt.answered !== undefined) this.send(attempt.answered.path, attempt.answered.hs3);
    else for (const path of attempt.paths) this.send(path, attempt.initiator.hs1);
  }

  private receiveHs1(path: PathId, bytes: Uint8Array, now: Instant): void {
    const hs1 = decodeHs1(bytes);
    if (hs1 === undefined || !this.recognises(bytes)) {
      this.stats.badMac++;
      return;
    }
    const ephemeral = hs1.noise.subarray(0, 32);
    const cached = this.halfOpenByEphemeral.get(toHex(ephemeral));
    if (cached !== undefined) {
      const half = this.halfOpen.get(cached);
      if (half !== undefined) this.send(path, half.responder.hs2);
      return;
    }
    if (!this.yieldsTo(path, ephemeral)) return;
    if (this.halfOpen.size >= HALF_OPEN_MAX) {
      this.stats.halfOpenFull++;
      return;
    }
    this.answerHs1(path, hs1, toHex(ephemeral), now);
  }

  private answerHs1(path: PathId, hs1: NonNullable<ReturnType<typeof decodeHs1>>, ephemeral: string, now: Instant): void {
    const localIndex = this.options.indices.allocate(this);
    if (localIndex === undefined) return;
    const bound = this.options.prologueFor(path, 'responder');
    const responder = Responder.answer(this.options, bound, hs1, localIndex, now);
    if (responder === undefined) {
      this.options.indices.release(localIndex);
      this.stats.badHandshake++;
      return;
    }
    this.halfOpen.set(localIndex, { responder, ephemeral, until: now + HALF_OPEN_MS });
    this.halfOpenByEphemeral.set(ephemeral, localIndex);
    this.send(path, responder.hs2);
  }

  /** Simultaneous open: the smaller ephemeral stays initiator; the other side drops its own attempt and answers. */
  private yieldsTo(path: PathId, ephemeral: Uint8Array): boolean {
    for (const attempt of this.attempts.values()) {
      if (attempt.answered !== undefined || !attempt.paths.includes(path)) continue;
      if (sameBytes(attempt.initiator.ephemeral, ephemeral)) {
        this.fail(attempt, 'own-identity');
        return false;
      }
      if (compareBytes(attempt.initiator.ephemeral, ephemeral) < 0) return false;
      attempt.sendAt = Math.max(attempt.sendAt, attempt.sendAt + (RETRANSMIT_MS[2] as number));
    }
    return true;
  }

  private receiveHs2(path: PathId, bytes: Uint8Array, now: Instant): void {
    const hs2 = decodeHsReply(bytes);
    const attempt = hs2 && this.attempts.get(hs2.receiverIndex);
    if (hs2 === undefined || attempt === undefined) {
      this.stats.unknownIndex++;
      return;
    }
    if (attempt.answered !== undefined) {
      this.send(path, attempt.answered.hs3);
      return;
    }
    const done = attempt.initiator.finish(hs2.noise, hs2.senderIndex, now);
    if (done === 'malformed') {
      this.stats.badHandshake++;
      return;
    }
    if (typeof done === 'string') return this.fail(attempt, done);
    const peer = peerKey(done.result.identity.leaf.peerId);
    if (peer === this.options.self) return this.fail(attempt, 'own-identity');
    if (attempt.to !== undefined && attempt.to !== peer) return this.fail(attempt, 'wrong-peer');
    attempt.answered = { peer, path, hs3: done.hs3 };
    attempt.step = 0;
    this.transmit(attempt, now);
    this.install(done.result, 'initiator', attempt.localIndex, path, now, attempt.id);
  }

  private receiveHs3(path: PathId, bytes: Uint8Array, now: Instant): void {
    const hs3 = decodeHsReply(bytes);
    if (hs3 === undefined) return;
    const half = this.halfOpen.get(hs3.receiverIndex);
    if (half === undefined) {
      const known = this.sessionsByIndex.get(hs3.receiverIndex);
      if (known?.session.role === 'responder' && !known.session.confirmed) this.confirm(known.session, path);
      return;
    }
    const result = half.responder.finish(hs3.noise, now);
    if (typeof result === 'string') {
      if (result === 'malformed') this.stats.badHandshake++;
      else {
        this.stats.rejected++;
        this.dropHalfOpen(hs3.receiverIndex, half, true);
      }
      return;
    }
    this.dropHalfOpen(hs3.receiverIndex, half, false);
    if (peerKey(result.identity.leaf.peerId) === this.options.self) {
      this.options.indices.release(hs3.receiverIndex);
      this.stats.rejected++;
      return;
    }
    this.abandonTo(peerKey(result.identity.leaf.peerId));
    this.confirm(this.install(result, 'responder', hs3.receiverIndex, path, now), path);
  }

  /** Our own attempts are pointless once the peer's has succeeded. */
  private abandonTo(peer: PeerKey): void {
    for (const attempt of [...this.attempts.values()]) if (attempt.to === peer && !attempt.answered) this.drop(attempt);
  }

  /** Shows the initiator that HS3 has arrived. */
  private confirm(session: Session, path: PathId): void {
    const sealed = session.transport.seal(PacketType.DATA, 0, Uint8Array.of(Inner.KEEPALIVE));
    if (sealed !== undefined) this.send(path, sealed);
  }

  private install(result: HandshakeResult, role: Session['role'], localIndex: number, path: PathId, now: Instant, attempt?: number): Session {
    const { suite, random } = this.options;
    const { send, receive, remoteIndex } = result;
    const transport = new Transport({ suite, send, receive, localIndex, remoteIndex });
    const session: Session = { transport, role, createdAt: now, confirmed: false };
    const key = peerKey(result.identity.leaf.peerId);
    const known = this.peers.get(key);
    const lateness = role === 'initiator' ? 0 : REKEY_RESPONDER_DELAY_MS;
    const rekeyAt = now + jitter(random, REKEY_AFTER_MS, 0.1) + lateness;
    let secured: SecuredPeer;
    if (known === undefined) {
      const none = { previous: undefined, next: undefined, previousUntil: 0, hintedAt: Number.NEGATIVE_INFINITY };
      secured = { key, identity: result.identity, lastPath: path, current: session, rekeyAt, ...none };
      this.peers.set(key, secured);
    } else {
      secured = known;
      secured.identity = result.identity;
      secured.rekeyAt = rekeyAt;
      if (role === 'initiator') this.replaceNext(secured, session);
      else this.promote(secured, session, now);
    }
    this.sessionsByIndex.set(localIndex, { peer: secured, session });
    this.stats.handshakes++;
    const established = { kind: 'established', peer: key, identity: result.identity, path, fresh: known === undefined } as const;
    this.outbox.push(attempt === undefined ? established : { ...established, attempt });
    return session;
  }

  private replaceNext(secured: SecuredPeer, session: Session): void {
    if (secured.next !== undefined) this.eraseSession(secured.next);
    secured.next = session;
  }

  private promote(secured: SecuredPeer, session: Session, now: Instant): void {
    if (secured.previous !== undefined) this.eraseSession(secured.previous);
    secured.previous = secured.current;
    secured.previousUntil = now + PREVIOUS_KEPT_MS;
    secured.current = session;
    if (secured.next === session) secured.next = undefined;
  }

  private open(path: PathId, bytes: Uint8Array, now: Instant): Opened | undefined {
    const known = this.sessionsByIndex.get(readIndex(bytes, 4));
    if (known === undefined) {
      this.stats.unknownIndex++;
      return undefined;
    }
    const { peer, session } = known;
    if (now - session.createdAt >= REJECT_AFTER_MS) return undefined;
    const plaintext = session.transport.open(bytes);
    if (plaintext === undefined) return undefined;
    peer.lastPath = path;
    if (!session.confirmed) this.confirmed(peer, session, now);
    return { peer: peer.key, type: bytes[0] as Opened['type'], flags: bytes[1] as number, plaintext };
  }

  private confirmed(peer: SecuredPeer, session: Session, now: Instant): void {
    session.confirmed = true;
    if (peer.next === session) this.promote(peer, session, now);
    const attempt = this.attempts.get(session.transport.localIndex);
    if (attempt !== undefined) this.attempts.delete(attempt.localIndex);
  }

  /** The remote has lost its keys, says somebody: a handshake settles it, nothing is closed (session.md 2.5 NOSESS). */
  private receiveHint(path: PathId, bytes: Uint8Array, now: Instant): void {
    const hint = decodeNoSession(bytes);
    if (hint === undefined) return;
    for (const secured of this.peers.values()) {
      if (secured.current.transport.remoteIndex !== hint.index || now - secured.hintedAt < HINT_REKEY_MS) continue;
      secured.hintedAt = now;
      this.connect(secured.key, [path], now);
    }
  }

  private fail(attempt: Attempt, reason: HandshakeFailure): void {
    if (reason !== 'timed-out') this.stats.rejected++;
    this.drop(attempt);
    this.outbox.push({ kind: 'failed', attempt: attempt.id, to: attempt.to, reason });
  }

  private drop(attempt: Attempt): void {
    this.attempts.delete(attempt.localIndex);
    attempt.initiator.erase();
    if (!this.sessionsByIndex.has(attempt.localIndex)) this.options.indices.release(attempt.localIndex);
  }

  private dropHalfOpen(index: number, half: HalfOpen, release: boolean): void {
    this.halfOpen.delete(index);
    this.halfOpenByEphemeral.delete(half.ephemeral);
    if (!release) return;
    half.responder.erase();
    this.options.indices.release(index);
  }

  private eraseSession(session: Session): void {
    session.transport.erase();
    this.sessionsByIndex.delete(session.transport.localIndex);
    this.options.indices.release(session.transport.localIndex);
  }

  private send(path: PathId, bytes: Uint8Array): void {
    this.outbox.push({ kind: 'send', path, bytes });
  }
}

/**
 * All sessions of one network in one scope: point-to-point over paths, or
 * end-to-end over the overlay (then a path names the other end). Takes
 * datagrams in, drives handshakes, seals and opens. Our own handshakes are in
 * `attempts.ts`, those of others in `responders.ts`, the keys of one peer in
 * `secured-peer.ts`. Timers and rules: session.md 2.5.
 */
import { earliest, type Instant, Outbox, sameBytes } from '@warren/base';
import type { Identity } from '@warren/trust';
import {
  decodeCookie,
  decodeHsReply,
  decodeNoSession,
  type HsReply,
  Inner,
  PacketType,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { type Agreement, agree, type Disagreement, Disagreements, isDisagreement } from './agreement.ts';
import { type Attempt, Attempts, type PathId, WRONG_HS2_MAX } from './attempts.ts';
import { CookieJar } from './cookies.ts';
import { type HandshakeContext, type HandshakeFailure, type HandshakeResult, Initiator } from './handshake.ts';
import { readIndex, type SessionIndices } from './indices.ts';
import { type Kem, mlKem768 } from './kem.ts';
import { KEY_LIMITS, type KeyLimits } from './limits.ts';
import { type UpgradedKeys, Upgrades } from './post-quantum.ts';
import { Responders } from './responders.ts';
import { resumedAt } from './resumed.ts';
import { isHeld, isPending, REJECT_AFTER_MS, SecuredPeer, type Session } from './secured-peer.ts';
import { noSessionsStats, type SessionsStats } from './stats.ts';
import { Transport } from './transport.ts';

/** When to try a rekey again that came to nothing. */
const REKEY_AGAIN_MS = 60_000;

export type SessionsOutput =
  | { readonly kind: 'send'; readonly path: PathId; readonly bytes: Uint8Array }
  /** Keys are there to send under: the first with this peer, after a rekey, an upgrade, or a restart of the peer. */
  | { readonly kind: 'established'; readonly peer: PeerKey; readonly identity: Identity; readonly path: PathId }
  | { readonly kind: 'failed'; readonly to: PeerKey | undefined; readonly reason: HandshakeFailure };

/** Between neighbours, or across the overlay (P1 III-A). */
export type Scope = 'point-to-point' | 'end-to-end';

/**
 * Whose datagrams a session carries, as its handshake has proved it. One object for the life of a session, so that
 * nothing is allocated per datagram; user and certificate (`tbsHash`) are in `identity.leaf`.
 */
export interface Origin {
  readonly peer: PeerKey;
  readonly identity: Identity;
  /** Our index of the session: unique in this process while the session lives. */
  readonly sessionId: number;
  /** Whether with a neighbour or across the overlay. */
  readonly scope: Scope;
}

/** An opened datagram. */
export interface Opened {
  readonly peer: PeerKey;
  /** Who sent it. */
  readonly origin: Origin;
  readonly type: typeof PacketType.DATA | typeof PacketType.FRAME;
  readonly flags: number;
  readonly plaintext: Uint8Array;
  /** Whether nothing that its sender sealed later, under the keys in use, has come before it. */
  readonly isNewest: boolean;
}

export interface SessionsOptions extends HandshakeContext {
  readonly indices: SessionIndices<Sessions>;
  readonly self: PeerKey;
  /** `point-to-point` by default. */
  readonly scope?: Scope;
  /** The prologue for a handshake over `path` in which we have `role`. */
  readonly prologueFor: (path: PathId, role: 'initiator' | 'responder') => Uint8Array;
  /**
   * Whom a flood of first messages is charged to, by their path and the neighbour who passed them on; by default that
   * neighbour, else the path. Nobody who receives at one address may be able to choose among many.
   */
  readonly groupOf?: (path: PathId, via: string | undefined) => string;
  /** For the upgrade of keys; ML-KEM-768 by default. */
  readonly kem?: Kem;
  /** Tests make them small. */
  readonly limits?: KeyLimits;
}

/** A session that may receive. */
interface Known {
  readonly peer: SecuredPeer;
  readonly session: Session;
  readonly origin: Origin;
}

/** The session table of one network and scope. */
export class Sessions {
  readonly stats: SessionsStats = noSessionsStats();
  private readonly options: SessionsOptions & { credentials: HandshakeContext['credentials'] };
  private readonly outbox = new Outbox<SessionsOutput>();
  private readonly attempts: Attempts;
  private readonly responders: Responders;
  private readonly jar: CookieJar;
  private readonly peers = new Map<PeerKey, SecuredPeer>();
  private readonly byIndex = new Map<number, Known>();
  private readonly upgrades: Upgrades;
  private readonly disagreements = new Disagreements();
  /** Whose rekey was asked for as their keys had sealed enough. */
  private readonly usedUp = new WeakSet<Session>();
  private readonly limits: KeyLimits;

  constructor(options: SessionsOptions) {
    this.options = { ...options };
    this.limits = options.limits ?? KEY_LIMITS;
    this.jar = new CookieJar(options.authority.networkKey);
    this.attempts = new Attempts({
      random: options.random,
      send: (path, bytes) => this.send(path, bytes),
      show: (path, hs1, now) => this.jar.show(path, hs1, now),
    });
    this.responders = this.newResponders();
    this.upgrades = new Upgrades({
      suite: options.suite,
      random: options.random,
      kem: options.kem ?? mlKem768,
      allocate: () => options.indices.allocate(this),
      release: index => options.indices.release(index),
      send: (session, plaintext) => this.sendUnder(session, plaintext),
      install: (carrier, keys, now) => this.installUpgraded(carrier, keys, now),
    });
  }

  poll(): SessionsOutput | undefined {
    return this.outbox.poll();
  }

  /**
   * Starts a handshake over all of `paths` at once, at least one; `to` is the only peer accepted, or anyone.
   * With a handshake to that peer under way, its HS1 goes over the new paths too.
   */
  connect(to: PeerKey | undefined, paths: readonly PathId[], now: Instant): void {
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
    return this.responders.recognises(hs1);
  }

  /** Takes one datagram of ours, in end-to-end scope with the neighbour it came through; returns what DATA and FRAME contain. */
  receive(path: PathId, bytes: Uint8Array, now: Instant, via?: string): Opened | undefined {
    switch (bytes[0]) {
      case PacketType.DATA:
      case PacketType.FRAME:
        return this.open(path, bytes, now);
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

  /** Seals a plaintext for a peer with its current key; `undefined` without a live session that may carry data. */
  seal(peer: PeerKey, type: number, flags: number, plaintext: Uint8Array, now: Instant): Uint8Array | undefined {
    const secured = this.peers.get(peer);
    const current = secured?.current;
    if (current === undefined || isHeld(current) || now - current.createdAt >= REJECT_AFTER_MS) return undefined;
    const isUsedUp = current.transport.sentCounter >= this.limits.rekeyAfterMessages && !this.usedUp.has(current);
    if (isUsedUp) {
      this.usedUp.add(current);
      secured?.rekeyBy(now);
    }
    return current.transport.seal(type, flags, plaintext);
  }

  /** Who the peer proved to be; `undefined` without a session. */
  identity(peer: PeerKey): Identity | undefined {
    return this.peers.get(peer)?.identity;
  }

  /** Whether what we send to the peer goes under post-quantum keys; `undefined` without a session that may carry data. */
  isPostQuantum(peer: PeerKey): boolean | undefined {
    const current = this.peers.get(peer)?.current;
    return current === undefined || isHeld(current) ? undefined : current.isPostQuantum;
  }

  /** Why there was no session with a peer when it was tried last. */
  disagreement(peer: PeerKey): Disagreement | undefined {
    return this.disagreements.last(peer);
  }

  /** Everybody whom we share keys with, as their newest handshake proved them. */
  *identities(): Iterable<Identity> {
    for (const { identity } of this.peers.values()) yield identity;
  }

  /** Erases all that is known of a peer. */
  forget(peer: PeerKey): void {
    for (const session of this.peers.get(peer)?.sessions ?? []) this.retire(session);
    this.peers.delete(peer);
    for (const attempt of this.attempts.of(peer)) this.drop(attempt);
  }

  /** Handshakes with a peer begin over this path, and hints count from there alone, until another is chosen. */
  usePath(peer: PeerKey, path: PathId): void {
    this.peers.get(peer)?.usePath(path);
  }

  /** The host slept, or its clock was set: all peers are rekeyed, which checks them again, a few at a time. */
  resume(now: Instant): void {
    let nth = 0;
    for (const peer of this.peers.values()) peer.rekeyBy(resumedAt(nth++, this.options.random, now));
  }

  /** Takes over a fresh working statement, in handshakes under way too; running sessions keep their keys until they rekey. */
  renew(credentials: HandshakeContext['credentials']): void {
    this.options.credentials = credentials;
  }

  get wakeAt(): Instant | undefined {
    const peers = [...this.peers.values()].map(peer => peer.wakeAt);
    return earliest(this.attempts.wakeAt, this.responders.wakeAt, this.upgrades.wakeAt, ...peers);
  }

  tick(now: Instant): void {
    for (const attempt of this.attempts.tick(now)) this.timedOut(attempt);
    this.responders.tick(now);
    for (const failed of this.upgrades.tick(now)) this.notUpgraded(failed, now);
    for (const peer of [...this.peers.values()]) this.age(peer, now);
  }

  private age(peer: SecuredPeer, now: Instant): void {
    const isOver = now - peer.current.createdAt >= REJECT_AFTER_MS && !peer.fallBack();
    peer.expire(now);
    if (isOver) this.forget(peer.key);
    else if (now >= peer.rekeyAt) {
      peer.rekeyAt = now + REKEY_AGAIN_MS;
      this.connect(peer.key, [peer.lastPath], now);
    }
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
    if (own !== undefined) this.fail(own, 'own-identity');
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

  private receiveHs2(path: PathId, bytes: Uint8Array, now: Instant): void {
    const hs2 = decodeHsReply(bytes);
    const attempt = hs2 && this.attempts.at(hs2.receiverIndex);
    if (hs2 === undefined || attempt === undefined) {
      this.stats.unknownIndex++;
      return;
    }
    const { state } = attempt;
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
      attempt.wrongReplies++;
    } else if (typeof done === 'string') this.fail(attempt, done);
    else {
      const peer = peerKey(done.result.identity.leaf.peerId);
      const wrong = attempt.to !== undefined && attempt.to !== peer ? 'wrong-peer' : undefined;
      const reason = this.objection(done.result, now) ?? wrong;
      if (reason !== undefined) {
        if (isDisagreement(reason)) this.disagree(peer, reason, path, done.hs3, now);
        this.fail(attempt, reason);
      } else {
        this.attempts.answered(attempt, { kind: 'answered', peer, path, hs2: copied(hs2), hs3: done.hs3 }, now);
        const { localIndex, startedAt } = attempt;
        this.install(done.result, { role: 'initiator', localIndex, startedAt }, path, now);
      }
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
      if (typeof result === 'object' && reason !== undefined && isDisagreement(reason)) {
        this.disagreed(peerKey(result.identity.leaf.peerId), reason, now);
      }
      return;
    }
    this.dropCalling(peerKey(result.identity.leaf.peerId));
    const { localIndex, startedAt } = responder;
    this.confirm(this.install(result, { role: 'responder', localIndex, startedAt }, path, now), path);
  }

  /** Our confirmation was lost, as the initiator still repeats HS3. */
  private repeatedHs3(index: number, path: PathId): void {
    const session = this.byIndex.get(index)?.session;
    if (session?.role === 'responder') this.confirm(session, path);
  }

  /** Why we want no session with somebody whose certificate is good. */
  private objection({ identity, flags }: HandshakeResult, now: Instant): HandshakeFailure | undefined {
    const key = peerKey(identity.leaf.peerId);
    if (key === this.options.self) return 'own-identity';
    if (this.peers.get(key)?.isOlderInstance(identity, now)) return 'older-instance';
    const agreed = this.agreement(flags);
    return isDisagreement(agreed) ? agreed : undefined;
  }

  /** Our own attempt is pointless once the peer's has succeeded. */
  private dropCalling(peer: PeerKey): void {
    const attempt = this.attempts.calling(peer);
    if (attempt !== undefined) this.drop(attempt);
  }

  /** Shows the initiator that HS3 has arrived. */
  private confirm(session: Session, path: PathId): void {
    const sealed = session.transport.seal(PacketType.DATA, 0, Uint8Array.of(Inner.KEEPALIVE));
    if (sealed !== undefined) this.send(path, sealed);
  }

  private install(
    { identity, flags, send, receive, exporter, remoteIndex }: HandshakeResult,
    { role, localIndex, startedAt }: Pick<Session, 'role' | 'startedAt'> & { readonly localIndex: number },
    path: PathId,
    now: Instant,
  ): Session {
    const { suite, random, self, scope = 'point-to-point' } = this.options;
    const transport = new Transport({ suite, send, receive, localIndex, remoteIndex });
    const upgrade = this.agreement(flags) as Agreement;
    const common = { role, startedAt, createdAt: now, upgrade, isPostQuantum: false };
    const session: Session = { ...common, transport, confirmed: false };
    const key = peerKey(identity.leaf.peerId);
    let peer = this.peers.get(key);
    if (peer === undefined) {
      const retire = (old: Session) => this.retire(old);
      peer = new SecuredPeer({ key, self, random, retire }, session, identity, path);
      this.peers.set(key, peer);
    } else peer.add(session, identity, now);
    this.byIndex.set(localIndex, { peer, session, origin: { peer: key, identity, sessionId: localIndex, scope } });
    this.stats.handshakes++;
    this.disagreements.delete(key);
    if (upgrade === 'plain') exporter.fill(0);
    else this.upgrades.add(session, exporter, now);
    if (!isHeld(session)) this.outbox.push({ kind: 'established', peer: key, identity, path });
    return session;
  }

  private open(path: PathId, bytes: Uint8Array, now: Instant): Opened | undefined {
    const known = this.byIndex.get(readIndex(bytes, 4));
    if (known === undefined) {
      this.stats.unknownIndex++;
      return undefined;
    }
    const { peer, session, origin } = known;
    if (now - session.createdAt >= REJECT_AFTER_MS) return undefined;
    const plaintext = session.transport.open(bytes);
    if (plaintext === undefined) {
      if (session.transport.stats.forged >= this.limits.closeAfterForged) this.giveUp(peer, now);
      return undefined;
    }
    const isFirst = !session.confirmed;
    if (isFirst && session.role === 'initiator') this.handshakeDone(session);
    peer.received(session, path, now);
    if (isFirst) this.firstUnder(known, path, now);
    if (bytes[0] === PacketType.DATA && isPostQuantumInner(plaintext[0])) {
      if (!this.upgrades.receive(session, plaintext, now)) this.stats.badUpgrade++;
      return undefined;
    }
    if (isHeld(session)) {
      if (plaintext[0] !== Inner.KEEPALIVE) this.stats.early++;
      return undefined;
    }
    const isNewest = session === peer.current && session.transport.isNewest;
    return { peer: peer.key, origin, type: bytes[0] as Opened['type'], flags: bytes[1] as number, plaintext, isNewest };
  }

  /** Too many wrong tags: these keys end here and now, and others take their place. */
  private giveUp(peer: SecuredPeer, now: Instant): void {
    this.stats.forgedTooOften++;
    this.forget(peer.key);
    this.connect(peer.key, [peer.lastPath], now);
  }

  /** The responder has shown that it holds the keys: HS3 need not be repeated. */
  private handshakeDone(session: Session): void {
    const attempt = this.attempts.at(session.transport.localIndex);
    if (attempt !== undefined) this.attempts.delete(attempt);
  }

  /** The remote has lost its keys, says somebody: a handshake settles it, nothing is closed (session.md 2.5 NOSESS). */
  private receiveHint(path: PathId, bytes: Uint8Array, now: Instant): void {
    const hint = decodeNoSession(bytes);
    if (hint === undefined) return;
    for (const peer of this.peers.values()) {
      if (peer.takesHint(hint.index, path, now)) this.connect(peer.key, [path], now);
    }
  }

  private timedOut(attempt: Attempt): void {
    const known = this.byIndex.get(attempt.localIndex);
    if (known?.peer.drop(known.session)) this.forget(known.peer.key);
    this.drop(attempt);
    this.outbox.push({ kind: 'failed', to: attempt.to, reason: 'timed-out' });
  }

  private fail(attempt: Attempt, reason: HandshakeFailure): void {
    this.stats.rejected++;
    this.drop(attempt);
    this.outbox.push({ kind: 'failed', to: attempt.to, reason });
  }

  /** Ends an attempt; its index lives on with the session that came of it. */
  private drop(attempt: Attempt): void {
    this.attempts.delete(attempt);
    if (!this.byIndex.has(attempt.localIndex)) this.options.indices.release(attempt.localIndex);
  }

  private retire(session: Session): void {
    this.upgrades.retire(session);
    const { localIndex } = session.transport;
    session.transport.erase();
    this.byIndex.delete(localIndex);
    const attempt = this.attempts.at(localIndex);
    if (attempt !== undefined) this.attempts.delete(attempt);
    this.options.indices.release(localIndex);
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

  /** The remote has shown that it holds the keys of a session. */
  private firstUnder({ peer, session, origin }: Known, path: PathId, now: Instant): void {
    if (isPending(session)) this.upgrades.confirmed(session, now);
    const isUpgradedByThem = session.isPostQuantum && session.role === 'responder';
    if (isUpgradedByThem) this.outbox.push({ kind: 'established', peer: peer.key, identity: origin.identity, path });
  }

  private installUpgraded(carrier: Session, keys: UpgradedKeys, now: Instant): Session {
    const { peer, origin } = this.byIndex.get(carrier.transport.localIndex) as Known;
    const transport = new Transport({ suite: this.options.suite, ...keys });
    keys.send.fill(0);
    keys.receive.fill(0);
    const session: Session = { ...carrier, transport, isPostQuantum: true, confirmed: false };
    this.byIndex.set(keys.localIndex, { peer, session, origin: { ...origin, sessionId: keys.localIndex } });
    peer.addUpgraded(session, carrier, now);
    const { key, lastPath: path } = peer;
    if (session.role === 'initiator')
      this.outbox.push({ kind: 'established', peer: key, identity: origin.identity, path });
    return session;
  }

  /** Where the upgrade is required, or its keys are in use on our side alone, the session ends; else it goes on without. */
  private notUpgraded({ carrier, upgraded }: ReturnType<Upgrades['tick']>[number], now: Instant): void {
    const peer = this.byIndex.get(carrier.transport.localIndex)?.peer;
    if (peer === undefined) return;
    if (upgraded !== undefined) peer.drop(upgraded);
    if (peer.current === upgraded || (isHeld(carrier) && peer.current === carrier)) {
      this.forget(peer.key);
      this.outbox.push({ kind: 'failed', to: peer.key, reason: 'post-quantum-timed-out' });
    } else if (carrier.role === 'initiator') peer.rekeyBy(now + REKEY_AGAIN_MS);
  }

  private sendUnder(session: Session, plaintext: Uint8Array): void {
    const peer = this.byIndex.get(session.transport.localIndex)?.peer;
    const sealed = session.transport.seal(PacketType.DATA, 0, plaintext);
    if (peer !== undefined && sealed !== undefined) this.send(peer.lastPath, sealed);
  }

  private send(path: PathId, bytes: Uint8Array): void {
    this.outbox.push({ kind: 'send', path, bytes });
  }
}

function isPostQuantumInner(inner: number | undefined): boolean {
  return inner === Inner.PQ_KEY || inner === Inner.PQ_CIPHERTEXT || inner === Inner.PQ_CONFIRM;
}

/** Apart from the buffer that the datagram came in. */
function copied(hs2: HsReply): HsReply {
  return { ...hs2, noise: hs2.noise.slice() };
}

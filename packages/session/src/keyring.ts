/**
 * The sessions that a table has: by peer and by our index. Seals, opens, says
 * when keys must be replaced, has them upgraded, erases them. Handshakes are
 * not its business: it asks for them and takes in what comes of them. Which
 * keys of one peer send is in `secured-peer.ts`. Rules: session.md 2.5, 2.8.
 */
import { earliest, type Instant, NextDeadline } from '@warren/base';
import type { Identity } from '@warren/trust';
import { Inner, PacketType, type PeerKey, peerKey } from '@warren/wire';
import type { Agreement } from './agreement.ts';
import type { PathId } from './attempts.ts';
import type { HandshakeContext, HandshakeResult } from './handshake.ts';
import { readIndex } from './indices.ts';
import { type Kem, mlKem768 } from './kem.ts';
import { KEY_LIMITS, type KeyLimits } from './limits.ts';
import { type UpgradedKeys, Upgrades } from './post-quantum.ts';
import { resumedAt } from './resumed.ts';
import { isHeld, isPending, REJECT_AFTER_MS, SecuredPeer, type Session } from './secured-peer.ts';
import type { SessionsStats } from './stats.ts';
import { Transport } from './transport.ts';

/** When to try a rekey again that came to nothing. */
const REKEY_AGAIN_MS = 60_000;

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

/** A session that may receive. */
interface Known {
  readonly peer: SecuredPeer;
  readonly session: Session;
  readonly origin: Origin;
}

export interface KeyringOptions extends Pick<HandshakeContext, 'suite' | 'random'> {
  readonly self: PeerKey;
  readonly scope: Scope;
  readonly kem: Kem | undefined;
  readonly limits: KeyLimits | undefined;
  /** As in `SessionsOptions`. */
  readonly pathTo: ((peer: PeerKey) => PathId) | undefined;
  readonly stats: SessionsStats;
  readonly allocate: () => number | undefined;
  readonly release: (index: number) => void;
  readonly send: (path: PathId, bytes: Uint8Array) => void;
  /** Keys are there to send under. */
  readonly established: (peer: PeerKey, identity: Identity, path: PathId) => void;
  readonly failed: (peer: PeerKey, reason: 'post-quantum-timed-out') => void;
  /** Asks for a handshake. */
  readonly connect: (peer: PeerKey, path: PathId, now: Instant) => void;
  /** Handshakes of ours with a peer are pointless. */
  readonly forgotten: (peer: PeerKey) => void;
  /** The handshake of ours that has this index is over. */
  readonly handshakeDone: (index: number) => void;
}

/** All sessions of one table. */
export class Keyring {
  private readonly options: KeyringOptions;
  private readonly peers = new Map<PeerKey, SecuredPeer>();
  private readonly byIndex = new Map<number, Known>();
  private readonly upgrades: Upgrades;
  private readonly deadline = new NextDeadline(() => earliest(...[...this.peers.values()].map(peer => peer.wakeAt)));
  private readonly limits: KeyLimits;
  /** Whose rekey was asked for as their keys had sealed enough. */
  private readonly usedUp = new WeakSet<Session>();

  constructor(options: KeyringOptions) {
    this.options = options;
    this.limits = options.limits ?? KEY_LIMITS;
    this.upgrades = new Upgrades({
      suite: options.suite,
      random: options.random,
      kem: options.kem ?? mlKem768,
      allocate: options.allocate,
      release: options.release,
      send: (session, plaintext) => this.sendUnder(session, plaintext),
      install: (carrier, keys, now) => this.installUpgraded(carrier, keys, now),
    });
  }

  /** Seals a plaintext for a peer with its current key; `undefined` without a live session that may carry data. */
  seal(peer: PeerKey, type: number, flags: number, plaintext: Uint8Array, now: Instant): Uint8Array | undefined {
    const secured = this.peers.get(peer);
    const current = secured?.current;
    if (current === undefined || isHeld(current) || now >= current.createdAt + REJECT_AFTER_MS) return undefined;
    const isUsedUp = current.transport.sentCounter >= this.limits.rekeyAfterMessages && !this.usedUp.has(current);
    if (isUsedUp) {
      this.usedUp.add(current);
      secured?.rekeyBy(now);
    }
    if (secured !== undefined && !isOwnBusiness(type, plaintext)) secured.used();
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

  /** Everybody whom we share keys with, as their newest handshake proved them. */
  *identities(): Iterable<Identity> {
    for (const { identity } of this.peers.values()) yield identity;
  }

  /** The session with our `index`. */
  at(index: number): Session | undefined {
    return this.byIndex.get(index)?.session;
  }

  /** Whether somebody with the peer's identity is an older run of it while the newer one is alive. */
  hasNewerInstance(identity: Identity, now: Instant): boolean {
    return this.peers.get(peerKey(identity.leaf.peerId))?.isOlderInstance(identity, now) ?? false;
  }

  /** Erases all that is shared with a peer. */
  forget(peer: PeerKey): void {
    const secured = this.peers.get(peer);
    if (secured !== undefined) this.end(secured);
    this.options.forgotten(peer);
  }

  /** Erases all that is shared with anybody. */
  close(): void {
    for (const peer of this.peers.keys()) this.forget(peer);
  }

  /** The responder never confirmed a session of ours: it is erased, and with it the peer where no other can send. */
  unconfirmed(index: number): void {
    const known = this.byIndex.get(index);
    if (known?.peer.drop(known.session)) this.forget(known.peer.key);
  }

  /** The remote has no session `index` of ours, says somebody: a handshake settles it (session.md 2.5 NOSESS). */
  hinted(index: number, path: PathId, now: Instant): void {
    for (const peer of this.peers.values()) {
      if (peer.takesHint(index, path, now)) this.options.connect(peer.key, path, now);
    }
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

  get wakeAt(): Instant | undefined {
    return earliest(this.upgrades.wakeAt, this.deadline.at);
  }

  tick(now: Instant): void {
    for (const failed of this.upgrades.tick(now)) this.notUpgraded(failed, now);
    for (const peer of [...this.peers.values()]) this.age(peer, now);
    this.deadline.moved();
  }

  /** Takes in what a handshake has agreed. */
  install(
    { identity, send, receive, exporter, remoteIndex }: HandshakeResult,
    { role, localIndex, startedAt }: Pick<Session, 'role' | 'startedAt'> & { readonly localIndex: number },
    upgrade: Agreement,
    from: PathId,
    now: Instant,
  ): Session {
    const { suite, random, self, scope, stats } = this.options;
    const transport = new Transport({ suite, send, receive, localIndex, remoteIndex });
    send.fill(0);
    receive.fill(0);
    const common = { role, startedAt, createdAt: now, upgrade, isPostQuantum: false };
    const session: Session = { ...common, transport, confirmed: false };
    const key = peerKey(identity.leaf.peerId);
    const path = this.options.pathTo?.(key) ?? from;
    let peer = this.peers.get(key);
    if (peer === undefined) {
      const retire = (old: Session) => this.retire(old);
      const endsUnused = scope === 'end-to-end';
      const moved = () => this.deadline.moved();
      peer = new SecuredPeer({ key, self, random, endsUnused, moved, retire }, session, identity, path);
      this.peers.set(key, peer);
    } else peer.add(session, identity, now);
    this.byIndex.set(localIndex, { peer, session, origin: { peer: key, identity, sessionId: localIndex, scope } });
    stats.handshakes++;
    if (upgrade === 'plain') exporter.fill(0);
    else this.upgrades.add(session, exporter, now);
    if (!isHeld(session)) this.options.established(key, identity, path);
    return session;
  }

  /** Opens DATA or FRAME. */
  open(from: PathId, bytes: Uint8Array, now: Instant): Opened | undefined {
    const known = this.byIndex.get(readIndex(bytes, 4));
    if (known === undefined) {
      this.options.stats.unknownIndex++;
      return undefined;
    }
    const { peer, session, origin } = known;
    const path = this.options.pathTo?.(peer.key) ?? from;
    if (now >= session.createdAt + REJECT_AFTER_MS) return undefined;
    const plaintext = session.transport.open(bytes);
    if (plaintext === undefined) {
      if (session.transport.stats.forged >= this.limits.closeAfterForged) this.giveUp(peer, now);
      return undefined;
    }
    const isFirst = !session.confirmed;
    if (isFirst && session.role === 'initiator') this.options.handshakeDone(session.transport.localIndex);
    const isData = !isOwnBusiness(bytes[0], plaintext);
    peer.received(session, path, now, isData);
    if (isData) peer.used();
    if (isFirst) this.firstUnder(known, path, now);
    if (bytes[0] === PacketType.DATA && isPostQuantumInner(plaintext[0])) {
      if (!this.upgrades.receive(session, plaintext, now)) this.options.stats.badUpgrade++;
      return undefined;
    }
    if (isHeld(session)) {
      if (plaintext[0] !== Inner.KEEPALIVE) this.options.stats.early++;
      return undefined;
    }
    const isNewest = session === peer.current && session.transport.isNewest;
    return { peer: peer.key, origin, type: bytes[0] as Opened['type'], flags: bytes[1] as number, plaintext, isNewest };
  }

  private age(peer: SecuredPeer, now: Instant): void {
    const isOver = now >= peer.current.createdAt + REJECT_AFTER_MS && !peer.fallBack();
    peer.expire(now);
    if (isOver) this.end(peer);
    else if (now >= peer.rekeyDueAt) {
      peer.rekeyAgainAt(now + REKEY_AGAIN_MS);
      this.options.connect(peer.key, peer.lastPath, now);
    }
  }

  /** Erases a peer's keys; a handshake with it that is under way goes on. */
  private end(peer: SecuredPeer): void {
    for (const session of peer.sessions) this.retire(session);
    this.peers.delete(peer.key);
    this.deadline.moved();
  }

  /** Too many wrong tags: these keys end here and now, and others take their place. */
  private giveUp(peer: SecuredPeer, now: Instant): void {
    this.options.stats.forgedTooOften++;
    this.forget(peer.key);
    this.options.connect(peer.key, peer.lastPath, now);
  }

  /** The remote has shown that it holds the keys of a session. */
  private firstUnder({ peer, session, origin }: Known, path: PathId, now: Instant): void {
    if (isPending(session)) this.upgrades.confirmed(session, now);
    const isUpgradedByThem = session.isPostQuantum && session.role === 'responder';
    if (isUpgradedByThem) this.options.established(peer.key, origin.identity, path);
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
    if (session.role === 'initiator') this.options.established(key, origin.identity, path);
    return session;
  }

  /** Where the upgrade is required, or its keys are in use on our side alone, the session ends; else it goes on without. */
  private notUpgraded({ carrier, upgraded }: ReturnType<Upgrades['tick']>[number], now: Instant): void {
    const peer = this.byIndex.get(carrier.transport.localIndex)?.peer;
    if (peer === undefined) return;
    if (upgraded !== undefined) peer.drop(upgraded);
    if (peer.current === upgraded || (isHeld(carrier) && peer.current === carrier)) {
      this.forget(peer.key);
      this.options.failed(peer.key, 'post-quantum-timed-out');
    } else if (carrier.role === 'initiator') peer.rekeyBy(now + REKEY_AGAIN_MS);
  }

  /** Sends something of our own, so that the remote sees that we hold the keys. */
  confirm(session: Session, from: PathId): void {
    const peer = this.byIndex.get(session.transport.localIndex)?.peer;
    const path = (peer && this.options.pathTo?.(peer.key)) ?? from;
    const sealed = session.transport.seal(PacketType.DATA, 0, Uint8Array.of(Inner.KEEPALIVE));
    if (sealed !== undefined) this.options.send(path, sealed);
  }

  private sendUnder(session: Session, plaintext: Uint8Array): void {
    const peer = this.byIndex.get(session.transport.localIndex)?.peer;
    const sealed = session.transport.seal(PacketType.DATA, 0, plaintext);
    if (peer !== undefined && sealed !== undefined) this.options.send(peer.lastPath, sealed);
  }

  private retire(session: Session): void {
    this.upgrades.retire(session);
    const { localIndex } = session.transport;
    session.transport.erase();
    this.byIndex.delete(localIndex);
    this.options.handshakeDone(localIndex);
    this.options.release(localIndex);
  }
}

/** Whether a message goes under the session that it is about, whichever is current, and is for nobody above. */
function isOwnBusiness(type: number | undefined, plaintext: Uint8Array): boolean {
  const inner = plaintext[0];
  return type === PacketType.DATA && (inner === Inner.KEEPALIVE || isPostQuantumInner(inner));
}

function isPostQuantumInner(inner: number | undefined): boolean {
  return inner === Inner.PQ_KEY || inner === Inner.PQ_CIPHERTEXT || inner === Inner.PQ_CONFIRM;
}

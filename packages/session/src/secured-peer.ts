/**
 * The keys that we share with one peer: which of them sends, and which may
 * still receive. All transitions between the places are in this file
 * (session.md 2.5 "sessions kept per peer").
 *
 * ```text
 * next      we began it, or the peer began to upgrade it, and the peer has not shown that it has the keys: receives
 * current   sends and receives
 * previous  receive, at most two, until nothing has come for a minute
 * ```
 * Both sides may begin at once and both handshakes may succeed. Then the one
 * that the smaller peer id began becomes current on both sides; should the two
 * disagree about what was at once, each still receives what the other sends, and
 * the larger id goes over to whatever the smaller one sends under.
 * A session that will have post-quantum keys waits among the previous for them
 * when the current one has such keys: nothing is sent under lesser keys again.
 */
import { type Instant, jitter, type Random, sameBytes } from '@warren/base';
import type { Identity } from '@warren/trust';
import type { PeerKey } from '@warren/wire';
import type { Agreement } from './agreement.ts';
import type { PathId } from './attempts.ts';
import type { Transport } from './transport.ts';

/** The old initiator rekeys then, +-10 %; the old responder this much later, should nothing have come. */
export const REKEY_AFTER_MS = 300_000;
export const REKEY_RESPONDER_DELAY_MS = 60_000;
/** No datagram is sealed or opened with an older key, which is erased then. */
export const REJECT_AFTER_MS = 540_000;
/** A previous key is erased when nothing has come under it for so long. */
export const PREVIOUS_KEPT_MS = 60_000;
const PREVIOUS_MAX = 4;
/** Sessions whose keys came no further apart may have crossed: above a handshake's time, far below that of a rekey. */
const CROSSED_MS = 60_000;
/** Another instance of the same identity counts as alive for so long after its last datagram. */
const INSTANCE_ALIVE_MS = 30_000;
/** Paths on which the peer was heard lately: only from these is a hint worth a handshake. */
const HEARD_PATHS_MAX = 4;
/** A NOSESS hint starts at most one handshake in this time. */
const HINT_REKEY_MS = 5000;

/** One pair of keys. */
export interface Session {
  readonly transport: Transport;
  readonly role: 'initiator' | 'responder';
  /** When its handshake began. */
  readonly startedAt: Instant;
  /** When its keys were there. */
  readonly createdAt: Instant;
  /** Whether its handshake's keys were upgraded, or are to be. */
  readonly upgrade: Agreement;
  readonly isPostQuantum: boolean;
  /** Whether the remote has shown that it holds the keys, by a datagram under them. */
  confirmed: boolean;
}

export interface SecuredPeerOptions {
  readonly key: PeerKey;
  /** Our own id. */
  readonly self: PeerKey;
  readonly random: Random;
  /** Whether keys that carry no data are left to end, instead of rekeyed. */
  readonly endsUnused: boolean;
  /** A deadline of this peer is new or nearer. */
  readonly moved: () => void;
  /** Erases a session that has no place any more. */
  readonly retire: (session: Session) => void;
}

/** Whether a session's keys are still to be upgraded. */
export function isPending({ upgrade, isPostQuantum }: Session): boolean {
  return upgrade !== 'plain' && !isPostQuantum;
}

/** Whether a session carries nothing but its own upgrade. */
export function isHeld({ upgrade, isPostQuantum }: Session): boolean {
  return upgrade === 'required' && !isPostQuantum;
}

/** One peer's keys. */
export class SecuredPeer {
  readonly key: PeerKey;
  identity: Identity;
  current: Session;
  private rekeyAt: Instant = 0;
  /** Whether data came or went since the last handshake. */
  private isUsed = false;
  private readonly options: SecuredPeerOptions;
  /** At most one of the handshake's keys and one of upgraded ones. */
  private readonly next = new Set<Session>();
  /** With the time when each is erased. */
  private readonly previous = new Map<Session, Instant>();
  private readonly heardOn = new Set<PathId>();
  private path: PathId;
  /** Set where somebody above chooses paths: then nothing follows whoever was heard last, perhaps a replay. */
  private chosenPath: PathId | undefined;
  private heardAt: Instant;
  private hintedAt: Instant = Number.NEGATIVE_INFINITY;

  constructor(options: SecuredPeerOptions, session: Session, identity: Identity, path: PathId) {
    this.key = options.key;
    this.options = options;
    this.identity = identity;
    this.current = session;
    this.path = path;
    this.heardAt = session.createdAt;
    this.heard(path, session.createdAt);
    this.scheduleRekey(session);
  }

  /** Where to begin a handshake: the chosen path, or the one on which something authentic came last. */
  get lastPath(): PathId {
    return this.chosenPath ?? this.path;
  }

  /** From now on handshakes and hints of this peer go over `path` alone. */
  usePath(path: PathId): void {
    this.chosenPath = path;
  }

  /** Makes its rekey due at `at`, unless it is due before. */
  rekeyBy(at: Instant): void {
    this.rekeyAt = Math.min(this.rekeyAt, at);
    this.options.moved();
  }

  /** A rekey begins: the next is due at `at`. */
  rekeyAgainAt(at: Instant): void {
    this.rekeyAt = at;
    this.options.moved();
  }

  /** Notes that data came or went. */
  used(): void {
    if (this.isUsed) return;
    this.isUsed = true;
    this.options.moved();
  }

  /** When a rekey is due: never while there is nobody to need it. */
  get rekeyDueAt(): Instant {
    return this.options.endsUnused && !this.isUsed ? Number.POSITIVE_INFINITY : this.rekeyAt;
  }

  /** All sessions that may receive. */
  get sessions(): Session[] {
    return [this.current, ...this.previous.keys(), ...this.next];
  }

  get wakeAt(): Instant {
    const rejectAt = this.current.createdAt + REJECT_AFTER_MS;
    return Math.min(this.rekeyDueAt, rejectAt, ...this.previous.values());
  }

  /**
   * Whether somebody with the peer's identity is an older run of it (a cloned
   * disk) while the newer one is alive: the newest working statement wins.
   */
  isOlderInstance(identity: Identity, now: Instant): boolean {
    return (
      this.isOtherInstance(identity) &&
      identity.statement.notBefore < this.identity.statement.notBefore &&
      now < this.heardAt + INSTANCE_ALIVE_MS
    );
  }

  /** Takes a new session in. */
  add(session: Session, identity: Identity, now: Instant): void {
    if (this.isOtherInstance(identity)) {
      for (const old of this.sessions) this.options.retire(old);
      this.previous.clear();
      this.next.clear();
      this.current = session;
    } else if (session.role === 'initiator') this.wait(session);
    else if (this.current.confirmed || this.current.role === 'responder' || this.current.isPostQuantum)
      this.promote(session, now);
    else {
      this.wait(this.current);
      this.current = session;
    }
    this.identity = identity;
    this.isUsed = false;
    this.scheduleRekey(session);
  }

  /** Takes in the keys that came of upgrading `carrier`, whose identity and times they share. */
  addUpgraded(session: Session, carrier: Session, now: Instant): void {
    if (this.previous.has(carrier)) this.previous.set(carrier, now + PREVIOUS_KEPT_MS);
    if (session.role === 'responder') this.wait(session);
    else this.promote(session, now);
  }

  /** Goes back to the newest younger session when the time of the current one is over; false when there is none. */
  fallBack(): boolean {
    const younger = [...this.previous.keys()].filter(s => s.createdAt > this.current.createdAt && !isHeld(s));
    const newest = younger.at(-1);
    if (newest === undefined) return false;
    this.previous.delete(newest);
    this.options.retire(this.current);
    this.current = newest;
    this.options.moved();
    return true;
  }

  /** Notes an authentic datagram under `session`; `isChosen`: the peer would send anything under it. */
  received(session: Session, path: PathId, now: Instant, isChosen: boolean): void {
    this.heardAt = now;
    if (path !== this.path) this.heard(path, now);
    const keptUntil = this.previous.get(session);
    if (keptUntil !== undefined) this.previous.set(session, Math.max(keptUntil, now + PREVIOUS_KEPT_MS));
    const isFirst = !session.confirmed;
    session.confirmed = true;
    if (isFirst && this.next.delete(session)) this.promote(session, now);
    if (isChosen && this.previous.has(session) && this.isChosenByLeader(session)) this.swap(session, now);
  }

  /** Whether a hint from `path` that the peer has lost its keys is worth a handshake. */
  takesHint(index: number, path: PathId, now: Instant): boolean {
    const isHeard = this.chosenPath === undefined ? this.heardOn.has(path) : this.chosenPath === path;
    const isKnown = this.current.transport.remoteIndex === index && isHeard;
    if (!isKnown || now < this.hintedAt + HINT_REKEY_MS) return false;
    this.hintedAt = now;
    return true;
  }

  /** Retires a session that was never confirmed; true when no other can send. */
  drop(session: Session): boolean {
    if (session === this.current) return true;
    if (this.next.delete(session)) this.options.retire(session);
    return false;
  }

  /** Retires previous keys that are not used any more. */
  expire(now: Instant): void {
    for (const [session, until] of this.previous) {
      if (now < until && now < session.createdAt + REJECT_AFTER_MS) continue;
      this.previous.delete(session);
      this.options.retire(session);
    }
  }

  private isOtherInstance(identity: Identity): boolean {
    return !sameBytes(identity.noiseStatic, this.identity.noiseStatic);
  }

  /** Whether `session` crossed with the current one, which has precedence. */
  private isCrossedBy(session: Session): boolean {
    const { current } = this;
    const overlap = current.startedAt <= session.createdAt && session.startedAt <= current.createdAt;
    const selfIsSmaller = this.options.self < this.key;
    return overlap && current.role !== session.role && (current.role === 'initiator') === selfIsSmaller;
  }

  /** Whether the smaller id, which leads, sends under `session` though ours would be another of the same time. */
  private isChosenByLeader(session: Session): boolean {
    const isOfSameTime = Math.abs(session.createdAt - this.current.createdAt) < CROSSED_MS;
    return this.key < this.options.self && isOfSameTime && session.isPostQuantum === this.current.isPostQuantum;
  }

  private swap(session: Session, now: Instant): void {
    this.previous.delete(session);
    this.previous.set(this.current, now + PREVIOUS_KEPT_MS);
    this.current = session;
    this.options.moved();
  }

  private wait(session: Session): void {
    for (const other of this.next) {
      if (other.isPostQuantum !== session.isPostQuantum) continue;
      this.next.delete(other);
      this.options.retire(other);
    }
    this.next.add(session);
  }

  /** Makes a session with working keys current, unless the current one has precedence. */
  private promote(session: Session, now: Instant): void {
    const isLesser = this.current.isPostQuantum && isPending(session);
    const isGreater = session.isPostQuantum && !this.current.isPostQuantum;
    const yields = isLesser || (!isGreater && this.isCrossedBy(session));
    const [oldest] = this.previous.keys();
    if (this.previous.size >= PREVIOUS_MAX && oldest !== undefined) {
      this.previous.delete(oldest);
      this.options.retire(oldest);
    }
    const until = isLesser ? this.current.createdAt + REJECT_AFTER_MS : now + PREVIOUS_KEPT_MS;
    this.previous.set(yields ? session : this.current, until);
    if (!yields) this.current = session;
    this.options.moved();
  }

  private scheduleRekey(session: Session): void {
    const late = session.role === 'initiator' ? 0 : REKEY_RESPONDER_DELAY_MS;
    this.rekeyAt = session.createdAt + jitter(this.options.random, REKEY_AFTER_MS, 0.1) + late;
    this.options.moved();
  }

  private heard(path: PathId, now: Instant): void {
    this.path = path;
    this.heardAt = now;
    this.heardOn.delete(path);
    const [oldest] = this.heardOn;
    if (this.heardOn.size >= HEARD_PATHS_MAX && oldest !== undefined) this.heardOn.delete(oldest);
    this.heardOn.add(path);
  }
}

/**
 * End-to-end sessions of one network, opened on demand by anything above, for
 * peers that are not neighbours (P1 III-A: EtE beside PtP). Whoever routes in
 * between sees ciphertext only.
 */
import { concat, type Instant } from '@warren/base';
import type { Origin, Sessions } from '@warren/session';
import { PacketType, type PeerKey } from '@warren/wire';

/** Messages that wait for a session: per peer, and peers. Oldest go first. */
const WAITING_PER_PEER = 64;
const WAITING_PEERS = 64;
const PREFIX = 'ete/';

/** Sends one end-to-end datagram through the overlay. */
export type SendEte = (to: PeerKey, bytes: Uint8Array) => void;

/** An opened end-to-end message. */
export interface EteMessage {
  /** The session that it came out of: who sent it, whatever source the overlay's header claims. */
  readonly origin: Origin;
  /** `Inner` byte. */
  readonly inner: number;
  readonly body: Uint8Array;
}

/** Drives a session table whose paths are peers. */
export class EndToEnd {
  private readonly sessions: Sessions;
  private readonly sendEte: SendEte;
  /** Something that a view shows is different. */
  private readonly changed: () => void;
  private readonly waiting = new Map<PeerKey, Uint8Array[]>();
  private isClosed = false;

  constructor(sessions: Sessions, sendEte: SendEte, changed: () => void) {
    this.sessions = sessions;
    this.sendEte = sendEte;
    this.changed = changed;
  }

  /** The path that stands for a peer. */
  static path(peer: PeerKey): string {
    return PREFIX + peer;
  }

  /** The peer behind such a path. */
  static peer(path: string): PeerKey {
    return path.slice(PREFIX.length);
  }

  /** Sends now, or as soon as the handshake is done. */
  send(to: PeerKey, inner: number, body: Uint8Array, now: Instant): void {
    if (this.isClosed) return;
    const plaintext = concat(Uint8Array.of(inner), body);
    const sealed = this.sessions.seal(to, PacketType.DATA, 0, plaintext, now);
    if (sealed !== undefined) this.sendEte(to, sealed);
    else this.wait(to, plaintext, now);
    this.drain(now);
  }

  /** Takes what the overlay delivered from `source`, through the neighbour `via`, to whom a flood is charged. */
  receive(source: PeerKey, via: PeerKey | undefined, bytes: Uint8Array, now: Instant): EteMessage | undefined {
    const opened = this.sessions.receive(EndToEnd.path(source), bytes, now, via);
    this.drain(now);
    const inner = opened?.plaintext[0];
    return opened === undefined || inner === undefined
      ? undefined
      : { origin: opened.origin, inner, body: opened.plaintext.subarray(1) };
  }

  /** Ends all sessions; what waits is dropped, as is all that comes later. */
  close(): void {
    this.isClosed = true;
    this.waiting.clear();
    this.sessions.close();
  }

  get wakeAt(): Instant | undefined {
    return this.sessions.wakeAt;
  }

  tick(now: Instant): void {
    this.sessions.tick(now);
    this.drain(now);
  }

  private wait(to: PeerKey, plaintext: Uint8Array, now: Instant): void {
    const queue = this.waiting.get(to) ?? [];
    if (queue.length >= WAITING_PER_PEER) queue.shift();
    queue.push(plaintext);
    const oldest = this.waiting.keys().next();
    if (!this.waiting.has(to) && this.waiting.size >= WAITING_PEERS && !oldest.done) this.waiting.delete(oldest.value);
    this.waiting.set(to, queue);
    if (!this.isHeld(to)) this.sessions.connect(to, [EndToEnd.path(to)], now);
  }

  /** Whether there is a session that waits for its post-quantum keys: it says how that ends, another would begin it anew. */
  private isHeld(to: PeerKey): boolean {
    return this.sessions.identity(to) !== undefined && this.sessions.isPostQuantum(to) === undefined;
  }

  private drain(now: Instant): void {
    for (let out = this.sessions.poll(); out !== undefined; out = this.sessions.poll()) {
      if (out.kind === 'send') this.sendEte(EndToEnd.peer(out.path), out.bytes);
      else {
        if (out.kind === 'failed') this.waiting.delete(out.to ?? '');
        else this.flush(out.peer, now);
        this.changed();
      }
    }
  }

  private flush(peer: PeerKey, now: Instant): void {
    const queue = this.waiting.get(peer) ?? [];
    this.waiting.delete(peer);
    for (const plaintext of queue) {
      const sealed = this.sessions.seal(peer, PacketType.DATA, 0, plaintext, now);
      if (sealed !== undefined) this.sendEte(peer, sealed);
    }
  }
}

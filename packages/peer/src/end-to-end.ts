/**
 * End-to-end sessions of one network, opened on demand by anything above, for
 * peers that are not neighbours (P1 III-A: EtE beside PtP). Whoever routes in
 * between sees ciphertext only.
 */
import { concat, type Instant } from '@warren/base';
import { type Origin, readIndex, type SessionIndices, type Sessions } from '@warren/session';
import { Inner, PacketType, type PeerKey } from '@warren/wire';

/** Messages that wait for a session: per peer, and peers. Oldest go first. */
const WAITING_PER_PEER = 64;
const WAITING_PEERS = 64;
const PREFIX = 'ete/';
/** What goes up, by inner byte. */
const KINDS: Readonly<Record<number, 'member' | 'frame'>> = { [Inner.MEMBER]: 'member', [Inner.ETE_FRAME]: 'frame' };

export interface EndToEndOptions {
  readonly sessions: Sessions;
  /** Those of the process. */
  readonly indices: SessionIndices<Sessions>;
  /** In the public network: nothing there needs such a session, and strangers would use up the indices of the process. */
  readonly isRefused: boolean;
  /** Sends one end-to-end datagram through the overlay. */
  readonly send: (to: PeerKey, bytes: Uint8Array) => void;
  /** Something that a view shows is different. */
  readonly changed: () => void;
}

/** An opened end-to-end message. */
export interface EteMessage {
  readonly kind: 'member' | 'frame';
  /** The session that it came out of: who sent it, whatever source the overlay's header claims. */
  readonly origin: Origin;
  readonly bytes: Uint8Array;
}

/** Drives a session table whose paths are peers. */
export class EndToEnd {
  /** Datagrams for sessions of a network that has none. */
  refused = 0;
  private readonly sessions: Sessions;
  private readonly options: EndToEndOptions;
  private readonly waiting = new Map<PeerKey, Uint8Array[]>();
  private isClosed = false;

  constructor(options: EndToEndOptions) {
    this.options = options;
    this.sessions = options.sessions;
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
    if (sealed !== undefined) this.options.send(to, sealed);
    else this.wait(to, plaintext, now);
    this.drain(now);
  }

  /**
   * Takes what the overlay delivered from `source`, through the neighbour `via`, to whom a flood is charged. Whoever
   * seals for a session that nobody here has is told so.
   */
  receive(source: PeerKey, via: PeerKey | undefined, bytes: Uint8Array, now: Instant): EteMessage | undefined {
    const { indices, isRefused } = this.options;
    if (isRefused) {
      this.refused++;
      return undefined;
    }
    if (bytes[0] === PacketType.DATA && indices.owner(readIndex(bytes, 4)) === undefined) {
      const hint = indices.hintFor(EndToEnd.path(source), bytes, now);
      if (hint !== undefined) this.options.send(source, hint);
      return undefined;
    }
    const opened = this.sessions.receive(EndToEnd.path(source), bytes, now, via);
    this.drain(now);
    const kind = KINDS[opened?.plaintext[0] ?? 0];
    return opened && kind && { kind, origin: opened.origin, bytes: opened.plaintext.subarray(1) };
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
      if (out.kind === 'send') this.options.send(EndToEnd.peer(out.path), out.bytes);
      else {
        if (out.kind === 'failed') this.waiting.delete(out.to ?? '');
        else this.flush(out.peer, now);
        this.options.changed();
      }
    }
  }

  private flush(peer: PeerKey, now: Instant): void {
    const queue = this.waiting.get(peer) ?? [];
    this.waiting.delete(peer);
    for (const plaintext of queue) {
      const sealed = this.sessions.seal(peer, PacketType.DATA, 0, plaintext, now);
      if (sealed !== undefined) this.options.send(peer, sealed);
    }
  }
}

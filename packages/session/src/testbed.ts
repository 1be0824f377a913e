/**
 * For tests only: session tables on wires with virtual time. Each wire has a
 * name; `b/1` at end `a` and `a/1` at end `b` are the two sides of wire 1.
 * A test decides what becomes of each datagram.
 */
import { assert, earliest, type Instant, type Random, sameBytes, WallClock } from '@warren/base';
import type { NoiseSuite } from '@warren/noise';
import type { Authority, Credentials } from '@warren/trust';
import { PacketType, type PeerKey, peerKey } from '@warren/wire';
import type { PostQuantumMode } from './agreement.ts';
import { prologue } from './handshake.ts';
import { readIndex, SessionIndices } from './indices.ts';
import type { Kem } from './kem.ts';
import type { Opened, Scope } from './keyring.ts';
import type { KeyLimits } from './limits.ts';
import { Sessions } from './sessions.ts';
import type { SessionsOutput } from './sessions-options.ts';

/** The date when virtual time begins: 2026-01-02. */
export const TESTBED_UNIX_MS: number = 1_767_312_000_000;

/** A datagram on its way. */
export interface Letter {
  readonly from: string;
  readonly to: string;
  readonly wire: string;
  readonly bytes: Uint8Array;
  /** How many datagrams with the same first byte this end has sent before. */
  readonly nth: number;
}

/** One session table and all that came out of it. */
export interface End {
  readonly name: string;
  readonly peer: PeerKey;
  readonly sessions: Sessions;
  readonly indices: SessionIndices<Sessions>;
  readonly established: Extract<SessionsOutput, { kind: 'established' }>[];
  readonly failed: Extract<SessionsOutput, { kind: 'failed' }>[];
  readonly opened: Opened[];
  /** Every datagram sent, in order. */
  readonly sent: Letter[];
}

export interface EndOptions {
  readonly suite: NoiseSuite;
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly random: Random;
  readonly postQuantum?: PostQuantumMode;
  readonly kem?: Kem;
  readonly groupOf?: () => string;
  readonly limits?: KeyLimits;
  readonly scope?: Scope;
}

interface Event {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

/** Ends, wires and time. */
export class Testbed {
  now: Instant = 0;
  /** Delays of the copies that arrive; none for a lost datagram. */
  fate: (letter: Letter) => readonly number[] = () => [10];
  readonly ends = new Map<string, End>();
  private readonly counts = new Map<string, number>();
  private events: Event[] = [];
  private order = 0;

  /** Adds an end, or starts one of that name anew. */
  add(name: string, options: EndOptions): End {
    const indices = new SessionIndices<Sessions>(options.random);
    const peer = peerKey(options.credentials.leaf.peerId);
    const { networkKey } = options.authority;
    const wallClock = new WallClock(TESTBED_UNIX_MS, 0);
    const sessions = new Sessions({
      ...options,
      wallClock,
      indices,
      self: peer,
      prologueFor: () => prologue(networkKey, []),
    });
    const end: End = { name, peer, sessions, indices, established: [], failed: [], opened: [], sent: [] };
    this.ends.set(name, end);
    return end;
  }

  /** Begins a handshake at `from`, over wires given as `b/1`. */
  connect(from: End, to: End | undefined, ...paths: string[]): void {
    from.sessions.connect(to?.peer, paths, this.now);
    this.drain(from);
  }

  /** Seals and sends; false without a session. */
  say(from: End, to: End, path: string, text: Uint8Array): boolean {
    const bytes = from.sessions.seal(to.peer, PacketType.DATA, 0, text, this.now);
    if (bytes !== undefined) this.post(from, path, bytes);
    return bytes !== undefined;
  }

  /** Puts bytes on a wire as if `from` had sent them. */
  post(from: Pick<End, 'name' | 'sent'>, path: string, bytes: Uint8Array): void {
    const [to, wire] = path.split('/') as [string, string];
    const kind = `${from.name} ${bytes[0]}`;
    const nth = this.counts.get(kind) ?? 0;
    this.counts.set(kind, nth + 1);
    const letter: Letter = { from: from.name, to, wire, bytes: bytes.slice(), nth };
    from.sent.push(letter);
    for (const delay of this.fate(letter)) this.at(this.now + delay, () => this.deliver(letter));
  }

  /** Hands a datagram over at once. */
  deliver({ from, to, wire, bytes }: Letter): void {
    const end = this.ends.get(to);
    if (end === undefined) return;
    const path = `${from}/${wire}`;
    const opened = end.sessions.receive(path, bytes.slice(), this.now);
    if (opened !== undefined) end.opened.push(opened);
    const isSealed = bytes[0] === PacketType.DATA || bytes[0] === PacketType.FRAME;
    const isStray = isSealed && end.indices.owner(readIndex(bytes, 4)) === undefined;
    const hint = isStray ? end.indices.hintFor(path, bytes, this.now) : undefined;
    if (hint !== undefined) this.post(end, path, hint);
    this.drain(end);
  }

  at(at: Instant, run: () => void): void {
    this.events.push({ at, order: this.order++, run });
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    this.runUntil(() => false, ms);
  }

  /** Lets time pass until `condition` holds, at most `ms`; tells whether it held. */
  runUntil(condition: () => boolean, ms: number): boolean {
    const end = this.now + ms;
    for (let steps = 0; !condition(); steps++) {
      assert(steps < 100_000, 'virtual time goes on');
      const next = this.nextEvent();
      const wakeAt = earliest(...[...this.ends.values()].map(({ sessions }) => sessions.wakeAt));
      const at = earliest(next?.at, wakeAt) ?? Number.POSITIVE_INFINITY;
      if (at > end) {
        this.now = end;
        return condition();
      }
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at <= this.now) {
        this.events.splice(this.events.indexOf(next), 1);
        next.run();
      } else this.tick();
    }
    return true;
  }

  /** What `to` has opened of `from`, without keepalives. */
  heard(to: End, from: End): Uint8Array[] {
    return to.opened
      .filter(({ peer, plaintext }) => peer === from.peer && !sameBytes(plaintext, Uint8Array.of(0)))
      .map(({ plaintext }) => plaintext);
  }

  private tick(): void {
    for (const end of this.ends.values()) {
      end.sessions.tick(this.now);
      this.drain(end);
    }
  }

  /** Takes what an end has to say. */
  drain(end: End): void {
    for (let out = end.sessions.poll(); out !== undefined; out = end.sessions.poll()) {
      if (out.kind === 'send') this.post(end, out.path, out.bytes);
      else if (out.kind === 'established') end.established.push(out);
      else end.failed.push(out);
    }
  }

  private nextEvent(): Event | undefined {
    let next: Event | undefined;
    for (const event of this.events) {
      if (next === undefined || event.at < next.at || (event.at === next.at && event.order < next.order)) next = event;
    }
    return next;
  }
}

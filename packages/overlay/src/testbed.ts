/**
 * For tests only: overlay machines on links with virtual time. A wanted link
 * comes up after a while when both ends live and may meet, else the asker
 * hears that the peer is unreachable. What machines send arrives later, or is
 * lost. Not here: sessions, candidates and paths, which are the link package's.
 */
import { assert, type Instant, type Random, unit } from '@warren/base';
import {
  clockwise,
  decodeOverlayDatagram,
  type OverlayDatagram,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { Overlay, type OverlayOutput } from './overlay.ts';
import { predecessors, successors } from './ring.ts';

/** How the world of a mesh behaves. */
export interface MeshOptions {
  readonly latencyMs?: number;
  /** Until a wanted link is up. */
  readonly linkUpMs?: number;
  /** Until an asker hears that a peer is unreachable. */
  readonly unreachableMs?: number;
  /** Until neighbours notice a peer that vanished. */
  readonly noticeMs?: number;
  /** Share of datagrams that are lost, 0 to 1. */
  readonly loss?: number;
  readonly linkBudget?: number;
}

/** One machine and what came out of it for its user. */
export interface MeshPeer {
  readonly id: PeerId;
  readonly key: PeerKey;
  readonly overlay: Overlay;
  readonly links: Set<PeerKey>;
  readonly delivered: { readonly datagram: OverlayDatagram; readonly from: PeerKey | undefined }[];
  readonly answers: Extract<OverlayOutput, { kind: 'answer' | 'no-answer' | 'done' }>[];
  /** Contents of broadcasts that it found good, each time that they came out. */
  readonly heard: Uint8Array[];
  readonly sums: Extract<OverlayOutput, { kind: 'gathered' }>[];
  readonly crawls: Extract<OverlayOutput, { kind: 'crawled' }>[];
  /** When it asked for which link. */
  readonly connects: { readonly to: PeerKey; readonly at: Instant }[];
  /** What its disk would hold. */
  former: readonly PeerId[];
  isAlive: boolean;
  /** When the machine wants to wake, as of its last input. */
  wakeAt: Instant | undefined;
}

interface Event {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

/** Random bytes that follow from a seed. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const byte = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 8) & 0xff;
  };
  return { bytes: length => Uint8Array.from({ length }, byte) };
}

/** Peers, links and time. */
export class Mesh {
  now: Instant = 1000;
  readonly peers = new Map<PeerKey, MeshPeer>();
  readonly random: Random;
  /** Whether two peers can have a link at all. */
  canMeet: (a: PeerKey, b: PeerKey) => boolean = () => true;
  /** Sees every datagram that is sent, and may swallow it. */
  fate: (from: PeerKey, to: PeerKey, bytes: Uint8Array) => 'arrives' | 'lost' = () => 'arrives';
  /** Whether a peer finds a broadcast good, and so hands it on. */
  isGood: (peer: MeshPeer, content: Uint8Array) => boolean = () => true;
  private readonly options: Required<MeshOptions>;
  private readonly events: Event[] = [];
  private order = 0;

  constructor(seed: number, options: MeshOptions = {}) {
    this.random = seeded(seed);
    const usual = { latencyMs: 20, linkUpMs: 150, unreachableMs: 5000, noticeMs: 5000, loss: 0, linkBudget: 256 };
    this.options = { ...usual, ...options };
  }

  /** Adds a machine without links. */
  add(id: PeerId = this.random.bytes(20), linkBudget: number = this.options.linkBudget): MeshPeer {
    const overlay = new Overlay({ self: id, random: this.random, linkBudget });
    const key = peerKey(id);
    const kept = {
      links: new Set<PeerKey>(),
      delivered: [],
      answers: [],
      heard: [],
      sums: [],
      crawls: [],
      connects: [],
    };
    const peer: MeshPeer = { id, key, overlay, ...kept, former: [], isAlive: true, wakeAt: undefined };
    this.peers.set(key, peer);
    return peer;
  }

  /** Links two peers at once, as the first link to a bootstrap node is. */
  link(a: MeshPeer, b: MeshPeer): void {
    if (a.links.has(b.key) || !a.isAlive || !b.isAlive) return;
    a.links.add(b.key);
    b.links.add(a.key);
    a.overlay.linkUp(b.key, this.now);
    b.overlay.linkUp(a.key, this.now);
    this.drain(a);
    this.drain(b);
  }

  /** Ends a link; both ends notice at once. */
  unlink(a: MeshPeer, b: MeshPeer): void {
    if (!a.links.delete(b.key)) return;
    b.links.delete(a.key);
    for (const [end, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (!end.isAlive) continue;
      end.overlay.linkDown(other.key, this.now);
      this.drain(end);
    }
  }

  /** A peer leaves: its neighbours know at once. */
  leave(peer: MeshPeer): void {
    peer.isAlive = false;
    for (const key of [...peer.links]) this.unlink(peer, this.peer(key));
  }

  /** A peer vanishes: its neighbours notice later. */
  kill(peer: MeshPeer): void {
    peer.isAlive = false;
    const { noticeMs } = this.options;
    for (const key of [...peer.links]) this.at(this.now + noticeMs, () => this.unlink(peer, this.peer(key)));
  }

  peer(key: PeerKey): MeshPeer {
    const peer = this.peers.get(key);
    assert(peer !== undefined, 'a peer of this mesh');
    return peer;
  }

  living(): MeshPeer[] {
    return [...this.peers.values()].filter(peer => peer.isAlive);
  }

  /** Whether everybody is linked to the three peers that truly follow, and the three that precede. */
  isRing(): boolean {
    return this.missingNear() === 0;
  }

  /** How many links to true neighbours are missing, counted at each end. */
  missingNear(): number {
    const living = this.living();
    let missing = 0;
    for (const { id, links } of living) {
      const others = living.map(other => other.id).filter(other => other !== id);
      const wanted = new Set([...successors(id, others), ...predecessors(id, others)].map(peerKey));
      for (const key of wanted) if (!links.has(key)) missing++;
    }
    return missing;
  }

  /** The living peer that truly is nearest, by going through all. */
  nearest(target: PeerId): MeshPeer {
    const size = (id: PeerId) => BigInt(`0x${peerKey(id)}`);
    const distance = ({ id }: MeshPeer) => {
      const [ahead, back] = [size(clockwise(id, target)), size(clockwise(target, id))];
      if (ahead < back) return ahead;
      return back;
    };
    const [first, ...rest] = this.living();
    assert(first !== undefined, 'somebody lives');
    let best = first;
    for (const peer of rest) {
      const [mine, least] = [distance(peer), distance(best)];
      if (mine < least || (mine === least && peer.key < best.key)) best = peer;
    }
    return best;
  }

  at(at: Instant, run: () => void): void {
    const event = { at, order: this.order++, run };
    let i = this.events.length;
    while (i > 0 && isBefore(event, this.events[i - 1] as Event)) i--;
    this.events.splice(i, 0, event);
  }

  /** Lets time pass until `condition` holds, at most `ms`; tells whether it held. */
  runUntil(condition: () => boolean, ms: number): boolean {
    const end = this.now + ms;
    for (let next = this.now; this.now < end; next += 250) {
      this.runTo(Math.min(next, end));
      if (condition()) return true;
    }
    return condition();
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    this.runTo(this.now + ms);
  }

  /** Moves what a machine asks for into the world; call after using one directly. */
  drain(peer: MeshPeer): void {
    for (let out = peer.overlay.poll(); out !== undefined; out = peer.overlay.poll()) this.take(peer, out);
    peer.wakeAt = peer.overlay.wakeAt;
  }

  private runTo(end: Instant): void {
    for (;;) {
      const event = this.events[0];
      const { peer, wakeAt } = this.firstToWake();
      const at = Math.min(event?.at ?? Number.POSITIVE_INFINITY, wakeAt);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (event !== undefined && event.at <= wakeAt) {
        this.events.shift();
        event.run();
      } else if (peer !== undefined) this.tick(peer);
    }
    this.now = end;
  }

  /** Ticks, and asserts that the machine then waits for a later time. */
  private tick(peer: MeshPeer): void {
    peer.overlay.tick(this.now);
    const { wakeAt } = peer.overlay;
    assert(wakeAt === undefined || wakeAt > this.now, `tick makes progress: wakeAt ${wakeAt} at ${this.now}`);
    this.drain(peer);
  }

  private firstToWake(): { peer: MeshPeer | undefined; wakeAt: Instant } {
    let peer: MeshPeer | undefined;
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const each of this.peers.values()) {
      const at = each.isAlive ? each.wakeAt : undefined;
      if (at === undefined || at >= wakeAt) continue;
      wakeAt = at;
      peer = each;
    }
    return { peer, wakeAt };
  }

  private take(peer: MeshPeer, out: OverlayOutput): void {
    switch (out.kind) {
      case 'send':
        this.send(peer, out.to, out.bytes);
        return;
      case 'connect':
        peer.connects.push({ to: out.to, at: this.now });
        this.connect(peer, out.to);
        return;
      case 'disconnect':
        this.unlink(peer, this.peer(out.to));
        return;
      case 'deliver':
        peer.delivered.push({ datagram: out.datagram, from: out.from });
        return;
      case 'answer':
      case 'no-answer':
      case 'done':
        peer.answers.push(out);
        return;
      case 'broadcast':
        if (!this.isGood(peer, out.content)) return;
        peer.heard.push(out.content);
        peer.overlay.handOn(out.token, this.now);
        return;
      case 'gathered':
        peer.sums.push(out);
        return;
      case 'crawled':
        peer.crawls.push(out);
        return;
      case 'former':
        peer.former = out.ids;
        return;
      case 'neighbourhood':
        return;
    }
  }

  private send(from: MeshPeer, to: PeerKey, bytes: Uint8Array): void {
    assert(from.links.has(to), 'machines send to neighbours only');
    assert(decodeOverlayDatagram(bytes) !== undefined, 'machines send what they can read');
    const isLost = unit(this.random) < this.options.loss || this.fate(from.key, to, bytes) === 'lost';
    if (isLost) return;
    this.at(this.now + this.options.latencyMs, () => {
      const receiver = this.peer(to);
      if (!receiver.isAlive || !receiver.links.has(from.key)) return;
      receiver.overlay.receive(from.key, bytes, this.now);
      this.drain(receiver);
    });
  }

  private connect(from: MeshPeer, to: PeerKey): void {
    const { linkUpMs, unreachableMs } = this.options;
    const other = this.peers.get(to);
    const canMeet = other?.isAlive === true && this.canMeet(from.key, to);
    this.at(this.now + (canMeet ? linkUpMs : unreachableMs), () => {
      if (!from.isAlive || from.links.has(to)) return;
      if (canMeet && other.isAlive) return this.link(from, other);
      from.overlay.unreachable(to, this.now);
      this.drain(from);
    });
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

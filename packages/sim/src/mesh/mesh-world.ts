/**
 * Overlays, and DHTs if wanted, by the ten thousand under virtual time, joined
 * by modelled links. Not here: sessions, paths and NATs; whole participants
 * live in `village.ts`. One seed, one heap of events.
 */
import { assert, type Instant } from '@warren/base';
import { Overlay, type OverlayOutput } from '@warren/overlay';
import { type OverlayDatagram, OverlayType, type PeerId, type PeerKey, peerKey } from '@warren/wire';
import { EventHeap, type Trace } from '../event-heap.ts';
import { constantLatency, type LatencyModel } from '../latency.ts';
import { SeededRandom } from '../random.ts';
import { Invariants } from './invariants.ts';
import { MeshLinks } from './mesh-links.ts';
import { type Machines, MeshPeer, type Place } from './mesh-peer.ts';
import type { MeshRecords } from './mesh-records.ts';
import { Probes } from './probes.ts';
import type { Role } from './role.ts';
import { TraceHash } from './trace-hash.ts';
import { TrueRing } from './true-ring.ts';

/** How a mesh world is. What is absent has the value named. */
export interface MeshOptions {
  readonly seed: number;
  /** 20 ms each way. */
  readonly latency?: LatencyModel;
  /** Share of datagrams lost on each link, 0 to 1: 0. */
  readonly loss?: number;
  /** Links that a peer may have: 256, as an edge; a tab has 24. */
  readonly linkBudget?: number;
  /** Gives each peer a DHT; without it there is none. */
  readonly records?: MeshRecords;
  /** Whether two peers can have a direct link at all: always. */
  readonly canMeet?: (a: MeshPeer, b: MeshPeer) => boolean;
  /** Whether machines hear the round trips of their links: they do. Without them far links are whoever is found. */
  readonly measuresLinks?: boolean;
}

/** A peer to be added. What is absent is drawn. */
export interface NewPeer {
  readonly id?: PeerId;
  readonly host?: number;
  readonly role?: Role;
  readonly linkBudget?: number;
  /** Known to everybody, as the first link of joiners. */
  readonly isBootstrap?: boolean;
}

/** What has happened so far. */
export interface MeshStats {
  events: number;
  datagrams: number;
  bytes: number;
  lost: number;
  linksUp: number;
  linksDown: number;
  unreachable: number;
}

/** Between peers on one host. */
const LEAST_MS = 0.1;
/** Wakes of one machine at one time: what is due may make something else due at once. */
const TICKS_MAX = 8;
/** Links that a bootstrap node may have. */
const BOOTSTRAP_BUDGET = 1024;

/** The world. */
export class MeshWorld {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly latency: LatencyModel;
  readonly measuresLinks: boolean;
  /** All that ever were, by index. */
  readonly peers: MeshPeer[] = [];
  readonly bootstraps: MeshPeer[] = [];
  readonly links: MeshLinks;
  readonly probes: Probes;
  readonly invariants: Invariants;
  readonly stats: MeshStats = { events: 0, datagrams: 0, bytes: 0, lost: 0, linksUp: 0, linksDown: 0, unreachable: 0 };
  /** Datagrams sent, by `OverlayType`. */
  readonly sentByType = new Float64Array(64);
  /** Their bytes. */
  readonly bytesByType = new Float64Array(64);
  loss: number;
  /** Hears what machines put out besides links and datagrams. */
  onOutput: (peer: MeshPeer, out: OverlayOutput) => void = () => {};
  private readonly options: MeshOptions;
  private readonly heap = new EventHeap();
  private readonly trace = new TraceHash();
  private readonly byKey = new Map<PeerKey, MeshPeer>();
  /** The datagram that is being handled. */
  private inHand: { readonly bytes: Uint8Array; readonly trace: Trace } | undefined;
  private time: Instant = 1000;

  constructor(options: MeshOptions) {
    this.options = options;
    this.seed = options.seed;
    this.random = new SeededRandom(options.seed, 'mesh');
    this.latency = options.latency ?? constantLatency(20);
    this.measuresLinks = options.measuresLinks ?? true;
    this.loss = options.loss ?? 0;
    this.links = new MeshLinks(this, options.canMeet ?? (() => true));
    this.probes = new Probes(this);
    this.invariants = new Invariants(this);
  }

  get now(): Instant {
    return this.time;
  }

  /** 16 hex digits that follow from all deliveries so far. */
  get traceHash(): string {
    return this.trace.toString();
  }

  /** Adds a peer that has no links yet and does not look for any. */
  add(o: NewPeer = {}): MeshPeer {
    const index = this.peers.length;
    const id = o.id ?? this.random.bytes(20);
    const key = peerKey(id);
    assert(!this.byKey.has(key), 'ids differ');
    const isBootstrap = o.isBootstrap ?? false;
    const linkBudget = o.linkBudget ?? (isBootstrap ? BOOTSTRAP_BUDGET : (this.options.linkBudget ?? 256));
    const place = { index, id, key, host: o.host ?? index % this.latency.hosts, isBootstrap, linkBudget };
    const peer = new MeshPeer(place, this.machines(place, 0), o.role);
    this.peers.push(peer);
    this.byKey.set(key, peer);
    if (isBootstrap) this.bootstraps.push(peer);
    peer.role?.begin?.(peer, this);
    return peer;
  }

  /** A world of `size` peers who all joined within `overMs`, a bootstrap node among them; call `run` for them to settle. */
  populate(size: number, overMs: number, each: (i: number) => NewPeer = () => ({})): MeshPeer[] {
    const first = this.add({ isBootstrap: true });
    const rest = Array.from({ length: size - 1 }, (_, i) => this.add(each(i)));
    rest.forEach((peer, i) => {
      this.at(this.time + (overMs * i) / size, () => this.join(peer));
    });
    return [first, ...rest];
  }

  /** Lets a peer look for a bootstrap node, now and whenever it has no links. */
  join(peer: MeshPeer): void {
    if (!peer.isAlive) return;
    peer.wantsIn = true;
    this.links.enter(peer);
  }

  /** A peer vanishes: its neighbours notice after three to eight seconds. */
  kill(peer: MeshPeer): void {
    if (!peer.isAlive) return;
    peer.isAlive = false;
    this.links.vanish(peer);
  }

  /** A peer says goodbye: its neighbours know as soon as they hear it. */
  leave(peer: MeshPeer): void {
    if (!peer.isAlive) return;
    this.act(peer, ({ dht }) => dht?.leave(this.time));
    this.act(peer, ({ overlay }) => overlay.leave());
    this.links.goodbye(peer);
    peer.isAlive = false;
  }

  /** Starts a dead peer anew at the same place, with the same id; without its disk it remembers nothing. */
  restart(peer: MeshPeer, o: { readonly disk: boolean }): void {
    assert(!peer.isAlive, 'the dead are restarted');
    peer.life++;
    peer.isAlive = true;
    peer.bootstrapFailures = 0;
    peer.wakeEventAt = Number.POSITIVE_INFINITY;
    if (!o.disk) {
      peer.former = [];
      peer.remembered.clear();
      peer.disk.clear();
    }
    const { overlay, dht } = this.machines(peer, peer.life);
    peer.overlay = overlay;
    peer.dht = dht;
    overlay.remember(peer.former, this.time);
    this.options.records?.restored(peer, this.time);
    peer.role?.begin?.(peer, this);
    this.join(peer);
  }

  /** Puts peers into parts that cannot reach each other; all on one side heals the world. */
  split(sideOf: (peer: MeshPeer) => number): void {
    for (const peer of this.peers) peer.side = sideOf(peer);
    this.links.checkAll();
  }

  /** The peers that live. */
  living(): MeshPeer[] {
    return this.peers.filter(peer => peer.isAlive);
  }

  /** The true ring of all that live, or of those named. */
  ring(among: (peer: MeshPeer) => boolean = () => true): TrueRing {
    return new TrueRing(this.peers.filter(peer => peer.isAlive && among(peer)));
  }

  peer(key: PeerKey): MeshPeer | undefined {
    return this.byKey.get(key);
  }

  /** Runs `run` at `at`. */
  at(at: Instant, run: () => void): void {
    this.heap.push(Math.max(at, this.time), 0, 0, run);
  }

  /** Runs `run` so often, until it returns false. */
  every(ms: number, run: () => boolean): void {
    this.at(this.time + ms, () => {
      if (run()) this.every(ms, run);
    });
  }

  /** Lets `ms` of virtual time pass. */
  run(ms: number): void {
    const end = this.time + ms;
    while (this.heap.nextAt <= end) this.step();
    this.time = end;
  }

  /** Lets time pass until `condition`, looked at every `everyMs`, holds, at most `ms`; tells whether it held. */
  runUntil(condition: () => boolean, ms: number, everyMs = 250): boolean {
    const end = this.time + ms;
    while (!condition()) {
      if (this.time >= end) return false;
      this.run(Math.min(everyMs, end - this.time));
    }
    return true;
  }

  /** One way between two peers, milliseconds. */
  oneWayMs(from: MeshPeer, to: MeshPeer): number {
    return Math.max(LEAST_MS, this.latency.oneWayMs(from.host, to.host));
  }

  /** Gives a machine an input and carries out what it asks for. */
  act(peer: MeshPeer, input: (machines: Machines) => void): void {
    if (!peer.isAlive) return;
    input(peer);
    this.drain(peer);
  }

  /** Carries out what the machines of a peer ask for. */
  drain(peer: MeshPeer): void {
    do {
      for (let out = peer.overlay.poll(); out !== undefined; out = peer.overlay.poll()) this.take(peer, out);
    } while (peer.isAlive && this.options.records?.drain(peer, this.time) === true);
    this.scheduleWake(peer);
  }

  /** Sends over a link, past the sender's role. */
  transmit(from: MeshPeer, to: PeerKey, bytes: Uint8Array): void {
    const half = from.links.get(to);
    const receiver = this.byKey.get(to);
    if (half === undefined || receiver === undefined) {
      this.invariants.broken(`${from.index} sends to ${to}, to whom it has no link`);
      return;
    }
    from.sent++;
    from.sentBytes += bytes.length;
    this.stats.datagrams++;
    this.stats.bytes += bytes.length;
    const type = (bytes[0] as number) & 0x3f;
    this.sentByType[type] = (this.sentByType[type] as number) + 1;
    this.bytesByType[type] = (this.bytesByType[type] as number) + bytes.length;
    const trace = this.traceOf(from, bytes);
    this.invariants.sent(from, receiver, bytes, trace);
    if (!this.links.passes(from, receiver) || (this.loss > 0 && this.random.unit() < this.loss)) {
      this.stats.lost++;
      return;
    }
    this.heap.push(this.time + this.oneWayMs(from, receiver), receiver.index, from.index, bytes, trace);
  }

  /** Over how many links the datagram that is being handled came. */
  get hopsInHand(): number {
    return this.inHand?.trace.hops ?? 0;
  }

  private machines({ index, id: self, linkBudget }: Place, life: number): Machines {
    const random = new SeededRandom(this.seed, `peer ${index} ${life}`);
    const overlay = new Overlay({ self, random, linkBudget });
    return { overlay, dht: this.options.records?.machine(index, self) };
  }

  private step(): void {
    const { heap } = this;
    heap.pop();
    this.time = heap.at;
    this.stats.events++;
    const { what } = heap;
    if (what === undefined) this.wake(this.peers[heap.to] as MeshPeer);
    else if (typeof what === 'function') what();
    else this.arrive(this.peers[heap.to] as MeshPeer, this.peers[heap.from] as MeshPeer, what, heap.trace as Trace);
  }

  private arrive(peer: MeshPeer, from: MeshPeer, bytes: Uint8Array, trace: Trace): void {
    if (!peer.isAlive || peer.links.get(from.key) !== from.asNeighbour) return;
    this.trace.note(this.time, from.index, peer.index, bytes);
    peer.received++;
    this.inHand = { bytes, trace };
    const passed = peer.role?.receive === undefined ? bytes : peer.role.receive(peer, from.key, bytes, this);
    if (passed !== undefined) {
      peer.overlay.receive(from.key, passed, this.time);
      this.drain(peer);
    }
    this.inHand = undefined;
  }

  private wake(peer: MeshPeer): void {
    if (peer.wakeEventAt !== this.time || !peer.isAlive) return;
    peer.wakeEventAt = Number.POSITIVE_INFINITY;
    for (let ticks = 0; this.wakeAtOf(peer) <= this.time; ticks++) {
      if (ticks === TICKS_MAX) this.invariants.broken(`${peer.index} wants to wake in the past`);
      peer.overlay.tick(this.time);
      peer.dht?.tick(this.time);
      this.drain(peer);
    }
    this.scheduleWake(peer);
  }

  private scheduleWake(peer: MeshPeer): void {
    const at = Math.max(this.wakeAtOf(peer), this.time);
    if (at >= peer.wakeEventAt || !peer.isAlive) return;
    peer.wakeEventAt = at;
    this.heap.push(at, peer.index, 0, undefined);
  }

  private wakeAtOf({ overlay, dht }: MeshPeer): Instant {
    return Math.min(overlay.wakeAt ?? Number.POSITIVE_INFINITY, dht?.wakeAt ?? Number.POSITIVE_INFINITY);
  }

  private take(peer: MeshPeer, out: OverlayOutput): void {
    switch (out.kind) {
      case 'send':
        this.send(peer, out.to, out.bytes);
        return;
      case 'connect':
        this.links.connect(peer, out.to);
        return;
      case 'disconnect':
        this.links.letGo(peer, out.to);
        return;
      case 'deliver':
        this.deliver(peer, out.datagram, out.from);
        return;
      case 'answer':
      case 'no-answer':
        if (!this.probes.answered(peer, out)) this.options.records?.answered(peer, out, this.time);
        break;
      case 'former':
        peer.former = out.ids;
        break;
      case 'neighbourhood':
        this.options.records?.neighbourhood(peer, this.time);
        break;
    }
    this.onOutput(peer, out);
  }

  private send(peer: MeshPeer, to: PeerKey, bytes: Uint8Array): void {
    const passed = peer.role?.send === undefined ? bytes : peer.role.send(peer, to, bytes, this);
    if (passed !== undefined) this.transmit(peer, to, passed);
  }

  private deliver(peer: MeshPeer, datagram: OverlayDatagram, from: PeerKey | undefined): void {
    this.invariants.delivered(peer, datagram);
    if (datagram.type === OverlayType.CARRIED) this.links.called(peer, datagram);
    else if (this.probes.delivered(peer, datagram, from)) return;
    else if (datagram.type === OverlayType.DHT_REQUEST || datagram.type === OverlayType.DHT_NOTIFY)
      this.options.records?.delivered(peer, datagram, from, this.time);
  }

  /** Where a datagram has been: what is sent while another of the same request is handled is the same one. */
  private traceOf(from: MeshPeer, bytes: Uint8Array): Trace {
    const { inHand } = this;
    const isSame = inHand !== undefined && isSameRequest(inHand.bytes, bytes);
    const before = isSame ? inHand.trace : undefined;
    return { peer: from.index, hops: (before?.hops ?? 0) + 1, before };
  }
}

/** Same mode and request id, and there is one. */
function isSameRequest(a: Uint8Array, b: Uint8Array): boolean {
  return a[1] === b[1] && requestIdAt(a) === requestIdAt(b) && requestIdAt(a) !== 0;
}

function requestIdAt(bytes: Uint8Array): number {
  return (
    ((bytes[4] as number) << 24) | ((bytes[5] as number) << 16) | ((bytes[6] as number) << 8) | (bytes[7] as number)
  );
}

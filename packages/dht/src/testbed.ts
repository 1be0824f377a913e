/**
 * For tests only: DHT machines that store for each other, and an overlay that
 * is always right about who is nearest. A test decides which messages are lost
 * and which replicas lie. Not here: time on the way, and real forwarding.
 */
import { assert, type Instant, type Random } from '@warren/base';
import {
  compareDistance,
  type DhtAnswer,
  type DhtRequest,
  decodeDhtRequest,
  encodeDhtAnswer,
  OverlayType,
  type PeerId,
  peerKey,
  RecordKind,
} from '@warren/wire';
import { Dht, type DhtOutput, type GetOptions } from './dht.ts';
import { makeRecord, type RecordContext, type Value } from './records.ts';

/** The key that tests write under. */
export const KEY: Uint8Array = new Uint8Array(20).fill(7);

type Request = Extract<DhtOutput, { kind: 'request' }>;

/** One machine, and what came out of it for its user. */
export interface RingPeer {
  readonly id: PeerId;
  readonly key: string;
  readonly context: RecordContext;
  dht: Dht;
  readonly outputs: Exclude<DhtOutput, Request>[];
  /** Requests that it answered. */
  served: number;
  /** What its disk holds. */
  readonly disk: Map<string, Uint8Array>;
  /** What it answers in place of the truth. */
  lies: ((request: DhtRequest) => DhtAnswer | undefined) | undefined;
}

/** Machines that store, and an overlay that is always right. */
export class Ring {
  now: Instant = 0;
  readonly peers: RingPeer[] = [];
  /** Whether a request, or else its answer, is lost; `place` is the number of the replica, 0 to 3, or -1 for copies and notices. */
  lost: (asker: RingPeer, place: number, isRequest: boolean) => boolean = () => false;
  /** What a replica answers in place of the truth. */
  lies: (place: number, request: DhtRequest) => DhtAnswer | undefined = () => undefined;
  served: (op: DhtRequest['op'] | 'notice') => void = () => {};
  /** Bytes of all answers so far. */
  answeredBytes = 0;
  /** Whether requests arrive in any order. */
  shuffles = false;
  /** Whether peers hear of those who come and go. */
  tells = true;
  private readonly askers: RingPeer[] = [];
  private readonly waiting: { asker: RingPeer; out: Request }[] = [];
  private sorted: RingPeer[] | undefined;

  private readonly random: Random;
  private readonly contextFor: (peerId: PeerId) => RecordContext;

  constructor(size: number, random: Random, contextFor: (peerId: PeerId) => RecordContext) {
    this.random = random;
    this.contextFor = contextFor;
    this.tells = false;
    for (let i = 0; i < size; i++) this.add();
    this.tells = true;
    // They have been beside each other for a while when a test begins.
    this.now = -2000;
    this.tellAll();
    this.now = 0;
  }

  add(peerId: PeerId = this.random.bytes(20)): RingPeer {
    const peer = this.outsider(peerId);
    this.peers.push(peer);
    this.changed();
    return peer;
  }

  /** One that asks and stores nothing. */
  outsider(peerId: PeerId = this.random.bytes(20)): RingPeer {
    const context = this.contextFor(peerId);
    const dht = this.machine(context);
    const peer = {
      id: peerId,
      key: peerKey(peerId),
      context,
      dht,
      outputs: [],
      served: 0,
      disk: new Map(),
      lies: undefined,
    };
    this.askers.push(peer);
    return peer;
  }

  /** A peer dies; what it still had to send is lost. */
  remove(...peers: readonly RingPeer[]): void {
    for (const peer of peers) {
      this.peers.splice(this.peers.indexOf(peer), 1);
      this.askers.splice(this.askers.indexOf(peer), 1);
    }
    this.changed();
  }

  /** A peer takes others into its ring that were apart from it. */
  join(other: Ring): void {
    this.peers.push(...other.peers);
    this.askers.push(...other.askers);
    this.changed();
  }

  /** Another run of the same peer: with what its disk held. */
  restart(peer: RingPeer): void {
    peer.dht = this.machine(peer.context);
    for (const bytes of [...peer.disk.values()]) peer.dht.restore(bytes, this.now);
    for (const other of this.peers) if (other !== peer) other.dht.neighbourReplaced(peer.key, this.now);
    this.tellAll();
    this.settle();
  }

  machine(context: RecordContext): Dht {
    return new Dht({ ...context, random: this.random });
  }

  peer(index: number): RingPeer {
    const peer = this.peers[index];
    assert(peer !== undefined, 'so many peers');
    return peer;
  }

  nearest(place: PeerId): RingPeer {
    let best = this.peer(0);
    for (const peer of this.peers) if (compareDistance(place, peer.id, best.id) < 0) best = peer;
    return best;
  }

  /** All peers in the order of their ids. */
  inOrder(): RingPeer[] {
    this.sorted ??= [...this.peers].sort((a, b) => (a.key < b.key ? -1 : 1));
    return this.sorted;
  }

  /** A peer and those that follow it on the ring, `count` in all. */
  adjacent(first: RingPeer, count: number): RingPeer[] {
    const order = this.inOrder();
    const at = order.indexOf(first);
    return Array.from({ length: count }, (_, i) => order[(at + i) % order.length] as RingPeer);
  }

  /** Tells each who is beside it. */
  tellAll(): void {
    const order = this.inOrder();
    order.forEach((peer, at) => {
      const near = new Set<string>();
      for (let i = 1; i <= 3; i++) {
        for (const j of [at + i, at - i]) near.add((order[(j + 3 * order.length) % order.length] as RingPeer).key);
      }
      near.delete(peer.key);
      peer.dht.neighbourhoodChanged(near, this.now);
    });
  }

  /** A record that peer `index` signed, about KEY. */
  record(index: number, changes: Partial<Parameters<typeof makeRecord>[1]> = {}) {
    return makeRecord(this.peer(index).context, { ...card(Uint8Array.of(9)), sequence: 1, ...changes }, this.now);
  }

  put(index: number, value: Uint8Array, key = KEY) {
    return this.write(index, dht => dht.put({ ...card(value), key }, this.now));
  }

  create(index: number) {
    return this.write(index, dht => dht.create(claim(), this.now));
  }

  delete(index: number, kind: RecordKind = RecordKind.MEMBER) {
    return this.write(index, dht => dht.delete({ kind, key: KEY }, this.now));
  }

  write(index: number, start: (dht: Dht) => number) {
    return stored(this.peer(index).outputs, this.run(index, start));
  }

  get(index: number, kind: RecordKind, o: GetOptions = {}, key = KEY) {
    const operation = this.run(index, dht => dht.get(kind, key, o));
    const found = this.peer(index).outputs.find(out => 'operation' in out && out.operation === operation);
    assert(found?.kind === 'found', 'a get ends as found');
    return found;
  }

  values(index: number, o: GetOptions = {}): number[][] {
    return this.get(index, RecordKind.MEMBER, o).records.map(({ record }) => [...record.value]);
  }

  holder(index: number): string {
    return peerKey(this.get(index, RecordKind.ADDRESS).records[0]?.writer.leaf.peerId ?? new Uint8Array(0));
  }

  outputsOf(index: number): void {
    this.peer(index).outputs.length = 0;
  }

  pass(ms: number): void {
    const end = this.now + ms;
    this.settle();
    for (let steps = 0; steps < 100_000; steps++) {
      const at = Math.min(...this.askers.map(({ dht }) => dht.wakeAt ?? Number.POSITIVE_INFINITY));
      if (at > end) break;
      this.now = Math.max(this.now, at);
      for (const { dht } of this.askers) dht.tick(this.now);
      this.settle();
    }
    this.now = end;
  }

  /** Lets all requests be answered. */
  settle(): void {
    for (;;) {
      for (const asker of this.askers) this.drain(asker);
      const at = this.shuffles ? (this.random.bytes(1)[0] as number) % Math.max(1, this.waiting.length) : 0;
      const [next] = this.waiting.splice(at, 1);
      if (next === undefined) return;
      if (this.askers.includes(next.asker)) this.answer(next.asker, next.out);
    }
  }

  private changed(): void {
    this.sorted = undefined;
    if (this.tells) this.tellAll();
  }

  private drain(asker: RingPeer): void {
    for (let out = asker.dht.poll(); out !== undefined; out = asker.dht.poll()) {
      if (out.kind === 'request') this.waiting.push({ asker, out });
      else if (out.kind === 'keep') asker.disk.set(out.slot, out.bytes);
      else if (out.kind === 'drop') asker.disk.delete(out.slot);
      else asker.outputs.push(out);
    }
  }

  private run(index: number, start: (dht: Dht) => number): number {
    const operation = start(this.peer(index).dht);
    this.settle();
    return operation;
  }

  private answer(asker: RingPeer, out: Request): void {
    const place = this.placeOf(out);
    const answer = this.lost(asker, place, true) ? undefined : this.answerOf(asker, out, place);
    if (answer === undefined || this.lost(asker, place, false)) asker.dht.unanswered(out.tag, this.now);
    else asker.dht.answered(out.tag, answer, this.now);
  }

  private answerOf(asker: RingPeer, out: Request, place: number): Uint8Array | undefined {
    if (out.type === OverlayType.DHT_NOTIFY) {
      this.served('notice');
      const watcher = this.askers.find(({ key }) => key === peerKey(out.target));
      return watcher?.dht.notified(out.payload, this.now);
    }
    const request = decodeDhtRequest(out.payload);
    assert(request !== undefined, 'requests can be read');
    const holder = this.nearest(out.target);
    holder.served++;
    this.served(request.op);
    const lie = this.lies(place, request) ?? holder.lies?.(request);
    if (lie !== undefined) return encodeDhtAnswer(lie);
    const via = holder === asker ? undefined : { neighbour: asker.key, source: asker.key };
    const answer = holder.dht.serve(out.payload, this.now, via);
    this.drain(holder);
    this.answeredBytes += answer?.length ?? 0;
    return answer;
  }

  private placeOf(out: Request): number {
    const request = out.type === OverlayType.DHT_REQUEST ? decodeDhtRequest(out.payload) : undefined;
    if (request === undefined || request.op === 'copy') return -1;
    const { key } = 'record' in request ? request.record : request;
    return this.peer(0)
      .dht.positions(key)
      .findIndex(each => peerKey(each) === peerKey(request.position));
  }
}

/** A record of kind MEMBER about KEY, as `put` takes it. */
export function card(value: Uint8Array): Value {
  return { kind: RecordKind.MEMBER, key: KEY, value, lifetimeS: 60 };
}

/** One of kind ADDRESS. */
export function claim(): Value {
  return { kind: RecordKind.ADDRESS, key: KEY, value: new Uint8Array(4), lifetimeS: 60 };
}

/** The answer that brings one record. */
export function ok(record: ReturnType<typeof makeRecord>): DhtAnswer {
  return { status: 'ok', more: false, records: [record] };
}

/** How a write ended. */
export function stored(outputs: RingPeer['outputs'], operation: number | undefined) {
  const out = outputs.find(each => 'operation' in each && each.operation === operation);
  assert(out?.kind === 'stored', 'a write ends as stored');
  return out;
}

/**
 * For tests only: DHT machines that store for each other, and an overlay that
 * is always right about who is nearest. A test decides which messages are lost
 * and which replicas lie. Not here: time on the way, and real forwarding.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { assert, type Instant, type Random } from '@warren/base';
import {
  compareDistance,
  type DhtAnswer,
  decodeDhtRequest,
  encodeDhtAnswer,
  type PeerId,
  peerKey,
  RecordKind,
} from '@warren/wire';
import { Dht, type DhtOutput } from './dht.ts';
import { makeRecord, type RecordContext } from './records.ts';

/** The key that tests write under. */
export const KEY: Uint8Array = new Uint8Array(20).fill(7);

/** One machine, and what came out of it for its user. */
export interface RingPeer {
  readonly id: PeerId;
  readonly context: RecordContext;
  readonly dht: Dht;
  readonly outputs: Exclude<DhtOutput, { kind: 'request' }>[];
}

/** Machines that store, and an overlay that is always right. */
export class Ring {
  now: Instant = 0;
  readonly peers: RingPeer[] = [];
  /** Whether a request, or else its answer, is lost; `place` is the number of the replica, 0 to 3. */
  lost: (asker: RingPeer, place: number, isRequest: boolean) => boolean = () => false;
  /** What a replica answers in place of the truth. */
  lies: (place: number) => DhtAnswer | undefined = () => undefined;
  served: () => void = () => {};
  /** Whether requests arrive in any order. */
  shuffles = false;
  private readonly askers: RingPeer[] = [];
  private readonly waiting: { asker: RingPeer; out: Extract<DhtOutput, { kind: 'request' }> }[] = [];

  private readonly random: Random;
  private readonly contextFor: (peerId: PeerId) => RecordContext;

  constructor(size: number, random: Random, contextFor: (peerId: PeerId) => RecordContext) {
    this.random = random;
    this.contextFor = contextFor;
    for (let i = 0; i < size; i++) this.add();
  }

  add(peerId: PeerId = this.random.bytes(20)): RingPeer {
    const peer = this.outsider(peerId);
    this.peers.push(peer);
    return peer;
  }

  /** One that asks and stores nothing. */
  outsider(peerId: PeerId = this.random.bytes(20)): RingPeer {
    const context = this.contextFor(peerId);
    const dht = new Dht({ ...context, place: bytes => sha256(bytes).slice(0, 20) });
    const peer = { id: peerId, context, dht, outputs: [] };
    this.askers.push(peer);
    return peer;
  }

  remove(peer: RingPeer): void {
    this.peers.splice(this.peers.indexOf(peer), 1);
  }

  peer(index: number): RingPeer {
    const peer = this.peers[index];
    assert(peer !== undefined, 'so many peers');
    return peer;
  }

  nearest(place: PeerId): RingPeer {
    const [nearest] = [...this.peers].sort((a, b) => compareDistance(place, a.id, b.id));
    assert(nearest !== undefined, 'somebody stores');
    return nearest;
  }

  /** A record that peer `index` signed, about KEY. */
  record(index: number, changes: Partial<Parameters<typeof makeRecord>[1]> = {}) {
    return makeRecord(this.peer(index).context, { ...card(Uint8Array.of(9)), sequence: 1, ...changes }, this.now);
  }

  put(index: number, value: Uint8Array, key = KEY) {
    return stored(
      this.peer(index).outputs,
      this.run(index, dht => dht.put({ ...card(value), key }, this.now)),
    );
  }

  create(index: number) {
    return stored(
      this.peer(index).outputs,
      this.run(index, dht => dht.create(claim(), this.now)),
    );
  }

  get(index: number, kind: RecordKind) {
    const operation = this.run(index, dht => dht.get(kind, KEY));
    const found = this.peer(index).outputs.find(out => out.operation === operation);
    assert(found?.kind === 'found', 'a get ends as found');
    return found;
  }

  values(index: number): number[][] {
    return this.get(index, RecordKind.MEMBER).records.map(({ record }) => [...record.value]);
  }

  holder(index: number): string {
    return peerKey(this.get(index, RecordKind.ADDRESS).records[0]?.writer.leaf.peerId ?? new Uint8Array(0));
  }

  outputsOf(index: number): void {
    this.peer(index).outputs.length = 0;
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (let steps = 0; steps < 10_000; steps++) {
      const next = this.askers.map(({ dht }) => dht.wakeAt ?? Number.POSITIVE_INFINITY);
      const at = Math.min(...next);
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
      for (const asker of this.askers) {
        for (let out = asker.dht.poll(); out !== undefined; out = asker.dht.poll()) {
          if (out.kind === 'request') this.waiting.push({ asker, out });
          else asker.outputs.push(out);
        }
      }
      const at = this.shuffles ? (this.random.bytes(1)[0] as number) % Math.max(1, this.waiting.length) : 0;
      const [next] = this.waiting.splice(at, 1);
      if (next === undefined) return;
      this.answer(next.asker, next.out);
    }
  }

  private run(index: number, start: (dht: Dht) => number): number {
    const operation = start(this.peer(index).dht);
    this.settle();
    return operation;
  }

  private answer(asker: RingPeer, out: Extract<DhtOutput, { kind: 'request' }>): void {
    const request = decodeDhtRequest(out.payload);
    assert(request !== undefined, 'requests can be read');
    assert(request.op !== 'copy', 'no copies yet');
    const { key } = 'record' in request ? request.record : request;
    const place = asker.dht.positions(key).findIndex(each => peerKey(each) === peerKey(out.position));
    const lie = this.lies(place);
    const isLost = this.lost(asker, place, true);
    const honest = isLost ? undefined : this.nearest(out.position).dht.serve(out.payload, this.now);
    const answer = lie === undefined ? honest : encodeDhtAnswer(lie);
    this.served();
    if (answer === undefined || this.lost(asker, place, false)) asker.dht.unanswered(out.tag);
    else asker.dht.answered(out.tag, answer, this.now);
  }
}

/** A record of kind MEMBER about KEY, as `put` takes it. */
export function card(value: Uint8Array) {
  return { kind: RecordKind.MEMBER, key: KEY, value, lifetimeS: 60 };
}

/** One of kind ADDRESS. */
export function claim() {
  return { kind: RecordKind.ADDRESS, key: KEY, value: new Uint8Array(4), lifetimeS: 60 };
}

/** The answer that brings one record. */
export function ok(record: ReturnType<typeof makeRecord>): DhtAnswer {
  return { status: 'ok', more: false, records: [record] };
}

/** How a write ended. */
export function stored(outputs: RingPeer['outputs'], operation: number | undefined) {
  const out = outputs.find(each => each.operation === operation);
  assert(out?.kind === 'stored', 'a write ends as stored');
  return out;
}

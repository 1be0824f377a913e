/** DHT machines on a ring that finds the nearest one for them (faults.md rows 2, 5, 19, 20, 66, 68). */
import { sha256 } from '@noble/hashes/sha2.js';
import { assert, type Instant, WallClock } from '@warren/base';
import { SeededRandom, simAuthority, simCredentials, simMember, simSign, simVerifier } from '@warren/sim';
import { Authority } from '@warren/trust';
import {
  compareDistance,
  type DhtAnswer,
  decodeDhtAnswer,
  decodeDhtRequest,
  encodeDhtAnswer,
  encodeDhtRequest,
  type PeerId,
  peerKey,
  RecordKind,
} from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { Dht, type DhtOutput, REPLICAS } from './dht.ts';
import { makeRecord, type RecordContext } from './records.ts';

const NOW = 1_767_312_000_000;
const KEY = new Uint8Array(20).fill(7);
const { ADDRESS, MEMBER } = RecordKind;
let random = new SeededRandom(0);
let ca = simAuthority(random, NOW);

beforeEach(() => {
  random = new SeededRandom(3);
  ca = simAuthority(random, NOW);
});

describe.each([1, 2, 4, 8])('with %i storers', size => {
  test('what one puts, all get', () => {
    const ring = new Ring(size);
    expect(ring.put(0, Uint8Array.of(1))).toMatchObject({ result: 'ok' });
    for (let i = 0; i < size; i++) expect(ring.values(i)).toEqual([[1]]);
  });

  test('a later put replaces the earlier one, even in the same millisecond', () => {
    const ring = new Ring(size);
    for (const value of [1, 2, 3]) expect(ring.put(0, Uint8Array.of(value))).toMatchObject({ result: 'ok' });
    expect(ring.values(size - 1)).toEqual([[3]]);
  });

  test('faults #68 a claim holds against others, who hear whose it is, until it expires', () => {
    const ring = new Ring(Math.max(size, 2));
    const [first, second] = [ring.peer(0), ring.peer(1)];
    expect(ring.create(0)).toEqual({ kind: 'stored', operation: 1, result: 'ok' });
    expect(ring.create(1)).toMatchObject({ result: 'taken', holder: peerKey(first.id) });
    ring.pass(59_999);
    expect(ring.create(0)).toMatchObject({ result: 'ok' });
    ring.pass(59_999);
    expect(ring.create(1)).toMatchObject({ result: 'taken' });
    ring.pass(1);
    expect(ring.create(1)).toMatchObject({ result: 'ok' });
    expect(ring.holder(0)).toBe(peerKey(second.id));
  });

  test('of two who claim at once exactly one wins, and all see the same holder', () => {
    for (let round = 0; round < 20; round++) {
      const ring = new Ring(Math.max(size, 2));
      ring.shuffles = true;
      const [a, b] = [ring.peer(0), ring.peer(1)];
      const operations = [a, b].map(({ dht }) => dht.create(claim(), ring.now));
      ring.settle();
      const results = [a, b].map(({ outputs }, i) => stored(outputs, operations[i]));
      expect(results.map(({ result }) => result).sort()).toEqual(['ok', 'taken']);
      const winner = results[0]?.result === 'ok' ? a : b;
      expect(results.find(({ result }) => result === 'taken')?.holder).toBe(peerKey(winner.id));
      for (let i = 0; i < ring.peers.length; i++) expect(ring.holder(i)).toBe(peerKey(winner.id));
    }
  });
});

describe('many writers', () => {
  test('under one key are all found, page by page', () => {
    const ring = new Ring(6);
    const writers = Array.from({ length: 40 }, () => ring.outsider());
    for (const writer of writers) {
      writer.dht.put(card(Uint8Array.of(1)), ring.now);
      ring.settle();
    }
    const found = ring.get(0, MEMBER);
    expect(found.records.map(({ writer }) => peerKey(writer.leaf.peerId)).sort()).toEqual(
      writers.map(({ id }) => peerKey(id)).sort(),
    );
  });
});

describe('answers that are lost', () => {
  test.each([
    [1, 'ok'],
    [2, 'failed'],
    [4, 'failed'],
  ])('from %i of 4 replicas make a put %s', (lost, result) => {
    const ring = new Ring(8);
    ring.lost = (_, place) => place < lost;
    expect(ring.put(0, Uint8Array.of(1))).toMatchObject({ result });
  });

  test('make a get partial: it says how many answered', () => {
    const ring = new Ring(8);
    ring.put(0, Uint8Array.of(1));
    ring.lost = (_, place) => place < 3;
    expect(ring.get(1, MEMBER)).toMatchObject({ answers: 1, records: [{}] });
    ring.lost = () => true;
    expect(ring.get(1, MEMBER)).toMatchObject({ answers: 0, records: [] });
  });

  test('faults #20 a record survives the loss of three of its four holders', () => {
    const ring = new Ring(8);
    ring.put(0, Uint8Array.of(1));
    const places = ring.peer(0).dht.positions(KEY);
    const holders = new Set(places.map(place => ring.nearest(place)));
    for (const holder of [...holders].slice(0, holders.size - 1)) ring.remove(holder);
    expect(ring.values(0)).toEqual([[1]]);
  });

  test('faults #66 the newest of what the replicas hold is what counts', () => {
    const ring = new Ring(8);
    ring.put(0, Uint8Array.of(1));
    ring.lost = (_, place, isRequest) => isRequest && place < 3;
    ring.put(0, Uint8Array.of(2));
    ring.lost = () => false;
    expect(ring.values(1)).toEqual([[2]]);
  });
});

describe('a storer that lies', () => {
  const lies: readonly (readonly [string, (ring: Ring) => DhtAnswer])[] = [
    ['a record of another key', ring => ok(ring.record(0, { key: new Uint8Array(20) }))],
    ['a record of another kind', ring => ok(ring.record(0, { kind: ADDRESS, value: new Uint8Array(4) }))],
    ['a forged record', ring => ok({ ...ring.record(0), value: Uint8Array.of(66) })],
    ['an older record', ring => ok(ring.record(0, { sequence: 1 }))],
    ['nothing', () => ({ status: 'not-found', more: false, records: [] })],
    ['that there is ever more', ring => ({ ...ok(ring.record(0, { sequence: 1 })), more: true })],
  ];

  test.each(lies)('faults #2 with %s changes nothing while one replica is honest', (_, lie) => {
    const ring = new Ring(8);
    ring.put(0, Uint8Array.of(1));
    let served = 0;
    ring.lies = place => (place < 3 ? lie(ring) : undefined);
    ring.served = () => served++;
    expect(ring.values(1)).toEqual([[1]]);
    expect(served).toBeLessThan(4 * 26);
  });

  test('faults #2 about the holder of a claim takes it from nobody', () => {
    const ring = new Ring(8);
    const taken = (writer: number) => {
      const record = ring.record(writer, { kind: ADDRESS, value: new Uint8Array(4) });
      return { status: 'taken', more: false, records: [record] } as const;
    };
    for (const writer of [0, 5]) {
      ring.lies = place => (place < 1 ? taken(writer) : undefined);
      expect(ring.create(0)).toMatchObject({ result: 'ok' });
    }
  });

  test('faults #68 an old record put again by anybody is refused', () => {
    const ring = new Ring(8);
    const old = ring.record(0, { sequence: NOW - 1 });
    ring.put(0, Uint8Array.of(1));
    const position = ring.peer(0).dht.positions(KEY)[0] as PeerId;
    const storer = ring.nearest(position);
    const answer = storer.dht.serve(encodeDhtRequest({ op: 'put', position, record: old }), ring.now);
    expect(decodeDhtAnswer(answer ?? new Uint8Array(0))?.status).toBe('refused');
    expect(ring.values(1)).toEqual([[1]]);
  });
});

describe('a storer', () => {
  test('faults #5 takes records only at the places of their key', () => {
    const ring = new Ring(1);
    const { dht } = ring.peer(0);
    for (const [position, status] of [[dht.positions(KEY)[0], 'ok'], [random.bytes(20), 'refused']] as const) {
      const answer = dht.serve(encodeDhtRequest({ op: 'put', position: position as PeerId, record: ring.record(0) }), 0);
      expect(decodeDhtAnswer(answer ?? new Uint8Array(0))?.status).toBe(status);
    }
    expect(dht.stats.refused).toBe(1);
  });

  test('takes nothing from a writer whose statement is over', () => {
    const ring = new Ring(1);
    const { dht, context } = ring.peer(0);
    const end = context.credentials.statement.notAfter - NOW;
    const position = dht.positions(KEY)[0] as PeerId;
    for (const [now, status] of [[end + 299_000, 'ok'], [end + 301_000, 'refused']] as const) {
      const record = makeRecord(context, { ...card(Uint8Array.of(1)), sequence: now + NOW }, end + 298_000);
      const answer = dht.serve(encodeDhtRequest({ op: 'put', position, record }), now);
      expect([now, decodeDhtAnswer(answer ?? new Uint8Array(0))?.status]).toEqual([now, status]);
    }
  });

  test('counts malformed bytes and does not answer them', () => {
    const ring = new Ring(1);
    expect(ring.peer(0).dht.serve(Uint8Array.of(1, 2, 3), 0)).toBeUndefined();
    expect(ring.peer(0).dht.stats.malformed).toBe(1);
  });

  test('drops what has expired, and then sleeps', () => {
    const ring = new Ring(1);
    ring.put(0, Uint8Array.of(1));
    const { dht } = ring.peer(0);
    expect(dht.store.size).toBe(REPLICAS);
    ring.pass(80_000);
    expect(dht.store.size).toBe(0);
    expect(dht.wakeAt).toBeUndefined();
  });

  test('faults #19 hands copies over to a newcomer who is nearer', () => {
    const ring = new Ring(3);
    ring.put(0, Uint8Array.of(1));
    const position = ring.peer(0).dht.positions(KEY)[0] as PeerId;
    const before = ring.nearest(position);
    const newcomer = ring.add(position);
    expect(newcomer.dht.store.size).toBe(0);
    before.dht.neighbourhoodChanged(place => ring.nearest(place) === before, ring.now);
    ring.pass(1000);
    expect(newcomer.dht.store.size).toBeGreaterThanOrEqual(1);
    ring.lost = (_, place) => place > 0;
    expect(ring.values(0)).toEqual([[1]]);
  });

  test('hands 100 copies over in batches, though the neighbourhood changes all the time', () => {
    const ring = new Ring(1);
    const { dht } = ring.peer(0);
    for (let i = 0; i < 25; i++) ring.put(0, Uint8Array.of(1), new Uint8Array(20).fill(i));
    ring.outputsOf(0);
    const perSecond = () => {
      let requests = 0;
      for (let i = 0; i < 20; i++) {
        dht.neighbourhoodChanged(() => false, ring.now);
        ring.now += 50;
        dht.tick(ring.now);
        while (dht.poll() !== undefined) requests++;
      }
      return requests;
    };
    expect(perSecond()).toBe(5 * 32);
  });
});

describe('what an asker remembers', () => {
  test('is bounded: the oldest of 2,000 operations end without answers', () => {
    const ring = new Ring(1);
    const { dht } = ring.peer(0);
    for (let i = 0; i < 2000; i++) dht.get(MEMBER, KEY);
    let ended = 0;
    for (let out = dht.poll(); out !== undefined; out = dht.poll()) if (out.kind === 'found') ended++;
    expect(ended).toBe(2000 - 256);
  });

  test('answers that nobody waits for are ignored', () => {
    const ring = new Ring(1);
    const { dht } = ring.peer(0);
    dht.answered(999, encodeDhtAnswer(ok(ring.record(0))), 0);
    dht.unanswered(999);
    expect(dht.poll()).toBeUndefined();
  });
});

interface RingPeer {
  readonly id: PeerId;
  readonly context: RecordContext;
  readonly dht: Dht;
  readonly outputs: Exclude<DhtOutput, { kind: 'request' }>[];
}

/** Machines that store, and an overlay that is always right. */
class Ring {
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

  constructor(size: number) {
    for (let i = 0; i < size; i++) this.add();
  }

  add(peerId: PeerId = random.bytes(20)): RingPeer {
    const peer = this.outsider(peerId);
    this.peers.push(peer);
    return peer;
  }

  /** One that asks and stores nothing. */
  outsider(peerId: PeerId = random.bytes(20)): RingPeer {
    const identity = simMember(ca, { user: 'ada', device: 'laptop', peerId }, random, NOW);
    const credentials = simCredentials(identity, random, NOW);
    const authority = Authority.group(ca.der, { verifier: simVerifier() });
    assert(authority !== undefined, 'the CA is good');
    const context = { authority, credentials, wallClock: new WallClock(NOW, 0), sign: simSign };
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
    return stored(this.peer(index).outputs, this.run(index, dht => dht.put({ ...card(value), key }, this.now)));
  }

  create(index: number) {
    return stored(this.peer(index).outputs, this.run(index, dht => dht.create(claim(), this.now)));
  }

  get(index: number, kind: RecordKind) {
    const operation = this.run(index, dht => dht.get(kind, KEY));
    const found = this.peer(index).outputs.find(out => out.operation === operation);
    assert(found?.kind === 'found', 'a get ends as found');
    return found;
  }

  values(index: number): number[][] {
    return this.get(index, MEMBER).records.map(({ record }) => [...record.value]);
  }

  holder(index: number): string {
    return peerKey(this.get(index, ADDRESS).records[0]?.writer.leaf.peerId ?? new Uint8Array(0));
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
      const at = this.shuffles ? (random.bytes(1)[0] as number) % Math.max(1, this.waiting.length) : 0;
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
    const key = request.op === 'get' ? request.key : request.record.key;
    const place = asker.dht.positions(key).findIndex(each => peerKey(each) === peerKey(out.position));
    if (this.lost(asker, place, true)) return asker.dht.unanswered(out.tag);
    const lie = this.lies(place);
    const honest = this.nearest(out.position).dht.serve(out.payload, this.now);
    const answer = lie === undefined ? honest : encodeDhtAnswer(lie);
    this.served();
    if (answer === undefined || this.lost(asker, place, false)) asker.dht.unanswered(out.tag);
    else asker.dht.answered(out.tag, answer, this.now);
  }
}

function card(value: Uint8Array) {
  return { kind: MEMBER, key: KEY, value, lifetimeS: 60 };
}

function claim() {
  return { kind: ADDRESS, key: KEY, value: new Uint8Array(4), lifetimeS: 60 };
}

function ok(record: ReturnType<typeof makeRecord>): DhtAnswer {
  return { status: 'ok', more: false, records: [record] };
}

function stored(outputs: RingPeer['outputs'], operation: number | undefined) {
  const out = outputs.find(each => each.operation === operation);
  assert(out?.kind === 'stored', 'a write ends as stored');
  return out;
}

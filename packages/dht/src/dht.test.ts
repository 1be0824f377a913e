/** DHT machines on a ring that finds the nearest one for them (faults.md rows 2, 5, 19, 20, 66, 68). */
import { EPOCH_UNIX_MS, SeededRandom, SimRecords } from '@warren/sim';
import {
  type DhtAnswer,
  type DhtRecord,
  decodeDhtAnswer,
  encodeDhtAnswer,
  encodeDhtRequest,
  type PeerId,
  peerKey,
  RecordKind,
} from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { REPLICAS } from './dht.ts';
import { makeRecord } from './records.ts';
import { card, claim, KEY, ok, Ring, stored } from './testbed.ts';

const NOW = EPOCH_UNIX_MS;
const { ADDRESS, MEMBER } = RecordKind;
let random = new SeededRandom(0);
let members = new SimRecords(0);
let count = 0;

beforeEach(() => {
  random = new SeededRandom(3);
  members = new SimRecords(3);
  count = 0;
});

describe.each([1, 2, 4, 8])('with %i storers', size => {
  test('what one puts, all get', () => {
    const ring = ringOf(size);
    expect(ring.put(0, Uint8Array.of(1))).toMatchObject({ result: 'ok' });
    for (let i = 0; i < size; i++) expect(ring.values(i)).toEqual([[1]]);
  });

  test('a later put replaces the earlier one, even in the same millisecond', () => {
    const ring = ringOf(size);
    for (const value of [1, 2, 3]) expect(ring.put(0, Uint8Array.of(value))).toMatchObject({ result: 'ok' });
    expect(ring.values(size - 1)).toEqual([[3]]);
  });

  test('faults #68 a claim holds against others, who hear whose it is, until it expires', () => {
    const ring = ringOf(Math.max(size, 2));
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
    for (let round = 0; round < 6; round++) {
      const ring = ringOf(Math.max(size, 2));
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
    const ring = ringOf(6);
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

describe('a key that is read again', () => {
  test('comes without what is known of its writers, in fewer answers; who is new is asked for whole', () => {
    const ring = ringOf(6);
    const write = (writer: ReturnType<Ring['outsider']>) => {
      writer.dht.put(card(Uint8Array.of(1)), ring.now);
      ring.settle();
    };
    const read = () => {
      const before = ring.answeredBytes;
      const found = ring.get(0, MEMBER).records.length;
      return { found, bytes: ring.answeredBytes - before };
    };
    for (let i = 0; i < 40; i++) write(ring.outsider());
    const first = read();
    const again = read();
    expect([first.found, again.found]).toEqual([40, 40]);
    expect(again.bytes).toBeLessThan(first.bytes / 4);
    for (let i = 0; i < 10; i++) write(ring.outsider());
    const more = read();
    expect(more.found).toBe(50);
    expect(more.bytes).toBeLessThan(first.bytes);
    const last = read();
    expect(last).toMatchObject({ found: 50 });
    expect(last.bytes).toBeLessThan(1.3 * again.bytes);
  });

  test('faults #66 is found though a replica answers with writers whom nobody knows', () => {
    const ring = ringOf(8);
    ring.put(0, Uint8Array.of(1));
    expect(ring.values(1)).toEqual([[1]]);
    const shown = ring.get(0, MEMBER).records[0]?.record;
    let asked = 0;
    ring.lies = (place, request) => {
      if (place !== 2 || request.op !== 'get') return undefined;
      asked++;
      const { noiseStatic: _static, leaf: _leaf, statement: _statement, ...brief } = shown as DhtRecord;
      return { status: 'ok', more: true, records: [], brief: [{ ...brief, writerTag: new Uint8Array(8) }] };
    };
    expect(ring.values(1)).toEqual([[1]]);
    // At the place and beside it, for brief and for whole records.
    expect(asked).toBeLessThanOrEqual(4);
  });
});

describe('answers that are lost', () => {
  test.each([
    [1, 'ok'],
    [2, 'failed'],
    [4, 'failed'],
  ])('from %i of 4 replicas make a put %s', (lost, result) => {
    const ring = ringOf(8);
    ring.lost = (_, place) => place < lost;
    expect(ring.put(0, Uint8Array.of(1))).toMatchObject({ result });
  });

  test('make a get partial: it says how many answered', () => {
    const ring = ringOf(8);
    ring.put(0, Uint8Array.of(1));
    ring.lost = (_, place) => place < 3;
    expect(ring.get(1, MEMBER)).toMatchObject({ answers: 1, records: [{}] });
    ring.lost = () => true;
    expect(ring.get(1, MEMBER)).toMatchObject({ answers: 0, records: [] });
  });

  test('faults #20 a record survives the loss of three of its four holders', () => {
    const ring = ringOf(8);
    ring.put(0, Uint8Array.of(1));
    const places = ring.peer(0).dht.positions(KEY);
    const holders = new Set(places.map(place => ring.nearest(place)));
    for (const holder of [...holders].slice(0, holders.size - 1)) ring.remove(holder);
    expect(ring.values(0)).toEqual([[1]]);
  });

  test('faults #66 the newest of what the replicas hold is what counts', () => {
    const ring = ringOf(8);
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
    const ring = ringOf(8);
    ring.put(0, Uint8Array.of(1));
    let served = 0;
    ring.lies = place => (place < 3 ? lie(ring) : undefined);
    ring.served = () => served++;
    expect(ring.values(1)).toEqual([[1]]);
    expect(served).toBeLessThan(4 * 26);
  });

  test('faults #2 about the holder of a claim takes it from nobody', () => {
    const ring = ringOf(8);
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
    const ring = ringOf(8);
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
    const ring = ringOf(1);
    const { dht } = ring.peer(0);
    for (const [position, status] of [
      [dht.positions(KEY)[0], 'ok'],
      [random.bytes(20), 'refused'],
    ] as const) {
      const answer = dht.serve(
        encodeDhtRequest({ op: 'put', position: position as PeerId, record: ring.record(0) }),
        0,
      );
      expect(decodeDhtAnswer(answer ?? new Uint8Array(0))?.status).toBe(status);
    }
    expect(dht.stats.refused).toBe(1);
  });

  test('takes nothing from a writer whose statement is over', () => {
    const ring = ringOf(1);
    const { dht, context } = ring.peer(0);
    const end = context.credentials.statement.notAfter - NOW;
    const position = dht.positions(KEY)[0] as PeerId;
    for (const [now, status] of [
      [end + 299_000, 'ok'],
      [end + 301_000, 'refused'],
    ] as const) {
      const record = makeRecord(context, { ...card(Uint8Array.of(1)), sequence: now + NOW }, end + 298_000);
      const answer = dht.serve(encodeDhtRequest({ op: 'put', position, record }), now);
      expect([now, decodeDhtAnswer(answer ?? new Uint8Array(0))?.status]).toEqual([now, status]);
    }
  });

  test('counts malformed bytes and does not answer them', () => {
    const ring = ringOf(1);
    expect(ring.peer(0).dht.serve(Uint8Array.of(1, 2, 3), 0)).toBeUndefined();
    expect(ring.peer(0).dht.stats.malformed).toBe(1);
  });

  test('drops what has expired, and then sleeps', () => {
    const ring = ringOf(1);
    ring.put(0, Uint8Array.of(1));
    const { dht } = ring.peer(0);
    expect(dht.store.size).toBe(REPLICAS);
    ring.pass(80_000);
    expect(dht.store.size).toBe(0);
    ring.pass(400_000);
    expect(dht.wakeAt).toBeUndefined();
  });
});

describe('what an asker remembers', () => {
  test('is bounded: the oldest of 2,000 operations end without answers', () => {
    const ring = ringOf(1);
    const { dht } = ring.peer(0);
    for (let i = 0; i < 2000; i++) dht.get(MEMBER, KEY);
    let ended = 0;
    for (let out = dht.poll(); out !== undefined; out = dht.poll()) if (out.kind === 'found') ended++;
    expect(ended).toBe(2000 - 1024 / REPLICAS);
  });

  test('answers that nobody waits for are ignored', () => {
    const ring = ringOf(1);
    const { dht } = ring.peer(0);
    dht.answered(999, encodeDhtAnswer(ok(ring.record(0))), 0);
    dht.unanswered(999, 0);
    expect(dht.poll()).toBeUndefined();
  });
});

function ringOf(size: number): Ring {
  return new Ring(size, random, peerId => members.contextOf(count++, peerId));
}

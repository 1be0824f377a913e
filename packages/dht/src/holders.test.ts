/** Copies beside each place: churn, deaths, restarts, merges, liars beside a key (faults.md rows 16, 19, 20, 30, 64). */
import { WallClock } from '@warren/base';
import { SeededRandom, SimRecords } from '@warren/sim';
import { CLOCK_SKEW_MS } from '@warren/trust';
import {
  type DhtRecord,
  decodeDhtAnswer,
  encodeDhtRequest,
  type PeerId,
  peerKey,
  type RecordCopy,
  RecordKind,
} from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { REPLICAS } from './dht.ts';
import { POLICIES } from './policy.ts';
import { makeRecord } from './records.ts';
import { card, claim, KEY, Ring, type RingPeer, stored } from './testbed.ts';

const { ADDRESS, MAILBOX, MEMBER } = RecordKind;
const NOTHING = { status: 'not-found', more: false, records: [] } as const;
let random = new SeededRandom(0);
let members = new SimRecords(0);
let count = 0;

beforeEach(() => {
  random = new SeededRandom(5);
  members = new SimRecords(5);
  count = 0;
});

describe('copies', () => {
  test('lie at the nearest peer to each place and on both sides of it', () => {
    const ring = ringOf(40);
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    for (const place of places(ring)) {
      const [before, nearest, after] = aroundOf(ring, place);
      expect([before, nearest, after].map(peer => holds(peer, place))).toEqual([true, true, true]);
    }
    expect(total(ring)).toBe(3 * REPLICAS);
  });

  test('cost nothing while nothing changes, and of renewals only every other one', () => {
    const ring = ringOf(40);
    const copies = counted(ring, 'copy');
    for (let i = 0; i < 8; i++) {
      ring.put(0, Uint8Array.of(1));
      ring.pass(20_000);
    }
    expect(copies()).toBeLessThanOrEqual((8 / 2) * 2 * REPLICAS);
    const before = copies();
    for (let i = 0; i < 5; i++) ring.tellAll();
    ring.pass(5000);
    expect(copies()).toBe(before);
  });

  test('faults #20 of 24 keys none is lost when one, two or three adjacent peers die, though no writer renews', () => {
    for (const k of [1, 2, 3]) {
      const ring = ringOf(40);
      const keys = many(ring, 24);
      for (let at = 0; at < 40 - k; at += 10) {
        ring.remove(...ring.adjacent(ring.inOrder()[at] as RingPeer, k));
        ring.pass(5000);
      }
      const reader = ring.outsider();
      ring.peers.unshift(reader);
      expect(keys.filter(key => ring.get(0, MEMBER, {}, key).records.length === 0)).toEqual([]);
    }
  });

  test('survive the nearest peer of each place, one after the other, though the writer is gone', () => {
    const ring = ringOf(40);
    const writer = ring.outsider();
    writer.dht.put({ ...card(Uint8Array.of(1)), lifetimeS: 300 }, ring.now);
    ring.settle();
    ring.pass(1000);
    for (let round = 0; round < 4; round++) {
      for (const place of places(ring)) ring.remove(ring.nearest(place));
      ring.pass(3000);
    }
    expect(ring.values(0)).toEqual([[1]]);
    for (const place of places(ring)) expect(holds(ring.nearest(place), place)).toBe(true);
  });

  test('faults #19 are handed to a newcomer who is nearer, once', () => {
    const ring = ringOf(20);
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    const copies = counted(ring, 'copy');
    const [place] = places(ring) as [PeerId];
    const newcomer = ring.add(place);
    ring.pass(3000);
    expect(holds(newcomer, place)).toBe(true);
    expect(copies()).toBeLessThanOrEqual(4);
    ring.lost = (_, at) => at > 0;
    expect(ring.values(0)).toEqual([[1]]);
  });

  test('of many records leave slowly enough for a thin line, though the ring changes all the time', () => {
    const ring = ringOf(1);
    const { dht } = ring.peer(0);
    for (let i = 0; i < 50; i++) ring.put(0, Uint8Array.of(1), new Uint8Array(20).fill(i));
    let records = 0;
    for (let i = 0; i < 20; i++) {
      dht.neighbourhoodChanged([`${'0'.repeat(38)}${i + 10}`, `f${'0'.repeat(37)}${i + 10}`], ring.now);
      ring.now += 50;
      dht.tick(ring.now);
      for (let out = dht.poll(); out !== undefined; out = dht.poll()) if (out.kind === 'request') records++;
    }
    expect(dht.stats.copied).toBeLessThanOrEqual(2 * 5 * 32);
    expect(records).toBeLessThanOrEqual(2 * 5 * 4);
  });

  test('leave with a goodbye before anything has been copied', () => {
    const ring = ringOf(20);
    ring.put(0, Uint8Array.of(1));
    for (const place of places(ring)) {
      const nearest = ring.nearest(place);
      nearest.dht.leave(ring.now);
      ring.settle();
      ring.remove(nearest);
    }
    expect(ring.values(0)).toEqual([[1]]);
  });
});

describe('a copy', () => {
  test('faults #68 cannot shorten the life of a record: said by strangers it counts nothing, and nothing is left of none', () => {
    const ring = ringOf(40);
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    const [place] = places(ring) as [PeerId];
    const [{ record }] = [...ring.nearest(place).dht.store.all(ring.now)] as unknown as [{ record: DhtRecord }];
    const taken = (leftS: number, neighbour: 'beside' | 'far') => {
      const holder = ring.add(beside(place));
      const near = ring.adjacent(holder, 20)[neighbour === 'beside' ? 1 : 19] as RingPeer;
      const status = copyTo(ring, holder, near, { position: place, heldS: 0, leftS, record });
      const [held] = holder.dht.store.all(ring.now);
      ring.remove(holder);
      return [status, held && held.until - ring.now];
    };
    expect(taken(0, 'far')).toEqual(['partly', undefined]);
    expect(taken(0, 'beside')).toEqual(['partly', undefined]);
    expect(taken(1, 'far')).toEqual(['ok', 60_000]);
    expect(taken(1, 'beside')).toEqual(['ok', 59_000]);
    expect(taken(30, 'far')).toEqual(['ok', 60_000]);
  });

  test('faults #68 that nobody takes is not counted as there, and is offered again', () => {
    const ring = ringOf(40);
    const [place] = places(ring) as [PeerId];
    ring.write(0, dht => dht.put({ kind: MAILBOX, key: KEY, value: Uint8Array.of(1), lifetimeS: 172_800 }, ring.now));
    const [, nearest, after] = aroundOf(ring, place) as [RingPeer, RingPeer, RingPeer];
    after.lies = ({ op }) => (op === 'copy' ? { status: 'partly', more: false, records: [], untaken: 1 } : undefined);
    ring.pass(2000);
    const [held] = nearest.dht.store.all(ring.now);
    expect(held?.shared.has(after.key)).toBe(false);
    expect(held?.shared.size).toBe(1);
    after.lies = undefined;
    ring.pass(620_000);
    expect(holds(after, place)).toBe(true);
  });

  test('faults #19 goes again to a neighbour that runs anew with nothing, and to one that was gone for a while', () => {
    const ring = ringOf(40);
    const writer = ring.outsider();
    writer.dht.put({ kind: MAILBOX, key: KEY, value: Uint8Array.of(1), lifetimeS: 172_800 }, ring.now);
    ring.settle();
    ring.pass(1000);
    const [first, second] = places(ring) as [PeerId, PeerId];
    const anew = ring.nearest(first);
    anew.disk.clear();
    ring.restart(anew);
    const { id } = ring.nearest(second);
    ring.remove(ring.nearest(second));
    ring.pass(1000);
    const back = ring.add(id);
    ring.pass(3000);
    expect([holds(anew, first), holds(back, second)]).toEqual([true, true]);
  });

  test('that is elsewhere is remembered of those beside us only, whoever comes and goes', () => {
    const ring = ringOf(20);
    ring.write(0, dht => dht.put({ kind: MAILBOX, key: KEY, value: Uint8Array.of(1), lifetimeS: 172_800 }, ring.now));
    ring.pass(1000);
    const [place] = places(ring) as [PeerId];
    for (let i = 0; i < 30; i++) {
      const passing = ring.add(beside(place, i + 1));
      ring.pass(500);
      ring.remove(passing);
      ring.pass(500);
    }
    for (const { dht } of ring.peers) {
      for (const { shared } of dht.store.all(ring.now)) expect(shared.size).toBeLessThanOrEqual(6);
    }
  });
});

describe('a newcomer nearest to a claimed key', () => {
  test('faults #68 lets nobody else claim it: not at once, nor before those beside it have handed it over', () => {
    for (const waitMs of [0, 900]) {
      const ring = ringOf(20);
      expect(ring.create(0)).toMatchObject({ result: 'ok' });
      ring.pass(40_000);
      ring.create(0);
      ring.pass(1000);
      const before = ring.now;
      for (const place of places(ring).slice(0, 3)) ring.add(beside(place));
      ring.now = before + waitMs;
      const operation = ring.peer(1).dht.create(claim(), ring.now);
      ring.pass(5000);
      expect(stored(ring.peer(1).outputs, operation)).toMatchObject({ result: 'taken', holder: ring.peer(0).key });
      expect([waitMs, ring.holder(2)]).toEqual([waitMs, ring.peer(0).key]);
      expect(ring.create(0)).toMatchObject({ result: 'ok' });
    }
  });

  test('faults #68 has its younger claim overruled by the older one of those beside it, and takes theirs', () => {
    const ring = ringOf(20);
    expect(ring.create(0)).toMatchObject({ result: 'ok' });
    ring.pass(40_000);
    ring.create(0);
    ring.pass(1000);
    const [place] = places(ring) as [PeerId];
    const evil = makeRecord(ring.peer(1).context, { ...claim(), sequence: 1 }, ring.now);
    const newcomer = ring.add(beside(place));
    newcomer.dht.serve(encodeDhtRequest({ op: 'create', position: place, record: evil }), ring.now);
    expect(claimants(newcomer, ring.now)).toEqual([ring.peer(1).key]);
    ring.pass(5000);
    for (const peer of aroundOf(ring, place)) expect(claimants(peer, ring.now)).toEqual([ring.peer(0).key]);
  });
});

describe('a disk', () => {
  test('has a record before anybody is told that it is stored, and gives it back after a restart', () => {
    const ring = ringOf(4);
    ring.write(0, dht => dht.put(message(), ring.now));
    const kept = ring.peers.reduce((sum, peer) => sum + peer.disk.size, 0);
    expect(kept).toBe(total(ring));
    for (const peer of [...ring.peers]) ring.restart(peer);
    expect(total(ring)).toBe(kept);
    expect(ring.get(1, MAILBOX).records).toHaveLength(1);
    for (const peer of ring.peers) for (const slot of peer.disk.keys()) expect(slot).toMatch(/^[0-9a-z]{1,128}$/);
  });

  test('is cleared of what ends, and gives nothing back that has ended, is forged or torn', () => {
    const ring = ringOf(1);
    ring.write(0, dht => dht.put(message(), ring.now));
    const peer = ring.peer(0);
    const [slot, bytes] = [...peer.disk][0] as [string, Uint8Array];
    const forged = bytes.slice();
    forged[bytes.length - 70] = (forged[bytes.length - 70] as number) ^ 1;
    peer.disk.clear();
    peer.disk.set(slot, forged).set('torn', bytes.subarray(0, 200)).set('empty', new Uint8Array(0));
    ring.restart(peer);
    expect(peer.dht.store.size).toBe(0);
    peer.disk.set(slot, bytes);
    ring.now += 59_000;
    ring.restart(peer);
    expect(peer.dht.store.size).toBe(1);
    ring.pass(20_000);
    expect([peer.dht.store.size, peer.disk.has(slot)]).toEqual([0, false]);
    peer.disk.set(slot, bytes);
    ring.restart(peer);
    expect(peer.dht.store.size).toBe(0);
  });

  test('is spared what its writers renew all the time while they are there', () => {
    const ring = ringOf(4);
    ring.put(0, Uint8Array.of(1));
    expect(ring.peers.map(peer => peer.disk.size)).toEqual([0, 0, 0, 0]);
  });
});

describe('faults #30 two rings that become one', () => {
  test('agree on the newest record of each writer', () => {
    const [a, b] = [ringOf(12), ringOf(12)];
    const writer = a.peer(0);
    a.put(0, Uint8Array.of(1));
    const there = b.add(writer.id);
    b.now = a.now = 5000;
    b.put(12, Uint8Array.of(2));
    b.remove(there);
    a.join(b);
    a.pass(5000);
    for (let i = 0; i < 24; i += 5) expect(a.values(i)).toEqual([[2]]);
    for (const place of places(a)) expect(holds(a.nearest(place), place)).toBe(true);
  });

  test('agree on the claim that its holders saw first, whatever the claimants say; the other one hears of it', () => {
    for (const isFirst of [true, false]) {
      const [a, b] = [ringOf(12), ringOf(12)];
      const [early, late] = isFirst ? [a, b] : [b, a];
      expect(early.create(0)).toMatchObject({ result: 'ok' });
      early.pass(30_000);
      late.now = early.now;
      expect(late.create(0)).toMatchObject({ result: 'ok' });
      early.create(0);
      const [winner, loser] = [early.peer(0), late.peer(0)];
      a.join(b);
      a.pass(5000);
      for (let i = 0; i < 24; i += 5) expect(a.holder(i)).toBe(winner.key);
      const outcome = a.write(a.peers.indexOf(loser), dht => dht.create(claim(), a.now));
      expect(outcome).toMatchObject({ result: 'taken', holder: winner.key });
    }
  });

  test('faults #68 no stranger takes a claim over by saying that he saw another one earlier', () => {
    const ring = ringOf(40);
    ring.create(0);
    ring.pass(1000);
    const claimed = ring.record(1, { ...claim() });
    for (const position of places(ring)) {
      const copies = [{ position, heldS: 4_000_000, leftS: 60, record: claimed }];
      const payload = encodeDhtRequest({ op: 'copy', copies });
      const holder = ring.nearest(position);
      const [writer, far] = [ring.peer(1), ring.adjacent(holder, 20)[19] as RingPeer];
      for (const via of [
        { neighbour: far.key, source: far.key },
        { neighbour: writer.key, source: writer.key },
      ]) {
        holder.dht.serve(payload, ring.now, via);
      }
      const beside = ring.adjacent(holder, 2)[1] as RingPeer;
      holder.dht.serve(payload, ring.now, { neighbour: beside.key, source: '' });
    }
    expect(ring.holder(5)).toBe(ring.peer(0).key);
  });
});

describe('holders that do not tell the truth', () => {
  test('faults #64 a liar at each place hides nothing from a thorough reader: copies lie beside', () => {
    const ring = ringOf(60);
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    for (const place of places(ring)) ring.nearest(place).lies = ({ op }) => (op === 'get' ? NOTHING : undefined);
    const honest = ring.peers.findIndex(peer => peer.lies === undefined);
    let found = 0;
    for (let i = 0; i < 10; i++) found += ring.values(honest, { isThorough: true }).length;
    expect(found).toBeGreaterThanOrEqual(8);
  });

  test('are named when they disagree, and given what they lack, within bounds', () => {
    const ring = ringOf(60);
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    const [, second] = places(ring) as [PeerId, PeerId];
    const forgetful = ring.nearest(second);
    forgetful.dht.close();
    expect(ring.get(1, MEMBER)).toMatchObject({ disagreement: [1], answers: 4, records: [{}] });
    expect(holds(forgetful, second)).toBe(true);
    expect(ring.get(1, MEMBER)).toMatchObject({ disagreement: [] });
    forgetful.lies = ({ op }) => (op === 'get' ? NOTHING : undefined);
    const puts = counted(ring, 'put');
    for (let i = 0; i < 100; i++) ring.get(1, MEMBER);
    expect(puts()).toBeLessThanOrEqual(32);
  });

  test('faults #16 a writer notices records that a holder dropped, and puts them there again', () => {
    const ring = ringOf(60);
    ring.write(0, dht => dht.put({ ...card(Uint8Array.of(1)), lifetimeS: POLICIES[MEMBER].lifetimeMaxS }, ring.now));
    ring.pass(1000);
    const writer = ring.peer(0);
    for (const place of places(ring)) if (ring.nearest(place) !== writer) ring.nearest(place).dht.close();
    ring.pass(280_000);
    expect(writer.dht.stats.lost).toBeGreaterThanOrEqual(1);
    expect(writer.dht.stats.lost).toBeLessThanOrEqual(10);
  });

  test('faults #16 a writer whose record is gone is not misled by the next one under its key, nor told of a double', () => {
    const ring = ringOf(30);
    const order = ring.inOrder().slice(10, 12) as [RingPeer, RingPeer];
    const [first, next] = order.map(peer => ring.peers.indexOf(peer)) as [number, number];
    for (const writer of [first, next]) {
      ring.write(writer, dht => dht.put({ ...card(Uint8Array.of(writer)), lifetimeS: 300 }, ring.now));
      ring.pass(1000);
    }
    for (const { dht } of ring.peers) dht.store.dropWriters(leaf => peerKey(leaf.peerId) === order[0].key);
    ring.pass(280_000);
    expect(order[0].dht.stats.lost).toBeGreaterThanOrEqual(1);
    expect(order[0].outputs.some(({ kind }) => kind === 'doubled')).toBe(false);
  });

  test('a light read asks two replicas when they agree, and all when they do not', () => {
    const ring = ringOf(60);
    ring.put(0, Uint8Array.of(1));
    const gets = counted(ring, 'get');
    expect(ring.values(1, { isLight: true })).toEqual([[1]]);
    expect(gets()).toBe(2);
    for (const place of places(ring).slice(0, 3)) ring.nearest(place).dht.close();
    expect(ring.values(2, { isLight: true }).length).toBeLessThanOrEqual(1);
    expect(ring.values(2)).toEqual([[1]]);
  });
});

describe('a clock that is wrong', () => {
  test('faults #33 five minutes slow or fast: records live as long as others, and no longer', () => {
    for (const aheadMs of [-CLOCK_SKEW_MS + 1000, CLOCK_SKEW_MS - 1000]) {
      const ring = ringOf(10);
      const writer = ring.add();
      Object.assign(writer.context, { wallClock: new WallClock(ringTime() + aheadMs, 0) });
      writer.dht = ring.machine(writer.context);
      ring.tellAll();
      expect(ring.put(10, Uint8Array.of(1))).toMatchObject({ result: 'ok' });
      ring.pass(59_000);
      expect(ring.values(1)).toEqual([[1]]);
      ring.pass(1500);
      expect(ring.values(1)).toEqual([]);
    }
  });

  test('faults #68 an ended record that somebody kept is refused by those who held it', () => {
    const ring = ringOf(10);
    const record = makeRecord(ring.peer(0).context, { ...card(Uint8Array.of(1)), sequence: 1 }, 0);
    const put = () => {
      for (const position of places(ring)) {
        ring.nearest(position).dht.serve(encodeDhtRequest({ op: 'put', position, record }), ring.now);
      }
    };
    put();
    ring.pass(61_000);
    put();
    expect(ring.values(1)).toEqual([]);
  });
});

test('faults #70 readers of one key spread over its holders: none answers more than others by far', () => {
  const ring = ringOf(50);
  ring.put(0, Uint8Array.of(1));
  ring.pass(1000);
  for (const peer of ring.peers) peer.served = 0;
  for (let i = 0; i < 160; i++) ring.get(i % 50, MEMBER, { isLight: true });
  const loads = ring.peers.map(({ served }) => served).filter(served => served > 0);
  loads.sort((a, b) => a - b);
  const median = loads[loads.length >> 1] as number;
  expect(Math.max(...loads)).toBeLessThanOrEqual(2 * median);
  expect(loads.length).toBeGreaterThanOrEqual(3);
});

function ringOf(size: number): Ring {
  return new Ring(size, random, peerId => members.contextOf(count++, peerId));
}

function ringTime(): number {
  return members.contextOf(0, random.bytes(20)).wallClock.at(0);
}

/** What is worth a place on a disk. */
function message() {
  return { ...card(Uint8Array.of(1)), kind: MAILBOX };
}

/** An id right beside a place. */
function beside(place: PeerId, distance = 1): PeerId {
  const id = place.slice();
  id[19] = (id[19] as number) ^ distance;
  return id;
}

/** Hands one copy to a holder through a neighbour of it. */
function copyTo(ring: Ring, holder: RingPeer, neighbour: RingPeer, copy: RecordCopy): string | undefined {
  const payload = encodeDhtRequest({ op: 'copy', copies: [copy] });
  const answer = holder.dht.serve(payload, ring.now, { neighbour: neighbour.key, source: neighbour.key });
  return decodeDhtAnswer(answer as Uint8Array)?.status;
}

function claimants(peer: RingPeer, now: number): string[] {
  return [...peer.dht.store.all(now)].filter(({ record }) => record.kind === ADDRESS).map(held => held.writerKey);
}

/** So many keys with a record each, copied. */
function many(ring: Ring, keys: number): Uint8Array[] {
  const all = Array.from({ length: keys }, () => random.bytes(20));
  for (const key of all) ring.write(0, dht => dht.put({ ...card(Uint8Array.of(1)), key, lifetimeS: 300 }, ring.now));
  ring.pass(2000);
  return all;
}

function places(ring: Ring): PeerId[] {
  return ring.peer(0).dht.positions(KEY);
}

function aroundOf(ring: Ring, place: PeerId): RingPeer[] {
  const order = ring.inOrder();
  const at = order.indexOf(ring.nearest(place));
  return [-1, 0, 1].map(step => order[(at + step + order.length) % order.length] as RingPeer);
}

function holds(peer: RingPeer | undefined, place: PeerId): boolean {
  return [...(peer?.dht.store.all(0) ?? [])].some(held => held.position.every((byte, i) => byte === place[i]));
}

function total(ring: Ring): number {
  return ring.peers.reduce((sum, { dht }) => sum + dht.store.size, 0);
}

/** Counts the requests of one kind from here on. */
function counted(ring: Ring, op: string): () => number {
  let requests = 0;
  ring.served = served => {
    if (served === op) requests++;
  };
  return () => requests;
}

test('an address that nobody claimed is nobody’s', () => {
  expect(ringOf(8).get(0, ADDRESS).records).toEqual([]);
});

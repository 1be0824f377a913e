/** Watches, ends of records, floods and doubles (faults.md rows 1, 42, 69, 102). */

import { WallClock } from '@warren/base';
import {
  cheapCrypto,
  EPOCH_UNIX_MS,
  SeededRandom,
  SimRecords,
  simAuthority,
  simCredentials,
  simMember,
} from '@warren/sim';
import { Authority } from '@warren/trust';
import {
  decodeDhtAnswer,
  encodeDhtAnswer,
  encodeDhtNotice,
  encodeDhtRequest,
  type PeerId,
  peerKey,
  RecordKind,
  type WatchRequest,
} from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Dht } from './dht.ts';
import { card, claim, KEY, Ring, type RingPeer } from './testbed.ts';

const { ADDRESS, MEMBER } = RecordKind;
let random = new SeededRandom(0);
let members = new SimRecords(0);
let count = 0;

beforeEach(() => {
  random = new SeededRandom(9);
  members = new SimRecords(9);
  count = 0;
});

describe('a watcher', () => {
  test('hears of what is there, of each change and of the end, and of nothing twice', () => {
    const ring = ringOf(30);
    ring.put(0, Uint8Array.of(1));
    const watcher = watching(ring, 5);
    ring.pass(1000);
    expect(heard(watcher)).toEqual([[1]]);
    ring.put(0, Uint8Array.of(2));
    ring.put(1, Uint8Array.of(3));
    ring.pass(1000);
    expect(heard(watcher).sort()).toEqual([[2], [3]]);
    ring.delete(0);
    ring.pass(1000);
    expect(heard(watcher)).toEqual(['ended']);
  });

  test('is not told of renewals that say the same', () => {
    const ring = ringOf(30);
    const watcher = watching(ring, 5);
    let notices = 0;
    ring.served = op => {
      if (op === 'notice') notices++;
    };
    for (let i = 0; i < 6; i++) {
      ring.put(0, Uint8Array.of(1));
      ring.pass(10_000);
    }
    expect(heard(watcher)).toEqual([[1]]);
    expect(notices).toBe(2);
  });

  test('is told of a renewal under another certificate, which may say something else of its writer', () => {
    const ring = ringOf(30);
    const watcher = watching(ring, 5);
    const [writer] = ring.peers as [RingPeer];
    ring.put(0, Uint8Array.of(1));
    ring.pass(10_000);
    expect(heard(watcher)).toEqual([[1]]);
    writer.dht.renew(members.contextOf(99, writer.id).credentials);
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    expect(heard(watcher)).toEqual([[1]]);
  });

  test('goes on hearing for as long as it renews, and hears nothing after it has ended that', () => {
    const ring = ringOf(30);
    const watcher = watching(ring, 5);
    ring.pass(20 * 60_000);
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    expect(heard(watcher)).toEqual([[1]]);
    watcher.dht.unwatch(watchOf.get(watcher) as number);
    ring.settle();
    expect(ring.peers.reduce((sum, { dht }) => sum + dht.watches, 0)).toBe(0);
    ring.put(0, Uint8Array.of(2));
    ring.pass(1000);
    expect(heard(watcher)).toEqual([]);
  });

  test('survives that the nearest peers of a key change, by newcomers, by goodbyes and by deaths', () => {
    for (const how of ['newcomers', 'goodbyes', 'deaths'] as const) {
      const ring = ringOf(30);
      const watcher = watching(ring, 5);
      ring.pass(1000);
      for (const place of places(ring)) {
        const nearest = ring.nearest(place);
        if (how === 'newcomers') ring.add(place);
        else if (nearest !== watcher) {
          if (how === 'goodbyes') nearest.dht.leave(ring.now);
          ring.settle();
          ring.remove(nearest);
        }
      }
      ring.pass(how === 'deaths' ? 90_000 : 1000);
      ring.put(0, Uint8Array.of(1));
      ring.pass(1000);
      expect([how, heard(watcher)]).toEqual([how, [[1]]]);
    }
  });

  test('hears of many changes at once by reading', () => {
    const ring = ringOf(30);
    const watcher = watching(ring, 5);
    ring.pass(1000);
    const writers = Array.from({ length: 20 }, () => ring.outsider());
    for (const { dht } of writers) dht.put(card(Uint8Array.of(1)), ring.now);
    ring.settle();
    ring.pass(2000);
    expect(heard(watcher)).toHaveLength(20);
  });

  test('believes records, not whoever brings them', () => {
    const ring = ringOf(10);
    const watcher = watching(ring, 5);
    let watch = 0;
    ring.lies = (_, request) => {
      if (request.op === 'watch') ({ watch } = request);
      return undefined;
    };
    ring.pass(80_000);
    const good = ring.record(0);
    const forged = { ...good, value: Uint8Array.of(66) };
    const elsewhere = ring.record(0, { key: new Uint8Array(20) });
    const told = (records: (typeof good)[], number = watch) =>
      decodeDhtAnswer(
        watcher.dht.notified(encodeDhtNotice({ watch: number, more: false, records }), ring.now) as Uint8Array,
      );
    expect(told([forged, elsewhere])?.status).toBe('ok');
    expect(told([good], watch + 1)?.status).toBe('refused');
    expect(watcher.dht.notified(Uint8Array.of(1), ring.now)).toBeUndefined();
    ring.settle();
    expect(heard(watcher)).toEqual([]);
    told([good]);
    told([good]);
    ring.settle();
    expect(heard(watcher)).toEqual([[9]]);
  });
});

describe('faults #102 a watcher that is flooded with notices', () => {
  test('reads one at a time and every other second, and has no time for more than a neighbour may ask', () => {
    const ring = ringOf(10);
    const watcher = watching(ring, 5);
    let number = 0;
    ring.lies = (_, request) => {
      if (request.op === 'watch') number = request.watch;
      return undefined;
    };
    ring.pass(80_000);
    const payload = encodeDhtNotice({ watch: number, more: true, records: [] });
    const statuses: (string | undefined)[] = [];
    for (let i = 0; i < 1000; i++) {
      const answer = watcher.dht.notified(payload, ring.now, { neighbour: 'mallory', source: 'mallory' });
      statuses.push(decodeDhtAnswer(answer as Uint8Array)?.status);
    }
    expect(statuses.filter(status => status === 'busy')).toHaveLength(600);
    expect(requests(watcher.dht)).toBeLessThanOrEqual(4);
  });

  test('is not given up by a holder because it has no time: it is told again to read', () => {
    const ring = ringOf(30);
    const watcher = watching(ring, 5);
    ring.pass(1000);
    const { dht } = watcher;
    const notified = dht.notified.bind(dht);
    const busy = encodeDhtAnswer({ status: 'busy', more: false, records: [] });
    dht.notified = () => busy;
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    expect(heard(watcher)).toEqual([]);
    dht.notified = notified;
    ring.pass(9000);
    expect(heard(watcher)).toEqual([[1]]);
  });
});

describe('faults #102 a holder', () => {
  test('keeps no more watches than it can, of one watcher and in all, and drops those that nobody acknowledges', () => {
    const ring = ringOf(1);
    const { dht } = ring.peer(0);
    for (let i = 0; i < 100; i++) watch(dht, { watcher: new Uint8Array(20), key: new Uint8Array(20).fill(i) }, 'a');
    expect(dht.watches).toBe(64);
    for (let i = 0; i < 2000; i++) watch(dht, { watcher: random.bytes(20) }, `n${i % 100}`);
    const before = dht.watches;
    for (let i = 0; i < 2000; i++) watch(dht, { watcher: random.bytes(20) }, `n${i % 100}`);
    expect(before).toBe(2048);
    expect(dht.watches).toBe(2048);
    ring.put(0, Uint8Array.of(1));
    ring.pass(1000);
    // Those of other keys that were not in the way of neighbours with fewer.
    expect(dht.watches).toBeGreaterThan(0);
    expect(dht.watches).toBeLessThan(64);
    ring.pass(400_000);
    expect(dht.watches).toBe(0);
  });

  test('faults #69 keeps what others watch when neighbours flood it, also in the name of somebody else', () => {
    const { dht } = ringOf(1).peer(0);
    const victim = random.bytes(20);
    for (let i = 0; i < 64; i++) watch(dht, { watcher: victim, watch: i, key: random.bytes(20) }, 'mallory');
    expect(watch(dht, { watcher: victim, watch: 99 }, 'bob')).toBe('ok');
    for (let i = 0; i < 3000; i++) watch(dht, { watcher: random.bytes(20) }, `mallory ${i % 3}`, 4 * i);
    expect(dht.watches).toBeGreaterThan(2000);
    for (let i = 0; i < 20; i++) expect(watch(dht, { watcher: random.bytes(20) }, 'bob', 13_000)).toBe('ok');
    expect(watch(dht, { watcher: victim, watch: 99, lifetimeS: 0 }, 'bob', 13_000)).toBe('ok');
  });

  test('takes a watch from its watcher, or handed over by a neighbour beside it, and from nobody else', () => {
    const ring = ringOf(30);
    const [position] = places(ring) as [PeerId];
    const holder = ring.nearest(position);
    const about = { op: 'watch', position, kind: MEMBER, key: KEY, watch: 1, lifetimeS: 300 } as const;
    const payload = encodeDhtRequest({ ...about, watcher: random.bytes(20) });
    const [, near] = ring.adjacent(holder, 2) as [RingPeer, RingPeer];
    const far = ring.adjacent(holder, 16)[15] as RingPeer;
    for (const [neighbour, expected] of [
      [far.key, 'refused'],
      [near.key, 'ok'],
    ] as const) {
      const answer = holder.dht.serve(payload, ring.now, { neighbour, source: neighbour });
      expect(decodeDhtAnswer(answer as Uint8Array)?.status).toBe(expected);
    }
  });

  test('passes its watches to a newcomer little by little', () => {
    const ring = ringOf(1);
    const { dht } = ring.peer(0);
    for (let i = 0; i < 300; i++) watch(dht, { watcher: random.bytes(20) }, `n${i % 5}`);
    dht.neighbourhoodChanged([peerKey(dht.positions(KEY)[0] as PeerId)], 0);
    const sent: number[] = [];
    for (ring.now = 0; ring.now < 600; ring.now += 200) {
      dht.tick(ring.now);
      sent.push(requests(dht));
    }
    expect(sent).toEqual([16, 16, 16]);
  });

  test('faults #1 serves each neighbour so much and no more, so that a flood starves only those behind it', () => {
    const ring = ringOf(1);
    const { dht } = ring.peer(0);
    ring.put(0, Uint8Array.of(1));
    const position = dht.positions(KEY)[0] as PeerId;
    const payload = encodeDhtRequest({
      op: 'get',
      position,
      kind: MEMBER,
      key: KEY,
      after: new Uint8Array(21),
      most: 12,
      isBrief: false,
    });
    const ask = (neighbour: string) =>
      decodeDhtAnswer(dht.serve(payload, ring.now, { neighbour, source: '' }) as Uint8Array);
    let answered = 0;
    for (let ms = 0; ms < 10_000; ms += 2) {
      ring.now++;
      if (ask('mallory')?.status === 'ok') answered++;
    }
    expect(answered).toBeGreaterThan(400);
    expect(answered).toBeLessThanOrEqual(400 + 5 * 100 + 1);
    for (let i = 0; i < 50; i++) expect(ask('bob')?.status).toBe('ok');
  });
});

describe('a deleted record', () => {
  test('is not found, and cannot be put again by anybody', () => {
    const ring = ringOf(10);
    const old = ring.record(0, { sequence: EPOCH_UNIX_MS - 5 });
    ring.put(0, Uint8Array.of(1));
    expect(ring.delete(0)).toMatchObject({ result: 'ok' });
    expect(ring.values(3)).toEqual([]);
    for (const position of places(ring)) {
      ring.nearest(position).dht.serve(encodeDhtRequest({ op: 'put', position, record: old }), ring.now);
    }
    ring.pass(100_000);
    expect(ring.values(3)).toEqual([]);
  });

  test('wins over a replica that missed the end of it', () => {
    const ring = ringOf(40);
    ring.put(0, Uint8Array.of(1));
    ring.lost = (_, place, isRequest) => isRequest && place < 1;
    ring.delete(0);
    ring.lost = () => false;
    expect(ring.values(3)).toEqual([]);
    expect(ring.values(3)).toEqual([]);
  });

  test('frees an address for the next one at once', () => {
    const ring = ringOf(10);
    ring.create(0);
    expect(ring.delete(0, ADDRESS)).toMatchObject({ result: 'ok' });
    expect(ring.create(1)).toMatchObject({ result: 'ok' });
    expect(ring.holder(4)).toBe(ring.peer(1).key);
    expect(ring.create(0)).toMatchObject({ result: 'taken' });
  });
});

describe('faults #42 an identity that runs twice', () => {
  const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

  test.each(SEEDS)('is told in its older run, whose records nobody takes any more: seed %i', seed => {
    const ring = twice(seed);
    expect(ring.put(1, Uint8Array.of(1))).toMatchObject({ result: 'ok' });
    ring.now++;
    expect(ring.put(3, Uint8Array.of(3))).toMatchObject({ result: 'ok' });
    ring.now += 1000;
    expect(ring.put(1, Uint8Array.of(1))).toMatchObject({ result: 'failed' });
    expect(ring.peer(1).outputs.some(({ kind }) => kind === 'doubled')).toBe(true);
    expect(ring.values(0)).toEqual([[3]]);
    expect(ring.peer(3).outputs.some(({ kind }) => kind === 'doubled')).toBe(false);
  });

  test.each(SEEDS)('counts by its newer run at the next write, if both wrote in one millisecond: seed %i', seed => {
    const ring = twice(seed);
    ring.put(1, Uint8Array.of(1));
    // The sequences are the same, and signatures decide.
    ring.put(3, Uint8Array.of(2));
    expect(ring.put(3, Uint8Array.of(3))).toMatchObject({ result: 'ok' });
    expect(ring.values(0)).toEqual([[3]]);
  });
});

test('a claim is renewed by its writer alone, and its end is nobody else’s to say', () => {
  const ring = ringOf(10);
  ring.create(0);
  ring.write(1, dht => dht.delete({ kind: ADDRESS, key: KEY }, ring.now));
  expect(ring.holder(4)).toBe(ring.peer(0).key);
  expect(ring.write(1, dht => dht.create(claim(), ring.now))).toMatchObject({ result: 'taken' });
});

const watchOf = new Map<RingPeer, number>();

function watching(ring: Ring, index: number): RingPeer {
  const peer = ring.peer(index);
  watchOf.set(peer, peer.dht.watch(MEMBER, KEY, ring.now) as number);
  ring.settle();
  return peer;
}

/** How many requests it puts out. */
function requests(dht: Dht): number {
  let sent = 0;
  for (let out = dht.poll(); out !== undefined; out = dht.poll()) if (out.kind === 'request') sent++;
  return sent;
}

/** What it heard since it was asked last. */
function heard(peer: RingPeer): (number[] | 'ended')[] {
  const changes = peer.outputs.flatMap(out => (out.kind === 'changed' ? out.records : []));
  peer.outputs.length = 0;
  return changes.map(({ record }) => (record.isDeleted ? 'ended' : [...record.value]));
}

function watch(dht: Dht, changes: Partial<WatchRequest>, neighbour: string, now = 0): string | undefined {
  const position = dht.positions(KEY)[0] as PeerId;
  const request = { op: 'watch', position, kind: MEMBER, key: KEY, watcher: KEY, watch: 1, lifetimeS: 300 } as const;
  const payload = encodeDhtRequest({ ...request, ...changes });
  const source = peerKey(changes.watcher ?? KEY);
  return decodeDhtAnswer(dht.serve(payload, now, { neighbour, source }) as Uint8Array)?.status;
}

function ringOf(size: number): Ring {
  return new Ring(size, random, peerId => members.contextOf(count++, peerId));
}

/** Twelve, of whom the second and the fourth are one identity; the others keep its records. */
function twice(seed: number): Ring {
  random = new SeededRandom(seed);
  const ca = simAuthority(random, EPOCH_UNIX_MS, cheapCrypto);
  const authority = Authority.group(ca.der, { verifier: cheapCrypto.verifier() }) as Authority;
  const identity = simMember(ca, { user: 'ada', device: 'laptop' }, random, EPOCH_UNIX_MS);
  let started = 0;
  const place = (bytes: Uint8Array) => cheapCrypto.suite.hash(bytes).slice(0, 20);
  return new Ring(12, random, () => {
    const other = { user: 'bob', device: `d${started}` };
    const who = started === 1 || started === 3 ? identity : simMember(ca, other, random, EPOCH_UNIX_MS);
    const credentials = simCredentials(who, random, EPOCH_UNIX_MS + started++);
    return { authority, credentials, wallClock: new WallClock(EPOCH_UNIX_MS, 0), sign: cheapCrypto.sign, place };
  });
}

function places(ring: Ring): PeerId[] {
  return ring.peer(0).dht.positions(KEY);
}

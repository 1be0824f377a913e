/** Scores of first hops, demand, far links, former neighbours and whom to give up, each alone (faults.md rows 8, 17, 30, 63, 65). */
import { compareDistance, type PeerId, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { Demand } from './demand.ts';
import { FarLinks } from './far-links.ts';
import { Former } from './former.ts';
import {
  estimatePeers,
  isPlausibleOwner,
  NAMED_NEAR_PER_SIDE,
  NEAR_PER_SIDE,
  predecessors,
  successors,
} from './ring.ts';
import { isPoor, judged } from './scores.ts';
import { type Neighbour, Table } from './table.ts';
import { seeded } from './testbed.ts';
import { leastUseful } from './trimming.ts';

const SELF = place(0x40);

describe('the score of a first hop', () => {
  test('faults #8 falls to poor with four failures, and takes more answers than that to rise again', () => {
    let score = 1;
    let failures = 0;
    for (; !isPoor(score); failures++) score = judged(score, false);
    expect(failures).toBe(4);
    for (let i = 0; i < 20; i++) score = judged(score, true);
    expect(score).toBeGreaterThan(0.9);
    expect(score).toBeLessThan(1);
  });

  test('faults #65 a hop that lets requests fall is taken after others that lead nearer too, and when there is no other', () => {
    const table = new Table(SELF);
    for (const at of [0xb8, 0xc8]) table.add(key(at));
    const target = place(0xc0);
    expect(table.nextHop(target)).toBe(key(0xb8));
    for (let i = 0; i < 4; i++) table.judge(key(0xb8), false);
    expect(table.nextHop(target)).toBe(key(0xc8));
    expect(table.nextHop(place(0xb8))).toBe(key(0xb8));
    table.remove(key(0xc8));
    expect(table.nextHop(target)).toBe(key(0xb8));
  });
});

describe('the density test', () => {
  test('faults #66 believes most true owners, and hardly any liar somewhere else', () => {
    const random = seeded(3);
    const peers = 1000;
    const all = Array.from({ length: peers }, () => random.bytes(20));
    let [owners, liars] = [0, 0];
    for (let i = 0; i < 300; i++) {
      const target = random.bytes(20);
      const [owner] = successors(target, all, 1) as [PeerId];
      if (isPlausibleOwner(target, owner, peers, { rank: 0 })) owners++;
      if (isPlausibleOwner(target, random.bytes(20), peers, { rank: 0 })) liars++;
    }
    expect(owners).toBeGreaterThanOrEqual(285);
    expect(liars).toBeLessThanOrEqual(9);
  });
});

describe('where peers lie close', () => {
  test('owners are believed all the same, since N is measured by more than six spacings', () => {
    const random = seeded(5);
    const all = Array.from({ length: 400 }, () => random.bytes(20));
    const beside = (self: PeerId, each: number) => [...successors(self, all, each), ...predecessors(self, all, each)];
    const owned = Array.from({ length: 100 }, () => random.bytes(20)).map(
      target => [target, bothNearest(target, successors(target, all, 1)[0], predecessors(target, all, 1)[0])] as const,
    );
    const disbelieved = (peers: number) =>
      owned.filter(([target, owner]) => !isPlausibleOwner(target, owner, peers, { rank: 0 })).length;
    // Those to whom the ring looks most crowded.
    const crowded = all
      .map(self => [self, estimatePeers(self, beside(self, NEAR_PER_SIDE))] as const)
      .sort(([, a], [, b]) => b - a)
      .slice(0, 10);
    const few = ([self, near]: readonly [PeerId, number]) =>
      Math.min(near, estimatePeers(self, beside(self, NAMED_NEAR_PER_SIDE), NAMED_NEAR_PER_SIDE));
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    const before = sum(crowded.map(([, near]) => disbelieved(near)));
    expect(before).toBeGreaterThan(50);
    expect(sum(crowded.map(each => disbelieved(few(each))))).toBeLessThan(before / 3);
  });
});

describe('demand', () => {
  test('is neither a ping a second nor a handshake, but a transfer', () => {
    const demand = new Demand();
    for (let now = 0; now < 600_000; now += 1000) expect(demand.traffic('ping', now, 1)).toBe(false);
    expect(demand.traffic('handshake', 0, 8)).toBe(false);
    const transfer = Array.from({ length: 40 }, (_, i) => demand.traffic('transfer', i * 10, 1));
    expect(transfer.indexOf(true)).toBeGreaterThanOrEqual(23);
    expect(transfer.at(-1)).toBe(true);
  });

  test('ends a minute after the traffic, and is then forgotten', () => {
    const demand = new Demand();
    demand.traffic('a', 0, 1000);
    expect([demand.isWanted('a', 59_999), demand.isWanted('a', 60_000)]).toEqual([true, false]);
    demand.expire(59_999);
    expect(demand.isScored('a')).toBe(true);
    demand.expire(60_000);
    expect(demand.isScored('a')).toBe(false);
  });

  test('is kept for 256 pairs, and a flood of new ones does not push out the busiest', () => {
    const demand = new Demand();
    demand.traffic('busy', 0, 1000);
    for (let i = 0; i < 1000; i++) demand.traffic(`peer ${i}`, 1, 1);
    expect(demand.isWanted('busy', 1)).toBe(true);
    expect((demand as unknown as { scores: Map<PeerKey, unknown> }).scores.size).toBe(256);
  });
});

describe('a far point', () => {
  /** Four peers around the point at 0xc0, all linked, with these round trips. */
  function ring(rtts: Record<number, number>, linkBudget = 256) {
    const table = new Table(SELF);
    for (const at of [0x38, 0x3a, 0x3c, 0x44, 0x46, 0x48, ...Object.keys(rtts).map(Number)]) table.add(key(at));
    for (const [at, rtt] of Object.entries(rtts)) (table.neighbours.get(key(Number(at))) as Neighbour).rttMs = rtt;
    const far = new FarLinks({ table, random: seeded(1), linkBudget, mayDial: () => true });
    far.take(place(0xc0), key(0xc0), 50);
    return { table, far };
  }

  test('ends with the peer around it that is nearest in time, as we measured it ourselves', () => {
    const { far } = ring({ 192: 90, 190: 60, 194: 20, 196: 50 });
    for (let i = 0; i < 8; i++) {
      far.next();
      far.settle();
    }
    expect(far.holds(key(0xc2))).toBe(true);
    expect(far.next()).toBeUndefined();
  });

  test('does not change hands over a tenth, nor for a peer that rests', () => {
    const { far, table } = ring({ 192: 50, 190: 46, 194: 5 });
    (table.neighbours.get(key(0xc2)) as Neighbour).isResting = true;
    for (let i = 0; i < 8; i++) {
      far.next();
      far.settle();
    }
    expect(far.holds(key(0xc0))).toBe(true);
  });

  test('of a tab sees two others at most', () => {
    const { far } = ring({ 192: 90, 190: 80, 194: 70, 196: 60, 198: 50 }, 24);
    const tried = Array.from({ length: 8 }, () => {
      const rival = far.next();
      far.settle();
      return rival;
    });
    expect(tried.filter(rival => rival !== undefined)).toHaveLength(2);
  });

  test('is drawn anew when the ring has doubled, not before', () => {
    const { far } = ring({ 192: 90 });
    far.outgrown(99);
    expect(far.holds(key(0xc0))).toBe(true);
    far.outgrown(101);
    expect(far.holds(key(0xc0))).toBe(false);
  });
});

describe('former neighbours', () => {
  test('faults #30 are 64 at most, and looked for in turn, each no more often than once a minute', () => {
    const former = new Former();
    const peer = (i: number) => i.toString(16).padStart(2, '0').padEnd(40, '0');
    for (let i = 0; i < 80; i++) former.add(peer(i), 0);
    expect(former.toKeep([peer(99)])).toHaveLength(64);
    expect(former.toKeep([peer(99)])).toBeUndefined();
    expect(former.due(0, false, () => true)).toEqual([peer(16)]);
    expect(former.due(1, true, () => true)).toEqual([peer(17), peer(18), peer(19), peer(20)]);
    expect(former.due(2, false, name => name === peer(16))).toEqual([]);
    expect(former.due(60_000, false, name => name === peer(16))).toEqual([peer(16)]);
  });
});

describe('whom to give up beyond the budget', () => {
  test('faults #63 is a young peer that is served elsewhere, then newcomers; old links and chosen ones stay longest', () => {
    const table = new Table(SELF);
    for (const at of [0x38, 0x3a, 0x3c, 0x44, 0x46, 0x48]) table.add(key(at));
    const names = { old: 0x80, served: 0x90, newcomer: 0xa0, far: 0xb0 };
    for (const [name, at] of Object.entries(names)) table.add(key(at), name === 'old' ? 0 : 900_000);
    for (const at of [names.old, names.served, names.far]) {
      table.learn(
        table.neighbours.get(key(at)) as Neighbour,
        [-3, -2, -1, 1, 2, 3].map(n => place(at + n)),
      );
    }
    const order = leastUseful(table, each => each === key(names.far), 900_001).map(each => each.key);
    expect(order).toEqual([names.served, names.old, names.newcomer, names.far].map(key));
  });
});

function place(first: number): PeerId {
  return peerIdFromKey(key(first)) as PeerId;
}

function key(first: number): PeerKey {
  return peerKey(new Uint8Array(20).fill(first, 0, 1));
}

/** The nearer of two to a target. */
function bothNearest(target: PeerId, after: PeerId | undefined, before: PeerId | undefined): PeerId {
  if (after === undefined || before === undefined) throw new Error('the ring is empty');
  return compareDistance(target, after, before) <= 0 ? after : before;
}

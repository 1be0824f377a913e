/** Small meshes: they become rings, follow from their seed, notice what is cut, and suffer from attackers. */
import { clockwise, fraction, OverlayType, RecordKind, ringDistance } from '@warren/wire';
import { expect, test } from 'vitest';
import { SeededRandom } from '../random.ts';
import { Churn, exponential, pareto, weibull } from './churn.ts';
import { silentDropper } from './droppers.ts';
import { chosenId } from './eclipse.ts';
import { InvariantError } from './invariants.ts';
import type { MeshPeer } from './mesh-peer.ts';
import { type MeshOptions, MeshWorld } from './mesh-world.ts';
import type { ProbeResult } from './probes.ts';
import { SimRecords } from './sim-records.ts';

test('peers that join through one bootstrap node become one ring, whose probes come to the nearest', () => {
  const world = mesh(16);
  expect(world.ring().missingNear()).toBe(0);
  expect(world.ring().consistency()).toBe(1);
  const ring = world.ring();
  for (const { answerer, target } of probe(world, 20)) expect(answerer).toBe(ring.nearest(target));
});

test('two runs of a seed are the same, another seed is not', () => {
  const hash = (seed: number) => mesh(8, { seed }).traceHash;
  const first = hash(5);
  expect(hash(5)).toBe(first);
  expect(hash(6)).not.toBe(first);
});

test('the ring closes round a peer that vanished, and takes it back', () => {
  const world = mesh(12);
  const peer = world.peers[2] as MeshPeer;
  const neighbour = world.peer([...peer.links.keys()][0] as string) as MeshPeer;
  world.kill(peer);
  world.run(2900);
  expect(neighbour.links.has(peer.key)).toBe(true);
  world.run(6000);
  expect(neighbour.links.has(peer.key)).toBe(false);
  world.restart(peer, { disk: false });
  expect(world.runUntil(() => world.ring().missingNear() === 0, 30_000)).toBe(true);
});

test('who says goodbye is missed at once', () => {
  const world = mesh(8);
  const peer = world.peers[3] as MeshPeer;
  world.leave(peer);
  world.run(25);
  expect(world.living().filter(({ links }) => links.has(peer.key))).toEqual([]);
});

test('nothing passes between the sides of a split world, and its links are missed', () => {
  const world = mesh(8);
  world.split(peer => peer.index % 2);
  world.run(9000);
  const across = world.peers.filter(peer => [...peer.links.keys()].some(key => world.peer(key)?.side !== peer.side));
  expect(across).toEqual([]);
});

test('records are stored and found, over the death of their writer', () => {
  const records = new SimRecords(1);
  const world = mesh(8, { records });
  const [, writer, reader] = world.peers as [MeshPeer, MeshPeer, MeshPeer];
  const key = world.random.bytes(20);
  const results: string[] = [];
  const o = { kind: RecordKind.MAILBOX, key, value: Uint8Array.of(7), lifetimeS: 600 };
  records.put(world, writer, o, ({ result }) => results.push(result));
  world.run(5000);
  world.kill(writer);
  world.run(10_000);
  records.get(world, reader, RecordKind.MAILBOX, key, found => results.push(`${found.records[0]?.record.value}`));
  world.run(15_000);
  expect(results).toEqual(['ok', '7']);
});

test('a silent dropper keeps its links and answers nothing', () => {
  const world = mesh(8, {}, i => (i === 2 ? { role: silentDropper } : {}));
  const bad = world.peers.find(({ role }) => role !== undefined) as MeshPeer;
  expect(bad.links.size).toBeGreaterThan(2);
  const results: ProbeResult[] = [];
  world.probes.ask(world.peers[0] as MeshPeer, bad.id, result => results.push(result));
  world.run(15_000);
  expect(results.map(({ answerer }) => answerer === bad)).toEqual([false]);
});

test('a machine that sends where it has no link breaks an invariant', () => {
  const world = new MeshWorld({ seed: 3 });
  const [a, b] = [world.add(), world.add()];
  expect(() => world.transmit(a, b.key, new Uint8Array(48))).toThrow(InvariantError);
  expect(() => world.transmit(a, b.key, new Uint8Array(48))).toThrow(/seed 3, at 1000 ms/);
});

test('one way can be cut: both ends miss the link', () => {
  const world = new MeshWorld({ seed: 1 });
  const [a, b] = [world.add(), world.add()];
  world.links.link(a, b);
  world.links.isCut = (from, to) => from === a && to === b;
  world.links.checkAll();
  world.run(8100);
  expect([a.links.size, b.links.size]).toEqual([0, 0]);
  expect(world.sentByType[OverlayType.NEIGHBOURS]).toBeGreaterThan(0);
});

test.each([exponential(1000), pareto(1000), weibull(1000)])('half of all lifetimes are below the median: %o', of => {
  const random = new SeededRandom(1, of.name);
  const below = Array.from({ length: 4000 }, () => of.draw(random)).filter(ms => ms < 1000).length;
  expect(below / 4000).toBeCloseTo(0.5, 1);
});

test('a trace is played as it was measured', () => {
  const world = new MeshWorld({ seed: 1 });
  const peer = world.add();
  const options = { up: exponential(1), down: exponential(1), crashShare: 1, diskLossShare: 1 };
  new Churn(world, new SeededRandom(1), options).play(peer, [
    [0, 1000],
    [3000, 4000],
  ]);
  const alive: boolean[] = [];
  for (let i = 0; i < 5; i++) {
    world.run(i === 0 ? 500 : 1000);
    alive.push(peer.isAlive);
  }
  expect(alive).toEqual([true, false, false, true, false]);
});

test('an id may be chosen close to a place, on both sides of it', () => {
  const random = new SeededRandom(1);
  const place = random.bytes(20);
  const ids = Array.from({ length: 40 }, () => chosenId(place, 24, random));
  for (const id of ids) expect(fraction(ringDistance(id, place))).toBeLessThanOrEqual(2 ** -24);
  expect(new Set(ids.map(id => fraction(clockwise(place, id)) < 0.5)).size).toBe(2);
});

function mesh(size: number, o: Partial<MeshOptions> = {}, each = (_: number): object => ({})): MeshWorld {
  const world = new MeshWorld({ seed: 1, ...o });
  world.populate(size, 500, each);
  world.run(15_000);
  return world;
}

function probe(world: MeshWorld, count: number): ProbeResult[] {
  const results: ProbeResult[] = [];
  for (let i = 0; i < count; i++) {
    const asker = world.peers[i % world.peers.length] as MeshPeer;
    world.probes.ask(asker, world.random.bytes(20), result => results.push(result));
  }
  world.run(12_000);
  expect(results).toHaveLength(count);
  return results;
}

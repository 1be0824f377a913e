/** Small meshes: they become rings, follow from their seed, and notice what is cut. */
import { describe, expect, test } from 'vitest';
import { constantLatency } from '../latency.ts';
import { MeshWorld } from './mesh-world.ts';
import type { ProbeResult } from './probes.ts';

test('peers that join through one bootstrap node become one ring', () => {
  const world = mesh(40);
  expect(world.ring().missingNear()).toBe(0);
  expect(world.ring().consistency()).toBe(1);
});

test('a probe is answered by the peer that is truly nearest, within the hops allowed', () => {
  const world = mesh(40);
  const results = probe(world, 60);
  const ring = world.ring();
  for (const { answerer, target } of results) expect(answerer).toBe(ring.nearest(target));
  expect(Math.max(...results.map(({ hops }) => hops))).toBeLessThan(6);
  expect(world.invariants.revisits).toBe(0);
});

test('two runs of a seed are the same, another seed is not', () => {
  const hash = (seed: number) => mesh(20, seed).traceHash;
  expect(hash(5)).toBe(hash(5));
  expect(hash(5)).not.toBe(hash(6));
});

test('the ring closes round a peer that vanished, and takes it back', () => {
  const world = mesh(20);
  const [, , peer] = world.peers as [never, never, (typeof world.peers)[0]];
  world.kill(peer);
  world.run(2900);
  expect(world.ring().missingNear()).toBeGreaterThan(0);
  expect(world.runUntil(() => world.ring().missingNear() === 0, 30_000)).toBe(true);
  world.restart(peer, { disk: false });
  expect(world.runUntil(() => world.ring().missingNear() === 0, 30_000)).toBe(true);
});

test('who says goodbye is missed at once', () => {
  const world = mesh(20);
  world.leave(world.peers[3] as (typeof world.peers)[0]);
  expect(world.runUntil(() => world.ring().missingNear() === 0, 2500)).toBe(true);
});

describe('a split world', () => {
  test('becomes two rings', () => {
    const world = mesh(30);
    world.split(peer => peer.index % 2);
    const ringOf = (side: number) => world.ring(peer => peer.side === side);
    const areRings = () => ringOf(0).missingNear() === 0 && ringOf(1).missingNear() === 0;
    expect(world.runUntil(areRings, 60_000)).toBe(true);
  });
});

function mesh(size: number, seed = 1): MeshWorld {
  const world = new MeshWorld({ seed, latency: constantLatency(20) });
  world.populate(size, 2000);
  world.run(40_000);
  return world;
}

function probe(world: MeshWorld, count: number): ProbeResult[] {
  const results: ProbeResult[] = [];
  for (let i = 0; i < count; i++) {
    const asker = world.peers[i % world.peers.length] as (typeof world.peers)[0];
    world.probes.ask(asker, world.random.bytes(20), result => results.push(result));
  }
  world.run(12_000);
  expect(results).toHaveLength(count);
  return results;
}

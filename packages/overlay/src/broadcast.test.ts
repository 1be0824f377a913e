/** Broadcasts on a finished ring: what they cost, who hears them, and what liars, losses and departures change. */
import { type Random, toHex, unit } from '@warren/base';
import { BROADCAST_MAX_BYTES, type PeerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { Broadcasts, digestOf } from './broadcast.ts';
import { Ring, type Seat } from './ring-testbed.ts';

const NEWS = new Uint8Array(300).fill(7);
const JUNK = new Uint8Array(300).fill(9);
/** Longer than any tree needs, shorter than the first telling of neighbours. */
const TREE_MS = 700;
/** After both tellings. */
const SETTLED_MS = 15_000;

describe('a broadcast in a quiet ring', () => {
  test.each([1, 2, 3, 7, 50, 200])('of %i peers reaches everybody once with one message each', size => {
    const world = new World(size, size);
    world.begin(0, NEWS);
    world.ring.run(TREE_MS);
    expect(world.parts).toBe(size - 1);
    expect(world.heard()).toBe(size - 1);
    expect(world.depth).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size)));
    world.ring.run(SETTLED_MS);
    expect([world.parts, world.wants]).toEqual([size - 1, 0]);
    expect(world.haves).toBeLessThan(12 * size);
    world.begin(0, NEWS);
    world.ring.run(TREE_MS);
    expect(world.parts).toBe(size - 1);
  });

  test('is refused when empty or longer than a datagram carries', () => {
    const world = new World(3, 1);
    for (const length of [0, BROADCAST_MAX_BYTES + 1]) {
      expect(world.seat(0).machine.begin(new Uint8Array(length), world.ring.now)).toBe(false);
    }
  });
});

describe('faults #74: a broadcast', () => {
  test.each([1, 3])('reaches all honest peers though a fifth of 200 drops it (seed %i)', seed => {
    const world = new World(200, seed);
    const droppers = world.choose(0.2);
    world.isDropped = from => droppers.has(from);
    world.begin(0, NEWS);
    world.ring.run(TREE_MS);
    const byTree = world.heard(droppers);
    world.ring.run(SETTLED_MS);
    const honest = 199 - droppers.size;
    expect(byTree).toBeLessThan(honest * 0.99);
    expect(world.heard(droppers)).toBe(honest);
    expect(Math.max(...world.handings.values())).toBe(1);
  });

  test('reaches all though a tenth of all datagrams is lost', () => {
    const world = new World(100, 4);
    world.isDropped = () => unit(world.ring.random) < 0.1;
    world.begin(0, NEWS);
    world.ring.run(SETTLED_MS);
    expect(world.heard()).toBe(99);
  });

  test('reaches who stays while a fifth leaves in its midst', () => {
    const world = new World(100, 5);
    world.begin(0, NEWS);
    world.ring.run(50);
    for (const key of world.choose(0.2)) world.ring.seat(key).isAlive = false;
    world.ring.run(SETTLED_MS);
    const staying = world.ring.seats.filter(seat => seat.isAlive);
    expect(world.heard()).toBeGreaterThanOrEqual(staying.length - 1);
    expect(staying.filter(({ key }) => !world.hearers.has(key)).map(({ key }) => key)).toEqual([world.seat(0).key]);
  });

  test('that five members begin at once is one: all hear it, and each hands it on once', () => {
    const world = new World(100, 6);
    for (const i of [0, 13, 60, 61, 70]) world.begin(i, NEWS);
    world.ring.run(TREE_MS);
    expect(world.heard()).toBe(95);
    expect(Math.max(...world.handings.values())).toBe(1);
    expect(world.parts).toBeLessThan(2 * 100);
  });

  test('with a lying arc stays within what its sender could answer for, and is handed on once', () => {
    const world = new World(60, 7);
    const [liar, victim] = [world.seat(0), world.seat(1)];
    // The victim is told that its arc is the whole ring, by its own id less one.
    const beyond = victim.id.slice();
    beyond[19] = (beyond[19] as number) - 1;
    for (const end of [beyond, victim.id, liar.id]) {
      world.ring.act(victim, machine =>
        machine.receive(liar.key, { kind: 'part', end, content: NEWS }, world.ring.now),
      );
    }
    world.ring.run(TREE_MS);
    expect(world.handings.get(victim.key)).toBe(1);
    expect([...world.handings.values()].every(times => times === 1)).toBe(true);
    expect(world.parts).toBeLessThanOrEqual(58);
    expect(world.hearers.has(liar.key)).toBe(false);
  });
});

describe('faults #75 #102: junk', () => {
  test('ends at the first honest peers', () => {
    const world = new World(100, 8);
    world.isGood = content => content[0] !== 9;
    world.begin(0, JUNK);
    world.ring.run(SETTLED_MS);
    expect(world.heard()).toBe(0);
    expect(world.parts).toBe(world.seat(0).links.size);
    // Its neighbours asked once for what the liar said it had, and that was all.
    expect(world.wants).toBeLessThanOrEqual(world.seat(0).links.size);
    world.begin(1, NEWS);
    world.ring.run(TREE_MS);
    expect(world.heard()).toBe(99);
  });

  test('of one neighbour by the thousand costs sixteen looks and one more each second, and bounded memory', () => {
    const world = new World(10, 9);
    world.isGood = content => content[0] === 7;
    const [liar, victim] = [world.seat(0), world.seat(1)];
    for (let i = 0; i < 3000; i++) {
      const content = Uint8Array.of(9, i >> 8, i & 255);
      world.ring.act(victim, machine =>
        machine.receive(liar.key, { kind: 'part', end: liar.id, content }, world.ring.now + i * 3),
      );
    }
    expect(victim.machine.stats.offered).toBeLessThanOrEqual(16 + 9);
    expect(victim.machine.stats.tooMany).toBeGreaterThan(2900);
    for (let i = 0; i < 300; i++) {
      const content = Uint8Array.of(9, 9, i >> 8, i & 255);
      const from = i.toString(16).padStart(40, '0');
      world.ring.act(victim, machine => machine.receive(from, { kind: 'part', end: liar.id, content }, world.ring.now));
    }
    expect(Reflect.get(victim.machine, 'contents').size).toBeLessThanOrEqual(64);
    world.ring.now += 10_000;
    world.begin(0, NEWS);
    world.ring.run(TREE_MS);
    expect(world.hearers.has(victim.key)).toBe(true);
  });

  test('with the name of something good does not keep that away', () => {
    const world = new World(30, 10);
    const victim = world.seat(5);
    const [from] = victim.links.keys();
    world.isGood = content => content[0] === 7;
    const twin = { kind: 'part', end: victim.id, content: JUNK } as const;
    // Nothing that hashes alike is at hand: the machine is told that it does.
    world.ring.act(victim, machine => machine.receive(from as PeerKey, twin, world.ring.now));
    const contents = Reflect.get(victim.machine, 'contents') as Map<string, { content: Uint8Array }>;
    const [entry] = contents.values();
    contents.clear();
    contents.set(Buffer.from(digestOf(NEWS)).toString('hex'), entry as { content: Uint8Array });
    world.begin(0, NEWS);
    world.ring.run(TREE_MS);
    expect(world.heard()).toBe(29);
  });

  test('named in HAVE by the thousand makes us ask little, and remember little', () => {
    const world = new World(10, 11);
    const [liar, victim] = [world.seat(0), world.seat(1)];
    for (let i = 0; i < 1000; i++) {
      const digests = Array.from({ length: 16 }, (_, n) => Uint8Array.of(i >> 8, i, n, 0, 0, 0, 0, 0));
      world.ring.act(victim, machine => machine.receive(liar.key, { kind: 'have', digests }, world.ring.now));
    }
    expect(world.wants).toBe(16);
    expect(Reflect.get(victim.machine, 'wanted').size).toBeLessThanOrEqual(64);
    world.ring.run(60_000);
    expect(world.wants).toBeLessThanOrEqual(16 + 64 * 5);
    expect(Reflect.get(victim.machine, 'wanted').size).toBe(0);
  });

  test('asked for again and again is sent twice', () => {
    const world = new World(10, 12);
    world.begin(0, NEWS);
    world.ring.run(TREE_MS);
    const before = world.parts;
    const [asker, asked] = [world.seat(0), world.seat(1)];
    for (let i = 0; i < 10; i++) {
      const want = { kind: 'want', digests: [digestOf(NEWS)] } as const;
      world.ring.act(asked, machine => machine.receive(asker.key, want, world.ring.now));
    }
    expect(world.parts - before).toBe(2);
  });
});

test('two contents that differ in one byte, or in length, have different names', () => {
  const names = new Set<string>();
  for (let i = 0; i < 256; i++) names.add(digestOf(Uint8Array.of(1, i, 3)).join());
  for (let length = 1; length < 100; length++) names.add(digestOf(new Uint8Array(length)).join());
  expect(names.size).toBe(355);
});

test('the name of a content is the start of its SHA-256', () => {
  expect(toHex(digestOf(new TextEncoder().encode('abc')))).toBe('ba7816bf8f01cfea');
});

/** A ring of broadcasts, with counters. */
class World {
  readonly ring: Ring<Broadcasts>;
  parts = 0;
  haves = 0;
  wants = 0;
  /** Greatest number of hops that a part has made. */
  depth = 0;
  readonly hearers = new Set<PeerKey>();
  /** How often who was told to hand on something. */
  readonly handings = new Map<PeerKey, number>();
  isDropped: (from: PeerKey) => boolean = () => false;
  isGood: (content: Uint8Array) => boolean = () => true;
  private readonly hops = new Map<PeerKey, number>();

  constructor(size: number, seed: number) {
    this.ring = new Ring(size, seed, {
      make: ({ id, links, near }, random: Random) =>
        new Broadcasts({ self: id, random, links: () => links.values(), near: () => near }),
      drain: seat => this.drain(seat),
    });
  }

  seat(i: number): Seat<Broadcasts> {
    return this.ring.seats[i] as Seat<Broadcasts>;
  }

  begin(i: number, content: Uint8Array): void {
    this.ring.act(this.seat(i), machine => machine.begin(content, this.ring.now));
  }

  /** A share of all peers but the first. */
  choose(share: number): Set<PeerKey> {
    const others = this.ring.seats.slice(1).filter(() => unit(this.ring.random) < share);
    return new Set(others.map(({ key }) => key));
  }

  heard(without: ReadonlySet<PeerKey> = new Set()): number {
    return [...this.hearers].filter(key => !without.has(key)).length;
  }

  private drain(seat: Seat<Broadcasts>): void {
    const { machine, key } = seat;
    for (let out = machine.poll(); out !== undefined; out = machine.poll()) {
      if (out.kind === 'broadcast') {
        if (!this.isGood(out.content)) continue;
        this.hearers.add(key);
        const before = machine.stats.handedOn;
        machine.handOn(out.token, this.ring.now);
        machine.handOn(out.token, this.ring.now);
        if (machine.stats.handedOn > before) this.handings.set(key, (this.handings.get(key) ?? 0) + 1);
        continue;
      }
      const { to, message } = out;
      if (message.kind === 'part') this.parts++;
      else if (message.kind === 'have') this.haves++;
      else this.wants++;
      if (this.isDropped(key)) continue;
      const hops = (this.hops.get(key) ?? 0) + 1;
      this.ring.send(seat, to, receiver => {
        if (message.kind === 'part' && !this.hops.has(receiver.key)) {
          this.hops.set(receiver.key, hops);
          this.depth = Math.max(this.depth, hops);
        }
        receiver.machine.receive(key, message, this.ring.now);
      });
    }
  }
}

/** Censuses on a finished ring: exact when all is quiet, and honest about what is missing when it is not. */
import { type Random, unit } from '@warren/base';
import type { CensusSum, Gather, PeerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { CENSUS_WAIT_MS, Gathers } from './gather.ts';
import { Ring, type Seat } from './ring-testbed.ts';

describe('a census in a quiet ring', () => {
  test.each([1, 2, 3, 50, 200])('of %i peers adds up exactly, in a time that grows with the depth', size => {
    const world = new World(size, size);
    const ends = world.ring.seats.reduce((sum, { links }) => sum + links.size, 0);
    expect(world.begin(0)).toBe(true);
    world.ring.run(1000);
    const browsers = Math.ceil(size / 3);
    const counts = { peers: size, consistent: size, links: ends, records: (size * (size - 1)) / 2, browsers };
    expect(world.sums).toEqual([{ ...counts, unanswered: 0, depth: world.tookMs / 40 }]);
    expect(world.tookMs).toBeLessThanOrEqual(40 * 2 * Math.ceil(Math.log2(size)));
    expect([world.asked, world.answered]).toEqual([size - 1, size - 1]);
  });

  test('keeps nothing of itself after a while', () => {
    const world = new World(20, 1);
    world.begin(0);
    world.ring.run(60_000);
    expect(world.ring.seats.map(({ machine }) => Reflect.get(machine, 'censuses').size)).toEqual(new Array(20).fill(0));
  });
});

describe('a census says that it is incomplete', () => {
  test('when peers do not answer, by how many arcs, within its time', () => {
    const world = new World(100, 2);
    const silent = new Set([...world.ring.seats.slice(30, 33), world.seat(70)].map(({ key }) => key));
    world.isDropped = from => silent.has(from);
    world.begin(0);
    world.ring.run(CENSUS_WAIT_MS);
    const [sum] = world.sums;
    expect(sum?.unanswered).toBeGreaterThanOrEqual(1);
    expect(sum?.unanswered).toBeLessThanOrEqual(4);
    expect(sum?.peers).toBeLessThanOrEqual(96);
    expect(sum?.peers).toBeGreaterThan(20);
    expect(world.tookMs).toBeLessThanOrEqual(CENSUS_WAIT_MS);
  });

  test('at once when the links to who does not answer end', () => {
    const world = new World(30, 3);
    const silent = world.seat(9);
    world.isDropped = from => from === silent.key;
    world.begin(0);
    world.ring.run(500);
    expect(world.sums).toEqual([]);
    for (const seat of world.ring.seats) world.ring.act(seat, machine => machine.linkDown(silent.key, world.ring.now));
    world.ring.run(500);
    expect(world.sums[0]?.unanswered).toBe(1);
  });

  test('not because a tenth of all datagrams is lost: parts are asked again', () => {
    const world = new World(100, 4);
    world.isDropped = () => unit(world.ring.random) < 0.1;
    world.begin(0);
    world.ring.run(CENSUS_WAIT_MS);
    expect(world.sums[0]).toMatchObject({ peers: 100, unanswered: 0 });
  });
});

describe('faults #49 #102: a census', () => {
  test('is begun twice at once by a member, then once in five seconds', () => {
    const world = new World(10, 5);
    expect([1, 2, 3, 4].map(() => world.begin(0))).toEqual([true, true, false, false]);
    world.ring.run(5000);
    expect([1, 2].map(() => world.begin(0))).toEqual([true, false]);
  });

  test('of a thousand invented origins is served eight times, then once in two seconds, with bounded memory', () => {
    const world = new World(10, 6);
    const [liar, victim] = [world.seat(0), world.seat(1)];
    for (let i = 0; i < 1000; i++) {
      const origin = Uint8Array.from({ length: 20 }, () => i & 255);
      const token = Uint8Array.of(1, 2, 3, 4, 5, 6, i >> 8, i);
      const m: Gather = { token, origin, end: liar.id, hops: 2, waitMs: 9000 };
      world.ring.act(victim, machine => machine.gather(liar.key, m, world.ring.now + i));
    }
    expect(victim.machine.stats).toMatchObject({ served: 8, tooMany: 992 });
    expect(Reflect.get(victim.machine, 'censuses').size).toBeLessThanOrEqual(64);
  });

  test('of our own begins, however many of others are kept', () => {
    const world = new World(100, 6);
    const victim = world.seat(1);
    let served = 0;
    for (let i = 0; i < 90; i++) {
      const liar = world.seat(2 + i);
      const m: Gather = { token: new Uint8Array(8).fill(i + 1), origin: liar.id, end: liar.id, hops: 1, waitMs: 9000 };
      world.ring.act(victim, machine => machine.gather(liar.key, m, world.ring.now));
      served = victim.machine.stats.served;
    }
    expect(served).toBe(64);
    expect(world.begin(1)).toBe(true);
  });

  test('in the name of another neighbour, or of the receiver itself, is not served', () => {
    const world = new World(10, 7);
    const [liar, victim, other] = [world.seat(0), world.seat(1), world.seat(2)];
    const m = { token: new Uint8Array(8), end: liar.id, waitMs: 9000 };
    world.ring.act(victim, machine => {
      machine.gather(liar.key, { ...m, origin: other.id, hops: 1 }, world.ring.now);
      machine.gather(liar.key, { ...m, origin: victim.id, hops: 2 }, world.ring.now);
    });
    expect([world.asked, victim.machine.stats.served]).toEqual([0, 0]);
  });

  test('waits no longer than its hops allow, and goes no farther than 32, whatever a neighbour says', () => {
    const world = new World(10, 8);
    world.isDropped = () => true;
    const [liar, victim] = [world.seat(0), world.seat(1)];
    const m = { origin: world.seat(5).id, end: liar.id, waitMs: 65_535 };
    world.ring.act(victim, machine => {
      machine.gather(liar.key, { ...m, token: new Uint8Array(8).fill(1), hops: 3 }, world.ring.now);
      machine.gather(liar.key, { ...m, token: new Uint8Array(8).fill(2), hops: 32 }, world.ring.now);
    });
    expect(world.answered).toBe(1);
    world.ring.run(CENSUS_WAIT_MS - 3 * 600);
    expect(world.answered).toBe(2);
  });

  test('counts no answer that was not asked for, and none twice', () => {
    const world = new World(10, 9);
    world.begin(0);
    const [first, stranger] = [world.seat(0), 'ab'.repeat(20)];
    const sum = { peers: 9, consistent: 9, links: 9, records: 9, browsers: 9, unanswered: 0, depth: 9 };
    const [token] = [...Reflect.get(first.machine, 'censuses').values()].map(census => census.token);
    world.ring.act(first, machine => machine.gathered(stranger, { token, sum }, world.ring.now));
    world.ring.run(1000);
    for (const key of first.links.keys()) {
      world.ring.act(first, machine => machine.gathered(key, { token, sum }, world.ring.now));
    }
    expect(world.sums.map(({ peers }) => peers)).toEqual([10]);
  });

  test('that reaches a peer by two ways counts it once, and says that an arc is not counted', () => {
    const world = new World(10, 10);
    const [one, other, victim] = [world.seat(0), world.seat(2), world.seat(1)];
    const m = { token: new Uint8Array(8).fill(3), origin: one.id, end: world.seat(2).id, waitMs: 9000 };
    world.ring.act(victim, machine => {
      machine.gather(one.key, { ...m, hops: 1 }, world.ring.now);
      machine.gather(other.key, { ...m, hops: 2 }, world.ring.now);
      machine.gather(one.key, { ...m, hops: 1 }, world.ring.now);
    });
    expect(world.gathered.map(({ to, sum }) => [to === one.key, sum.peers, sum.unanswered])).toEqual([
      [true, 1, 0],
      [false, 0, 1],
      [true, 1, 0],
    ]);
  });
});

/** A ring of censuses: the n-th peer holds n records, each third is a browser. */
class World {
  readonly ring: Ring<Gathers>;
  readonly sums: CensusSum[] = [];
  readonly gathered: { readonly to: PeerKey; readonly sum: CensusSum }[] = [];
  tookMs = 0;
  asked = 0;
  answered = 0;
  isDropped: (from: PeerKey) => boolean = () => false;

  constructor(size: number, seed: number) {
    let made = 0;
    this.ring = new Ring(size, seed, {
      make: ({ id, links }, random: Random) => {
        const records = made++;
        const browsers = records % 3 === 0 ? 1 : 0;
        const own = () => ({ consistent: 1, links: links.size, records, browsers });
        return new Gathers({ self: id, random, links: () => links.values(), own });
      },
      drain: seat => this.drain(seat),
    });
  }

  seat(i: number): Seat<Gathers> {
    return this.ring.seats[i] as Seat<Gathers>;
  }

  begin(i: number): boolean {
    let hasBegun = false;
    this.ring.act(this.seat(i), machine => {
      hasBegun = machine.begin(1, this.ring.now);
    });
    return hasBegun;
  }

  private drain(seat: Seat<Gathers>): void {
    const { machine, key } = seat;
    for (let out = machine.poll(); out !== undefined; out = machine.poll()) {
      if (out.kind === 'sum') {
        this.sums.push(out.sum);
        this.tookMs = out.tookMs;
        continue;
      }
      if (out.kind === 'gather') this.asked++;
      else {
        this.answered++;
        this.gathered.push({ to: out.to, sum: out.message.sum });
      }
      if (this.isDropped(key)) continue;
      const { kind, to, message } = out;
      this.ring.send(seat, to, receiver => {
        if (kind === 'gather') receiver.machine.gather(key, message as Gather, this.ring.now);
        else receiver.machine.gathered(key, message as never, this.ring.now);
      });
    }
  }
}

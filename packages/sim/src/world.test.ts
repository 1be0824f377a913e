/** Virtual time, chance and wires: what stories rest on. */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from './random.ts';
import { World } from './world.ts';

describe('time', () => {
  test('runs events in the order of their times, and of their making within one time', () => {
    const world = new World(1);
    const ran: string[] = [];
    for (const [at, name] of [
      [30, 'd'],
      [10, 'a'],
      [20, 'b'],
      [20, 'c'],
    ] as const) {
      world.at(at, () => ran.push(`${name} ${world.now}`));
    }
    world.run(25);
    expect(ran).toEqual(['a 10', 'b 20', 'c 20']);
    expect(world.now).toBe(25);
    world.run(5);
    expect(ran.at(-1)).toBe('d 30');
  });

  test('in ten thousand random events never goes back', () => {
    const world = new World(1);
    const random = new SeededRandom(2);
    const seen: number[] = [];
    const add = (): void => {
      seen.push(world.now);
      if (seen.length < 10_000) for (let i = 0; i < 2; i++) world.at(world.now + 100 * random.unit(), add);
    };
    world.at(0, add);
    world.runUntil(() => seen.length >= 10_000, 100_000);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  test('puts what is asked for in the past at the present', () => {
    const world = new World(1);
    world.run(100);
    let ranAt = -1;
    world.at(50, () => {
      ranAt = world.now;
    });
    world.run(0);
    expect(ranAt).toBe(100);
  });

  test('stops at a condition, or tells that it never held', () => {
    const world = new World(1);
    let count = 0;
    for (let i = 1; i <= 10; i++) world.at(i, () => count++);
    expect(world.runUntil(() => count === 4, 100)).toBe(true);
    expect(world.now).toBe(4);
    expect(world.runUntil(() => count === 99, 100)).toBe(false);
    expect(world.now).toBe(104);
  });

  test('forgets what was cancelled', () => {
    const world = new World(1);
    let ran = false;
    world.at(10, () => {
      ran = true;
    })();
    world.run(20);
    expect(ran).toBe(false);
  });
});

describe('wires', () => {
  test('lose their share, and delay within their bounds', () => {
    const world = new World(3, { latencyMs: 20, jitterMs: 10, loss: 0.2 });
    const delays: number[] = [];
    for (let i = 0; i < 10_000; i++) world.carry(false, () => delays.push(world.now));
    world.run(1000);
    expect(delays.length).toBeGreaterThan(7800);
    expect(delays.length).toBeLessThan(8200);
    expect(delays[0]).toBeGreaterThanOrEqual(20);
    expect(delays.at(-1)).toBeLessThanOrEqual(30);
  });

  test('that are reliable lose nothing, late instead', () => {
    const world = new World(3, { latencyMs: 20, jitterMs: 0, loss: 0.2 });
    const delays: number[] = [];
    for (let i = 0; i < 1000; i++) world.carry(true, () => delays.push(world.now));
    world.run(1000);
    expect(delays).toHaveLength(1000);
    expect(new Set(delays)).toEqual(new Set([20, 60]));
  });
});

describe('wires with faults', () => {
  test('deliver their share twice, but never on a reliable wire', () => {
    const world = new World(3, { duplication: 0.1 });
    let [unreliable, reliable] = [0, 0];
    for (let i = 0; i < 10_000; i++) {
      world.carry(false, () => unreliable++);
      world.carry(true, () => reliable++);
    }
    world.run(1000);
    expect(unreliable).toBeGreaterThan(10_800);
    expect(unreliable).toBeLessThan(11_200);
    expect(reliable).toBe(10_000);
  });

  test('deliver their share behind what was sent later', () => {
    const world = new World(3, { latencyMs: 20, jitterMs: 0, reordering: 0.1 });
    const arrived: number[] = [];
    for (let i = 0; i < 1000; i++) world.at(i, () => world.carry(false, () => arrived.push(i)));
    world.run(2000);
    const late = arrived.filter((i, place) => arrived.slice(0, place).some(other => other > i));
    expect(arrived).toHaveLength(1000);
    expect(late.length).toBeGreaterThan(60);
    expect(late.length).toBeLessThan(140);
  });

  test('without faults to decide about draw no chance for them: a seed runs as it always did', () => {
    const arrivals = (faults: object) => {
      const world = new World(3, { loss: 0.2, ...faults });
      const times: number[] = [];
      for (let i = 0; i < 100; i++) world.carry(false, () => times.push(world.now));
      world.run(1000);
      return times;
    };
    expect(arrivals({ duplication: 0, reordering: 0 })).toEqual(arrivals({}));
  });
});

describe('chance', () => {
  test('is the same for a seed and a name, and different for another', () => {
    const draw = (seed: number, name: string) => [...new SeededRandom(seed, name).bytes(40)].join();
    expect(draw(1, 'a')).toBe(draw(1, 'a'));
    expect(new Set([draw(1, 'a'), draw(1, 'b'), draw(2, 'a'), draw(2, 'b'), draw(1, '')]).size).toBe(5);
  });

  test('gives bytes of every value alike', () => {
    const counts = new Uint32Array(256);
    for (const byte of new SeededRandom(5).bytes(256_000)) counts[byte] = (counts[byte] ?? 0) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1150);
  });
});

test('a wire takes as long as its two hosts are apart, where that is told', () => {
  const world = new World(1, { latencyMs: 20, jitterMs: 0 });
  expect(world.carry(false, () => {})).toBe(20);
  expect(world.carry(false, () => {}, 0, 75)).toBe(75);
  expect(world.carry(true, () => {}, 90, 75)).toBe(90);
});

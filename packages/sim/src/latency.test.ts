/** Latencies: what matrices say and leave out, and a made-up Internet that behaves like measured ones. */
import { describe, expect, test } from 'vitest';
import { type LatencyModel, matrixLatency, peopled, syntheticLatency, triangleViolations } from './latency.ts';

const UNKNOWN = 65_535;

describe('a matrix', () => {
  // Round trips in tenths of a millisecond; 0 -> 2 and both ways between 1 and 2 were not measured.
  const model = matrixLatency('three', Uint16Array.of(0, 200, UNKNOWN, 300, 0, UNKNOWN, 500, UNKNOWN, 0), 3);

  test('gives half the round trip, each way its own', () => {
    expect(model).toMatchObject({ name: 'three', hosts: 3 });
    expect(model.oneWayMs(0, 1)).toBe(10);
    expect(model.oneWayMs(1, 0)).toBe(15);
    expect(model.oneWayMs(1, 1)).toBe(0);
  });

  test('takes an unknown way from the one back, and an unknown pair from what both usually have', () => {
    expect(model.oneWayMs(0, 2)).toBe(25);
    expect(model.oneWayMs(1, 2)).toBe((15 + 25) / 2);
  });

  test('of another size than it says is refused', () => {
    expect(() => matrixLatency('four', Uint16Array.of(0, 1, 1, 0), 3)).toThrow(RangeError);
  });

  test('tells how often a third host serves a pair better', () => {
    const detour = matrixLatency('detour', Uint16Array.of(0, 100, 900, 100, 0, 100, 200, 100, 0), 3);
    expect(triangleViolations(detour)).toBe(1 / 6);
  });
});

describe('the synthetic Internet', () => {
  const model = syntheticLatency(128, 1);

  test('breaks triangles about as often as measured sets, and has their spread', () => {
    const roundTrips = pairs(model).sort((a, b) => a - b);
    const at = (share: number) => 2 * (roundTrips[Math.floor(share * roundTrips.length)] as number);
    expect(triangleViolations(model)).toBeGreaterThan(0.73);
    expect(triangleViolations(model)).toBeLessThan(0.9);
    expect(at(0.5)).toBeGreaterThan(110);
    expect(at(0.5)).toBeLessThan(160);
    expect(at(0.05)).toBeLessThan(40);
    expect(at(0.99)).toBeGreaterThan(350);
    expect(at(0.99)).toBeLessThan(700);
  });

  test('follows from its seed, host by host', () => {
    const larger = syntheticLatency(200, 1);
    expect(larger.oneWayMs(3, 77)).toBe(model.oneWayMs(3, 77));
    expect(larger.oneWayMs(77, 3)).toBe(model.oneWayMs(3, 77));
    expect(syntheticLatency(128, 2).oneWayMs(3, 77)).not.toBe(model.oneWayMs(3, 77));
    expect(model.oneWayMs(5, 5)).toBe(0);
  });
});

describe('peers on hosts', () => {
  const model = syntheticLatency(10, 1);

  test('have one each while there are enough', () => {
    const sorted = (of: LatencyModel) => pairs(of).sort((a, b) => a - b);
    expect(sorted(peopled(model, 10, 4))).toEqual(sorted(model));
    expect(pairs(peopled(model, 10, 4))).not.toEqual(pairs(model));
  });

  test('share them beyond, each behind an access link of its own', () => {
    const crowd = peopled(model, 25, 4);
    expect(crowd.hosts).toBe(25);
    expect(crowd.oneWayMs(0, 10)).toBeGreaterThan(1);
    expect(crowd.oneWayMs(0, 10)).not.toBe(crowd.oneWayMs(0, 20));
  });
});

/** All ordered pairs, in order. */
function pairs({ hosts, oneWayMs }: LatencyModel): number[] {
  const all: number[] = [];
  for (let i = 0; i < hosts; i++) for (let j = 0; j < hosts; j++) if (i !== j) all.push(oneWayMs(i, j));
  return all;
}

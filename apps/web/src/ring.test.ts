import { describe, expect, test } from 'vitest';
import { chord, fractionOf, labelHeights, lanesOf, nearestTo, pointAt } from './ring.ts';

describe('the ring map', () => {
  test('id zero is at the top and ids grow clockwise', () => {
    const quarter = pointAt(fractionOf(`4${'0'.repeat(39)}`), 100);
    expect(fractionOf('0'.repeat(40))).toBe(0);
    expect(pointAt(0, 100)).toEqual({ x: 0, y: -100 });
    expect(quarter.x).toBeCloseTo(100);
    expect(quarter.y).toBeCloseTo(0);
    expect(fractionOf('f'.repeat(40))).toBeLessThan(1);
  });

  test('a chord starts and ends on its peers, close to the rim for neighbours and through the middle across', () => {
    expect(chord({ x: 0, y: -100 }, { x: 100, y: 0 })).toBe('M0 -100Q22.8 -22.8 100 0');
    const deepest = (to: number): number =>
      Number(/Q([-\d.]+) ([-\d.]+)/.exec(chord(pointAt(0, 100), pointAt(to, 100)))?.[2]);
    expect(deepest(0.02)).toBeLessThan(-90);
    expect(Math.abs(deepest(0.5))).toBeLessThan(1);
  });

  test('peers that stand too close take further lanes, and the last of the ring minds the first', () => {
    expect(lanesOf([0.5, 0.1, 0.101, 0.102, 0.103, 0.2], 0.01)).toEqual([0, 0, 1, 2, 2, 0]);
    expect(lanesOf([0.001, 0.5, 0.999], 0.01)).toEqual([0, 0, 1]);
    expect(lanesOf([], 0.01)).toEqual([]);
  });

  test('who points beside a peer means it, and far from all nobody', () => {
    const places = new Map([
      ['a', { x: 0, y: -100 }],
      ['b', { x: 10, y: -98 }],
    ]);
    expect(nearestTo({ x: 7, y: -90 }, places, 20)).toBe('b');
    expect(nearestTo({ x: 0, y: 0 }, places, 20)).toBeUndefined();
  });

  test('labels of crowded peers do not cover each other', () => {
    const labels = Array.from({ length: 12 }, (_, i) => ({ key: `${i}`, fraction: 0.2 + i / 1_000 }));
    const heights = [...labelHeights(labels, 100, 14).values()].sort((a, b) => a - b);
    for (const [i, y] of heights.entries()) if (i > 0) expect(y - (heights[i - 1] ?? 0)).toBeGreaterThanOrEqual(13.999);
  });

  test('a label that stands alone stays beside its peer', () => {
    const heights = labelHeights(
      [
        { key: 'a', fraction: 0.1 },
        { key: 'b', fraction: 0.6 },
      ],
      100,
      14,
    );
    expect(heights.get('a')).toBeCloseTo(pointAt(0.1, 100).y);
    expect(heights.get('b')).toBeCloseTo(pointAt(0.6, 100).y);
  });
});

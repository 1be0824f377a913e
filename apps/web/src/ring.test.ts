import { describe, expect, test } from 'vitest';
import { chord, fractionOf, labelHeights, pointAt } from './ring.ts';

describe('the ring map', () => {
  test('id zero is at the top and ids grow clockwise', () => {
    const quarter = pointAt(fractionOf(`4${'0'.repeat(39)}`), 100);
    expect(fractionOf('0'.repeat(40))).toBe(0);
    expect(pointAt(0, 100)).toEqual({ x: 0, y: -100 });
    expect(quarter.x).toBeCloseTo(100);
    expect(quarter.y).toBeCloseTo(0);
    expect(fractionOf('f'.repeat(40))).toBeLessThan(1);
  });

  test('a chord starts and ends on its peers', () => {
    expect(chord({ x: 0, y: -100 }, { x: 100, y: 0 })).toBe('M0 -100Q17.5 -17.5 100 0');
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

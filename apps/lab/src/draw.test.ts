/** Pictures: one SVG for all panels, the same text for the same figure. */
import { expect, test } from 'vitest';
import { draw } from './draw.ts';
import type { Panel } from './figure.ts';

const panel: Panel = {
  title: 'Hops',
  x: { label: 'peers', scale: 'log' },
  y: { label: 'hops', scale: 'linear', min: 0 },
  lines: [
    {
      name: 'mean',
      of: 'run',
      points: [
        [100, 2],
        [10_000, 4],
      ],
    },
    {
      name: 'half of log2 N',
      of: 'bar',
      points: [
        [100, 3.3],
        [10_000, 6.6],
      ],
    },
  ],
};

test('a figure is one picture that holds its panels, their names and labels', () => {
  const svg = draw([panel, { ...panel, title: 'Bytes' }, panel]);
  expect(svg).toMatch(/^<svg xmlns="[^"]*" width="1120" height="800"/);
  expect(svg.match(/<svg /g)).toHaveLength(4);
  for (const text of ['Hops', 'Bytes', 'peers', 'half of log2 N', '10 k']) expect(svg).toContain(`>${text}<`);
});

test('the same figure gives the same text, and no two of its parts share a name', () => {
  const svg = draw([panel, panel]);
  expect(draw([panel, panel])).toBe(svg);
  const ids = [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('a table is drawn with the first letter of each word, and a legend', () => {
  const svg = draw([{ title: 'Pairs', rows: ['x'], columns: ['p', 'q', 'r'], cells: [['direct', '(relayed)', '']] }]);
  for (const text of ['Pairs', 'x', 'p', 'q', 'd', 'r', 'direct', '(relayed)']) expect(svg).toContain(`>${text}<`);
});

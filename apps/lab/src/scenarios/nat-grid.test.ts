/**
 * The NAT matrix of two edges as a table that a change has to leave as it is: what the oracle says is possible happens.
 * Where it changes for good, `vitest -u` writes it anew. The tables with tabs: `nat-grid-tabs.test.ts`.
 */
import { expect, test } from 'vitest';
import { gridText } from '../report.ts';
import { natGrid } from './nat-grid.ts';
import { natGridTable, NAT_GRID_SETTINGS as SETTINGS } from './nat-grid-table.ts';

test('faults #22 #23 #24 every pair of edges talks, directly wherever that is possible', {
  timeout: 600_000,
}, async () => {
  const { text, figures, missed } = natGridTable('edge-edge');
  expect(missed).toEqual([]);
  expect(figures.connected).toBe(figures.pairs);
  await expect(text).toMatchFileSnapshot('nat-grid/edge-edge.txt');
});

test('in brackets is what could have been direct', () => {
  const settings = {
    ...SETTINGS,
    hosts: 'edge-edge',
    row: 'port-restricted',
    column: 'symmetric-random',
    seconds: 5,
    loss: 50,
  };
  const { figures, missed, grids } = natGrid.run({ seed: 1, settings, step: () => {} });
  expect(figures).toMatchObject({ pairs: 1, direct: 0, directPossible: 1 });
  expect(missed.length).toBeGreaterThan(0);
  expect(grids?.map(gridText).join()).toMatch(/\((relayed|never)\)/);
});

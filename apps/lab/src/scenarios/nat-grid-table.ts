/** For tests: one table of the NAT matrix, and whether it is still as it was written down. */
import { expect } from 'vitest';
import { gridText } from '../report.ts';
import { natGrid } from './nat-grid.ts';

export const NAT_GRID_SETTINGS = { row: 'all', column: 'all', seconds: 12, loss: 0 };

/** Plays all pairs of these kinds of host: all talk, and the table is the one in `nat-grid/`. */
export async function keepsTable(hosts: string): Promise<void> {
  const { figures, missed, grids } = natGrid.run({
    seed: 1,
    settings: { ...NAT_GRID_SETTINGS, hosts },
    step: () => {},
  });
  expect(missed).toEqual([]);
  expect(figures.connected).toBe(figures.pairs);
  const text = (grids ?? []).map(gridText).join('\n\n');
  await expect(`${text}\n`).toMatchFileSnapshot(`nat-grid/${hosts}.txt`);
}

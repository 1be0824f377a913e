/**
 * The NAT matrix as tables that a change has to leave as they are, one for each kinds of host: what the oracle says is
 * possible happens. Where a table changes for good, `vitest -u` writes it anew.
 */
import { expect, test } from 'vitest';
import { HOSTS } from '../nat-pairs.ts';
import { gridText } from '../report.ts';
import { natGrid } from './nat-grid.ts';

const SETTINGS = { row: 'all', column: 'all', seconds: 12, loss: 0 };

test.each(HOSTS)(
  'faults #22 #23 #24 every pair of %s talks, directly wherever that is possible',
  { timeout: 600_000 },
  async hosts => {
    const { figures, missed, grids } = natGrid.run({ seed: 1, settings: { ...SETTINGS, hosts }, step: () => {} });
    expect(missed).toEqual([]);
    expect(figures.connected).toBe(figures.pairs);
    const text = (grids ?? []).map(gridText).join('\n\n');
    await expect(`${text}\n`).toMatchFileSnapshot(`nat-grid/${hosts}.txt`);
  },
);

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

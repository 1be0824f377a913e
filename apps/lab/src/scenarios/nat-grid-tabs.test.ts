/** The NAT matrices with tabs, as `nat-grid.test.ts` keeps that of edges. */
import { expect, test } from 'vitest';
import { natGridTable } from './nat-grid-table.ts';

test.each(['edge-tab', 'tab-tab'])(
  'faults #22 #23 #24 every pair of %s talks, directly wherever that is possible',
  { timeout: 600_000 },
  async hosts => {
    const { text, figures, missed } = natGridTable(hosts);
    expect(missed).toEqual([]);
    expect(figures.connected).toBe(figures.pairs);
    await expect(text).toMatchFileSnapshot(`nat-grid/${hosts}.txt`);
  },
);

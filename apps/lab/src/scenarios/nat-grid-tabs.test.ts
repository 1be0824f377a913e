/** The NAT matrices with tabs, as `nat-grid.test.ts` keeps that of edges. */
import { test } from 'vitest';
import { keepsTable } from './nat-grid-table.ts';

test.each(['edge-tab', 'tab-tab'])(
  'faults #22 #23 #24 every pair of %s talks, directly wherever that is possible',
  { timeout: 600_000 },
  keepsTable,
);

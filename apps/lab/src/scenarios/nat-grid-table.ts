/** For tests: one table of the NAT matrix as text, and what was not as it should be. */
import { gridText } from '../report.ts';
import type { Figures } from '../scenario.ts';
import { natGrid } from './nat-grid.ts';

export const NAT_GRID_SETTINGS = { row: 'all', column: 'all', seconds: 12, loss: 0 };

/** Plays all pairs of these kinds of host. */
export function natGridTable(hosts: string): {
  readonly text: string;
  readonly figures: Figures;
  readonly missed: readonly string[];
} {
  const { figures, missed, grids } = natGrid.run({
    seed: 1,
    settings: { ...NAT_GRID_SETTINGS, hosts },
    step: () => {},
  });
  return { text: `${(grids ?? []).map(gridText).join('\n\n')}\n`, figures, missed };
}

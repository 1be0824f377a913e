/** For the lab of real processes (test/lab), which tells its figures in the same way. The rest is a command (`main.ts`). */
export type { GridTable } from './figure.ts';
export { IDLE_REMARKS, type IdleStage, PING_EVERY_MS, stageFigures, stagesOf } from './idle-stages.ts';
export { gridText, reportOf, rounded, table } from './report.ts';
export type { Figures, Outcome } from './scenario.ts';
export { percentile } from './statistics.ts';

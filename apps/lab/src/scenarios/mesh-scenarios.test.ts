/** Each scenario of the mesh on a small scale: it runs, its bar holds, and what attackers do leaves traces. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Settings } from '../knob.ts';
import { DATA_VARIABLE } from '../latency.ts';
import type { Outcome } from '../scenario.ts';
import { SCENARIOS } from './index.ts';

test('faults #19 lookups find the nearest peer while others come and go, and a seed repeats them', () => {
  const play = () => played('churn', { peers: 16, minutes: 3, life: '5' });
  const first = play();
  expect(first.figures.departuresAt5).toBeGreaterThan(0);
  expect(first.figures.lookupRateAt5).toBeGreaterThan(0.95);
  expect(play().figures).toEqual(first.figures);
});

test('faults #65 lookups find a way round silent droppers', () => {
  const { figures, missed } = played('droppers', { peers: 30, seconds: 20, share: [0.2] });
  expect(figures.lookupsAt20).toBeGreaterThan(100);
  expect(missed).toEqual([]);
});

test('faults #30 a healed partition is one ring with all records', () => {
  const { figures, missed } = played('merge', { peers: 16, minutes: 1, records: 6 });
  expect(figures.records).toBe(12);
  expect(missed).toEqual([]);
});

test('faults #20 no key is lost when neighbours die at once', () => {
  const { figures } = played('adjacent-death', { peers: 20, keys: 8, most: 2, rounds: 1 });
  expect([figures.keysLostAt1, figures.keysLostAt2]).toEqual([0, 0]);
});

test('faults #45 claims at once, on both sides of a split, end with an address each', () => {
  const { figures, missed } = played('address-claims', { peers: 30, prefix: 26, minutes: 1 });
  expect(figures.moves).toBeGreaterThan(0);
  expect(missed).toEqual([]);
});

test('faults #63 attackers with assigned ids are among the links of a victim, but not alone', () => {
  const { figures, missed } = played('eclipse', { peers: 30, seconds: 20, share: [0.2], ids: 'assigned' });
  expect(figures.attackersAmongLinksAt20).toBeGreaterThan(0);
  expect(missed).toEqual([]);
});

test('faults #5 #68 forged and replaced records are answered, and not accepted', () => {
  const { figures } = played('poison', { peers: 20, keys: 8, seconds: 20, share: [0.2] });
  expect(figures.answersForgedAt20).toBeGreaterThan(0);
  expect(figures.forgedAccepted).toBe(0);
});

test('faults #69 a flood of valid records leaves those of others', () => {
  const { figures } = played('flood', { peers: 20, keys: 8, seconds: 5, puts: 4, asks: 4, share: [0.1] });
  expect(figures.meanRecordsHeldAt10).toBeGreaterThan(8);
  expect(figures.honestLostAt10).toBe(0);
});

test.each([
  ['flood', { puts: 2, asks: 2 }],
  ['poison', {}],
])('%s runs with the latencies that it is given', (name, more) => {
  const folder = mkdtempSync(join(tmpdir(), 'warren-latency-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv(DATA_VARIABLE, folder);
  const tenthsOfMs = 4000;
  writeFileSync(join(folder, 'king-128.u16.gz'), gzipSync(new Uint16Array(128 * 128).fill(tenthsOfMs)));
  const play = (latency: string) => played(name, { peers: 20, keys: 4, seconds: 10, share: [0.2], latency, ...more });
  expect(play('king-128').figures).not.toEqual(play('synthetic').figures);
});

function played(name: string, changes: Settings): Outcome {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`there is a scenario ${name}`);
  const usual = Object.entries(scenario.knobs).map(([key, knob]) => [key, knob.initial]);
  return scenario.run({ seed: 1, settings: { ...Object.fromEntries(usual), ...changes }, step: () => {} });
}

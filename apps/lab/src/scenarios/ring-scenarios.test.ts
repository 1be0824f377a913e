/** The scenarios of settled and of joining rings on a small scale: their bars hold, their pictures show what they say. */
import { expect, test } from 'vitest';
import type { Settings } from '../knob.ts';
import type { Outcome } from '../scenario.ts';
import { SCENARIOS } from './index.ts';

test('hops are fewer with lookahead, every lookup finds the nearest peer, and a seed repeats them', () => {
  const play = () => played('hops', { peers: 40, seconds: 40, rest: 10, lookups: 150 });
  const { figures, missed, figure } = play();
  expect(missed).toEqual([]);
  expect(figures).toMatchObject({ lookupRate: 1, ringConsistency: 1 });
  expect(figures.meanHops).toBeLessThanOrEqual(figures.meanHopsWithoutLookahead as number);
  expect(figures.meanDirectMs).toBeLessThan(figures.meanAnswerMs as number);
  expect(figure?.map(panel => 'lines' in panel && panel.lines.length)).toEqual([4, 2]);
  expect(play().figures).toEqual(figures);
});

test('far links are there from the beginning of a ring that is whole', () => {
  const { figures } = played('hops', { peers: 60, begin: 'whole', seconds: 5, rest: 5, lookups: 50 });
  expect(figures.linksPerPeer).toBeGreaterThan(12);
  expect(figures.lookupRate).toBe(1);
});

test('relays lie between overlay and direct, the best before the nearest', () => {
  const { figures } = played('relay-motivation', { peers: 30, rounds: 1, latency: 'synthetic' });
  expect(figures.hosts).toBe(30);
  expect(figures.bestRelayMsAt30).toBeLessThan(figures.nearestRelayMsAt30 as number);
  expect(figures.nearestRelayMsAt30).toBeLessThan(figures.overlayMsAt30 as number);
});

test('faults #74 a broadcast reaches every honest peer past those that hand nothing on', () => {
  const { figures, missed } = played('broadcast', { peers: 30, droppers: [0, 0.2] });
  expect(missed).toEqual([]);
  expect(figures).toMatchObject({ reachedShareAt30Droppers0: 1, reachedShareAt30Droppers20: 1 });
  expect(figures.p99MsAt30Droppers20).toBeGreaterThan(figures.p50MsAt30Droppers20 as number);
});

test('faults #37 all join who come back within a second through one bootstrap node', () => {
  const { figures, missed } = played('mass-join', { peers: 40 });
  expect(missed).toEqual([]);
  expect(figures).toMatchObject({ joined: 40, ringConsistency: 1 });
  expect(figures.peakMessagesPerSecond).toBeGreaterThan(40);
});

function played(name: string, changes: Settings): Outcome {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`there is a scenario ${name}`);
  const usual = Object.entries(scenario.knobs).map(([key, knob]) => [key, knob.initial]);
  return scenario.run({ seed: 1, settings: { ...Object.fromEntries(usual), ...changes }, step: () => {} });
}

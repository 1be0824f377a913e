/**
 * Peers in a row on the ring die at once: which keys are lost for good, how
 * many reads fail until others have taken over, and how long the ring takes to
 * close? The rows are chosen where they hurt: round a place where keys are kept.
 * Row 20 of the faults.
 */
import { type LatencyModel, MeshWorld, SimRecords } from '@warren/sim';
import type { Figure, Line } from '../figure.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { rounded } from '../report.ts';
import { type Figures, scenario, suffixed } from '../scenario.ts';
import { StoredKeys } from '../stored-keys.ts';

/** Below as many in a row no key may be lost. */
const BAR_BELOW = 4;
const JOIN_MS = 40_000;
const SETTLE_MS = 60_000;
const REMARKS = ['Each row lies round a place where a key is kept; with several rounds losses add up.'];

export const adjacentDeath = scenario({
  summary: 'neighbours in a row die at once: are keys lost?',
  example: '--peers 60 --keys 40 --most 4 --rounds 1',
  bar: `no key lost below ${BAR_BELOW} in a row`,
  knobs: {
    peers: { kind: 'count', what: 'peers', initial: 100, min: 20, max: 10_000 },
    keys: { kind: 'count', what: 'stored keys', initial: 100, min: 1, max: 10_000 },
    most: { kind: 'count', what: 'in a row that die, from 1 to this', initial: 8, min: 1, max: 50 },
    rounds: { kind: 'count', what: 'rows that die one after the other, for each length', initial: 2, min: 1, max: 20 },
    latency: latencyKnob,
  },
  run: ({ seed, settings, step }) => {
    const latency = latencyOf(settings.latency, settings.peers, seed, step);
    const figures: Record<string, number> = {};
    let lostBelow = 0;
    for (let k = 1; k <= settings.most; k++) {
      step(`${k} in a row`);
      const level = playLevel(seed, k, { ...settings, latency });
      Object.assign(figures, suffixed(level, `At${k}`));
      if (k < BAR_BELOW) lostBelow += level.keysLost ?? 0;
    }
    figures.keysLost = lostBelow;
    const missed = lostBelow === 0 ? [] : [`${lostBelow} keys were lost below ${BAR_BELOW} in a row`];
    return { figures, missed, figure: figureOf(figures, settings), remarks: REMARKS };
  },
});

/** What is lost, and for how long the ring is open, over the length of the row. */
function figureOf(figures: Figures, { most, keys }: { readonly most: number; readonly keys: number }): Figure {
  const x = { label: 'peers in a row that die', scale: 'linear', min: 1 } as const;
  const line = (name: string, figure: string, unit = 1): Line => ({
    name,
    of: 'run',
    points: Array.from({ length: most }, (_, i) => [i + 1, (figures[`${figure}At${i + 1}`] ?? 0) / unit] as const),
  });
  return [
    {
      title: 'Keys when neighbours die at once',
      x,
      y: { label: 'share', scale: 'linear', min: 0 },
      lines: [
        line('keys lost', 'keysLost', keys),
        line('reads that fail within 8 s of the deaths', 'readsFailedMeanwhile'),
      ],
    },
    {
      title: 'The ring when neighbours die at once',
      x,
      y: { label: 'seconds until all near links are there', scale: 'linear', min: 0 },
      lines: [line('longest of all rounds', 'ringClosedMs', 1000)],
    },
  ];
}

interface Settings {
  readonly peers: number;
  readonly keys: number;
  readonly rounds: number;
  readonly latency: LatencyModel;
}

function playLevel(seed: number, k: number, o: Settings): Figures {
  const records = new SimRecords(seed);
  const world = new MeshWorld({ seed, records, latency: o.latency });
  world.populate(o.peers, JOIN_MS);
  world.run(JOIN_MS + SETTLE_MS);
  const keys = new StoredKeys(world, records);
  keys.fill(world.living(), o.keys, 20);
  world.run(50 * o.keys + 30_000);
  let [closedMs, failedReads, reads] = [0, 0, 0];
  for (let round = 0; round < o.rounds; round++) {
    killRow(world, keys, k);
    const diedAt = world.now;
    const before = keys.readings.nothing;
    keys.readAll(() => world.living(), 8000);
    world.runUntil(() => world.ring().missingNear() === 0, 120_000, 250);
    closedMs = Math.max(closedMs, world.now - diedAt);
    world.run(Math.max(0, 40_000 - (world.now - diedAt)));
    failedReads += keys.readings.nothing - before;
    reads += keys.keys.length;
  }
  world.run(30_000);
  const [nothing, stale] = [keys.readings.nothing, keys.readings.stale];
  keys.readAll(() => world.living(), 10_000);
  world.run(30_000);
  return {
    keysLost: keys.readings.nothing - nothing,
    keysStale: keys.readings.stale - stale,
    readsFailedMeanwhile: rounded(failedReads / reads),
    ringClosedMs: rounded(closedMs),
  };
}

/** Kills those in a row round the place of one replica of a key; the bootstrap node is never among them. */
function killRow(world: MeshWorld, keys: StoredKeys, k: number): void {
  const ring = world.ring();
  const [first] = world.living();
  for (;;) {
    const place = first?.dht?.positions(keys.drawn(keys.keys).key)[0];
    const nearest = place === undefined ? undefined : ring.nearest(place);
    if (nearest === undefined) return;
    const from = ring.rank(nearest.key) - (k >> 1);
    const row = Array.from({ length: k }, (_, i) => ring.at(from + i));
    if (row.some(peer => peer.isBootstrap)) continue;
    for (const peer of row) world.kill(peer);
    return;
  }
}

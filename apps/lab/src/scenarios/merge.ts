/**
 * The network splits into parts for minutes and heals: how long until there is
 * one ring, and is every record found that was written before or meanwhile?
 * Row 30 of the faults.
 */
import { type LatencyModel, type MeshPeer, MeshWorld, SeededRandom, SimRecords } from '@warren/sim';
import type { Panel } from '../figure.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { rounded } from '../report.ts';
import { RingWatch } from '../ring-watch.ts';
import { type Figures, scenario } from '../scenario.ts';
import { StoredKeys } from '../stored-keys.ts';

const BAR_SECONDS = 60;
/** Shares of the parts. */
const SPLITS: Readonly<Record<string, readonly number[]>> = {
  '50/50': [0.5, 0.5],
  '90/10': [0.9, 0.1],
  '3-way': [1 / 3, 1 / 3, 1 / 3],
};
const JOIN_MS = 60_000;
const SETTLE_MS = 60_000;
/** Time for records to find their holders in the merged ring. */
const REPAIR_MS = 120_000;
const MERGE_MAX_MS = 600_000;
/** The ring is looked at so often for the picture, for so long. */
const WATCH_MS = 500;
const DRAWN_MS = 70_000;

export const merge = scenario({
  summary: 'a partition heals: one ring again, all records found',
  example: '--peers 60 --minutes 2 --records 30',
  bar: `one ring within ${BAR_SECONDS} s, no record lost`,
  knobs: {
    peers: { kind: 'count', what: 'peers', initial: 200, min: 12, max: 20_000 },
    minutes: { kind: 'count', what: 'virtual minutes that the partition lasts', initial: 10, min: 1, max: 1000 },
    split: { kind: 'choice', what: 'sizes of the parts', initial: '50/50', of: Object.keys(SPLITS) },
    records: {
      kind: 'count',
      what: 'records written before, and as many meanwhile',
      initial: 100,
      min: 1,
      max: 10_000,
    },
    loss: { kind: 'count', what: 'percentage of datagrams lost at all times', initial: 0, min: 0, max: 30 },
    latency: latencyKnob,
  },
  run: ({ seed, settings, step }) => {
    const parts = SPLITS[settings.split] ?? [0.5, 0.5];
    const latency = latencyOf(settings.latency, settings.peers, seed, step);
    const { world, keys, sides } = begin(seed, { ...settings, latency }, parts);
    step('split');
    world.split(peer => sides.get(peer) ?? 0);
    const half = settings.minutes * 30_000;
    world.run(half);
    const beforeSplit = [...keys.keys];
    keys.fill(world.living(), settings.records, settings.records / (half / 2000));
    for (let i = 0; i < beforeSplit.length; i += 4) keys.rewrite(beforeSplit[i] as (typeof beforeSplit)[0]);
    world.run(half);
    const partsWhole = parts.map((_, side) => world.ring(peer => sides.get(peer) === side).consistency());
    step(`healed; parts were ${partsWhole.map(rounded).join(', ')} whole`);
    const apart = world.ring().consistency();
    const ring = new RingWatch(world, WATCH_MS);
    const figures = heal(world, keys);
    ring.stop();
    const whole = {
      partConsistency: rounded(Math.min(...partsWhole)),
      records: keys.keys.length,
      putsFailed: keys.failed,
    };
    return {
      figures: { ...figures, ...whole },
      missed: missedBy(figures),
      figure: [mergePanel([apart, ...ring.samples])],
    };
  },
});

/** The ring from the moment when the parts can reach each other. */
function mergePanel(samples: readonly number[]): Panel {
  const drawn = samples.slice(0, DRAWN_MS / WATCH_MS);
  return {
    title: 'After a partition has healed',
    x: { label: 'seconds since', scale: 'linear' },
    y: { label: 'peers linked to their successor', scale: 'linear', min: 0, max: 1 },
    lines: [
      { name: 'one ring', of: 'run', points: drawn.map((share, i) => [(i * WATCH_MS) / 1000, share] as const) },
      { name: 'bar', of: 'bar', points: [[BAR_SECONDS, 0] as const, [BAR_SECONDS, 1] as const] },
    ],
  };
}

function begin(
  seed: number,
  o: { peers: number; records: number; loss: number; latency: LatencyModel },
  parts: readonly number[],
) {
  const records = new SimRecords(seed);
  const world = new MeshWorld({ seed, records, loss: o.loss / 100, latency: o.latency });
  world.populate(o.peers, JOIN_MS);
  world.run(JOIN_MS + SETTLE_MS);
  const keys = new StoredKeys(world, records);
  keys.fill(world.living(), o.records, 10);
  world.run(100 * o.records + 20_000);
  const random = new SeededRandom(seed, 'sides');
  return { world, keys, sides: drawnSides(world.peers, parts, random) };
}

/** Peers in random order, cut into parts of the given shares. */
function drawnSides(peers: readonly MeshPeer[], parts: readonly number[], random: SeededRandom): Map<MeshPeer, number> {
  const order = peers.map(peer => ({ peer, at: random.unit() })).sort((a, b) => a.at - b.at);
  const ends = parts.map((_, i) => parts.slice(0, i + 1).reduce((sum, part) => sum + part, 0) * peers.length);
  return new Map(
    order.map(({ peer }, i) => [
      peer,
      Math.max(
        0,
        ends.findIndex(end => i < end),
      ),
    ]),
  );
}

function heal(world: MeshWorld, keys: StoredKeys): Figures {
  const healedAt = world.now;
  world.split(() => 0);
  const isMerged = world.runUntil(() => world.ring().consistency() === 1, MERGE_MAX_MS, 500);
  const mergeMs = world.now - healedAt;
  const areNear = world.runUntil(() => world.ring().missingNear() === 0, MERGE_MAX_MS, 500);
  const nearMs = world.now - healedAt;
  const atOnce = readings(world, keys);
  world.run(REPAIR_MS);
  const later = readings(world, keys);
  return {
    mergeSeconds: isMerged ? rounded(mergeMs / 1000) : Number.POSITIVE_INFINITY,
    allNearLinksSeconds: areNear ? rounded(nearMs / 1000) : Number.POSITIVE_INFINITY,
    recordsLost: later.nothing + later.forged,
    recordsStale: later.stale,
    recordsMissingAtMerge: atOnce.nothing,
    recordsStaleAtMerge: atOnce.stale,
  };
}

function readings(world: MeshWorld, keys: StoredKeys): StoredKeys['readings'] {
  const before = { ...keys.readings };
  keys.readAll(() => world.living(), 10_000);
  world.run(30_000);
  const { newest, stale, forged, nothing } = keys.readings;
  return {
    newest: newest - before.newest,
    stale: stale - before.stale,
    forged: forged - before.forged,
    nothing: nothing - before.nothing,
  };
}

function missedBy(figures: Figures): string[] {
  const { mergeSeconds = 0, recordsLost = 0 } = figures;
  const missed = mergeSeconds <= BAR_SECONDS ? [] : [`one ring after ${mergeSeconds} s, not ${BAR_SECONDS}`];
  return recordsLost === 0 ? missed : [...missed, `${recordsLost} records were lost`];
}

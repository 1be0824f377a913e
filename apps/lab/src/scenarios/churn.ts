/**
 * Peers come and go: how many lookups are answered by the peer that is truly
 * nearest, and how often is the ring whole? For median lifetimes of 60, 15 and
 * 5 minutes, and as hosts of Gnutella did. Row 19 of the faults.
 */
import {
  Churn,
  exponential,
  type LatencyModel,
  type Lifetimes,
  MeshWorld,
  pareto,
  SeededRandom,
  weibull,
} from '@warren/sim';
import type { Panel } from '../figure.ts';
import { gnutellaSessions, within } from '../gnutella.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { LookupLoad } from '../lookup-load.ts';
import { rounded } from '../report.ts';
import { RingWatch } from '../ring-watch.ts';
import { type Figures, scenario, suffixed } from '../scenario.ts';

const BAR = 0.99;
/** Median lifetimes in minutes. */
const LIVES = ['60', '15', '5'] as const;
const BAR_AT = '15';
/** Peers that are away for each one there: how long absences are. */
const AWAY_SHARE = 0.25;
const SETTLE_MS = 60_000;
/** Where in the trace the window begins: mid-morning of its second day. */
const TRACE_FROM_MS = 24 * 3_600_000;
const DISTRIBUTIONS: Readonly<Record<string, (medianMs: number) => Lifetimes>> = { exponential, pareto, weibull };

export const churn = scenario({
  summary: 'lookups and ring while peers come and go',
  example: '--peers 60 --minutes 3 --life 15',
  bar: `at a median lifetime of ${BAR_AT} min at least 99 % of lookups come to the nearest peer`,
  knobs: {
    peers: { kind: 'count', what: 'peers that are there at a time', initial: 200, min: 10, max: 20_000 },
    minutes: { kind: 'count', what: 'virtual minutes of each level', initial: 6, min: 1, max: 1000 },
    life: {
      kind: 'choice',
      what: 'median lifetime in minutes, or all levels',
      initial: 'all',
      of: ['all', ...LIVES, 'trace'],
    },
    distribution: {
      kind: 'choice',
      what: 'of lifetimes and absences',
      initial: 'exponential',
      of: Object.keys(DISTRIBUTIONS),
    },
    crashes: { kind: 'count', what: 'percentage that leave without goodbye', initial: 50, min: 0, max: 100 },
    lost: { kind: 'count', what: 'percentage that return without their disk', initial: 50, min: 0, max: 100 },
    lookups: { kind: 'count', what: 'lookups a second', initial: 5, min: 1, max: 1000 },
    latency: latencyKnob,
  },
  run: ({ seed, settings, step }) => {
    const levels = settings.life === 'all' ? [...LIVES, 'trace'] : [settings.life];
    const latency = latencyOf(settings.latency, settings.peers, seed, step);
    const figures: Record<string, number> = {};
    for (const level of levels) {
      step(level === 'trace' ? 'as in the trace' : `median lifetime ${level} min`);
      const outcome = playLevel(seed, level, { ...settings, latency });
      if (outcome === undefined) step('the trace is not there: left out');
      else Object.assign(figures, suffixed(outcome, level === 'trace' ? 'AtTrace' : `At${level}`));
      const { lookupRate, ringConsistency } = outcome ?? {};
      if (level === BAR_AT) Object.assign(figures, { lookupRate, ringConsistency });
    }
    const rate = figures.lookupRate ?? 1;
    const remarks = [`The bar is ${BAR} at a median lifetime of ${BAR_AT} min.`];
    return {
      figures,
      figure: [livesPanel(figures)],
      remarks,
      missed: rate >= BAR ? [] : [`${rate} of the lookups were right at ${BAR_AT} min, not ${BAR}`],
    };
  },
});

function livesPanel(figures: Figures): Panel {
  const lives = LIVES.filter(life => figures[`lookupRateAt${life}`] !== undefined).map(Number);
  const line = (name: string, figure: string): Panel['lines'][number] => ({
    name,
    of: 'run',
    points: lives.map(life => [life, figures[`${figure}At${life}`] ?? 0] as const),
  });
  const lines = [line('right lookups', 'lookupRate'), line('linked to successor', 'ringConsistency')];
  const least = Math.min(BAR, ...lines.flatMap(({ points }) => points.map(([, share]) => share)));
  return {
    title: 'While peers come and go',
    x: { label: 'median lifetime, minutes', scale: 'log' },
    // What matters is how little is missing.
    y: { label: 'share', scale: 'linear', min: Math.floor(20 * least) / 20, max: 1 },
    lines: [...lines, { name: 'bar for lookups', of: 'bar', points: lives.map(life => [life, BAR] as const) }],
  };
}

interface Settings {
  readonly peers: number;
  readonly minutes: number;
  readonly distribution: string;
  readonly crashes: number;
  readonly lost: number;
  readonly lookups: number;
  readonly latency: LatencyModel;
}

function playLevel(seed: number, level: string, o: Settings): Figures | undefined {
  const world = new MeshWorld({ seed, latency: o.latency });
  const random = new SeededRandom(seed, 'churn');
  const medianMs = Number(level) * 60_000;
  const distribution = DISTRIBUTIONS[o.distribution] ?? exponential;
  const up = distribution(level === 'trace' ? 1 : medianMs);
  const down = distribution(level === 'trace' ? 1 : AWAY_SHARE * medianMs);
  const comings = new Churn(world, random, { up, down, crashShare: o.crashes / 100, diskLossShare: o.lost / 100 });
  const begin = level === 'trace' ? fromTrace(world, comings, random, o) : fromDistribution(world, comings, o);
  if (begin === undefined) return undefined;
  world.run(SETTLE_MS);
  begin();
  const lookups = new LookupLoad(world, { perSecond: o.lookups });
  const ring = new RingWatch(world, 1000);
  lookups.start();
  world.run(o.minutes * 60_000);
  lookups.stop();
  ring.stop();
  world.run(12_000);
  const { left, crashed, returned } = comings;
  return {
    lookupRate: rounded(lookups.rate),
    lookupsWrong: lookups.wrong,
    lookupsLost: lookups.lost,
    lookups: lookups.asked,
    ringConsistency: rounded(ring.mean),
    ringConsistencyLeast: rounded(ring.least),
    meanHops: rounded(lookups.meanHops),
    lookupP95Ms: rounded(lookups.p95Ms),
    departures: left + crashed,
    returns: returned,
    peersAtEnd: world.living().length,
    messagesPerPeerPerMinute: rounded(world.stats.datagrams / o.peers / (world.now / 60_000)),
  };
}

/** So many are there, and some are away from the beginning, so that the number there stays about the same. */
function fromDistribution(world: MeshWorld, comings: Churn, o: Settings): () => void {
  const there = world.populate(o.peers, SETTLE_MS / 2).filter(peer => !peer.isBootstrap);
  const away = Array.from({ length: Math.round(AWAY_SHARE * o.peers) }, () => world.add());
  return () => {
    comings.start(there);
    comings.startAway(away);
  };
}

/** Hosts of the trace drawn at random, as many as make the wanted number at a time. */
function fromTrace(world: MeshWorld, comings: Churn, random: SeededRandom, o: Settings): (() => void) | undefined {
  const toMs = TRACE_FROM_MS + o.minutes * 60_000;
  const hosts = gnutellaSessions()
    ?.map(sessions => within(sessions, TRACE_FROM_MS, toMs))
    .filter(sessions => sessions.length > 0);
  if (hosts === undefined) return undefined;
  const meanThere = hosts.flat().reduce((sum, [from, to]) => sum + Math.min(to, o.minutes * 60_000) - from, 0);
  const share = meanThere / (o.minutes * 60_000) / hosts.length;
  const count = Math.min(hosts.length, Math.round(o.peers / share));
  const first = world.add({ isBootstrap: true });
  const plays: (() => void)[] = [];
  for (let i = 0; i < count; i++) {
    const [sessions] = hosts.splice(Math.floor(random.unit() * hosts.length), 1);
    const peer = world.add();
    if (sessions === undefined || peer === first) continue;
    plays.push(() => comings.play(peer, sessions));
    if (sessions[0]?.[0] === 0) world.at(world.now + (SETTLE_MS / 2) * random.unit(), () => world.join(peer));
    else world.kill(peer);
  }
  return () => {
    for (const play of plays) play();
  };
}

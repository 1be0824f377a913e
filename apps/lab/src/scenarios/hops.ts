/**
 * How far everybody is from everybody on a settled ring: hops of requests to
 * random ids, with and without lookahead, what a peer keeps and sends for it.
 */
import { MeshWorld, type ProbeResult, peopled, SeededRandom } from '@warren/sim';
import type { Figure, Line } from '../figure.ts';
import { growRing } from '../grown-ring.ts';
import type { Settings } from '../knob.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { heapMb } from '../machine.ts';
import { rounded } from '../report.ts';
import { latencyAlong, routeTo, withoutLookahead } from '../routes.ts';
import { type Figures, type Outcome, scenario, suffixed } from '../scenario.ts';
import { mean, percentile } from '../statistics.ts';

const SIZES = [100, 1_000, 10_000];
/** Requests a second, all peers together; then time for the last answers. */
const PACE = 200;
const ANSWERS_MS = 12_000;

const knobs = {
  peers: {
    kind: 'count',
    what: 'peers of the largest ring; 100, 1,000 ... below it too',
    initial: 1_000,
    min: 8,
    max: 1_000_000,
  },
  only: { kind: 'choice', what: 'whether smaller rings are left out', initial: 'no', of: ['no', 'yes'] },
  begin: {
    kind: 'choice',
    what: 'what is there at the beginning: near links, or far ones too',
    initial: 'near',
    of: ['near', 'whole'],
  },
  seconds: { kind: 'count', what: 'of virtual time to settle', initial: 120, min: 5, max: 86_400 },
  rest: { kind: 'count', what: 'seconds of virtual time at rest that are measured', initial: 60, min: 5, max: 3_600 },
  lookups: { kind: 'count', what: 'requests in each ring', initial: 2_000, min: 1, max: 1_000_000 },
  far: {
    kind: 'choice',
    what: 'far links by measured round trip, or whoever is found',
    initial: 'nearest',
    of: ['nearest', 'found'],
  },
  latency: latencyKnob,
} as const;

/** What one ring gave. */
interface Ring {
  readonly peers: number;
  readonly figures: Figures;
  readonly machine: Figures;
}

export const hops = scenario({
  summary: 'hops between peers of a settled ring, with what a peer keeps and sends for it',
  example: '--peers 300 --lookups 500',
  bar: 'mean hops at most half of log2 N',
  knobs,
  run({ seed, settings, step }): Outcome {
    const { peers, only } = settings;
    const sizes = [...(only === 'yes' ? [] : SIZES.filter(size => size < peers)), peers];
    const rings = sizes.map(size => playRing(seed, size, settings, step));
    const last = rings.at(-1) as Ring;
    const all = (of: 'figures' | 'machine'): Figures =>
      Object.assign({ ...last[of] }, ...rings.map(ring => at(ring, of)));
    const missed = rings.flatMap(({ peers: size, figures }) => {
      const bar = 0.5 * Math.log2(size);
      const { meanHops = Number.NaN } = figures;
      return meanHops <= bar ? [] : [`${meanHops} hops on average among ${size} peers, more than ${rounded(bar)}`];
    });
    return {
      figures: all('figures'),
      machine: all('machine'),
      missed,
      figure: figureOf(rings),
      remarks: remarksOn(rings),
    };
  },
});

function playRing(seed: number, peers: number, o: Settings<typeof knobs>, step: (line: string) => void): Ring {
  step(`${peers} peers`);
  const before = heapMb();
  const startedAt = process.cpuUsage();
  const latency = peopled(latencyOf(o.latency, peers, seed, step), peers, seed);
  const world = new MeshWorld({
    seed,
    latency,
    measuresLinks: o.far === 'nearest',
  });
  growRing(world, peers, o.begin);
  step(`${peers} peers: linked`);
  world.run(o.seconds * 1_000);
  const atRest = restOf(world, o.rest);
  const heldMb = heapMb() - before;
  step(`${peers} peers: settled, ${world.stats.events} events`);
  const results = ask(world, o.lookups);
  const { user, system } = process.cpuUsage(startedAt);
  const seconds = (user + system) / 1e6;
  return {
    peers,
    figures: {
      ...hopsOf(world, results),
      linksPerPeer: rounded(mean(world.peers.map(({ links }) => links.size))),
      linksMost: Math.max(...world.peers.map(({ links }) => links.size)),
      ...atRest,
      ringConsistency: rounded(world.ring().consistency()),
    },
    machine: {
      eventsPerSecond: rounded(world.stats.events / seconds),
      processorSeconds: rounded(seconds),
      bytesPerPeer: rounded((1e6 * heldMb) / peers),
      residentMb: rounded(process.memoryUsage().rss / 1e6),
    },
  };
}

/** What peers send when nobody wants anything of them. */
function restOf(world: MeshWorld, seconds: number): Figures {
  const { datagrams, bytes } = world.stats;
  world.run(seconds * 1_000);
  const perMinute = 60 / seconds / world.peers.length;
  return {
    messagesPerPeerPerMinute: rounded((world.stats.datagrams - datagrams) * perMinute),
    bytesPerPeerPerMinute: rounded((world.stats.bytes - bytes) * perMinute),
  };
}

/** Requests of random peers to random ids. */
function ask(world: MeshWorld, lookups: number): ProbeResult[] {
  const random = new SeededRandom(world.seed, 'lookups');
  const results: ProbeResult[] = [];
  for (let i = 0; i < lookups; i++) {
    const asker = world.peers[Math.floor(random.unit() * world.peers.length)];
    const target = random.bytes(20);
    world.at(world.now + (1_000 * i) / PACE, () => {
      if (asker !== undefined) world.probes.ask(asker, target, result => results.push(result));
    });
  }
  world.run((1_000 * lookups) / PACE + ANSWERS_MS);
  return results;
}

function hopsOf(world: MeshWorld, results: readonly ProbeResult[]): Figures {
  const ring = world.ring();
  const right = results.filter(({ answerer, target }) => answerer !== undefined && answerer === ring.nearest(target));
  const counts = right.map(each => each.hops);
  const greedy = withoutLookahead(world);
  const plain = right.flatMap(({ asker, answerer }) => (answerer && routeTo(asker, answerer, greedy)) ?? []).length;
  const away = right.filter(({ asker, answerer }) => asker !== answerer);
  const direct = away.map(({ asker, answerer }) => (answerer ? latencyAlong(world, [asker, answerer, asker]) : 0));
  return {
    meanHops: rounded(mean(counts)),
    p99Hops: percentile(counts, 0.99),
    maxHops: percentile(counts, 1),
    // A route names both ends, so it has one peer more than hops.
    meanHopsWithoutLookahead: rounded(plain / right.length - 1),
    lookupRate: rounded(right.length / results.length),
    meanAnswerMs: rounded(mean(away.map(({ tookMs }) => tookMs))),
    meanDirectMs: rounded(mean(direct)),
  };
}

/** The figures of a ring with its size behind them. */
function at({ peers, ...ring }: Ring, of: 'figures' | 'machine'): Figures {
  return suffixed(ring[of], `At${peers}`);
}

function figureOf(rings: readonly Ring[]): Figure {
  const line = (name: string, key: string): Line => ({
    name,
    of: 'run',
    points: rings.map(({ peers, figures }) => [peers, figures[key] ?? Number.NaN] as const),
  });
  const bar = {
    name: '0.5 log2 N',
    of: 'bar',
    points: rings.map(({ peers }) => [peers, rounded(0.5 * Math.log2(peers))] as const),
  } as const;
  const x = { label: 'peers', scale: 'log' } as const;
  return [
    {
      title: 'Hops to whoever is nearest to a random id',
      x,
      y: { label: 'hops', scale: 'linear', min: 0 },
      lines: [
        line('mean', 'meanHops'),
        line('99th percentile', 'p99Hops'),
        line('mean without lookahead', 'meanHopsWithoutLookahead'),
        bar,
      ],
    },
    {
      title: 'At rest: links, and messages a minute, of one peer',
      x,
      y: { label: 'links; messages a minute', scale: 'linear', min: 0 },
      lines: [line('links', 'linksPerPeer'), line('messages a minute', 'messagesPerPeerPerMinute')],
    },
  ];
}

function remarksOn(rings: readonly Ring[]): string[] {
  return rings.map(
    ({ peers, figures: { meanHops, p99Hops, meanHopsWithoutLookahead, linksPerPeer } }) =>
      `${peers} peers: ${meanHops} hops on average (bar ${rounded(0.5 * Math.log2(peers))}), ${p99Hops} at the 99th percentile, ${meanHopsWithoutLookahead} without lookahead, ${linksPerPeer} links each.`,
  );
}

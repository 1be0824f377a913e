/**
 * Why two-hop relays: mean latency between all pairs that the overlay serves in
 * two hops or more, over the overlay, over one relay, and directly. P2 5.1,
 * figure 5, on a matrix of real hosts; the routes are the machines' own.
 */
import { type LatencyModel, type MeshPeer, MeshWorld, peopled, SeededRandom } from '@warren/sim';
import type { Figure, Line } from '../figure.ts';
import { growRing } from '../grown-ring.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { rounded } from '../report.ts';
import { asMachines, latencyAlong, type NextHop, routeTo, withoutLookahead } from '../routes.ts';
import { type Figures, type Outcome, scenario } from '../scenario.ts';
import { mean } from '../statistics.ts';

const SIZES = [25, 50, 100, 200, 300, 490];
const SETTLE_MS = 60_000;
/** All ordered pairs of up to 142 hosts; beyond, so many drawn at random. */
const PAIRS_MAX = 20_000;
/** P2 5.1: how much better relays are, of 100 and 200 hosts of the full King set. */
const PAPER: Readonly<Record<number, number>> = { 100: 0.54, 200: 0.87 };

/** Means of one way, milliseconds, over pairs two hops or more apart. */
interface Means {
  /** Over the overlay, as the machines route. */
  readonly overlayMs: number;
  /** As they would without lookahead. */
  readonly plainOverlayMs: number;
  /** Through the source's nearest peer, as in the paper. */
  readonly nearestRelayMs: number;
  /** Through whoever makes the sum of both legs least. */
  readonly bestRelayMs: number;
  readonly directMs: number;
}

export const relayMotivation = scenario({
  summary: 'latency over the overlay, over one relay and directly, between real hosts',
  example: '--peers 50 --rounds 2',
  bar: 'at 100 hosts and more the best relay is at least 1.5 times as fast as the overlay, and nearer to direct than to the overlay',
  knobs: {
    peers: { kind: 'count', what: 'hosts of the largest network', initial: 490, min: 25, max: 490 },
    rounds: { kind: 'count', what: 'networks of each size, with other hosts and ids', initial: 1, min: 1, max: 1_000 },
    latency: { ...latencyKnob, initial: 'planetlab-490' },
  },
  run({ seed, settings: { peers, rounds, latency }, step }): Outcome {
    const model = latencyOf(latency, 490, seed, step);
    const most = Math.min(peers, model.hosts);
    const sizes = [...SIZES.filter(size => size < most), most];
    const networks = sizes.map(size => {
      step(`${size} hosts`);
      const each = Array.from({ length: rounds }, (_, i) => playNetwork(seed * 1_000 + i, size, model));
      return { size, means: meanOf(each) };
    });
    const figures = Object.assign({ hosts: most }, ...networks.map(({ size, means }) => figuresAt(size, means)));
    const missed = networks.filter(({ size }) => size >= 100).flatMap(({ size, means }) => missedBy(size, means));
    return { figures, missed, figure: figureOf(networks, model.name), remarks: remarksOn(networks, model.name) };
  },
});

function playNetwork(seed: number, size: number, model: LatencyModel): Means {
  const world = new MeshWorld({ seed, latency: peopled(model, size, seed) });
  growRing(world, size, 'near');
  world.run(SETTLE_MS);
  const nearest = new Map(world.peers.map(peer => [peer, nearestTo(world, peer)]));
  const [lookahead, plain] = [asMachines(world), withoutLookahead(world)];
  const pairs = pairsApart(world, lookahead);
  const rows = world.peers.map(from => Float64Array.from(world.peers, to => world.oneWayMs(from, to)));
  const legs = (from: MeshPeer, via: MeshPeer, to: MeshPeer): number => latencyAlong(world, [from, via, to]);
  return {
    overlayMs: mean(pairs.map(({ route }) => latencyAlong(world, route))),
    plainOverlayMs: mean(pairs.map(({ from, to }) => latencyAlong(world, routeTo(from, to, plain) ?? []))),
    nearestRelayMs: mean(pairs.map(({ from, to }) => legs(from, nearest.get(from) as MeshPeer, to))),
    bestRelayMs: mean(pairs.map(({ from, to }) => bestOf(rows, from, to))),
    directMs: mean(pairs.map(({ from, to }) => world.oneWayMs(from, to))),
  };
}

/** Ordered pairs with two hops or more between them. */
function pairsApart(world: MeshWorld, nextHop: NextHop): { from: MeshPeer; to: MeshPeer; route: MeshPeer[] }[] {
  const random = new SeededRandom(world.seed, 'pairs');
  const { peers } = world;
  const share = PAIRS_MAX / (peers.length * (peers.length - 1));
  return peers.flatMap(from =>
    peers.flatMap(to => {
      if (from === to || random.unit() >= share) return [];
      const route = routeTo(from, to, nextHop) ?? [];
      return route.length > 2 ? [{ from, to, route }] : [];
    }),
  );
}

function nearestTo(world: MeshWorld, peer: MeshPeer): MeshPeer {
  const others = world.peers.filter(other => other !== peer);
  return others.reduce((best, other) => (world.oneWayMs(peer, other) < world.oneWayMs(peer, best) ? other : best));
}

/** Over the best relay, from latencies row by row. */
function bestOf(rows: readonly Float64Array[], from: MeshPeer, to: MeshPeer): number {
  const first = rows[from.index] as Float64Array;
  let least = Number.POSITIVE_INFINITY;
  for (let via = 0; via < rows.length; via++) {
    if (via === from.index || via === to.index) continue;
    least = Math.min(least, (first[via] as number) + ((rows[via] as Float64Array)[to.index] as number));
  }
  return least;
}

function meanOf(each: readonly Means[]): Means {
  const over = (name: keyof Means): number => mean(each.map(means => means[name]));
  return {
    overlayMs: over('overlayMs'),
    plainOverlayMs: over('plainOverlayMs'),
    nearestRelayMs: over('nearestRelayMs'),
    bestRelayMs: over('bestRelayMs'),
    directMs: over('directMs'),
  };
}

function figuresAt(size: number, means: Means): Figures {
  const { overlayMs, nearestRelayMs, bestRelayMs } = means;
  return {
    ...Object.fromEntries(Object.entries(means).map(([name, ms]) => [`${name}At${size}`, rounded(ms)])),
    [`nearestRelayGainAt${size}`]: rounded(overlayMs / nearestRelayMs - 1),
    [`bestRelayGainAt${size}`]: rounded(overlayMs / bestRelayMs - 1),
  };
}

function missedBy(size: number, { overlayMs, bestRelayMs, directMs }: Means): string[] {
  const isFast = overlayMs >= 1.5 * bestRelayMs;
  const isNear = bestRelayMs - directMs <= overlayMs - bestRelayMs;
  if (isFast && isNear) return [];
  return [
    `among ${size} hosts: overlay ${rounded(overlayMs)} ms, best relay ${rounded(bestRelayMs)} ms, direct ${rounded(directMs)} ms`,
  ];
}

type Networks = readonly { readonly size: number; readonly means: Means }[];

function figureOf(networks: Networks, name: string): Figure {
  const line = (title: string, of: (means: Means) => number): Line => ({
    name: title,
    of: 'run',
    points: networks.map(({ size, means }) => [size, rounded(of(means))] as const),
  });
  const x = { label: `hosts of ${name}`, scale: 'linear', min: 0, max: 500 } as const;
  const paper = Object.entries(PAPER).map(([size, gain]) => [Number(size), 100 * gain] as const);
  return [
    {
      title: 'One way between pairs two hops or more apart',
      x,
      y: { label: 'ms, mean', scale: 'linear', min: 0 },
      lines: [
        line('overlay', means => means.overlayMs),
        line('overlay, no lookahead', means => means.plainOverlayMs),
        line('nearest relay', means => means.nearestRelayMs),
        line('best relay', means => means.bestRelayMs),
        line('direct', means => means.directMs),
      ],
    },
    {
      title: 'How much faster than the overlay',
      x,
      y: { label: '%', scale: 'linear', min: 0 },
      lines: [
        line('nearest relay', means => 100 * (means.overlayMs / means.nearestRelayMs - 1)),
        line('best relay', means => 100 * (means.overlayMs / means.bestRelayMs - 1)),
        line('direct', means => 100 * (means.overlayMs / means.directMs - 1)),
        { name: 'P2 5.1 (King)', of: 'paper', points: paper },
      ],
    },
  ];
}

function remarksOn(networks: Networks, name: string): string[] {
  const gain = (of: number, over: number): string => `${Math.round(100 * (over / of - 1))} %`;
  const each = networks.map(({ size, means: { overlayMs, plainOverlayMs, nearestRelayMs, bestRelayMs, directMs } }) => {
    const paper = PAPER[size] === undefined ? '' : ` (P2: ${Math.round(100 * (PAPER[size] ?? 0))} %)`;
    return `${size} hosts: the source's nearest peer as relay is ${gain(nearestRelayMs, overlayMs)} faster than the overlay${paper}, ${gain(nearestRelayMs, plainOverlayMs)} than one without lookahead; the best relay ${gain(bestRelayMs, overlayMs)}; direct ${gain(directMs, overlayMs)}.`;
  });
  return [
    `On ${name}; the full King set of the paper could not be had. The paper's relay is the source's nearest peer; faster means overlay time by relay time, less one.`,
    ...each,
  ];
}

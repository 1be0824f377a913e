/**
 * A revocation of 300 bytes told to everybody by the bounded broadcast of the
 * ring: what it costs and how soon it is everywhere, with peers that hand
 * nothing on. P1's figure 2, whose numbers were never published.
 */
import { type MeshPeer, MeshWorld, peopled, SeededRandom, silentDropper } from '@warren/sim';
import { OverlayType } from '@warren/wire';
import type { Figure } from '../figure.ts';
import { growRing } from '../grown-ring.ts';
import { percent } from '../knob.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { rounded } from '../report.ts';
import { type Figures, type Outcome, scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

const SIZES = [10, 30, 100, 300, 1_000, 3_000, 10_000];
const SETTLE_MS = 60_000;
/** All honest peers know by then, or the bar is missed. */
const LIMIT_MS = 60_000;
/** Bytes of a revocation: P1 III-B.2. */
const CONTENT_BYTES = 300;

/** What one broadcast did. */
interface Spread {
  readonly peers: number;
  readonly droppers: number;
  readonly reachedShare: number;
  /** Milliseconds until so many honest peers had it; Infinity: never. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly allMs: number;
  readonly messagesPerPeer: number;
  readonly bytesPerPeer: number;
}

export const broadcast = scenario({
  summary: 'a revocation told to everybody, with peers that hand nothing on',
  example: '--peers 100 --droppers 0 20',
  bar: `every honest peer has it within ${LIMIT_MS / 1_000} s up to 20 % droppers`,
  knobs: {
    peers: {
      kind: 'count',
      what: 'peers of the largest ring; smaller ones too',
      initial: 1_000,
      min: 10,
      max: 100_000,
    },
    droppers: { kind: 'shares', what: 'peers that hand nothing on', initial: [0, 0.05, 0.1, 0.2] },
    latency: latencyKnob,
  },
  run({ seed, settings: { peers, droppers, latency }, step }): Outcome {
    const sizes = [...SIZES.filter(size => size < peers), peers];
    const spreads = sizes.flatMap(size => {
      step(`${size} peers`);
      const model = peopled(latencyOf(latency, size, seed, step), size, seed);
      const world = new MeshWorld({ seed, latency: model });
      growRing(world, size, 'near');
      world.run(SETTLE_MS);
      return droppers.map((share, i) => spread(world, share, i));
    });
    const missed = spreads
      .filter(({ droppers: share, reachedShare }) => share <= 0.2 && reachedShare < 1)
      .map(
        each =>
          `${each.reachedShare} of the honest among ${each.peers} peers were reached with ${percent(each.droppers)} % droppers`,
      );
    return { figures: figuresOf(spreads), missed, figure: figureOf(spreads), remarks: remarksOn(spreads) };
  },
});

/** Draws droppers anew, tells everybody something, and waits. */
function spread(world: MeshWorld, droppers: number, round: number): Spread {
  const random = new SeededRandom(world.seed, `droppers ${round}`);
  const [origin, ...others] = world.peers as [MeshPeer, ...MeshPeer[]];
  for (const peer of others) peer.role = random.unit() < droppers ? silentDropper : undefined;
  const honest = others.filter(({ role }) => role === undefined);
  const beganAt = world.now;
  const [messages, bytes] = [world.sentByType, world.bytesByType].map(sent => sent[OverlayType.BROADCAST] as number);
  const reachedAt = new Map<MeshPeer, number>();
  world.onOutput = (peer, out) => {
    if (out.kind !== 'broadcast' || peer.role !== undefined) return;
    reachedAt.set(peer, world.now - beganAt);
    peer.overlay.handOn(out.token, world.now);
  };
  world.act(origin, ({ overlay }) => overlay.broadcast(random.bytes(CONTENT_BYTES), world.now));
  world.run(LIMIT_MS);
  const times = honest.flatMap(peer => reachedAt.get(peer) ?? []);
  const missing = honest.length - times.length;
  return {
    peers: world.peers.length,
    droppers,
    reachedShare: rounded(times.length / honest.length),
    p50Ms: Math.round(percentile(times, 0.5, missing)),
    p99Ms: Math.round(percentile(times, 0.99, missing)),
    allMs: Math.round(percentile(times, 1, missing)),
    messagesPerPeer: rounded(
      ((world.sentByType[OverlayType.BROADCAST] as number) - (messages as number)) / world.peers.length,
    ),
    bytesPerPeer: rounded(
      ((world.bytesByType[OverlayType.BROADCAST] as number) - (bytes as number)) / world.peers.length,
    ),
  };
}

/** Those of the largest ring with most droppers first, without a size. */
function figuresOf(spreads: readonly Spread[]): Figures {
  const named = (each: Spread, at: string): Figures => {
    const { peers: _, droppers: __, ...rest } = each;
    return Object.fromEntries(
      Object.entries(rest)
        .filter(([, value]) => Number.isFinite(value))
        .map(([name, value]) => [`${name}${at}`, value]),
    );
  };
  const last = spreads.at(-1) as Spread;
  const at = ({ peers, droppers }: Spread): string => `At${peers}Droppers${percent(droppers).replace('.', '_')}`;
  return Object.assign(named(last, ''), ...spreads.map(each => named(each, at(each))));
}

function figureOf(spreads: readonly Spread[]): Figure {
  const shares = [...new Set(spreads.map(({ droppers }) => droppers))];
  const lines = (of: (each: Spread) => number, name: string) =>
    shares.map(share => ({
      name: `${name}${percent(share)} % droppers`,
      of: 'run' as const,
      points: spreads.filter(({ droppers }) => droppers === share).map(each => [each.peers, of(each)] as const),
    }));
  const finite = (ms: number): number => (Number.isFinite(ms) ? ms / 1_000 : Number.NaN);
  const x = { label: 'peers', scale: 'log' } as const;
  return [
    {
      title: 'Until half of the honest peers know',
      x,
      y: { label: 's', scale: 'linear', min: 0 },
      lines: lines(each => finite(each.p50Ms), ''),
    },
    {
      title: 'Until all honest peers know',
      x,
      y: { label: 's', scale: 'linear', min: 0 },
      lines: lines(each => finite(each.allMs), ''),
    },
    {
      title: 'Messages of one peer, gossip included',
      x,
      y: { label: 'messages', scale: 'linear', min: 0 },
      lines: lines(each => each.messagesPerPeer, ''),
    },
    {
      title: 'Bytes of one peer, gossip included',
      x,
      y: { label: 'bytes', scale: 'linear', min: 0 },
      lines: lines(each => each.bytesPerPeer, ''),
    },
  ];
}

function remarksOn(spreads: readonly Spread[]): string[] {
  const largest = spreads.at(-1)?.peers;
  return spreads
    .filter(({ peers }) => peers === largest)
    .map(
      each =>
        `${each.peers} peers, ${percent(each.droppers)} % droppers: ${percent(each.reachedShare)} % of the honest reached, half after ${each.p50Ms} ms, 99 % after ${each.p99Ms} ms, all after ${each.allMs} ms; ${each.messagesPerPeer} messages and ${each.bytesPerPeer} bytes a peer.`,
    );
}

/**
 * Everybody comes back at once after an outage: a thousand peers within a
 * second, and one bootstrap node. Row 37 of the faults.
 */
import { areLinked, type MeshPeer, MeshWorld, peopled } from '@warren/sim';
import type { Figure } from '../figure.ts';
import { latencyKnob, latencyOf } from '../latency.ts';
import { rounded } from '../report.ts';
import { type Outcome, scenario } from '../scenario.ts';
import { percentile } from '../statistics.ts';

const LIMIT_SECONDS = 60;
const STEP_MS = 250;
/** The ring is looked at once more so long after the last has joined. */
const AFTER_MS = 5_000;
/** Datagrams a second that a bootstrap node on a small machine may be made to take. */
const PEAK_BAR = 20_000;

export const massJoin = scenario({
  summary: 'a thousand peers join within a second through one bootstrap node',
  example: '--peers 200',
  bar: `all have joined after ${LIMIT_SECONDS} s, the ring is whole, at most ${PEAK_BAR} messages a second at the bootstrap node`,
  knobs: {
    peers: { kind: 'count', what: 'peers', initial: 1_000, min: 8, max: 100_000 },
    within: { kind: 'count', what: 'milliseconds in which they come', initial: 1_000, min: 1, max: 3_600_000 },
    latency: latencyKnob,
  },
  run({ seed, settings: { peers, within, latency }, step }): Outcome {
    const world = new MeshWorld({ seed, latency: peopled(latencyOf(latency, peers, seed, step), peers, seed) });
    const all = world.populate(peers, within);
    const beganAt = world.now;
    const [bootstrap] = all as [MeshPeer];
    const load: (readonly [second: number, messages: number])[] = [];
    const joinedAt = new Map<MeshPeer, number>();
    const ring = world.ring();
    let sofar = 0;
    let end = within + 1_000 * LIMIT_SECONDS;
    for (let at = STEP_MS; at <= end; at += STEP_MS) {
      world.run(STEP_MS);
      ring.peers.forEach((peer, i) => {
        if (!joinedAt.has(peer) && areLinked(peer, ring.at(i + 1)) && areLinked(peer, ring.at(i - 1)))
          joinedAt.set(peer, world.now - beganAt);
      });
      if (joinedAt.size === peers)
        end = Math.min(end, 1_000 * Math.ceil(Math.max(...joinedAt.values()) / 1_000) + AFTER_MS);
      if (at % 1_000 !== 0) continue;
      const messages = bootstrap.received + bootstrap.sent;
      load.push([at / 1_000, messages - sofar]);
      sofar = messages;
      step(`${at / 1_000} s: ${joinedAt.size} of ${peers} joined`);
    }
    // Each counts from when it came: evenly within that time, in the order of `populate`.
    const seconds = all.slice(1).flatMap((peer, i) => {
      const at = joinedAt.get(peer);
      return at === undefined ? [] : Math.max(0, at - (within * i) / peers) / 1_000;
    });
    const figures = {
      joined: joinedAt.size,
      joinSecondsP50: rounded(percentile(seconds, 0.5)),
      joinSecondsP95: rounded(percentile(seconds, 0.95)),
      joinSecondsMax: rounded(percentile(seconds, 1)),
      peakMessagesPerSecond: Math.max(...load.map(([, messages]) => messages)),
      ringConsistency: rounded(world.ring().consistency()),
      missingNearLinks: world.ring().missingNear(),
      messagesPerPeer: rounded(world.stats.datagrams / peers),
    };
    const missed = [
      ...(figures.joined === peers ? [] : [`${figures.joined} of ${peers} joined`]),
      ...(figures.ringConsistency === 1 ? [] : [`the ring is ${figures.ringConsistency} whole`]),
      ...(figures.peakMessagesPerSecond <= PEAK_BAR
        ? []
        : [`${figures.peakMessagesPerSecond} messages a second at the bootstrap node`]),
    ];
    const remarks = [
      `${figures.joined} of ${peers} peers have joined: half within ${figures.joinSecondsP50} s, 95 % within ${figures.joinSecondsP95} s, the last after ${figures.joinSecondsMax} s (looked at every ${STEP_MS} ms; joined: linked to the true neighbour on each side).`,
      `The bootstrap node handles at most ${figures.peakMessagesPerSecond} messages in a second, in and out.`,
    ];
    return { figures, missed, figure: figureOf(seconds, load), remarks };
  },
});

function figureOf(seconds: readonly number[], load: readonly (readonly [number, number])[]): Figure {
  const sorted = [...seconds].sort((a, b) => a - b);
  const joined = sorted.map((at, i) => [at, rounded((100 * (i + 1)) / sorted.length)] as const);
  const every = Math.max(1, Math.floor(joined.length / 100));
  return [
    {
      title: 'Peers that have joined',
      x: { label: 's after coming', scale: 'linear', min: 0 },
      y: { label: '%', scale: 'linear', min: 0, max: 100 },
      lines: [
        { name: 'joined', of: 'run', points: joined.filter((_, i) => i % every === 0 || i === joined.length - 1) },
      ],
    },
    {
      title: 'At the bootstrap node',
      x: { label: 's', scale: 'linear', min: 0 },
      y: { label: 'messages a second, in and out', scale: 'linear', min: 0 },
      lines: [{ name: 'messages', of: 'run', points: load }],
    },
  ];
}

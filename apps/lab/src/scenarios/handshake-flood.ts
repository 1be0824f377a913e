/**
 * Honest joiners at one responder of the public network, while attackers who
 * know the network key send it 20,000 first messages a second. The responder's
 * time is modelled (`busy-host.ts`), its memory is measured.
 */
import { realCrypto, SeededRandom, SimInternet, World } from '@warren/sim';
import { BusyHost } from '../busy-host.ts';
import { heapMb, Processor } from '../machine.ts';
import { rounded } from '../report.ts';
import { type Figures, type Outcome, type Run, scenario } from '../scenario.ts';
import { SessionHost } from '../session-host.ts';
import { percentile } from '../statistics.ts';
import { type Stranger, stranger } from '../strangers.ts';
import { ATTACKS, type AttackName, attackOf } from './flood-attacks.ts';

/** The flood alone, until tables have the size that they keep. */
const BEFORE_MS = 3_000;
/** Joiners begin evenly over this time. */
const SPREAD_MS = 10_000;
/** A joiner is done in time within this. */
const LIMIT_MS = 10_000;
/** So long until we look again whether all are done. */
const WAIT_MS = 100;
/** The bar. */
const DONE_SHARE = 0.95;
const P95_MS = 2_000;
const HEAP_MB = 16;
/** What the compiler keeps differs by a megabyte from run to run: what is measured in such steps does not. */
const HEAP_STEP_MB = 4;
const AMPLIFICATION = 3;
const RESPONDER_ADDRESS = '198.51.100.1:4000';

export const handshakeFlood = scenario({
  summary:
    'honest joiners at a responder that is flooded with first messages: spoofed, replayed, garbage, with cookies',
  example: '--peers 20 --rate 5000 --attack spoofed',
  bar: `${DONE_SHARE * 100} % of the joiners done, p95 under ${P95_MS} ms, heap grown by less than ${HEAP_MB} MB, at most ${AMPLIFICATION} bytes out for one in`,
  knobs: {
    peers: { kind: 'count', what: 'honest joiners, spread over 10 s', initial: 100, min: 1, max: 10_000 },
    rate: { kind: 'count', what: "attackers' datagrams a second", initial: 20_000, min: 0, max: 200_000 },
    attack: {
      kind: 'choice',
      what: 'what they send, or all in turn',
      initial: 'all',
      of: ['all', ...Object.keys(ATTACKS)],
    },
  },
  run({ seed, settings, step }): Outcome {
    const { peers, rate, attack } = settings;
    const chosen = Object.keys(ATTACKS).filter(name => attack === 'all' || attack === name) as AttackName[];
    step('the joiners alone');
    const quiet = play('spoofed', { seed, peers, rate: 0, quietMb: 0 });
    const rounds = chosen.map(name => {
      step(`${name}: ${ATTACKS[name]}`);
      return play(name, { seed, peers, rate, quietMb: quiet.grownMb });
    });
    return {
      figures: inAll(rounds.map(({ name, figures }) => [name, figures])),
      machine: inAll(rounds.map(({ name, machine }) => [name, machine])),
      missed: rounds.flatMap(missedBy),
    };
  },
});

/** What one attack did. */
interface Round {
  readonly name: AttackName;
  readonly figures: FloodFigures;
  /** Time of this machine's processor for a datagram of the flood, and the heap as it was measured. */
  readonly machine: Figures;
  /** What the heap grew by, joiners' sessions included. */
  readonly grownMb: number;
}

interface FloodFigures extends Figures {
  readonly honestDone: number;
  readonly honestP95Ms: number;
  readonly heapGrowthMb: number;
  readonly bytesOutPerFloodByte: number;
  readonly halfOpenMax: number;
  /** How much of its processor the responder used, as modelled. */
  readonly busyShare: number;
  /** Datagrams that its socket had no room for, of all. */
  readonly droppedShare: number;
}

interface Size {
  readonly seed: Run['seed'];
  readonly peers: number;
  readonly rate: number;
  /** What the heap grows by without a flood. */
  readonly quietMb: number;
}

function play(name: AttackName, { seed, peers, rate, quietMb }: Size): Round {
  const processor = new Processor();
  const world = new World(seed);
  const internet = new SimInternet(world);
  const responder = new BusyHost({ ...stranger(seed, 'responder', realCrypto), internet, address: RESPONDER_ADDRESS });
  const joiners = Array.from({ length: peers }, (_, i) =>
    joiner(internet, stranger(seed, `joiner ${i}`, realCrypto), i),
  );
  const attack = attackOf(name, { random: new SeededRandom(seed, name), target: responder, rate, world });
  responder.toStrangers = (path, bytes) => attack.answered(path, bytes);
  attack.start();
  world.run(BEFORE_MS);
  const before = heapMb();
  const startedAt = joiners.map((host, i) => {
    const at = world.now + (SPREAD_MS * i) / peers;
    world.at(at, () => host.connect(responder.host));
    return at;
  });
  world.run(SPREAD_MS);
  const waits = () => joiners.some(host => doneAt(host, responder) === undefined);
  for (let waitedMs = 0; waitedMs < LIMIT_MS && waits(); waitedMs += WAIT_MS) world.run(WAIT_MS);
  const grownMb = heapMb() - before;
  const times = joiners.map((host, i) => (doneAt(host, responder) ?? Number.NaN) - (startedAt[i] as number));
  const tookMs = times.filter(ms => ms <= LIMIT_MS);
  return {
    name,
    grownMb,
    machine: {
      microsPerFloodDatagram: rounded(
        (1_000 * processor.share * responder.floodMs) / Math.max(1, responder.floodCount),
      ),
      measuredHeapGrowthMb: rounded(grownMb - quietMb),
    },
    figures: {
      honestDone: rounded(tookMs.length / peers),
      honestP95Ms: rounded(Math.min(LIMIT_MS, percentile(tookMs, 0.95, peers - tookMs.length))),
      heapGrowthMb: HEAP_STEP_MB * Math.max(0, Math.round((grownMb - quietMb) / HEAP_STEP_MB)),
      bytesOutPerFloodByte: rounded(responder.bytesToStrangers / Math.max(1, responder.floodBytes)),
      halfOpenMax: responder.halfOpenMax,
      busyShare: rounded(responder.busyMs / world.now),
      droppedShare: rounded(responder.dropped / Math.max(1, responder.arrived)),
    },
  };
}

function joiner(internet: SimInternet, each: Stranger, i: number): SessionHost {
  return new SessionHost({
    ...each,
    internet,
    address: `203.0.${113 + (i >> 8)}.${i & 255}:4000`,
    suite: realCrypto.suite,
  });
}

/** When both sides had keys. */
function doneAt(host: SessionHost, { host: responder }: BusyHost): number | undefined {
  const [a, b] = [host.establishedAt.get(responder.peer), responder.establishedAt.get(host.peer)];
  return a === undefined || b === undefined ? undefined : Math.max(a, b);
}

/** The worst of each figure, and behind it with several attacks what each of them did. */
function inAll(rounds: readonly (readonly [AttackName, Figures])[]): Figures {
  const each = rounds.length > 1 ? rounds.map(([name, figures]) => suffixed(figures, name)) : [];
  return Object.assign(worst(rounds.map(([, figures]) => figures)), ...each);
}

/** The smallest share of joiners done, the largest of all else. */
function worst(rounds: readonly Figures[]): Figures {
  return Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map(key => {
      const values = rounds.map(figures => figures[key] as number);
      return [key, key === 'honestDone' ? Math.min(...values) : Math.max(...values)];
    }),
  );
}

function missedBy({ name, figures }: Round): string[] {
  const { honestDone, honestP95Ms, heapGrowthMb, bytesOutPerFloodByte } = figures;
  return [
    ...(honestDone >= DONE_SHARE ? [] : [`${name}: ${honestDone} of the joiners were done, not ${DONE_SHARE}`]),
    ...(honestP95Ms < P95_MS ? [] : [`${name}: the 95th percentile is ${honestP95Ms} ms, not under ${P95_MS}`]),
    ...(heapGrowthMb < HEAP_MB ? [] : [`${name}: the heap grew by ${heapGrowthMb} MB, not less than ${HEAP_MB}`]),
    ...(bytesOutPerFloodByte <= AMPLIFICATION
      ? []
      : [`${name}: ${bytesOutPerFloodByte} bytes went out for one of the flood`]),
  ];
}

function suffixed(figures: Figures, name: AttackName): Figures {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${key}${capital(name)}`, value]));
}

/** `one-address` -> `OneAddress`. */
function capital(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}

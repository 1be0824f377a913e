/**
 * Handshakes over wires that lose, delay, duplicate and reorder: how many pairs
 * have a session on both sides within ten seconds, and what it costs. Both ways
 * lose alike, so at 30 % about half of all round trips fail.
 */
import { cheapCrypto, realCrypto, SimInternet, World } from '@warren/sim';
import { percent } from '../knob.ts';
import { rounded } from '../report.ts';
import { type Figures, type Outcome, scenario, suffixed } from '../scenario.ts';
import { SessionHost } from '../session-host.ts';
import { percentile } from '../statistics.ts';
import { type Stranger, stranger } from '../strangers.ts';

/** What counts as done in time. */
const LIMIT_MS = 10_000;
/** Pairs begin within this time, so that their datagrams mix. */
const START_MS = 1_000;
/** A handshake is given up after 45 s: by then all is said. */
const END_MS = 60_000;
/** Up to this loss every pair must be done in time; beyond, up to `HARD_LOSS`, nearly every. */
const EASY_LOSS = 0.2;
const HARD_LOSS = 0.3;
const HARD_SHARE = 0.99;
const WIRE = { latencyMs: 20, jitterMs: 30, duplication: 0.02, reordering: 0.05 };

interface Pair {
  readonly initiator: SessionHost;
  readonly responder: SessionHost;
  readonly startedAt: number;
}

/** What one level of loss gave. */
interface Level {
  readonly loss: number;
  readonly pairs: number;
  /** How long each took that got done, milliseconds. */
  readonly tookMs: readonly number[];
  readonly datagrams: number;
}

export const handshakeLoss = scenario({
  summary: 'pairs that want a session over wires with 0 to 30 % loss both ways, jitter, duplicates, reordering',
  example: '--peers 400 --loss 20 30',
  bar: 'all pairs done within 10 s up to 20 % loss, 99 % of them up to 30 %',
  knobs: {
    peers: { kind: 'count', what: 'participants at each loss, two a pair', initial: 4_000, min: 2, max: 40_000 },
    loss: { kind: 'shares', what: 'lost each way', initial: [0, 0.05, 0.1, 0.2, 0.3] },
    crypto: { kind: 'choice', what: 'what participants compute with', initial: 'cheap', of: ['cheap', 'real'] },
  },
  run({ seed, settings: { peers, loss, crypto }, step }): Outcome {
    const chosen = crypto === 'cheap' ? cheapCrypto : realCrypto;
    step(`${peers} participants get certificates`);
    const verifier = chosen.verifier();
    const strangers = Array.from({ length: peers - (peers % 2) }, (_, i) => stranger(seed, `${i}`, chosen, verifier));
    const levels = loss.map(share => {
      step(`${percent(share)} % loss`);
      return playLevel(seed, share, strangers, chosen.suite);
    });
    return { figures: figuresOf(levels), missed: levels.flatMap(missedAt) };
  },
});

function playLevel(seed: number, loss: number, strangers: readonly Stranger[], suite: typeof realCrypto.suite): Level {
  const internet = new SimInternet(new World(seed, { ...WIRE, loss }));
  const { world } = internet;
  const hosts = strangers.map((each, i) => new SessionHost({ ...each, internet, address: addressOf(i), suite }));
  const pairs: Pair[] = [];
  for (let i = 0; i < hosts.length; i += 2) {
    const [initiator, responder] = [hosts[i] as SessionHost, hosts[i + 1] as SessionHost];
    const startedAt = (START_MS * i) / hosts.length;
    pairs.push({ initiator, responder, startedAt });
    world.at(startedAt, () => initiator.connect(responder));
  }
  world.run(END_MS);
  const datagrams = hosts.reduce((sum, { sent }) => sum + sent, 0);
  const tookMs = pairs.map(timeOf).filter(ms => ms !== undefined);
  return { loss, pairs: pairs.length, tookMs, datagrams };
}

/** How long until both sides had keys. */
function timeOf({ initiator, responder, startedAt }: Pair): number | undefined {
  const [a, b] = [initiator.establishedAt.get(responder.peer), responder.establishedAt.get(initiator.peer)];
  return a === undefined || b === undefined ? undefined : Math.max(a, b) - startedAt;
}

function figuresOf(levels: readonly Level[]): Figures {
  const counted = levels.filter(({ loss }) => loss <= HARD_LOSS);
  const all = {
    loss: HARD_LOSS,
    pairs: counted.reduce((sum, { pairs }) => sum + pairs, 0),
    tookMs: counted.flatMap(({ tookMs }) => tookMs),
    datagrams: counted.reduce((sum, { datagrams }) => sum + datagrams, 0),
  };
  const each = levels.map(level => figuresAt(level, `At${percent(level.loss).replace('.', '_')}`));
  return Object.assign({}, ...(counted.length > 0 ? [figuresAt(all, '')] : []), ...each);
}

function figuresAt(level: Level, at: string): Figures {
  const { tookMs, pairs, datagrams } = level;
  const done = tookMs.length > 0;
  const figures = {
    doneWithin10s: doneWithinLimit(level),
    ...(done && {
      p50Ms: rounded(percentile(tookMs, 0.5)),
      p95Ms: rounded(percentile(tookMs, 0.95)),
      maxMs: rounded(percentile(tookMs, 1)),
    }),
    messagesPerHandshake: rounded(datagrams / pairs),
  };
  return suffixed(figures, at);
}

function doneWithinLimit({ tookMs, pairs }: Level): number {
  return rounded(tookMs.filter(ms => ms <= LIMIT_MS).length / pairs);
}

function missedAt(level: Level): string[] {
  const bar = level.loss <= EASY_LOSS ? 1 : level.loss <= HARD_LOSS ? HARD_SHARE : 0;
  const share = doneWithinLimit(level);
  return share >= bar
    ? []
    : [`at ${percent(level.loss)} % loss ${share} of the pairs were done within 10 s, not ${bar}`];
}

/** A benchmarking range (RFC 2544): up to 65,536 hosts. */
function addressOf(i: number): string {
  return `198.18.${i >> 8}.${i & 255}:4000`;
}

/**
 * How long a user's traffic pauses when the gateway in use dies: by SIGKILL, as when it crashes or loses power, and by
 * pulling the cable of its home router. Both gateways are behind home routers. What dies comes back before the next.
 */
import { type Figures, type Outcome, percentile, rounded } from '@warren/lab';
import { WEB4 } from '../netns/tunnel-lab.ts';
import { CLIENT, Exits, type GatewayHost } from './exits.ts';
import { Probe } from './probes.ts';
import { sleep, until } from './until.ts';

export interface GatewayFailoverOptions {
  readonly repetitions: number;
  readonly step: (line: string) => void;
}

const DEATHS = ['killed', 'unplugged'] as const;
type Death = (typeof DEATHS)[number];
const ECHO_PORT = 9_000;
/** Answers that each kind of traffic has had before the gateway dies. */
const WARM = 10;
/** Traffic that lasts so long goes on. */
const STEADY_MS = 1_500;
const PATIENCE_MS = 60_000;
/** P2 4.2 asks gateways every 15 s. */
const BAR_MS = 5_000;

/** One death. */
interface Run {
  readonly death: Death;
  readonly pingGapMs: number;
  readonly streamGapMs: number;
}

export async function gatewayFailover({ repetitions, step }: GatewayFailoverOptions): Promise<Outcome> {
  step('two gateways behind home routers join');
  const exits = await Exits.create({ isBehindNat: true });
  const runs: Run[] = [];
  const failures: string[] = [];
  try {
    await exits.enter();
    for (let i = 0; i < repetitions; i++) {
      const death = DEATHS[i % DEATHS.length] as Death;
      try {
        const run = await repeat(exits, death);
        runs.push(run);
        step(
          `${i + 1}/${repetitions} ${death}: ping ${run.pingGapMs.toFixed(0)} ms, stream ${run.streamGapMs.toFixed(0)} ms`,
        );
      } catch (error) {
        failures.push(`${i + 1} ${death}: ${error instanceof Error ? error.message : error}`);
        step(failures.at(-1) as string);
        break;
      }
    }
  } finally {
    await exits.end();
  }
  const figures = figuresOf(runs);
  const worst = figures.gapMsMax ?? Number.NaN;
  const missed = worst <= BAR_MS ? failures : [...failures, `${worst} ms without the Internet, more than ${BAR_MS}`];
  return { figures, missed, remarks: REMARKS };
}

const REMARKS = [
  'A gap is from the sending of the first lost packet to the first answer after it, the longer of ping (every 100 ms) and UDP (every 20 ms).',
  'P2 4.2 asks gateways every 15 s, and leaves the gap open.',
];

async function repeat(exits: Exits, death: Death): Promise<Run> {
  await exits.allLive();
  const { lab } = exits;
  const probes = [Probe.ping(lab, CLIENT, WEB4), Probe.udp(lab, CLIENT, WEB4, ECHO_PORT)] as const;
  try {
    const isWarm = () => probes.every(({ answers }) => answers.length >= WARM);
    await until('the Internet answers', PATIENCE_MS, isWarm);
    const gateway = await exits.current();
    const diedAt = Date.now();
    await die(exits, gateway, death);
    const isOver = () => probes.every(probe => probe.gapAfter(diedAt) > 0 && lasts(probe));
    await until('traffic goes on', PATIENCE_MS, isOver);
    const [ping, stream] = probes;
    const run = { death, pingGapMs: ping.gapAfter(diedAt), streamGapMs: stream.gapAfter(diedAt) };
    await revive(exits, gateway, death);
    return run;
  } finally {
    await Promise.all(probes.map(probe => probe.stop()));
  }
}

/** Whether as much was answered of late as one may expect. */
function lasts({ answers, intervalMs }: Probe): boolean {
  const since = Date.now() - STEADY_MS;
  return answers.filter(({ at }) => at > since).length > STEADY_MS / intervalMs / 2;
}

async function die(exits: Exits, gateway: GatewayHost, death: Death): Promise<void> {
  if (death === 'unplugged') await exits.setCable(gateway, false);
  else exits.gateways[gateway].process.kill('SIGKILL');
}

async function revive(exits: Exits, gateway: GatewayHost, death: Death): Promise<void> {
  if (death === 'unplugged') await exits.setCable(gateway, true);
  else await exits.gateways[gateway].up();
  // One that is back within a moment would not have been missed.
  await sleep(STEADY_MS);
}

function figuresOf(runs: readonly Run[]): Figures {
  const gaps = (death?: Death) =>
    runs.filter(run => death === undefined || run.death === death).map(run => Math.max(run.pingGapMs, run.streamGapMs));
  const at = (values: readonly number[], share: number) => rounded(percentile(values, share));
  return {
    repetitions: runs.length,
    gapMsP50: at(gaps(), 0.5),
    gapMsP95: at(gaps(), 0.95),
    gapMsMax: at(gaps(), 1),
    killedGapMsP50: at(gaps('killed'), 0.5),
    killedGapMsMax: at(gaps('killed'), 1),
    unpluggedGapMsP50: at(gaps('unplugged'), 0.5),
    unpluggedGapMsMax: at(gaps('unplugged'), 1),
    pingGapMsP50: at(
      runs.map(run => run.pingGapMs),
      0.5,
    ),
    streamGapMsP50: at(
      runs.map(run => run.streamGapMs),
      0.5,
    ),
  };
}

/**
 * What a relay costs two edges whose routers drop each other's packets, as P2 5.2 asks and leaves open (table 3):
 * how long until one is in use, RTT and Mbit/s through it, and for how long nothing arrives when it dies.
 *
 *     one - home router --+-- west/east --+-- home router - two        (dropped between these two)
 *                         |
 *          relays, each behind a home router with a line of its own length
 */
import { type Figures, type Outcome, percentile, rounded } from '@warren/lab';
import { ACCESS_KINDS } from '@warren/sim';
import type { NatHost } from '../netns/nat-lab.ts';
import type { Actor, Meeting } from './actor.ts';
import { Internet } from './internet.ts';
import { LabAuthority } from './lab-authority.ts';
import { NodeActors } from './node-actors.ts';
import { sleep } from './until.ts';

export interface RelaysOptions {
  readonly repetitions: number;
  readonly step: (line: string) => void;
}

const CHOICES = ['latency', 'stability'] as const;
type Choice = (typeof CHOICES)[number];
/** One way to each relay, ms. */
const DELAYS_MS = [20, 5, 1] as const;
const ENDS = ['one', 'two'] as const;
const PATIENCE_MS = 20_000;
const TCP_SECONDS = 1;
const PINGS_BEFORE = 20;
const PINGS_AFTER = 125;
const PING_EVERY_MS = 20;
/** Relays are compared by eight round trips, one each half second: then the one in use is the one that was chosen. */
const CHOSEN_MS = 4_500;
const FAILOVER_BAR_MS = 2_000;

/** One repetition. */
export interface RelayRun {
  readonly setUpMs: number;
  readonly rttMs: number;
  readonly mbps: number;
  /** The longest silence after the relay was killed. */
  readonly gapMs: number;
  /** One way to the relay that was chosen, by its line. */
  readonly relayDelayMs: number | undefined;
}

export async function relays({ repetitions, step }: RelaysOptions): Promise<Outcome> {
  const bench = await RelayBench.build();
  const runs: Record<Choice, RelayRun[]> = { latency: [], stability: [] };
  const failures: string[] = [];
  try {
    for (let i = 0; i < repetitions; i++) {
      for (const choice of CHOICES) {
        try {
          const run = await bench.repeat(choice);
          runs[choice].push(run);
          step(
            `${i + 1}/${repetitions} ${choice}: ${Object.entries(run)
              .map(([name, value]) => `${name} ${value?.toFixed(1)}`)
              .join(', ')}`,
          );
        } catch (error) {
          failures.push(`${choice} ${i + 1}: ${error instanceof Error ? error.message : error}`);
          step(failures.at(-1) as string);
        }
      }
    }
  } finally {
    await bench.end();
  }
  const figures = Object.assign({}, ...CHOICES.map(choice => figuresOf(choice, runs[choice]))) as Figures;
  const slow = CHOICES.filter(choice => (figures[`${choice}GapMsP95`] ?? Infinity) > FAILOVER_BAR_MS);
  const missed = [
    ...failures,
    ...slow.map(choice => `${choice}: ${figures[`${choice}GapMsP95`]} ms without a relay at p95`),
  ];
  return { figures: { repetitions, ...figures }, missed, remarks: REMARKS };
}

const REMARKS = [
  `Lines of relays are ${DELAYS_MS.join(', ')} ms long, one way. By age, the relay is taken whose links came first, which may be any.`,
  'P2 table 3 names these rows for Hamachi, latency and stability, and gives no numbers.',
];

/** The hosts, and what is kept from one repetition to the next. */
export class RelayBench {
  private readonly internet: Internet;
  private readonly ends: readonly NodeActors[];
  private readonly relays: NodeActors[];
  private made = 0;

  private constructor(internet: Internet, ends: readonly NodeActors[], relays: NodeActors[]) {
    this.internet = internet;
    this.ends = ends;
    this.relays = relays;
  }

  static async build(): Promise<RelayBench> {
    const home = ACCESS_KINDS['full-cone'];
    const relays = DELAYS_MS.map(
      (delayMs, i): NatHost => ({ name: `relay${i}`, access: home, segment: 'west', line: { delayMs } }),
    );
    const ends = ENDS.map((name, i): NatHost => ({ name, access: home, segment: i === 0 ? 'west' : 'east' }));
    const internet = await Internet.create([...ends, ...relays]);
    try {
      const { lab } = internet;
      await lab.separate('one', 'two');
      const started = await Promise.all(
        [...ENDS, ...relays.map(({ name }) => name)].map(host => NodeActors.start(lab, host)),
      );
      return new RelayBench(internet, started.slice(0, 2), started.slice(2));
    } catch (error) {
      await internet.close();
      throw error;
    }
  }

  /** A fresh group of two ends and all relays; the relay in use is killed, and comes back in the end. */
  async repeat(choice: Choice): Promise<RelayRun> {
    const authority = await LabAuthority.create(this.internet.around);
    const actors: Actor[] = [];
    const admit = async (of: NodeActors, device: string, o = {}): Promise<[Actor, string]> => {
      const actor = of.actor();
      actors.push(actor);
      return [actor, await authority.admit(actor, device, o)];
    };
    try {
      const admitted = this.relays.map(async (relay, i) => (await admit(relay, `relay${i}`))[1]);
      const helpers = await Promise.all(admitted);
      const o = { relayChoice: choice, interfaceName: `wr${this.made++ % 100}` };
      const [[one, idOne], [two, idTwo]] = await Promise.all([
        admit(this.ends[0] as NodeActors, 'one', o),
        admit(this.ends[1] as NodeActors, 'two', o),
      ]);
      await Promise.all([one.greet(idTwo), two.greet(idOne)]);
      const met = await Promise.all([one.met(idTwo, ['relay'], PATIENCE_MS), two.met(idOne, ['relay'], PATIENCE_MS)]);
      const setUpMs = sinceFirst(met);
      const address = await this.reached(one, two);
      await sleep(CHOSEN_MS);
      const rttMs = await this.rtt(address);
      const mbps = await this.tcp(address);
      // A full line may have had it look for a better way.
      await one.met(idTwo, ['relay'], PATIENCE_MS);
      const link = (await one.view()).links.find(({ peerId }) => peerId === idTwo);
      const used = helpers.indexOf(link?.via ?? '');
      if (used < 0) throw new Error(`no relay is in use after TCP but ${link?.kind}`);
      const gapMs = await this.gap(address, used);
      return { setUpMs, rttMs, mbps, gapMs, relayDelayMs: DELAYS_MS[used] };
    } finally {
      await Promise.allSettled(actors.map(actor => actor.close()));
      await this.revive();
    }
  }

  end(): Promise<void> {
    return this.internet.close();
  }

  /** Waits until both devices have addresses, and the first of them finds the second; gives that one's. */
  private async reached(one: Actor, two: Actor): Promise<string> {
    for (const giveUp = performance.now() + PATIENCE_MS; performance.now() < giveUp; ) {
      const [from, to] = await Promise.all([one, two].map(async actor => (await actor.view()).self.address));
      if (from !== undefined && to !== undefined && (await this.ping(to, 1)).length > 0) return to;
      await sleep(PING_EVERY_MS);
    }
    throw new Error('one does not reach two');
  }

  /** The median by the machine's own ping. */
  private async rtt(address: string): Promise<number> {
    const times = await this.ping(address, 40);
    return rounded(
      percentile(
        times.map(({ rttMs }) => rttMs),
        0.5,
      ),
    );
  }

  /** One stream of TCP. */
  private async tcp(address: string): Promise<number> {
    const { lab } = this.internet;
    const server = lab.spawn('two', ['iperf3', '--server', '--one-off', '--forceflush', '--bind', address]);
    try {
      await server.line(/listening/i);
      const argv = ['iperf3', '--client', address, '--time', String(TCP_SECONDS), '--json'];
      const { stdout } = await lab.exec('one', argv, { timeoutMs: 30_000 });
      const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } };
      return rounded(end.sum_received.bits_per_second / 1e6);
    } finally {
      await server.stop();
    }
  }

  /** Kills a relay without a word while pings go every 20 ms; the longest time between two replies. */
  private async gap(address: string, relay: number): Promise<number> {
    const pinging = this.ping(address, PINGS_BEFORE + PINGS_AFTER);
    await sleep(PINGS_BEFORE * PING_EVERY_MS);
    (this.relays[relay] as NodeActors).process.kill('SIGKILL');
    const times = (await pinging).map(({ at }) => at);
    if (times.length === 0) throw new Error('nothing came at all');
    // What is still away in the end counts up to then.
    times.push(Date.now());
    return rounded(Math.max(...times.slice(1).map((at, i) => at - (times[i] as number))));
  }

  private async ping(address: string, count: number): Promise<{ at: number; rttMs: number }[]> {
    const argv = ['ping', '-n', '-D', '-c', String(count), '-i', String(PING_EVERY_MS / 1_000), '-W', '2', address];
    const { stdout } = await this.internet.lab.exec('one', argv, { allowFailure: true });
    const replies = stdout.matchAll(/^\[([\d.]+)\].*time=([\d.]+) ms/gm);
    return [...replies].map(([, at, rtt]) => ({ at: Number(at) * 1_000, rttMs: Number(rtt) }));
  }

  /** Starts again the relays that were killed. */
  private async revive(): Promise<void> {
    for (const [i, relay] of this.relays.entries()) {
      if (!relay.process.running) this.relays[i] = await NodeActors.start(this.internet.lab, `relay${i}`);
    }
  }
}

/** From the first line that either sent until both had a relay. */
function sinceFirst(met: readonly Meeting[]): number {
  const sentAt = Math.min(...met.map(({ sentAt }) => sentAt ?? Infinity));
  const relayedAt = Math.max(...met.map(({ relayedAt }) => relayedAt ?? Number.NaN));
  if (!Number.isFinite(relayedAt - sentAt))
    throw new Error(`no relay, but ${met.map(({ kind }) => kind).join(' and ')}`);
  return Math.max(0, relayedAt - sentAt);
}

function figuresOf(choice: Choice, runs: readonly RelayRun[]): Figures {
  const at = (name: keyof RelayRun, share: number): number =>
    rounded(
      percentile(
        runs.map(run => run[name] ?? Number.NaN),
        share,
      ),
    );
  return {
    [`${choice}Runs`]: runs.length,
    [`${choice}SetUpMsP50`]: at('setUpMs', 0.5),
    [`${choice}SetUpMsP95`]: at('setUpMs', 0.95),
    [`${choice}RttMsP50`]: at('rttMs', 0.5),
    [`${choice}MbpsP50`]: at('mbps', 0.5),
    [`${choice}GapMsP50`]: at('gapMs', 0.5),
    [`${choice}GapMsP95`]: at('gapMs', 0.95),
    [`${choice}RelayDelayMsP50`]: at('relayDelayMs', 0.5),
  };
}

/**
 * How long a person waits after `warren up`: one of four members, enrolled long ago, starts anew and pings another, while
 * the group is warm. Counted from the start of the command to the first answer, with what the daemon said on the way.
 */
import { type Figures, type Outcome, percentile, rounded } from '@warren/lab';
import type { LabEdge } from '../netns/lab-edge.ts';
import { LabGroup } from '../netns/lab-group.ts';
import { Probe } from './probes.ts';
import { sleep, until } from './until.ts';

export interface UpTimeOptions {
  readonly repetitions: number;
  readonly step: (line: string) => void;
}

const OTHERS = ['ada', 'bob', 'cy'] as const;
const NEWCOMER = 'dan';
const PING_EVERY_MS = 20;
const PATIENCE_MS = 60_000;
/** The others know by then that the newcomer went. */
const AWAY_MS = 3_000;
const BAR_MS = 3_000;
/** What the daemon says, in the order of a start. */
const SAID = {
  bootstrapMs: /^bootstrap node .* connected/,
  membersMs: /other members? (is|are) online/,
  addressMs: /: address /,
  readyMs: /^ready/,
} as const;
type Said = keyof typeof SAID;

/** Milliseconds since the command; NaN for what was not said. */
type Run = Readonly<Record<Said | 'firstPingMs', number>>;

export async function upTime({ repetitions, step }: UpTimeOptions): Promise<Outcome> {
  const around = await LabGroup.create([...OTHERS, NEWCOMER]);
  const runs: Run[] = [];
  try {
    const edges = await Promise.all([...OTHERS, NEWCOMER].map(host => around.join(host)));
    const newcomer = edges.pop() as LabEdge;
    const addresses = await Promise.all(edges.map(async edge => (await edge.self()).address));
    for (const address of addresses) await newcomer.reach(address, PATIENCE_MS);
    step('four members are warm');
    for (let i = 0; i < repetitions; i++) {
      const run = await repeat(newcomer, addresses[i % addresses.length] as string);
      runs.push(run);
      step(
        `${i + 1}/${repetitions} ${Object.entries(run)
          .map(([name, ms]) => `${name} ${ms.toFixed(0)}`)
          .join(', ')}`,
      );
    }
  } finally {
    await around.end();
  }
  const figures = figuresOf(runs);
  const worst = figures.firstPingMsP95 ?? Number.NaN;
  const missed = worst <= BAR_MS ? [] : [`the first ping took ${worst} ms at p95, more than ${BAR_MS}`];
  return { figures, missed, remarks: REMARKS };
}

const REMARKS = [
  `From the start of the command to the first answer, by pings every ${PING_EVERY_MS} ms; the member is away for ${AWAY_MS / 1_000} s before.`,
];

async function repeat(newcomer: LabEdge, address: string): Promise<Run> {
  const { lab, host } = newcomer;
  await newcomer.warren('down');
  await newcomer.process.exit;
  await sleep(AWAY_MS);
  const probe = Probe.ping(lab, host, address, PING_EVERY_MS);
  const startedAt = Date.now();
  const daemon = newcomer.launch();
  const heard = Object.entries(SAID).map(async ([name, words]) => {
    const at = daemon.line(words, PATIENCE_MS).then(
      () => Date.now() - startedAt,
      () => Number.NaN,
    );
    return [name, await at] as const;
  });
  try {
    await until('a ping is answered', PATIENCE_MS, () => probe.answers.length > 0, PING_EVERY_MS);
    const said = Object.fromEntries(await Promise.all(heard)) as Record<Said, number>;
    return { ...said, firstPingMs: (probe.answers[0]?.at ?? Number.NaN) - startedAt };
  } finally {
    await probe.stop();
  }
}

function figuresOf(runs: readonly Run[]): Figures {
  const at = (name: keyof Run, share: number): number =>
    rounded(
      percentile(
        runs.map(run => run[name]),
        share,
      ),
    );
  const said = Object.keys(SAID).map(name => [`${name}P50`, at(name as Said, 0.5)] as const);
  return {
    repetitions: runs.length,
    firstPingMsP50: at('firstPingMs', 0.5),
    firstPingMsP95: at('firstPingMs', 0.95),
    firstPingMsMax: at('firstPingMs', 1),
    ...Object.fromEntries(said),
  };
}

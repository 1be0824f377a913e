/** The command line of the lab of real processes: `list`, a verb for each run, help, and what a run ends in. */
import { gridText, type Outcome, reportOf, table } from '@warren/lab';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { install, skipReason } from '../netns/requirements.ts';
import { gatewayFailover } from './gateway-failover.ts';
import { HOSTS, type Hosts, NAMES } from './grid-cells.ts';
import { idleCost } from './idle-cost.ts';
import { leaks } from './leaks.ts';
import { natGrid } from './nat-grid.ts';
import { relays } from './relays.ts';
import { upTime } from './up-time.ts';

/** Exit codes, as those of `npm run sim`. */
const Exit = { ok: 0, missed: 1, usage: 2 } as const;

type Step = (line: string) => void;

const RUNS = [
  ['nat-grid', 'every kind of NAT with every other: who talks, how soon, and directly where that is possible'],
  ['relays', 'what a relay costs: time to set it up, RTT, Mbit/s, and the gap when it dies (P2, table 3)'],
  ['idle-cost', 'what links cost at rest: bytes a second and memory, by active links (P2, figure 6)'],
  ['gateway-failover', 'how long the Internet is away when the gateway in use dies, killed or unplugged'],
  ['leaks', 'what of a user’s traffic leaves outside of the tunnel, from its start to its stop'],
  ['up-time', 'from `warren up` to the first answered ping, in a group of four that is warm'],
] as const;
const LIST = [
  'Runs:',
  ...RUNS.map(([name, what]) => `  ${name.padEnd(18)}${what}\n${' '.repeat(14)}npm run lab -- ${name}`),
].join('\n');
const AFTER = `\n${LIST}

Needs root, and Debian's packages for network namespaces and browsers, which are installed if they are missing.
Progress goes to standard error. Times are of this machine: compare those of one run.
Exit codes: 0 the bars held, 1 one was missed, 2 wrong usage.`;

/** Runs the words behind `npm run lab --`; resolves with the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  let exit: number = Exit.ok;
  const program = makeProgram(async (name, o, work) => {
    exit = await play(name, o, work);
  });
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? Exit.ok : Exit.usage;
  }
}

type Play = (name: string, o: { readonly json?: true }, work: (step: Step) => Promise<Outcome>) => Promise<void>;

function makeProgram(play: Play): Command {
  const program = new Command('npm run lab --')
    .usage('NAME [options]')
    .description('Real processes and browsers in network namespaces: what happens, in figures.')
    .showHelpAfterError('Next: `npm run lab -- list` names the runs; `npm run lab -- NAME --help` tells their options.')
    .exitOverride()
    .helpCommand(false)
    .addHelpText('after', AFTER);
  program
    .command('list')
    .description('name the runs')
    .action(() => {
      process.stdout.write(`${LIST}\n`);
    });
  const command = (name: (typeof RUNS)[number][0], ...examples: readonly string[]): Command =>
    program
      .command(name, { hidden: true })
      .description(RUNS.find(([each]) => each === name)?.[1] ?? '')
      .option('--json', 'print one JSON object')
      .addHelpText('after', `\nExamples:\n${examples.map(words => `  npm run lab -- ${name} ${words}`).join('\n')}`);

  command('nat-grid', '--hosts edge-edge', '--row symmetric-random --column open', '--json > grid.json')
    .addOption(choice('--hosts <kinds>', 'kinds of the two hosts', ['all', ...HOSTS]))
    .addOption(choice('--row <access>', 'access of the first', ['all', ...NAMES, 'shared']))
    .addOption(choice('--column <access>', 'access of the second', ['all', ...NAMES]))
    .addOption(choice('--browser <name>', 'what tabs run in', ['mixed', 'chromium', 'firefox']))
    .option('--at-once <number>', 'how many pairs meet at the same time', count, 1)
    .action(o =>
      play('nat-grid', o, step => natGrid({ ...o, step, hosts: o.hosts === 'all' ? HOSTS : [o.hosts as Hosts] })),
    );
  command('relays', '--repetitions 10', '--repetitions 100 --json')
    .option('--repetitions <number>', 'how often each is done', count, 100)
    .action(o => play('relays', o, step => relays({ ...o, step })));
  command('idle-cost', '--members 16 --seconds 60', '--json')
    .option(
      '--members <number>',
      'of the group, as many as the cores bear; `npm run sim -- idle-cost` has 128',
      count,
      16,
    )
    .option('--seconds <number>', 'how long each stage is measured', count, 120)
    .action(o => play('idle-cost', o, step => idleCost({ ...o, step })));
  command('gateway-failover', '--repetitions 4', '--json')
    .option('--repetitions <number>', 'how often the gateway in use dies, by one cause after the other', count, 20)
    .action(o => play('gateway-failover', o, step => gatewayFailover({ ...o, step })));
  command('leaks', '--rounds 1', '--json')
    .option('--rounds <number>', 'how often all phases are gone through', count, 1)
    .action(o => play('leaks', o, step => leaks({ ...o, step })));
  command('up-time', '--repetitions 5', '--json')
    .option('--repetitions <number>', 'how often the member starts', count, 20)
    .action(o => play('up-time', o, step => upTime({ ...o, step })));
  return program;
}

async function play(
  name: string,
  { json }: { readonly json?: true },
  work: (step: Step) => Promise<Outcome>,
): Promise<number> {
  const startedAt = performance.now();
  const took = (): number => Math.round((performance.now() - startedAt) / 100) / 10;
  const step = (line: string): void => void process.stderr.write(`[${took().toFixed(1).padStart(6)} s] ${line}\n`);
  install(step);
  const obstacle = skipReason('root', 'namespaces', 'iproute2', 'nftables', 'conntrack', 'tcpdump', 'chromium');
  if (obstacle !== undefined) {
    process.stderr.write(`This cannot run here: ${obstacle}\n`);
    return Exit.missed;
  }
  const outcome = await work(step);
  const { seed: _, ...report } = reportOf(name, 0, outcome, took());
  const texts = [table({ ...report, seed: 0 }), ...(outcome.grids ?? []).map(gridText), ...(outcome.remarks ?? [])];
  process.stdout.write(`${json === true ? JSON.stringify(report) : texts.join('\n\n')}\n`);
  for (const sentence of outcome.missed) process.stderr.write(`missed: ${sentence}\n`);
  return outcome.missed.length === 0 ? Exit.ok : Exit.missed;
}

function choice(flags: string, what: string, of: readonly [string, ...string[]]): Option {
  return new Option(flags, what).choices(of).default(of[0]);
}

function count(word: string): number {
  const value = Number(word);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Here a whole number from 1 on is needed.');
  return value;
}

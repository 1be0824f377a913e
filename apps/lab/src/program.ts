/** The command line of the lab: `list`, one verb for each scenario, help, and what a run ends in. */
import { InvariantError } from '@warren/sim';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Figure } from './figure.ts';
import { type Knob, KnobError, readKnob, type Settings, wholeNumber, writeKnob } from './knob.ts';
import { pageOf } from './page.ts';
import { dashed, gridText, replay, reportOf, table } from './report.ts';
import type { Outcome, Scenario } from './scenario.ts';

/** Where lines go, and what time it is. */
export interface Output {
  /** The result. */
  out(line: string): void;
  /** Progress, and what went wrong. */
  err(line: string): void;
  /** Seconds. */
  seconds(): number;
  /** Makes a picture of a figure, in time. */
  draw(figure: Figure, file: string): void;
  write(text: string, file: string): void;
}

/** Exit codes. */
export const Exit = { ok: 0, missed: 1, usage: 2 } as const;

const SEED_MAX = 2 ** 32 - 1;
const AFTER = `
Progress goes to standard error. Two runs of one seed give the same figures.
Exit codes: 0 the scenario's bar held, 1 it was missed, 2 wrong usage.`;

/** Runs the words behind `npm run sim --`; returns the exit code. */
export function run(argv: readonly string[], scenarios: Readonly<Record<string, Scenario>>, output: Output): number {
  let exit: number = Exit.ok;
  const program = makeProgram(scenarios, output, code => {
    exit = code;
  });
  try {
    program.parse(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? Exit.ok : Exit.usage;
  }
}

function makeProgram(
  scenarios: Readonly<Record<string, Scenario>>,
  output: Output,
  done: (exit: number) => void,
): Command {
  const chomp = (text: string): string => text.replace(/\n$/, '');
  const program = new Command('npm run sim --')
    .usage('NAME [options]')
    .description('Participants under virtual time: what happens, in figures that follow from a seed.')
    .configureOutput({ writeOut: text => output.out(chomp(text)), writeErr: text => output.err(chomp(text)) })
    .showHelpAfterError(
      'Next: `npm run sim -- list` names the scenarios; `npm run sim -- NAME --help` tells their options.',
    )
    .exitOverride()
    .helpCommand(false)
    .addHelpText('after', `\n${listOf(scenarios)}\n${AFTER}`);
  program
    .command('list')
    .description('name the scenarios, with an example of each')
    .action(() => output.out(listOf(scenarios)));
  for (const [name, scenario] of Object.entries(scenarios)) {
    const command = program.command(name, { hidden: true }).description(`${scenario.summary}\nBar: ${scenario.bar}.`);
    describe(command, scenario).action(options => done(play(name, scenario, options, output)));
    command.addHelpText('after', `\nExample:\n  npm run sim -- ${name} ${scenario.example}`);
  }
  return program;
}

/** What Commander gives: seed and json, which every scenario has, beside its own settings. */
type Options = Settings & {
  readonly seed: number;
  readonly json: unknown;
  readonly plot?: string;
  readonly page?: string;
};

function describe(command: Command, { knobs }: Scenario): Command {
  command.addOption(
    new Option('--seed <number>', 'whole number that all chance follows from').default(1).argParser(seed),
  );
  for (const [key, knob] of Object.entries(knobs)) {
    const option = new Option(`--${dashed(key)} ${argumentOf(knob)}`, knob.what);
    option.default(knob.initial, writeKnob(knob.initial)).argParser(reader(knob));
    command.addOption(option);
  }
  command.addOption(new Option('--plot <file.svg>', 'draw the figures, where the scenario has a picture'));
  command.addOption(new Option('--page <folder>', 'write NAME.md and NAME.svg into it, as docs/results has them'));
  return command.addOption(new Option('--json', 'print one JSON object').default(false, 'a table'));
}

/** Plays a scenario and tells; returns the exit code. */
function play(
  name: string,
  scenario: Scenario,
  { seed, json, plot, page, ...settings }: Options,
  output: Output,
): number {
  const startedAt = output.seconds();
  const took = (): number => Math.round((output.seconds() - startedAt) * 10) / 10;
  const step = (line: string): void => output.err(`[${took().toFixed(1).padStart(5)} s] ${line}`);
  const outcome = outcomeOf(() => scenario.run({ seed, settings, step }));
  const report = reportOf(name, seed, outcome, took());
  output.out(json ? JSON.stringify(report) : [table(report), ...(outcome.grids ?? []).map(gridText)].join('\n\n'));
  if (plot !== undefined && outcome.figure !== undefined) output.draw(outcome.figure, plot);
  else if (plot !== undefined) output.err(`${name} has no picture: nothing is drawn`);
  if (page !== undefined) {
    const command = replay(name, scenario, seed, settings);
    output.write(pageOf({ name, scenario, command, outcome }), `${page}/${name}.md`);
    if (outcome.figure !== undefined) output.draw(outcome.figure, `${page}/${name}.svg`);
  }
  if (report.ok) return Exit.ok;
  for (const sentence of outcome.missed) output.err(`missed: ${sentence}`);
  output.err(`Again: ${replay(name, scenario, seed, settings)}`);
  return Exit.missed;
}

/** A broken invariant of the simulator ends a run, and is a bar that was missed. */
function outcomeOf(run: () => Outcome): Outcome {
  try {
    return run();
  } catch (error) {
    if (error instanceof InvariantError) return { figures: {}, missed: [error.message] };
    throw error;
  }
}

function listOf(scenarios: Readonly<Record<string, Scenario>>): string {
  const lines = Object.entries(scenarios).map(
    ([name, { summary, example }]) =>
      `  ${name.padEnd(18)}${summary}\n${' '.repeat(20)}npm run sim -- ${name} ${example}`,
  );
  return ['Scenarios:', ...lines].join('\n');
}

function argumentOf(knob: Knob): string {
  switch (knob.kind) {
    case 'count':
      return '<number>';
    case 'shares':
      return '<percent...>';
    case 'choice':
      return `<${knob.of.join('|')}>`;
  }
}

/** Commander calls it for each word of an option that takes several, with what it gave before. */
function reader(knob: Knob): (word: string, before: unknown) => unknown {
  return (word, before) => {
    const value = checked(() => readKnob(knob, [word]));
    const isFirst = before === knob.initial;
    return knob.kind === 'shares' && !isFirst ? [...(before as number[]), ...(value as number[])] : value;
  };
}

function seed(word: string): number {
  return checked(() => wholeNumber(word, 0, SEED_MAX));
}

function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof KnobError) throw new InvalidArgumentError(`Here ${error.message}.`);
    throw error;
  }
}

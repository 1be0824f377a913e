/** The command line as a whole: verbs, options, help, and what every failure ends in. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { Exit, explain, Failure, failureData, failureJson, failureText } from './failure.ts';
import { asTyped } from './places.ts';
import type { Terminal } from './terminal.ts';
import type { Context, Verb } from './verbs/common.ts';
import { crawl, describeCrawl } from './verbs/crawl.ts';
import { describeDoctor, doctor } from './verbs/doctor.ts';
import { describeDown, down } from './verbs/down.ts';
import { describeExitNode, describeGateway, exitNode, gateway } from './verbs/internet.ts';
import { describeLeave, leave } from './verbs/leave.ts';
import { describeLogs, logs } from './verbs/logs.ts';
import { describeNetcheck, netcheck } from './verbs/netcheck.ts';
import { describePeers, peers } from './verbs/peers.ts';
import { describePing, ping } from './verbs/ping.ts';
import { describeDns, describeRoutes, dns, routes } from './verbs/routes.ts';
import { describeService, service } from './verbs/service.ts';
import { describeGet, describeSet, get, set } from './verbs/set.ts';
import { describeStatus, status } from './verbs/status.ts';
import { describeUp, up } from './verbs/up.ts';

const AFTER = `
Examples:
  $ sudo warren up ./home-laptop.warren     join with a group file from the group page
  $ warren status                           who is there, and how they are reached
  $ warren ping server                      test the way to a member
  $ warren crawl                            walk round the ring: who is where, do all agree
  $ warren help ping                        more about a command

Environment: WARREN_STATE, WARREN_SOCKET stand for --state and --socket; NO_COLOR turns colours off.
Exit codes: 0 done, 1 failed, not connected or a ring that disagrees, 2 wrong usage, 3 Warren is not running,
4 not authorised, 5 no way to the member or no answer in time, 130 interrupted.`;

/** Runs the words behind `warren` and returns the exit code. */
export async function run(argv: readonly string[], terminal: Terminal, version: string): Promise<number> {
  const wantsJson = argv.includes('--json');
  let exit: number = Exit.ok;
  const context: Context = { terminal, argv, version };
  const program = makeProgram(context, wantsJson, code => {
    exit = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return Exit.ok;
    const failure = error instanceof CommanderError ? usageFailure(error, argv) : explain(error);
    terminal.tell?.({ failure: failureData(failure) });
    if (wantsJson) terminal.out(failureJson(failure));
    else terminal.err(asTyped(failureText(failure), terminal.env));
    return failure.exit;
  }
}

function makeProgram(context: Context, wantsJson: boolean, done: (exit: number) => void): Command {
  const { terminal, version } = context;
  const chomp = (text: string): string => text.replace(/\n$/, '');
  const program = new Command('warren')
    .description('A private network of your group: this machine as a member, with a network device.')
    .version(version, '-V, --version')
    .option('--json', 'print JSON, failures too')
    .option('--state <folder>', 'folder for keys and memberships (default: /var/lib/warren for root)', path)
    .option(
      '--socket <file>',
      'control socket (default: /run/warren/warren.sock, or in the folder given with --state)',
      path,
    )
    .option('--config <file>', 'configuration (default: /etc/warren/config.toml and conf.d for root)', path)
    .addOption(new Option('--no-color', 'no colours').hideHelp())
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: text => terminal.out(chomp(text)),
      // With --json, what went wrong is said once, by `run`; without, help follows a wrong word.
      writeErr: text => (wantsJson ? undefined : terminal.err(chomp(text))),
      outputError: () => {},
    })
    .exitOverride()
    .addHelpText('after', AFTER);
  const add = <O>(name: string, describe: (command: Command) => Command, verb: Verb<O>): void => {
    describe(program.command(name)).action(async (...given: unknown[]) => {
      const command = given.at(-1) as Command;
      done(await verb(command.args, command.optsWithGlobals() as Parameters<Verb<O>>[1], context));
    });
  };
  add('up', describeUp, up);
  add('down', describeDown, down);
  add('status', describeStatus, status);
  add('ping', describePing, ping);
  add('peers', describePeers, peers);
  add('crawl', describeCrawl, crawl);
  add('netcheck', describeNetcheck, netcheck);
  add('doctor', describeDoctor, doctor);
  add('gateway', describeGateway, gateway);
  add('exit-node', describeExitNode, exitNode);
  add('routes', describeRoutes, routes);
  add('dns', describeDns, dns);
  add('set', describeSet, set);
  add('get', describeGet, get);
  add('logs', describeLogs, logs);
  add('service', describeService, service);
  add('leave', describeLeave, leave);
  return program;
}

function path(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give a path.');
  return text;
}

function usageFailure({ message, code }: CommanderError, argv: readonly string[]): Failure {
  const hint = 'See `warren --help`.';
  if (code === 'commander.help') {
    // Commander answers `help fly` with the help for everything.
    const [, verb] = argv.filter(word => !word.startsWith('-'));
    const what = argv.includes('help') && verb !== undefined ? `Unknown command '${verb}'.` : 'A command is missing.';
    return new Failure('usage', what, hint, Exit.usage);
  }
  const [what = '', ...more] = message.replace(/^error: /, '').split('\n');
  const sentence = `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.$/, '')}.`;
  return new Failure('usage', sentence, [...more, hint].join(' ').trim(), Exit.usage);
}

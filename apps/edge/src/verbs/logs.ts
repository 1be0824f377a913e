/** `warren logs`: what the daemon has said, from the journal where it is a service, else from its log file. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { Exit, Failure } from '../failure.ts';
import { onInterrupt } from '../interrupt.ts';
import { placesFor } from '../places.ts';
import { UNIT_FILE, UNIT_NAME } from '../service/unit.ts';
import { type Verb, wholeNumber } from './common.ts';

export interface LogsOptions {
  readonly follow?: true;
  readonly lines: number;
}

export function describeLogs(command: Command): Command {
  return command
    .description('Show what the daemon has said.')
    .option('-f, --follow', 'go on as more is said')
    .option('-n, --lines <n>', 'how many lines', wholeNumber(1, 100_000), 50)
    .addHelpText(
      'after',
      `
Examples:
  $ warren logs
  $ warren logs -f -n 200
  $ warren logs --json                        the journal's own JSON, or {"line"} for each line of the file`,
    );
}

export const logs: Verb<LogsOptions> = async (_args, options, { terminal }) => {
  const { stateDir } = placesFor(options, terminal);
  const file = join(stateDir, 'warren.log');
  const isChosen = options.state !== undefined || terminal.env.WARREN_STATE !== undefined;
  const isService = !isChosen && existsSync(UNIT_FILE) && existsSync('/run/systemd/system');
  const more = options.follow ? ['-f'] : [];
  if (isService) {
    const json = options.json ? ['-o', 'json'] : [];
    return show(
      'journalctl',
      ['-u', UNIT_NAME, '-n', String(options.lines), '--no-pager', ...more, ...json],
      terminal.out,
    );
  }
  if (!existsSync(file)) {
    const hint = 'It is written by `warren up --detach`; without, the daemon speaks to its terminal.';
    throw new Failure('no-log', `There is no log in ${stateDir}.`, hint);
  }
  const out = options.json ? (line: string) => terminal.out(JSON.stringify({ line })) : terminal.out;
  // -F follows the file also when a new daemon begins another.
  return show('tail', ['-n', String(options.lines), ...(options.follow ? ['-F'] : []), file], out);
};

async function show(program: string, args: readonly string[], out: (line: string) => void): Promise<number> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const forget = onInterrupt(() => child.kill('SIGTERM'));
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) out(line);
  });
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', () => reject(new Failure('no-program', `The command \`${program}\` is missing.`)));
      child.on('close', code => resolve(code === null ? Exit.interrupted : code === 0 ? Exit.ok : Exit.failure));
    });
  } finally {
    if (rest !== '') out(rest);
    forget();
  }
}

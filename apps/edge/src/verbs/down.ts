/** `warren down`: stops the daemon and waits until it is gone. */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { Exit, Failure } from '../failure.ts';
import { clientFor, type Verb } from './common.ts';

const PATIENCE_MS = 5_000;
const LOOK_MS = 20;

export function describeDown(command: Command): Command {
  return command
    .description('Stop Warren: say goodbye, remove its network devices. Memberships stay.')
    .option('--keep-closed', 'with a tunnel: nothing leaves in the clear until the next `warren up`, as for an upgrade')
    .addHelpText(
      'after',
      `
Examples:
  $ sudo warren down
  $ sudo warren down --keep-closed

Exit code 3 when Warren is not running.`,
    );
}

export const down: Verb<{ readonly keepClosed?: true }> = async (_args, options, context) => {
  const keepClosed = options.keepClosed ?? false;
  const { pid } = await clientFor(options, context).down({ keepClosed });
  await untilGone(pid);
  context.terminal.out(options.json ? JSON.stringify({ stopped: true }) : 'Warren is stopped.');
  return Exit.ok;
};

async function untilGone(pid: number): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
    if (!existsSync(`/proc/${pid}`)) return;
    await sleep(LOOK_MS);
  }
  throw new Failure('still-running', `The daemon (process ${pid}) does not stop.`, `End it: sudo kill -9 ${pid}`);
}

/** `warren status`: members, addresses, links, and what is not well. */
import type { Command } from 'commander';
import { Exit } from '../failure.ts';
import { isConnected, statusLines } from '../status-text.ts';
import { clientFor, type Verb } from './common.ts';

export function describeStatus(command: Command): Command {
  return command.description('Show members, addresses, links, and what is not well.').addHelpText(
    'after',
    `
Examples:
  $ warren status
  $ warren status --json | jq -r '.groups[].members[] | select(.online) | .name'

Exit code 0 when all groups are connected, 1 when not yet, 3 when Warren is not running.`,
  );
}

export const status: Verb<object> = async (_args, options, context) => {
  const { terminal } = context;
  const answer = await clientFor(options, context).status();
  if (options.json) terminal.out(JSON.stringify(answer));
  else for (const line of statusLines(answer, terminal.paint)) terminal.out(line);
  return isConnected(answer) ? Exit.ok : Exit.failure;
};

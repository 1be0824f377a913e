/** `warren leave`: forgets a membership on this machine, with the daemon or without. */
import { nodeHost } from '@warren/node';
import { forgetMembership, loadMemberships } from '@warren/peer';
import type { Command } from 'commander';
import type { LeaveAnswer } from '../control-api.ts';
import { Exit, Failure } from '../failure.ts';
import { findGroup } from '../find-target.ts';
import { lockState } from '../lock.ts';
import { placesFor } from '../places.ts';
import { clientFor, type Verb } from './common.ts';

export function describeLeave(command: Command): Command {
  return command
    .description('Leave a group for good: its certificate on this machine is forgotten.')
    .argument('[group]', 'name or id; may be left out when there is one group only')
    .addHelpText(
      'after',
      `
Examples:
  $ sudo warren leave
  $ sudo warren leave "Home"

To come back within a day of the download, use the same group file; later, add the machine on the group page under
another name. To stop for a while, use warren down.`,
    );
}

export const leave: Verb<object> = async ([group], options, context) => {
  const { terminal } = context;
  const wish = group === undefined ? {} : { group };
  let answer: LeaveAnswer;
  try {
    answer = await clientFor(options, context).leave(wish);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'not-running') throw error;
    answer = await leaveWithoutDaemon(placesFor(options, terminal).stateDir, group);
  }
  const stopped = answer.remaining === 0 ? ' This machine is in no group any more.' : '';
  terminal.out(options.json ? JSON.stringify(answer) : `Left ${answer.name}.${stopped}`);
  return Exit.ok;
};

async function leaveWithoutDaemon(stateDir: string, group: string | undefined): Promise<LeaveAnswer> {
  const lock = await lockState(stateDir);
  try {
    const host = await nodeHost({ kind: 'edge', stateDir, udp: false, webrtc: false });
    try {
      const files = (await loadMemberships(host)).map(({ file }) => file);
      const { group: id, name } = findGroup(files, group);
      await forgetMembership(host, id);
      return { name, remaining: files.length - 1 };
    } finally {
      await host.datagrams.stop();
    }
  } finally {
    await lock.release();
  }
}

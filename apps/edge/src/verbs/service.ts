/** `warren service`: the daemon as a systemd service. */
import { type Command, InvalidArgumentError } from 'commander';
import { Exit } from '../failure.ts';
import { installService, launcher, thisServiceHost, uninstallService } from '../service/install.ts';
import { unitText } from '../service/unit.ts';
import type { Verb } from './common.ts';

const ACTIONS = ['install', 'uninstall', 'print'] as const;

export function describeService(command: Command): Command {
  return command
    .description('Run the daemon as a systemd service, as a user of its own.')
    .argument('<action>', ACTIONS.join(', '), action)
    .addHelpText(
      'after',
      `
Examples:
  $ sudo warren up ./home-laptop.warren       join once; Ctrl-C
  $ sudo warren service install               from now on by itself, also after a boot
  $ warren service print                      the unit, for other ways to install it
  $ sudo warren service uninstall

State is in /var/lib/warren, configuration in /etc/warren/config.toml, environment in /etc/default/warren.`,
    );
}

export const service: Verb<object> = async ([what], options, { terminal }) => {
  const say = (line: string): void => {
    if (!options.json) terminal.out(line);
  };
  if (what === 'print') {
    terminal.out(unitText({ node: process.execPath, launcher: launcher() }).trimEnd());
    return Exit.ok;
  }
  await (what === 'install' ? installService : uninstallService)(thisServiceHost(), say);
  if (options.json) terminal.out(JSON.stringify({ schema: 1, service: what === 'install' ? 'installed' : 'removed' }));
  return Exit.ok;
};

function action(text: string): string {
  if (ACTIONS.some(each => each === text)) return text;
  throw new InvalidArgumentError(`Give ${ACTIONS.join(', ')}.`);
}

/** `warren routes` and `warren dns`: what lies behind members, and what they are called. */
import { lookup } from 'node:dns/promises';
import type { Command } from 'commander';
import { columns } from '../columns.ts';
import { Exit, Failure } from '../failure.ts';
import { clientFor, type Verb } from './common.ts';

export function describeRoutes(command: Command): Command {
  return command.description('Show the networks that lie behind members, as they announce them.').addHelpText(
    'after',
    `
Examples:
  $ warren routes
  $ sudo warren set routes=192.168.7.0/24     announce one; needs the right \`router\`
  $ sudo warren set accept-routes=off         use none`,
  );
}

export const routes: Verb<object> = async (_args, options, context) => {
  const { terminal } = context;
  const { groups } = await clientFor(options, context).status();
  const rows = groups.flatMap(({ name: group, members }) =>
    members.flatMap(({ name, self, online, routes: behind = [] }) =>
      behind.map(network => ({ network, group, via: name, self, online })),
    ),
  );
  if (options.json) terminal.out(JSON.stringify({ schema: 1, routes: rows }));
  else if (rows.length === 0) terminal.out('No member announces a network.');
  else {
    const cells = rows.map(({ network, via, group, self, online }) => [
      network,
      via,
      group,
      self ? 'this device' : online ? 'there' : 'away',
    ]);
    for (const line of columns([['NETWORK', 'VIA', 'GROUP', 'STATE'], ...cells])) terminal.out(line);
  }
  return Exit.ok;
};

export function describeDns(command: Command): Command {
  return command
    .description('Show what members are called in names, and whether this system finds them.')
    .argument('[member]', 'one only: device or device.user')
    .addHelpText(
      'after',
      `
Examples:
  $ warren dns
  $ warren dns laptop.ada
  $ warren dns --json | jq -r '.names[] | select(.found) | .name'`,
    );
}

export const dns: Verb<object> = async ([wanted], options, context) => {
  const { terminal } = context;
  const { groups } = await clientFor(options, context).status();
  const named = groups.flatMap(({ members, names }) => {
    const domain = names?.search.at(-1);
    return members.flatMap(({ name, device, address, address6 }) =>
      domain === undefined ? [] : [{ name: `${name}.${domain}`, member: name, device, address, address6 }],
    );
  });
  const asked =
    wanted === undefined ? named : named.filter(({ member, device }) => wanted === member || wanted === device);
  if (wanted !== undefined && asked.length === 0) {
    throw new Failure('unknown-member', `There is no member called ${wanted}.`, 'See `warren status`.');
  }
  const rows = await Promise.all(
    asked.map(async each => ({ ...each, found: await isFound(each.name, each.address6) })),
  );
  if (options.json) terminal.out(JSON.stringify({ schema: 1, names: rows }));
  else {
    const cells = rows.map(({ name, address, address6, found }) => [
      name,
      address ?? '-',
      address6 ?? '-',
      found ? 'yes' : 'no',
    ]);
    for (const line of columns([['NAME', 'IPV4', 'IPV6', 'FOUND BY THE SYSTEM'], ...cells])) terminal.out(line);
  }
  return rows.every(({ found }) => found) ? Exit.ok : Exit.failure;
};

async function isFound(name: string, address6: string | undefined): Promise<boolean> {
  const found = await lookup(name, { all: true }).catch(() => []);
  return found.some(({ address, family }) => family === 4 || address === address6);
}

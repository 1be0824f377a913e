/** `warren gateway` and `warren exit-node`: who leads to the Internet, for others and for this machine. */
import type { GatewayView, GroupView } from '@warren/peer';
import { type Command, InvalidArgumentError } from 'commander';
import { columns } from '../columns.ts';
import { Exit } from '../failure.ts';
import type { InternetStatus } from '../internet/duties.ts';
import { type CommonOptions, type Context, clientFor, minutes, refuseToCutSsh, type Verb } from './common.ts';
import { set } from './set.ts';

export function describeGateway(command: Command): Command {
  return command
    .description('Offer this machine’s way to the Internet to the members of its group, or list who does.')
    .argument('[what]', 'list, on or off', oneOf(['list', 'on', 'off']), 'list')
    .addHelpText(
      'after',
      `
Examples:
  $ sudo warren gateway on        needs the right \`gateway\`: an administrator gives it on the group page
  $ warren gateway                who offers the Internet, and what went through this machine
  $ sudo warren gateway off

Private networks around this machine stay closed to members, unless: warren set gateway-lan=on.`,
    );
}

export function describeExitNode(command: Command): Command {
  return command
    .description('Send all Internet traffic of this machine through a gateway of the group.')
    .argument('[what]', 'list, auto, off, pause, resume, or a member by name', 'list')
    .argument('[minutes]', 'how long to pause: 5, or 5m')
    .option('--accept-risk <risk>', 'lose-ssh: go on although this terminal may be cut off', oneOf(['lose-ssh']))
    .addHelpText(
      'after',
      `
Examples:
  $ warren exit-node              gateways, and whether a tunnel is on
  $ sudo warren exit-node auto    through the best; through another when it dies
  $ sudo warren exit-node server.ada
  $ sudo warren exit-node pause 5 for the login page of a hotel: new connections to web pages and names leave
                                  in the clear for five minutes, whatever becomes of Warren
  $ sudo warren exit-node off

While it is on nothing leaves in the clear, by IPv4, IPv6 or DNS: not while it starts, not while no gateway is there,
not when Warren is killed. The local network stays reachable, unless: warren set exit-node-lan=off.`,
    );
}

export const gateway: Verb<object> = async ([what = 'list'], options, context) => {
  if (what !== 'list') return set([`gateway=${what}`], options, context);
  const { groups } = await clientFor(options, context).status();
  const internet = await clientFor(options, context).internet();
  return show(groups, internet, options, context);
};

export const exitNode: Verb<{ readonly acceptRisk?: string }> = async ([what = 'list', pause], options, context) => {
  const client = clientFor(options, context);
  if (what === 'list') {
    const { groups } = await client.status();
    return show(groups, await client.internet(), options, context);
  }
  if (what === 'pause' || what === 'resume') {
    const durationMs = what === 'resume' ? 0 : (pause === undefined ? 5 : minutes(pause)) * 60_000;
    const answer = await client.pause({ durationMs });
    if (options.json) context.terminal.out(JSON.stringify({ schema: 1, ...answer }));
    else context.terminal.out(what === 'resume' ? 'The pause is over.' : `Paused for ${durationMs / 60_000} minutes.`);
    return Exit.ok;
  }
  if (what !== 'off') refuseToCutSsh(context, options.acceptRisk);
  return set([`exit-node=${what}`], options, context);
};

function show(
  groups: readonly GroupView[],
  internet: InternetStatus,
  options: CommonOptions,
  { terminal }: Context,
): number {
  const offers = groups.flatMap(({ name, gateways = [] }) => gateways.map(each => ({ group: name, ...each })));
  if (options.json) {
    terminal.out(JSON.stringify({ schema: 1, gateways: offers, ...internet }));
    return Exit.ok;
  }
  if (offers.length === 0) terminal.out('No member that is there offers the Internet.');
  else
    for (const line of columns([['GATEWAY', 'GROUP', 'STATE', 'MBIT/S', 'IPV6'], ...offers.map(cells)]))
      terminal.out(line);
  for (const line of internetLines(groups, internet)) terminal.out(line);
  return Exit.ok;
}

function cells({
  name,
  group,
  state,
  current,
  capacityMbit,
  ipv6,
}: GatewayView & { readonly group: string }): string[] {
  return [
    name,
    group,
    current ? `${state}; in use` : state,
    capacityMbit === 0 ? '-' : `${capacityMbit}`,
    ipv6 ? 'yes' : 'no',
  ];
}

function internetLines(groups: readonly GroupView[], { tunnel, gateway: leads }: InternetStatus): string[] {
  const find = (id: string | undefined) => groups.find(({ group }) => group === id);
  const lines: string[] = [];
  if (tunnel === undefined) lines.push('Internet traffic of this machine goes its ordinary way.');
  else {
    const group = find(tunnel.group);
    const isUp = group !== undefined && group.tunnel !== 'no-gateway';
    const state = isUp ? 'goes through the tunnel' : 'waits for a gateway: nothing passes';
    const whose = group === undefined ? '' : ` (${group.name})`;
    const pause = tunnel.pausedMs === 0 ? '' : `; paused for ${Math.ceil(tunnel.pausedMs / 1000)} s more`;
    const stopped = `${tunnel.stoppedPackets} packets were kept from leaving in the clear`;
    lines.push(`Internet traffic of this machine ${state}${whose}; ${stopped}${pause}.`);
  }
  if (leads !== undefined) {
    const flows = `${leads.asked} flows asked for, ${leads.left} left, ${leads.refused} packets refused`;
    lines.push(`This machine is a gateway of ${find(leads.group)?.name ?? leads.group}: ${flows}.`);
  }
  return lines;
}

function oneOf(words: readonly string[]): (text: string) => string {
  return text => {
    if (words.includes(text)) return text;
    throw new InvalidArgumentError(`Give ${words.join(', ')}.`);
  };
}

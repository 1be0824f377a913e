/** `warren peers`: all links of this machine, in its groups and in the public overlay. */
import type { LinkView, MemberView } from '@warren/peer';
import type { Command } from 'commander';
import { columns } from '../columns.ts';
import { Exit } from '../failure.ts';
import { msText, teamsText, wayText } from '../status-text.ts';
import { clientFor, type Verb } from './common.ts';

export function describePeers(command: Command): Command {
  return command
    .description('Show the links of this machine: to whom, which way, why, and how much goes over them.')
    .addHelpText(
      'after',
      `
Examples:
  $ warren peers
  $ warren peers --json | jq -r '.links[] | select(.network != "public") | .name'

A link is near (beside us on the ring), far (a short cut across it), leaf (our way in) or on-demand (for traffic).`,
    );
}

interface Row extends LinkView {
  /** `public`, or the group's name. */
  readonly network: string;
  /** `device.user`; absent in the public overlay, where nobody has a name. */
  readonly name?: string;
  /** As in `MemberView`; absent in the public overlay too. */
  readonly teams?: readonly string[];
  /** Of who relays. */
  readonly viaName?: string;
}

export const peers: Verb<object> = async (_args, options, context) => {
  const { terminal } = context;
  const { groups, public: open } = await clientFor(options, context).status();
  const rows: Row[] = [
    ...groups.flatMap(({ name, links, members }) =>
      links.map(link => ({ ...link, network: name, ...named(link, members) })),
    ),
    ...open.links.map(link => ({ ...link, network: 'public' })),
  ];
  if (options.json) terminal.out(JSON.stringify({ schema: 1, links: rows }));
  else for (const line of columns(table(rows), NUMBERS)) terminal.out(line);
  return Exit.ok;
};

const HEAD = ['NETWORK', 'NAME', 'ID', 'WAY', 'RTT', 'ROLES', 'SENT', 'RECEIVED'];
const NUMBERS: ReadonlySet<number> = new Set([4, 6, 7]);

/** Teams stand at the end, and only where somebody is in one. */
function table(rows: readonly Row[]): string[][] {
  if (!rows.some(({ teams = [] }) => teams.length > 0)) return [HEAD, ...rows.map(cells)];
  const teams = (row: Row): string => (row.name === undefined ? '-' : teamsText(row));
  return [[...HEAD, 'TEAMS'], ...rows.map(row => [...cells(row), teams(row)])];
}

function named({ peerId, via }: LinkView, members: readonly MemberView[]): Pick<Row, 'name' | 'teams' | 'viaName'> {
  const memberWith = (id: string | undefined) => members.find(member => member.peerId === id);
  const { name, teams } = memberWith(peerId) ?? {};
  const viaName = memberWith(via)?.name;
  return { ...(name && { name }), ...(teams && { teams }), ...(viaName && { viaName }) };
}

function cells({ network, name, peerId, kind, via, viaName, rttMs, roles, sentBytes, receivedBytes }: Row): string[] {
  const rtt = rttMs === undefined ? '-' : msText(rttMs);
  const why = roles.length === 0 ? '-' : roles.join(',');
  return [
    network,
    name ?? '-',
    peerId.slice(0, 8),
    wayText({ kind, ...(via && { via: viaName ?? via.slice(0, 8) }) }),
    rtt,
    why,
    bytesText(sentBytes),
    bytesText(receivedBytes),
  ];
}

/** `1.2 kB`, powers of 1,000. */
function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

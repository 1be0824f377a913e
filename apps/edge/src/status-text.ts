/** `warren status` for people: what is not well, then each group with a line a member, itself first. */
import type { GroupView, MemberView, WayView } from '@warren/peer';
import { columns } from './columns.ts';
import type { Status } from './control-api.ts';
import type { Style } from './terminal.ts';

type Paint = (style: Style, text: string) => string;

/** Whether every group is up. */
export function isConnected(status: Pick<Status, 'groups'>): boolean {
  return status.groups.length > 0 && status.groups.every(({ state }) => state === 'connected');
}

/** The lines of the report. */
export function statusLines(status: Status, paint: Paint = (_style, text) => text): string[] {
  const health = status.health.map(({ message, hint }) => {
    return paint('warning', `# Health: ${hint === undefined ? message : `${message} ${hint}`}`);
  });
  const interfaces = new Map(status.devices.map(device => [device.group, device.interface]));
  const groups = status.groups.flatMap(group => ['', ...groupLines(group, interfaces.get(group.group), paint)]);
  if (health.length === 0) groups.shift();
  return [...health, ...groups, ...portLines(status.ports, paint)];
}

/** What others can reach this machine by, and how to close it. */
function portLines(ports: Status['ports'], paint: Paint): string[] {
  if (ports.length === 0) return [];
  const texts = ports.map(({ use, protocol, port, outside }) => {
    return `${protocol} ${port} ${use}${outside === undefined ? '' : ` ${outside}`}`;
  });
  return ['', paint('dim', `Open ports: ${texts.join('; ')}`)];
}

function groupLines(group: GroupView, device: string | undefined, paint: Paint): string[] {
  const title = `${group.name}  ${group.subnet}  ${STATES[group.state]}  post-quantum ${group.postQuantum}`;
  const hasTeams = group.members.some(({ teams }) => teams === undefined || teams.length > 0);
  const rows = sorted(group.members).map(member => ({
    style: styleOf(member),
    cells: [
      ...[member.address ?? '-', member.name, member.kind],
      ...(hasTeams ? [teamsText(member)] : []),
      stateText(member, device),
    ],
  }));
  const head = ['ADDRESS', 'NAME', 'KIND', ...(hasTeams ? ['TEAMS'] : []), 'STATE'];
  const table = [{ style: 'bold' as Style, cells: head }, ...rows];
  const lines = columns(table.map(({ cells }) => cells));
  return [paint('bold', title), ...table.map(({ style }, i) => paint(style, lines[i] ?? ''))];
}

const STATES: Readonly<Record<GroupView['state'], string>> = {
  starting: 'starting: choosing an address',
  searching: 'searching for members',
  connected: 'connected',
  stopped: 'stopped',
};

const DISAGREEMENTS: Readonly<Record<NonNullable<MemberView['disagreement']>, string>> = {
  'peer-requires-post-quantum': 'it requires post-quantum keys, which are off here',
  'peer-lacks-post-quantum': 'post-quantum keys are required here, and off there',
};

function sorted(members: readonly MemberView[]): MemberView[] {
  const rank = ({ self, online }: MemberView): number => (self ? 0 : online ? 1 : 2);
  return [...members].sort((a, b) => rank(a) - rank(b));
}

function styleOf({ self, online }: MemberView): Style {
  return self || online ? 'plain' : 'dim';
}

function stateText(member: MemberView, device: string | undefined): string {
  if (member.self) return device === undefined ? 'this device' : `this device, ${device}`;
  if (!member.online) return 'offline';
  if (member.disagreement !== undefined) return `refused; ${DISAGREEMENTS[member.disagreement]}`;
  const keys = `${member.pq ? '; post-quantum' : ''}${member.resting ? '; in the background' : ''}`;
  if (member.link === undefined) return `active; carried by other members${keys}`;
  const { rttMs } = member.link;
  return `active; ${wayText(member.link)}${rttMs === undefined ? '' : ` ${msText(rttMs)}`}${keys}`;
}

/** `family,ops`; `-` for none, `?` while the certificate is older than their last change. */
export function teamsText({ teams }: Pick<MemberView, 'teams'>): string {
  if (teams === undefined) return '?';
  return teams.length === 0 ? '-' : teams.join(',');
}

/** The way to a member with a link: `direct udp`, `relay via server.ada`, `carried overlay`. */
export function wayText({ kind, via }: Pick<WayView, 'kind' | 'via'>): string {
  if (kind === 'relay') return via === undefined ? kind : `relay via ${via}`;
  return `${kind === 'overlay' ? 'carried' : 'direct'} ${kind}`;
}

/** Milliseconds with about three digits: `0.42 ms`, `1.2 ms`, `123 ms`. */
export function msText(ms: number): string {
  const digits = ms < 1 ? 2 : ms < 100 ? 1 : 0;
  return `${ms.toFixed(digits)} ms`;
}

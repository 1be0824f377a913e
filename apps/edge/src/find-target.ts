/** Finds what a person means: a group by name or id, a member by address, name or peer id. */
import type { GroupView, MemberView } from '@warren/peer';
import { contains, parseAddress, parseSubnet } from '@warren/vpn';
import { Exit, Failure } from './failure.ts';

/** A member of a group, or an address in it that no known member has. */
export interface Target {
  /** 26 characters base32. */
  readonly group: string;
  readonly address: string;
  readonly member?: MemberView;
}

type Named = Pick<GroupView, 'group' | 'name'>;

/** The group with this display name or id, or the only one. Throws a `Failure` when none or several fit. */
export function findGroup<G extends Named>(groups: readonly G[], wanted: string | undefined): G {
  const list = groups.map(({ name, group }) => `${name} (${group})`).join(', ');
  const fitting = wanted === undefined ? groups : groups.filter(g => g.group === wanted || g.name === wanted);
  const [found, ...more] = fitting;
  if (found !== undefined && more.length === 0) return found;
  if (groups.length === 0) throw new Failure('no-group', 'This machine is in no group.');
  if (wanted !== undefined && found === undefined) {
    throw new Failure('unknown-group', `This machine is in no group called ${wanted}.`, `It is in: ${list}.`);
  }
  throw new Failure('which-group', `Several groups fit: ${list}.`, 'Name one of them by its id.', Exit.usage);
}

/** Throws a `Failure` when no member fits, or several do, or the one that does has no address yet. */
export function findTarget(groups: readonly GroupView[], text: string, group?: string): Target {
  const among = group === undefined ? groups : [findGroup(groups, group)];
  const found = among.flatMap(view => candidates(view, text));
  const [target, other] = found;
  if (target === undefined) {
    const hint = 'See `warren status` for the names of all members.';
    throw new Failure('unknown-member', `There is no member called ${text}.`, hint);
  }
  if (other !== undefined) {
    const names = found.map(({ view, member }) => `${member?.name ?? text} in ${view.name}`).join(', ');
    throw new Failure('which-member', `Several members fit: ${names}.`, 'Use device.user, or --group.', Exit.usage);
  }
  const { view, member } = target;
  const address = member === undefined ? text : member.address;
  if (address !== undefined) return { group: view.group, address, ...(member ? { member } : {}) };
  throw new Failure('no-address', `${text} has no address yet.`, 'Try again in a few seconds.', Exit.noPath);
}

interface Candidate {
  readonly view: GroupView;
  readonly member: MemberView | undefined;
}

/** Members of a group that fit the text; exact names hide bare device names. */
function candidates(view: GroupView, text: string): Candidate[] {
  const fit = (test: (member: MemberView) => boolean) => view.members.filter(test);
  const exact = fit(({ address, peerId, name }) => [address, peerId, name].includes(text));
  const members = exact.length > 0 ? exact : fit(({ device }) => device === text);
  if (members.length > 0) return members.map(member => ({ view, member }));
  const address = parseAddress(text);
  const subnet = parseSubnet(view.subnet);
  const inside = address !== undefined && subnet !== undefined && contains(subnet, address);
  return inside ? [{ view, member: undefined }] : [];
}

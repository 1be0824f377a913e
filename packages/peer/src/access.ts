/**
 * Whom this device exchanges packets with, by its user's rules: users by name,
 * and teams, which the CA writes into certificates (`teams.ts` of `trust`). Everybody
 * in the group without rules. Not here: who knows users and teams, and where frames are dropped.
 */

/** Rules of one device; an empty list is none. */
export interface Access {
  /** With `onlyTeams`: nobody but these users, and who is in one of those teams. */
  readonly onlyUsers?: readonly string[];
  /** These users are out. */
  readonly notUsers?: readonly string[];
  /** With `onlyUsers`: nobody but who is in one of these teams, and those users. */
  readonly onlyTeams?: readonly string[];
  /** Who is in one of these teams is out. */
  readonly notTeams?: readonly string[];
}

/** A member as rules see it. */
export interface RuledMember {
  readonly user: string;
  /** `undefined` while its certificate is older than the last change of its teams: then it is out where they matter. */
  readonly teams: readonly string[] | undefined;
}

/** Whether there are rules at all. */
export function hasRules({ onlyUsers, notUsers, onlyTeams, notTeams }: Access): boolean {
  return [onlyUsers, notUsers, onlyTeams, notTeams].some(names => names !== undefined && names.length > 0);
}

/** Whether rules let a member in. What is forbidden is stronger than what is allowed. */
export function letsIn(access: Access, { user, teams }: RuledMember): boolean {
  const { onlyUsers = [], notUsers = [], onlyTeams = [], notTeams = [] } = access;
  if (notUsers.includes(user)) return false;
  if (notTeams.length > 0 && (teams === undefined || teams.some(team => notTeams.includes(team)))) return false;
  if (onlyUsers.length + onlyTeams.length === 0) return true;
  return onlyUsers.includes(user) || (teams?.some(team => onlyTeams.includes(team)) ?? false);
}

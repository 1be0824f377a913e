/**
 * Teams: labels that administrators give to members, and that others' rules go
 * by (`@warren/peer`, `access.ts`). Certificates carry them; a change makes all
 * certificates of the member until then silent about teams, by an entry in the
 * signed list, and devices renew theirs as soon as they know it.
 */
import { areTeams, CLOCK_SKEW_MS, TEAMS_CHARACTERS_MAX, TEAMS_MAX } from '@warren/trust';
import { record } from './activity.ts';
import type { Database } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { afterIssued, type ListView, listView, signAgain } from './revocation-list.ts';
import type { User } from './sessions.ts';
import type { Site } from './site.ts';

/** What a member's teams are now, by the alphabet, and the list that says so. */
export interface TeamsChange extends ListView {
  readonly teams: readonly string[];
}

/** The teams in a column of the database. */
export function teamsOf(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

/** Gives a member these teams and no others. Throws a 400 for what cannot be teams, a 404 for nobody. */
export async function setTeams(
  site: Site,
  group: string,
  by: User,
  wish: { user: string; teams: readonly string[] },
): Promise<TeamsChange> {
  const teams = [...new Set(wish.teams)].sort();
  if (!areTeams(teams)) throw badTeams();
  const { user } = wish;
  return site.db.transaction().execute(async step => {
    const at = { group_id: group, user };
    const found = step.selectFrom('members').selectAll();
    const member = await found.where(all => all.and(at)).executeTakeFirst();
    if (member === undefined) throw noMember(user);
    const text = teams.join(' ');
    if (text === member.teams) return { teams, ...listView(await signAgain(site, step, group)) };
    const since = (await nextSince(step, site.now(), { group, user })) ?? member.teams_since;
    const change = step.updateTable('members').set({ teams: text, teams_since: since });
    await change.where(all => all.and(at)).execute();
    const target = `${user}: ${text || 'none'}`;
    await record(step, { at: site.now(), group, actor: by.name, action: 'teams', target });
    return { teams, ...listView(await signAgain(site, step, group, since !== member.teams_since)) };
  });
}

/** From when on certificates tell of new teams; `undefined` where nobody can show an older one. */
async function nextSince(
  step: Database,
  now: number,
  member: { group: string; user: string },
): Promise<number | undefined> {
  const devices = await step
    .selectFrom('devices')
    .select('peer_id')
    .where('group_id', '=', member.group)
    .where('user', '=', member.user)
    .where('expires_at', '>', now - CLOCK_SKEW_MS)
    .execute();
  const peers = devices.map(({ peer_id }) => peer_id);
  return peers.length === 0 ? undefined : afterIssued(step, now, member, peers);
}

function badTeams(): SiteError {
  const most = `At most ${TEAMS_MAX}, of ${TEAMS_CHARACTERS_MAX} characters together`;
  const hint = `${most}; each has 1 to 16 of a-z, 0-9 and hyphen, and begins with a letter or digit.`;
  return new SiteError(400, 'bad-teams', 'These cannot be the teams of a member.', hint);
}

function noMember(user: string): SiteError {
  return new SiteError(404, 'no-member', `There is no member ${user} in this group.`, 'Reload the list.');
}

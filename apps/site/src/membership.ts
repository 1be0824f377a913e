/**
 * How an invited person becomes a member: at once, or after an administrator's
 * decision. Deciding twice is fine; the last decision wins, and a denied person
 * needs another invite to ask again. Source: site.md "Site"; faults.md row 98.
 */
import { record } from './activity.ts';
import type { Database, InviteRow } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { checkInvite, requireInvite, takeUse } from './invites.ts';
import { checkReason } from './names.ts';
import { removedAt } from './revocation-list.ts';
import type { User } from './sessions.ts';
import type { Site } from './site.ts';

/** Where somebody stands with a group. */
export type Standing = 'admin' | 'member' | 'pending' | 'denied' | 'stranger';

/** Tells where `user` stands with a group. */
export async function standing(db: Database, group: string, user: string): Promise<Standing> {
  const at = { group_id: group, user };
  const member = await db
    .selectFrom('members')
    .select('role')
    .where(all => all.and(at))
    .executeTakeFirst();
  if (member !== undefined) return member.role;
  const request = await db
    .selectFrom('requests')
    .select('state')
    .where(all => all.and(at))
    .executeTakeFirst();
  return request?.state ?? 'stranger';
}

/** What an invite leads to, for the page that the link opens. */
export async function previewInvite(site: Site, token: string, user: User | undefined): Promise<object> {
  const invite = await requireInvite(site.db, token);
  const membership = user && atGate(await standing(site.db, invite.group_id, user.name));
  if (membership === undefined) await checkInvite(site.db, site.now(), invite, user?.name);
  const group = site.db.selectFrom('groups').select('name').where('id', '=', invite.group_id);
  const host = site.db.selectFrom('users').select('display_name').where('name', '=', invite.created_by);
  return {
    group: invite.group_id,
    name: (await group.executeTakeFirstOrThrow()).name,
    invitedBy: (await host.executeTakeFirstOrThrow()).display_name,
    autoApprove: invite.auto_approve === 1,
    signedIn: user !== undefined,
    ...(membership === undefined ? {} : { membership }),
  };
}

/** Joins by an invite, or asks to; a second time changes nothing. */
export async function acceptInvite(
  site: Site,
  user: User,
  form: { token: string; reason?: string },
): Promise<{ status: 'member' | 'pending'; group: string }> {
  const reason = checkReason(form.reason ?? '');
  return site.db.transaction().execute(async step => {
    const invite = await requireInvite(step, form.token);
    const group = invite.group_id;
    const before = await standing(step, group, user.name);
    if (before === 'admin' || before === 'member') return { status: 'member', group };
    if (before === 'pending' && invite.auto_approve === 0) return { status: 'pending', group };
    await checkInvite(step, site.now(), invite, user.name);
    await refuseRemoved(step, invite, user);
    if (before === 'denied') await refuseSecondTry(step, invite, user);
    await takeUse(step, invite, user.name);
    if (invite.auto_approve === 0) {
      await ask(step, { user: user.name, reason, invite, at: site.now() });
      return { status: 'pending', group };
    }
    await admit(step, { group, user: user.name, by: invite.created_by, at: site.now() });
    return { status: 'member', group };
  });
}

/** Lets a person in who asked, or was denied before. Throws a 404 for somebody who never asked. */
export async function approve(site: Site, group: string, by: User, user: string): Promise<{ status: 'member' }> {
  return site.db.transaction().execute(async step => {
    const before = await standing(step, group, user);
    if (before === 'stranger') throw noRequest(user);
    if (before === 'pending' || before === 'denied') {
      await admit(step, { group, user, by: by.name, at: site.now() });
    }
    return { status: 'member' };
  });
}

/** Turns a request down. Throws a 409 for somebody who is a member already. */
export async function deny(site: Site, group: string, by: User, user: string): Promise<{ status: 'denied' }> {
  return site.db.transaction().execute(async step => {
    const before = await standing(step, group, user);
    if (before === 'stranger') throw noRequest(user);
    if (before === 'admin' || before === 'member') {
      throw new SiteError(409, 'already-member', `${user} is a member already.`, 'Remove the member instead.');
    }
    if (before === 'pending') {
      const at = { group_id: group, user };
      await step
        .updateTable('requests')
        .set({ state: 'denied' })
        .where(all => all.and(at))
        .execute();
      await record(step, { at: site.now(), group, actor: by.name, action: 'denied', target: user });
    }
    return { status: 'denied' };
  });
}

/** Requests that wait for a decision, oldest first. */
export async function pendingRequests(db: Database, group: string): Promise<object[]> {
  const rows = await db
    .selectFrom('requests')
    .innerJoin('users', 'users.name', 'requests.user')
    .select(['requests.user', 'users.display_name', 'reason', 'at', 'invite_id'])
    .where('group_id', '=', group)
    .where('state', '=', 'pending')
    .orderBy('at')
    .execute();
  return rows.map(row => ({
    user: row.user,
    displayName: row.display_name,
    reason: row.reason,
    at: new Date(row.at).toISOString(),
    invite: row.invite_id,
  }));
}

async function ask(
  step: Database,
  wish: { user: string; reason: string; invite: InviteRow; at: number },
): Promise<void> {
  const { user, reason, invite, at } = wish;
  const row = { reason, state: 'pending', invite_id: invite.id, at } as const;
  await step
    .insertInto('requests')
    .values({ group_id: invite.group_id, user, ...row })
    .onConflict(conflict => conflict.columns(['group_id', 'user']).doUpdateSet(row))
    .execute();
  await record(step, { at, group: invite.group_id, actor: user, action: 'asked-to-join', target: user });
}

async function admit(step: Database, who: { group: string; user: string; by: string; at: number }): Promise<void> {
  const { group, user, by, at } = who;
  await step.insertInto('members').values({ group_id: group, user, role: 'member', joined_at: at }).execute();
  await step
    .deleteFrom('requests')
    .where(all => all.and({ group_id: group, user }))
    .execute();
  await record(step, { at, group, actor: by, action: 'admitted', target: user });
}

async function refuseSecondTry(step: Database, invite: InviteRow, user: User): Promise<void> {
  const at = { group_id: invite.group_id, user: user.name };
  const request = await step
    .selectFrom('requests')
    .select('invite_id')
    .where(all => all.and(at))
    .executeTakeFirst();
  if (request?.invite_id !== invite.id) return;
  throw new SiteError(403, 'denied', 'An administrator turned your request down.', 'Ask them for a new invite.');
}

/** Links from before a removal do not undo it. */
async function refuseRemoved(step: Database, invite: InviteRow, user: User): Promise<void> {
  const removed = await removedAt(step, invite.group_id, user.name);
  if (removed === undefined || invite.created_at > removed) return;
  throw new SiteError(403, 'removed', 'You were removed from this group.', 'Ask an administrator for a new invite.');
}

function atGate(where: Standing): 'member' | 'pending' | undefined {
  switch (where) {
    case 'admin':
    case 'member':
      return 'member';
    case 'pending':
      return 'pending';
    case 'denied':
    case 'stranger':
      return undefined;
  }
}

function noRequest(user: string): SiteError {
  return new SiteError(404, 'no-request', `${user} has not asked to join this group.`, 'Reload the list of requests.');
}

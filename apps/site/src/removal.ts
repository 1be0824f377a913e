/**
 * Removing a member or one device: one act, one transaction, signed at once.
 * All certificates until then are dead; whoever is let in again gets one that
 * begins later. Source: site.md "Site"; decisions.md "Trust between strangers";
 * faults.md rows 9, 75, 98.
 */
import { record } from './activity.ts';
import type { Database, DeviceRow } from './database/schema.ts';
import { requireDevice } from './devices.ts';
import { SiteError } from './errors.ts';
import { requireMember } from './groups.ts';
import { ALL_DEVICES, afterIssued, type ListView, listView, signAgain } from './revocation-list.ts';
import { NEW_DEVICE_RIGHTS } from './rights.ts';
import type { User } from './sessions.ts';
import type { Site } from './site.ts';

/** The new list, and the invites that work no longer since the person came in by them: their ids. */
export interface MemberRemoval extends ListView {
  readonly withdrawnInvites: readonly string[];
}

/** Removes a member with all devices: administrators anybody, members themselves. */
export async function removeMember(site: Site, group: string, by: User, user: string): Promise<MemberRemoval> {
  return site.db.transaction().execute(async step => {
    const { role } = await requireMember(step, group, by);
    if (role !== 'admin' && by.name !== user) throw notAllowed();
    const at = { group_id: group, user };
    const member = await step
      .selectFrom('members')
      .select('role')
      .where(all => all.and(at))
      .executeTakeFirst();
    if (member === undefined) throw noMember(user);
    if (member.role === 'admin') await keepAnAdmin(step, group);
    const devices = await devicesOf(step, group, user);
    await kill(step, site.now(), { group, user, by: by.name, devices });
    await step
      .deleteFrom('members')
      .where(all => all.and(at))
      .execute();
    const left = by.name === user;
    await record(step, { at: site.now(), group, actor: by.name, action: left ? 'left' : 'removed', target: user });
    const withdrawnInvites = left ? [] : await withdrawInvites(step, site.now(), { group, user, by: by.name });
    return { ...listView(await signAgain(site, step, group, true)), withdrawnInvites };
  });
}

/** Removes one device: administrators any, members their own. Its name is free for another machine. */
export async function removeDevice(site: Site, group: string, by: User, peerId: string): Promise<ListView> {
  return site.db.transaction().execute(async step => {
    const { role } = await requireMember(step, group, by);
    const device = await requireDevice(step, group, peerId);
    if (role !== 'admin' && device.user !== by.name) throw notAllowed();
    await kill(step, site.now(), { group, user: device.user, by: by.name, devices: [device], peerId });
    const target = `${device.name}.${device.user}`;
    await record(step, { at: site.now(), group, actor: by.name, action: 'device-removed', target });
    return listView(await signAgain(site, step, group, true));
  });
}

interface Removal {
  readonly group: string;
  readonly user: string;
  readonly by: string;
  readonly devices: readonly DeviceRow[];
  /** Only this device; all of the user's without it. */
  readonly peerId?: string;
}

/** Whoever holds a link from before could come in by it under another name. Gives the ids of those that still worked. */
async function withdrawInvites(
  step: Database,
  now: number,
  { group, user, by }: Pick<Removal, 'group' | 'user' | 'by'>,
): Promise<string[]> {
  const invites = await step
    .selectFrom('invites')
    .innerJoin('invite_uses', 'invite_uses.invite_id', 'invites.id')
    .select('invites.id')
    .where('invites.group_id', '=', group)
    .where('invite_uses.user', '=', user)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .execute();
  for (const { id } of invites) {
    await step.updateTable('invites').set({ revoked_at: now }).where('id', '=', id).execute();
    await record(step, { at: now, group, actor: by, action: 'invite-revoked', target: id });
  }
  return invites.map(({ id }) => id);
}

/** Ends all certificates and unused group files of these devices, and what they might do for others. */
async function kill(step: Database, now: number, removal: Removal): Promise<void> {
  const { group, user, by, devices, peerId = ALL_DEVICES } = removal;
  const at = { group_id: group, user };
  const peers = devices.map(device => device.peer_id);
  const dead_before = await afterIssued(step, now, removal, peers);
  const row = { dead_before, removed_at: now, removed_by: by };
  if (peerId === ALL_DEVICES)
    await step
      .deleteFrom('removals')
      .where(all => all.and(at))
      .execute();
  await step
    .insertInto('removals')
    .values({ ...at, peer_id: peerId, ...row })
    .onConflict(conflict => conflict.columns(['group_id', 'user', 'peer_id']).doUpdateSet(row))
    .execute();
  if (peers.length === 0) return;
  const nothing = { secret_hash: null, key_hash: null, leaf: null, issued_at: null, expires_at: null };
  await step
    .updateTable('devices')
    .set({ ...nothing, rights: NEW_DEVICE_RIGHTS })
    .where('peer_id', 'in', peers)
    .execute();
}

async function devicesOf(step: Database, group: string, user: string): Promise<DeviceRow[]> {
  return step.selectFrom('devices').selectAll().where('group_id', '=', group).where('user', '=', user).execute();
}

async function keepAnAdmin(step: Database, group: string): Promise<void> {
  const { count } = await step
    .selectFrom('members')
    .select(all => all.fn.countAll<number>().as('count'))
    .where('group_id', '=', group)
    .where('role', '=', 'admin')
    .executeTakeFirstOrThrow();
  if (count > 1) return;
  const message = 'A group needs an administrator, and this is the last one.';
  throw new SiteError(409, 'last-admin', message, 'Remove single devices instead.');
}

function noMember(user: string): SiteError {
  return new SiteError(404, 'no-member', `There is no member ${user} in this group.`, 'Reload the list.');
}

function notAllowed(): SiteError {
  const hint = 'Members can remove only themselves and their own devices. Ask an administrator.';
  return new SiteError(403, 'not-admin', 'Only administrators of the group can remove others.', hint);
}

/**
 * Groups: made by any account, which becomes the first administrator; seen by
 * their members only, so that a stranger cannot tell whether a group exists.
 * Source: site.md "Site"; P1 section III-B.1.
 */
import { randomBytes } from 'node:crypto';
import type { PostQuantumPolicy } from '@warren/group';
import type { KeyAlgorithm } from '@warren/trust';
import { record } from './activity.ts';
import { makeAuthority, signList } from './authority.ts';
import type { Database, DeviceRow, GroupRow } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { listInvites } from './invites.ts';
import { pendingRequests, standing } from './membership.ts';
import { checkLabel } from './names.ts';
import { rightsOf } from './rights.ts';
import type { User } from './sessions.ts';
import type { Site } from './site.ts';
import { checkSubnet, randomSubnet } from './subnet.ts';
import { teamsOf } from './teams.ts';

/** Groups that one account may found. */
const MOST_FOUNDED = 50;

/** A group in a list. */
export interface GroupSummary {
  readonly group: string;
  readonly name: string;
  readonly subnet: string;
  readonly role: 'admin' | 'member' | 'pending';
}

/** Makes a group with its own CA; `by` becomes its administrator. */
export async function createGroup(
  site: Site,
  by: User,
  wish: { name: string; subnet?: string; caKey?: KeyAlgorithm; postQuantum?: PostQuantumPolicy },
): Promise<GroupSummary> {
  const name = checkLabel('group name', wish.name);
  const subnet = wish.subnet === undefined ? randomSubnet() : checkSubnet(wish.subnet);
  const id = newGroupId();
  const now = site.now();
  const authority = await makeAuthority(id, now, wish.caKey ?? 'ed25519');
  const { certificate, pkcs8 } = authority;
  const { head, signature } = await signList(authority, { group: id, sequence: 0, signedAt: now, revoked: [] });
  const row: GroupRow = {
    id,
    name,
    subnet,
    ca_certificate: certificate,
    ca_key_sealed: site.caKeys.seal(id, pkcs8),
    rendezvous: new Uint8Array(randomBytes(32)),
    created_by: by.name,
    created_at: now,
    head_sequence: head.sequence,
    head_signed_at: head.signedAt,
    head_signature: head.signature,
    list_signature: signature,
    post_quantum: wish.postQuantum ?? 'on',
  };
  pkcs8.fill(0);
  await site.db.transaction().execute(async step => {
    const founded = await step.selectFrom('groups').select('id').where('created_by', '=', by.name).execute();
    if (founded.length >= MOST_FOUNDED) {
      throw new SiteError(409, 'too-many-groups', `One account can found ${MOST_FOUNDED} groups.`, 'Use one of yours.');
    }
    await step.insertInto('groups').values(row).execute();
    await step.insertInto('members').values({ group_id: id, user: by.name, role: 'admin', joined_at: now }).execute();
    await record(step, { at: now, group: id, actor: by.name, action: 'group-made', target: id });
  });
  return { group: id, name, subnet, role: 'admin' };
}

/** What an administrator may change of a group. */
export interface GroupSettings {
  readonly postQuantum: PostQuantumPolicy;
}

/** Changes a group's settings; devices learn them with their next certificate. */
export async function setSettings(site: Site, id: string, by: User, settings: GroupSettings): Promise<GroupSettings> {
  const { postQuantum } = settings;
  await site.db.transaction().execute(async step => {
    await step.updateTable('groups').set({ post_quantum: postQuantum }).where('id', '=', id).execute();
    const target = `post-quantum: ${postQuantum}`;
    await record(step, { at: site.now(), group: id, actor: by.name, action: 'settings', target });
  });
  return { postQuantum };
}

/** Groups of a user, also those that have yet to let them in; by name. */
export async function listGroups(db: Database, user: User): Promise<GroupSummary[]> {
  const columns = ['groups.id as group', 'groups.name', 'groups.subnet'] as const;
  const joined = await db
    .selectFrom('members')
    .innerJoin('groups', 'groups.id', 'members.group_id')
    .select([...columns, 'members.role'])
    .where('members.user', '=', user.name)
    .execute();
  const asked = await db
    .selectFrom('requests')
    .innerJoin('groups', 'groups.id', 'requests.group_id')
    .select(columns)
    .where('requests.user', '=', user.name)
    .where('requests.state', '=', 'pending')
    .execute();
  const groups = [...joined, ...asked.map(group => ({ ...group, role: 'pending' as const }))];
  return groups.sort((a, b) => a.name.localeCompare(b.name) || a.group.localeCompare(b.group));
}

/** The group's row and the caller's role, for members; a 403 while the request waits, a 404 for everybody else. */
export async function requireMember(
  db: Database,
  id: string,
  user: User,
): Promise<GroupRow & { role: 'admin' | 'member' }> {
  const role = await standing(db, id, user.name);
  if (role === 'pending') {
    const hint = 'You get in as soon as one of them approves.';
    throw new SiteError(403, 'pending', "You are waiting for an administrator's approval.", hint);
  }
  const group = await db.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst();
  if (group !== undefined && (role === 'admin' || role === 'member')) return { ...group, role };
  throw new SiteError(404, 'unknown-group', 'There is no such group, or you are not in it.', 'Ask for an invite.');
}

/** Like `requireMember`, but for administrators only: members get a 403. */
export async function requireAdmin(db: Database, id: string, user: User): Promise<void> {
  const { role } = await requireMember(db, id, user);
  if (role !== 'admin')
    throw new SiteError(403, 'not-admin', 'Only administrators of the group can do this.', 'Ask one.');
}

/** A group with its members; requests and invites only for administrators. */
export async function groupDetails(site: Site, id: string, user: User): Promise<object> {
  const group = await requireMember(site.db, id, user);
  const isAdmin = group.role === 'admin';
  return {
    group: group.id,
    name: group.name,
    subnet: group.subnet,
    postQuantum: group.post_quantum,
    role: group.role,
    members: await membersOf(site.db, id),
    requests: isAdmin ? await pendingRequests(site.db, id) : [],
    invites: isAdmin ? await listInvites(site, id) : [],
  };
}

async function membersOf(db: Database, id: string): Promise<object[]> {
  const rows = await db
    .selectFrom('members')
    .innerJoin('users', 'users.name', 'members.user')
    .select(['members.user', 'users.display_name', 'members.role', 'members.teams'])
    .where('group_id', '=', id)
    .orderBy('joined_at')
    .execute();
  const devices = await db.selectFrom('devices').selectAll().where('group_id', '=', id).orderBy('name').execute();
  return rows.map(row => ({
    user: row.user,
    displayName: row.display_name,
    role: row.role,
    teams: teamsOf(row.teams),
    devices: devices.filter(device => device.user === row.user).flatMap(deviceView),
  }));
}

/** Only devices with a certificate are shown: a file that nobody used yet is nobody's business. */
function deviceView(row: DeviceRow): object[] {
  const { name, peer_id, kind, issued_at, expires_at, rights } = row;
  if (issued_at === null || expires_at === null) return [];
  const dates = { issuedAt: new Date(issued_at).toISOString(), expiresAt: new Date(expires_at).toISOString() };
  return [{ device: name, peerId: peer_id, kind, rights: rightsOf(rights), ...dates }];
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** 16 random bytes as 26 characters base32 (RFC 4648, lower case, no padding). */
function newGroupId(): string {
  let text = '';
  let bits = 0;
  let word = 0;
  for (const byte of randomBytes(16)) {
    word = (word << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += BASE32[(word >> (bits - 5)) & 31];
    word &= (1 << bits) - 1;
  }
  return text + BASE32[(word << (5 - bits)) & 31];
}

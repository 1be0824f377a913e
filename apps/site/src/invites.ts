/**
 * Invite links: n uses, an end, and either a gate (an administrator approves)
 * or not. The 128-bit token is in the link's fragment and kept as a hash.
 * Who signs up with a link takes one use of it; accepting later takes no second.
 * Source: site.md "Site"; faults.md row 94.
 */
import { randomBytes } from 'node:crypto';
import { toHex } from '@warren/base';
import { record } from './activity.ts';
import type { Database, InviteRow } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { newSecret, secretHash } from './secrets.ts';
import type { User } from './sessions.ts';
import { HOUR, type Site } from './site.ts';

/** Live invites per group. */
const MOST_INVITES = 100;

/** An invite as administrators see it; `id` is no secret. */
export interface InviteView {
  readonly id: string;
  readonly uses: number;
  readonly used: number;
  /** ISO 8601. */
  readonly expires: string;
  readonly autoApprove: boolean;
  readonly createdBy: string;
}

/** Makes an invite. The token is only in the returned link. */
export async function createInvite(
  site: Site,
  group: string,
  by: User,
  wish: { uses: number; expiresHours: number; autoApprove: boolean },
): Promise<{ invite: InviteView; url: string }> {
  const { text, hash } = newSecret(16);
  const now = site.now();
  const row: InviteRow = {
    id: toHex(randomBytes(8)),
    group_id: group,
    token_hash: hash,
    uses: wish.uses,
    used: 0,
    auto_approve: wish.autoApprove ? 1 : 0,
    expires_at: now + wish.expiresHours * HOUR,
    revoked_at: null,
    created_by: by.name,
    created_at: now,
  };
  await site.db.transaction().execute(async step => {
    if ((await liveInvites(step, group, now)).length >= MOST_INVITES) {
      throw new SiteError(
        409,
        'too-many-invites',
        `A group has at most ${MOST_INVITES} invites.`,
        'Delete some first.',
      );
    }
    await step.insertInto('invites').values(row).execute();
    await record(step, { at: now, group, actor: by.name, action: 'invite-made', target: row.id });
  });
  return { invite: view(row), url: `${site.address.origin}/#invite=${text}` };
}

/** Invites that are neither revoked nor expired, newest first; those used up stay visible. */
export async function listInvites(site: Site, group: string): Promise<InviteView[]> {
  return (await liveInvites(site.db, group, site.now())).map(view);
}

/** Makes an invite stop working; doing it twice is fine. Throws a 404 for an unknown one. */
export async function revokeInvite(site: Site, group: string, by: User, id: string): Promise<void> {
  await site.db.transaction().execute(async step => {
    const at = { group_id: group, id };
    const invite = await step
      .selectFrom('invites')
      .selectAll()
      .where(all => all.and(at))
      .executeTakeFirst();
    if (invite === undefined) throw new SiteError(404, 'unknown-invite', 'There is no such invite in this group.');
    if (invite.revoked_at !== null) return;
    await step.updateTable('invites').set({ revoked_at: site.now() }).where('id', '=', id).execute();
    await record(step, { at: site.now(), group, actor: by.name, action: 'invite-revoked', target: id });
  });
}

/** The invite of a token's hash; `undefined` for an unknown one. */
export async function findInvite(db: Database, tokenHash: Uint8Array): Promise<InviteRow | undefined> {
  return db.selectFrom('invites').selectAll().where('token_hash', '=', tokenHash).executeTakeFirst();
}

/** The invite of a token as people send it; throws a 404 for an unknown one. */
export async function requireInvite(db: Database, token: string): Promise<InviteRow> {
  const tokenHash = secretHash(token, 16);
  const invite = tokenHash && (await findInvite(db, tokenHash));
  if (invite !== undefined) return invite;
  const hint = 'Open the whole link again, or ask for a new invite.';
  throw new SiteError(404, 'unknown-invite', 'This invite link is not valid.', hint);
}

/** Throws a 410 with the reason when an invite no longer works for `user`, who may have taken a use before. */
export async function checkInvite(
  db: Database,
  now: number,
  invite: InviteRow,
  user: string | undefined,
): Promise<void> {
  const hint = 'Ask for a new invite.';
  if (invite.revoked_at !== null) throw new SiteError(410, 'invite-revoked', 'This invite was withdrawn.', hint);
  if (invite.expires_at <= now) throw new SiteError(410, 'invite-expired', 'This invite has expired.', hint);
  if (invite.used < invite.uses || (user !== undefined && (await holdsUse(db, invite, user)))) return;
  throw new SiteError(410, 'invite-used', 'This invite has been used up.', hint);
}

/** Takes one use for `user`, once per person; throws a 410 when none is left. Call it in a transaction. */
export async function takeUse(step: Database, invite: InviteRow, user: string): Promise<void> {
  if (await holdsUse(step, invite, user)) return;
  const counted = await step
    .updateTable('invites')
    .set(row => ({ used: row('used', '+', 1) }))
    .where('id', '=', invite.id)
    .whereRef('used', '<', 'uses')
    .executeTakeFirst();
  if (counted.numUpdatedRows !== 1n) {
    throw new SiteError(410, 'invite-used', 'This invite has been used up.', 'Ask for a new invite.');
  }
  await step.insertInto('invite_uses').values({ invite_id: invite.id, user }).execute();
}

async function holdsUse(db: Database, invite: InviteRow, user: string): Promise<boolean> {
  const use = db.selectFrom('invite_uses').select('user').where('invite_id', '=', invite.id).where('user', '=', user);
  return (await use.executeTakeFirst()) !== undefined;
}

async function liveInvites(db: Database, group: string, now: number): Promise<InviteRow[]> {
  return db
    .selectFrom('invites')
    .selectAll()
    .where('group_id', '=', group)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .orderBy('created_at', 'desc')
    .execute();
}

function view(row: InviteRow): InviteView {
  const { id, uses, used } = row;
  const expires = new Date(row.expires_at).toISOString();
  return { id, uses, used, expires, autoApprove: row.auto_approve === 1, createdBy: row.created_by };
}

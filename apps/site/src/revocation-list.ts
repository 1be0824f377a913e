/**
 * The signed revocation list of each group: what is in it, when it is signed
 * again, how devices get it. Who is removed, and what that means, is
 * `removal.ts`. Source: session.md 2.9; decisions.md "Trust between strangers".
 */
import { fromHex, toBase64Url, toHex } from '@warren/base';
import {
  encodeRevocationList,
  LEAF_LIFETIME_MAX_MS,
  REVOKED_MAX,
  type Revocation,
  type RevocationList,
} from '@warren/trust';
import { signList } from './authority.ts';
import type { Database, DeviceRow } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { DAY, type Site } from './site.ts';

/** What stands in `removals.peer_id` for all devices of a user. */
export const ALL_DEVICES = '';

/** For how long an entry stands in the list: all certificates that it is about have run out then. */
export const LISTED = LEAF_LIFETIME_MAX_MS + DAY;

const SECOND = 1_000;

/** Changes of teams in the list at most, so that they leave room for removals. */
const TEAMS_LISTED_MAX = REVOKED_MAX / 3;

/** The signed head of a revocation list; `signedAt` in Unix ms, `signature` 64 bytes as base64url. */
export interface HeadView {
  readonly sequence: number;
  readonly signedAt: number;
  readonly signature: string;
}

/** A list as devices and people get it. */
export interface ListView {
  readonly head: HeadView;
  /** The whole list as `@warren/trust` encodes it, base64url. */
  readonly list: string;
}

/** Signs the lists again that are a day old, so that peers can tell a fresh list from a withheld one, or from the future. */
export async function refreshLists(site: Site): Promise<void> {
  const now = site.now();
  const stale = await site.db
    .selectFrom('groups')
    .select('id')
    .where(any =>
      any.or([
        any('head_signed_at', '<=', now - DAY),
        any('head_signed_at', '>', now),
        any('list_signature', 'is', null),
      ]),
    )
    .execute();
  for (const { id } of stale) await site.db.transaction().execute(step => signAgain(site, step, id));
}

/** Signs the list of one group as it is now; `changed` counts its sequence on, as does a clock that was set back. Call it in the transaction of the change. */
export async function signAgain(site: Site, step: Database, id: string, changed = false): Promise<RevocationList> {
  const group = await step.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  // Entries end by this date, so it is always that of now. Peers keep the later date of two lists with one
  // sequence: after a clock that was ahead only the sequence makes ours the newer one.
  const signedAt = site.now();
  const revoked = await entries(step, id, signedAt);
  const sequence = group.head_sequence + (changed || group.head_signed_at > signedAt ? 1 : 0);
  const pkcs8 = site.caKeys.open(id, group.ca_key_sealed);
  const authority = { certificate: group.ca_certificate, pkcs8 };
  const list = await signList(authority, { group: id, sequence, signedAt, revoked });
  pkcs8.fill(0);
  const signed = { head_sequence: sequence, head_signed_at: signedAt, head_signature: list.head.signature };
  await step
    .updateTable('groups')
    .set({ ...signed, list_signature: list.signature })
    .where('id', '=', id)
    .execute();
  return list;
}

/** The newest list of a group for everybody; throws a 404 for an unknown group. */
export async function revocations(site: Site, id: string): Promise<ListView & { revoked: readonly object[] }> {
  // One view of the database: a removal between the head and the entries would give a list that nobody signed.
  const list = await site.db.transaction().execute(step => signedList(step, id));
  const revoked = list.revoked.map(entry => ('peerId' in entry ? { ...entry, peerId: toHex(entry.peerId) } : entry));
  return { ...listView(list), revoked };
}

/**
 * Unix ms that no certificate of these devices of a user begins at, or after: they begin before they are issued, by a
 * clock that may have been ahead, or with a removal or a change of teams; in whole seconds.
 */
export async function afterIssued(
  step: Database,
  now: number,
  { group, user }: { group: string; user: string },
  peers: readonly string[],
): Promise<number> {
  const at = { group_id: group, user };
  const removals = step.selectFrom('removals').select('dead_before as begin');
  const changes = step.selectFrom('members').select('teams_since as begin');
  const begins = [
    ...(await removals.where(all => all.and(at)).execute()),
    ...(await changes.where(all => all.and(at)).execute()),
  ];
  const issued = Math.ceil(Math.max(now, await lastIssue(step, peers)) / SECOND) * SECOND;
  return Math.max(issued, ...begins.map(({ begin }) => begin + SECOND));
}

/** From when on certificates of this device live, Unix ms; 0 when neither it nor its user was ever removed. */
export async function deadBefore(
  step: Database,
  device: Pick<DeviceRow, 'group_id' | 'user' | 'peer_id'>,
): Promise<number> {
  const rows = await step
    .selectFrom('removals')
    .select('dead_before')
    .where('group_id', '=', device.group_id)
    .where('user', '=', device.user)
    .where('peer_id', 'in', [ALL_DEVICES, device.peer_id])
    .execute();
  return Math.max(0, ...rows.map(row => row.dead_before));
}

/** Peer ids of the devices in a group that were removed by themselves and stand in its list at `now`. */
export async function listedDevices(step: Database, group: string, now: number): Promise<ReadonlySet<string>> {
  const rows = await step
    .selectFrom('removals')
    .select('peer_id')
    .where('group_id', '=', group)
    .where('dead_before', '>', now - LISTED)
    .execute();
  return new Set(rows.map(row => row.peer_id));
}

/** When a user was last removed from a group, Unix ms; `undefined` for never. */
export async function removedAt(db: Database, group: string, user: string): Promise<number | undefined> {
  const at = { group_id: group, user, peer_id: ALL_DEVICES };
  const row = await db
    .selectFrom('removals')
    .select('removed_at')
    .where(all => all.and(at))
    .executeTakeFirst();
  return row?.removed_at;
}

/** When the newest certificate of these devices was issued, Unix ms by the clock of then; 0 for none. */
async function lastIssue(step: Database, peers: readonly string[]): Promise<number> {
  if (peers.length === 0) return 0;
  const { last } = await step
    .selectFrom('certificates')
    .select(all => all.fn.max<number | null>('issued_at').as('last'))
    .where('peer_id', 'in', peers)
    .executeTakeFirstOrThrow();
  return last ?? 0;
}

/** How a list goes out. */
export function listView(list: RevocationList): ListView {
  const { sequence, signedAt, signature } = list.head;
  const head = { sequence, signedAt, signature: toBase64Url(signature) };
  return { head, list: toBase64Url(encodeRevocationList(list)) };
}

/** What was signed last, put together again. Call it in a transaction. */
async function signedList(step: Database, id: string): Promise<RevocationList> {
  const group = await step.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst();
  if (group === undefined) throw new SiteError(404, 'unknown-group', 'There is no such group on this site.');
  const { head_sequence, head_signed_at, head_signature, list_signature } = group;
  if (list_signature === null) {
    const hint = 'The site signs it within an hour, as soon as it has its CA key.';
    throw new SiteError(503, 'list-unsigned', 'The list of this group is not signed yet.', hint);
  }
  const head = { sequence: head_sequence, signedAt: head_signed_at, signature: head_signature };
  return { head, revoked: await entries(step, id, head_signed_at), signature: list_signature };
}

/** In an order that does not change, without those whose certificates have all run out at `signedAt`. */
async function entries(db: Database, group: string, signedAt: number): Promise<Revocation[]> {
  const changes = await teamChanges(db, group, signedAt);
  const removals = await removalsOf(db, group, signedAt);
  if (removals.length + changes.length > REVOKED_MAX) {
    const message = `The revocation list is full: ${REVOKED_MAX} removals and changes of teams in a month.`;
    throw new SiteError(409, 'list-full', message, 'Remove whole users instead of their devices, or make a new group.');
  }
  return [...removals, ...changes];
}

async function teamChanges(db: Database, group: string, signedAt: number): Promise<Revocation[]> {
  const rows = await db
    .selectFrom('members')
    .select(['user', 'teams_since'])
    .where('group_id', '=', group)
    .where('teams_since', '>', signedAt - LISTED)
    .orderBy('user')
    .execute();
  if (rows.length > TEAMS_LISTED_MAX) {
    const message = `The teams of ${TEAMS_LISTED_MAX} members with devices were changed in a month: no more can be.`;
    throw new SiteError(409, 'list-full', message, 'Members who have no device yet can be given teams at any time.');
  }
  return rows.map(({ user: teamsOf, teams_since: before }) => ({ teamsOf, before }));
}

async function removalsOf(db: Database, group: string, signedAt: number): Promise<Revocation[]> {
  const rows = await db
    .selectFrom('removals')
    .selectAll()
    .where('group_id', '=', group)
    .where('dead_before', '>', signedAt - LISTED)
    .orderBy('user')
    .orderBy('peer_id')
    .execute();
  return rows.map(({ user, peer_id, dead_before: before }) =>
    peer_id === ALL_DEVICES ? { user, before } : { peerId: fromHex(peer_id) ?? new Uint8Array(20), before },
  );
}

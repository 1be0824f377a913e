/**
 * Devices and their group files. A device gets its peer id once and keeps it;
 * its file carries an enrolment secret that works once, within a day. The
 * secret is kept as a hash. Source: decisions.md "Site and edges".
 */
import { randomBytes } from 'node:crypto';
import { fromBase64Url, sameBytes, toHex } from '@warren/base';
import type { GroupFile } from '@warren/group';
import { RIGHTS, type Right } from '@warren/trust';
import { record } from './activity.ts';
import type { Database, DeviceRow, GroupRow } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { groupFile } from './group-file.ts';
import { requireMember } from './groups.ts';
import { checkName } from './names.ts';
import { listedDevices } from './revocation-list.ts';
import { NEW_DEVICE_RIGHTS } from './rights.ts';
import { newSecret } from './secrets.ts';
import type { User } from './sessions.ts';
import { DAY, type Site } from './site.ts';

/** Devices of one member in one group: with a certificate, with a file that works, or removed and still in the list. */
const MOST_DEVICES = 50;

/** What a member asks for. */
export interface DeviceWish {
  readonly device: string;
  readonly kind: 'browser' | 'edge';
  /** SHA-256 of the device's SubjectPublicKeyInfo as base64url: needed only to enrol a device again with the key it had. */
  readonly key?: string;
}

/** Adds a device, or gives one that has not enrolled yet a new file; the file before it stops working. For members only. */
export async function addDevice(
  site: Site,
  id: string,
  user: User,
  wish: DeviceWish,
): Promise<{ file: GroupFile; fileName: string }> {
  const device = checkName('device', wish.device);
  const { text, hash } = newSecret(16);
  const now = site.now();
  const expires = now + DAY;
  const group = await site.db.transaction().execute(async step => {
    const row = await requireMember(step, id, user);
    await placeFor(step, row, user, wish, now);
    const secret = { secret_hash: hash, secret_expires_at: expires, kind: wish.kind };
    const at = { group_id: id, user: user.name, name: device };
    await step
      .updateTable('devices')
      .set(secret)
      .where(all => all.and(at))
      .execute();
    await record(step, { at: now, group: id, actor: user.name, action: 'file-made', target: device });
    return row;
  });
  const file = groupFile(site.address, group, { user: user.name, device, enrolment: text, expires });
  return { file, fileName: fileName(group.name, device) };
}

/** Makes the device's row if there is none; throws a 409 where the device may get no new file. */
async function placeFor(step: Database, group: GroupRow, user: User, wish: DeviceWish, now: number): Promise<void> {
  await dropUnused(step, group.id, user.name, now);
  const known = await devicesOf(step, group.id, user.name);
  const same = known.find(row => row.name === wish.device);
  const listed = await listedDevices(step, group.id, now);
  const counted = known.filter(row => row.leaf !== null || hasSecret(row, now) || listed.has(row.peer_id));
  if (counted.length >= MOST_DEVICES && !counted.some(row => row === same)) throw tooMany();
  if (same === undefined) {
    await step
      .insertInto('devices')
      .values(newRow(group, user, wish, now))
      .execute();
  } else if (!mayEnrolAgain(same, wish, now)) {
    const hint = 'Choose another name, or go on using the certificate that the device has.';
    throw new SiteError(409, 'device-enrolled', `You already have a device ${same.name} in this group.`, hint);
  }
}

/** Sets what a device may do from its next certificate on; gives the rights in order. */
export async function setRights(
  site: Site,
  group: string,
  by: User,
  wish: { peerId: string; rights: readonly Right[] },
): Promise<{ rights: Right[] }> {
  const rights = RIGHTS.filter(right => wish.rights.includes(right));
  await site.db.transaction().execute(async step => {
    const device = await requireDevice(step, group, wish.peerId);
    const text = rights.join(' ');
    await step.updateTable('devices').set({ rights: text }).where('peer_id', '=', wish.peerId).execute();
    const target = `${device.name}.${device.user}: ${text || 'none'}`;
    await record(step, { at: site.now(), group, actor: by.name, action: 'rights', target });
  });
  return { rights };
}

/** The device with a certificate; throws a 404 where there is none in this group. */
export async function requireDevice(step: Database, group: string, peerId: string): Promise<DeviceRow> {
  const device = await step
    .selectFrom('devices')
    .selectAll()
    .where('peer_id', '=', peerId)
    .where('group_id', '=', group)
    .executeTakeFirst();
  if (device !== undefined && device.leaf !== null) return device;
  throw new SiteError(404, 'no-device', 'There is no such device in this group.', 'Reload the list.');
}

/** Forgets devices that never had a certificate and whose file works no longer: nobody knows their peer ids. */
async function dropUnused(step: Database, group: string, user: string, now: number): Promise<void> {
  await step
    .deleteFrom('devices')
    .where('group_id', '=', group)
    .where('user', '=', user)
    .where('secret_expires_at', '<=', now)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(selectFrom('certificates').select('tbs_hash').whereRef('certificates.peer_id', '=', 'devices.peer_id')),
      ),
    )
    .execute();
}

async function devicesOf(step: Database, group: string, user: string): Promise<DeviceRow[]> {
  return step.selectFrom('devices').selectAll().where('group_id', '=', group).where('user', '=', user).execute();
}

function newRow(group: GroupRow, user: User, wish: DeviceWish, now: number): DeviceRow {
  return {
    peer_id: toHex(randomBytes(20)),
    group_id: group.id,
    user: user.name,
    name: wish.device,
    kind: wish.kind,
    created_at: now,
    secret_hash: null,
    secret_expires_at: 0,
    key_hash: null,
    leaf: null,
    issued_at: null,
    expires_at: null,
    renewed_at: 0,
    rights: NEW_DEVICE_RIGHTS,
  };
}

function hasSecret(row: DeviceRow, now: number): boolean {
  return row.secret_hash !== null && row.secret_expires_at > now;
}

/** Enrolment itself insists on the key that the device had; this only spares people files that cannot work. */
function mayEnrolAgain(row: DeviceRow, wish: DeviceWish, now: number): boolean {
  if (row.key_hash === null || row.expires_at === null || row.expires_at <= now) return true;
  const key = fromBase64Url(wish.key ?? '');
  return key !== undefined && sameBytes(key, row.key_hash);
}

function tooMany(): SiteError {
  return new SiteError(409, 'too-many-devices', `A member can have ${MOST_DEVICES} devices.`, 'Use one that you have.');
}

/** `home-laptop.warren`: plain characters only, whatever the group is called. */
function fileName(group: string, device: string): string {
  const plain = group
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `${plain.slice(0, 32) || 'group'}-${device}.warren`;
}

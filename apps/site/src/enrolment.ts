/**
 * Certificates for devices: the first against the secret of a group file, all
 * later ones against the certificate that runs out. The key never changes and
 * nor does the peer id. Asking again with the same secret and key, as after a
 * lost answer, gives the same certificate; with another key, nothing. Removed
 * devices and users get nothing either.
 * Source: decisions.md "Site and edges"; P1 section III-B.1; faults.md rows 94, 95.
 */
import { concat, fromBase64Url, sameBytes, toBase64Url, utf8 } from '@warren/base';
import type { PostQuantumPolicy } from '@warren/group';
import { enrolmentChallenge, readRequest } from '@warren/peer';
import { nobleVerifier, parseLeaf } from '@warren/trust';
import { Writer } from '@warren/wire';
import { signLeaf } from './authority.ts';
import type { Database, DeviceRow } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { standing } from './membership.ts';
import { deadBefore, type ListView, listView, signAgain } from './revocation-list.ts';
import { rightsOf } from './rights.ts';
import { secretHash, sha256 } from './secrets.ts';
import { DAY, MINUTE, type Site } from './site.ts';
import { teamsOf } from './teams.ts';

type CertificateRequest = NonNullable<Awaited<ReturnType<typeof readRequest>>>;

const RENEWAL_LABEL = utf8('warren-renew/1');
/** Certificates that one device gets in one day; renewal needs one in 20 days. */
const MOST_PER_DAY = 10;
/** A machine that slept or was in a drawer renews by itself for so long after its certificate ran out. */
const GRACE = 30 * DAY;
/** How far a device's clock may be off when it signs a renewal. */
const CLOCK_SLACK = 10 * MINUTE;

/** A certificate for a device, with the signed revocation list that holds now. */
export interface Issued extends ListView {
  /** DER as base64url. */
  readonly leaf: string;
  /** 40 hex digits. */
  readonly peerId: string;
  /** The group's policy as it is now. */
  readonly postQuantum: PostQuantumPolicy;
}

/** Turns the enrolment secret of a group file into a certificate. */
export async function enrol(site: Site, form: { group: string; enrolment: string; csr: string }): Promise<Issued> {
  const secret = secretHash(form.enrolment, 16);
  if (secret === undefined) throw unknownSecret();
  const request = await requireRequest(form.csr);
  return site.db.transaction().execute(async step => {
    const device = await step
      .selectFrom('devices')
      .selectAll()
      .where('secret_hash', '=', secret)
      .where('group_id', '=', form.group)
      .executeTakeFirst();
    if (device === undefined) throw unknownSecret();
    checkChallenge(request, form.enrolment);
    checkDevice(request, device);
    if (device.secret_expires_at <= site.now()) throw expiredSecret();
    const key = sha256(request.spki);
    if (device.key_hash !== null && !sameBytes(key, device.key_hash)) throw usedSecret();
    return issue(site, step, device, request, 'enrol');
  });
}

/** Gives a device its next certificate against the current one. */
export async function renew(
  site: Site,
  form: { leaf: string; csr: string; at: number; signature: string },
): Promise<Issued> {
  const [leaf, csr, signature] = [form.leaf, form.csr, form.signature].map(bytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const old = parseLeaf(leaf);
  if (old === undefined) throw notOurs();
  const request = await requireRequest(form.csr);
  const signed = concat(RENEWAL_LABEL, old.tbsHash, new Writer(8).u64(form.at).done(), sha256(csr));
  return site.db.transaction().execute(async step => {
    const log = step.selectFrom('certificates').selectAll().where('tbs_hash', '=', old.tbsHash);
    const entry = await log.executeTakeFirst();
    if (entry === undefined || !nobleVerifier.verify(old.publicKey, signed, signature)) throw notOurs();
    const found = step.selectFrom('devices').selectAll().where('peer_id', '=', entry.peer_id);
    const device = await found.executeTakeFirstOrThrow();
    if (old.notBefore < (await deadBefore(step, device))) throw removed();
    checkMoment(site.now(), form.at, entry.expires_at);
    checkDevice(request, device);
    if (!sameBytes(request.spki, entry.spki)) {
      throw new SiteError(
        409,
        'other-key',
        'The request is for another key.',
        'Renew with the key of the certificate.',
      );
    }
    if (form.at <= device.renewed_at) {
      throw new SiteError(
        409,
        'replayed',
        'This renewal was answered already.',
        'Sign a new one with the time of now.',
      );
    }
    await step.updateTable('devices').set({ renewed_at: form.at }).where('peer_id', '=', device.peer_id).execute();
    return issue(site, step, device, request, 'renew');
  });
}

async function issue(
  site: Site,
  step: Database,
  device: DeviceRow,
  request: CertificateRequest,
  via: 'enrol' | 'renew',
): Promise<Issued> {
  const group = device.group_id;
  await stillMember(step, device);
  const repeated = via === 'enrol' ? sameAnswer(site, device) : undefined;
  const leaf = repeated ?? (await newLeaf(site, step, device, request, via));
  const list = await signAgain(site, step, group);
  const found = step.selectFrom('groups').select('post_quantum').where('id', '=', group);
  const { post_quantum: postQuantum } = await found.executeTakeFirstOrThrow();
  return { leaf: toBase64Url(leaf), peerId: device.peer_id, postQuantum, ...listView(list) };
}

/** Removal ends secrets and certificates; this also stops one that outlived it. */
async function stillMember(step: Database, { group_id, user }: DeviceRow): Promise<void> {
  const where = await standing(step, group_id, user);
  if (where !== 'admin' && where !== 'member') throw removed();
}

/** The certificate that this very secret already gave; a file made after it asks for a new one. */
function sameAnswer(site: Site, device: DeviceRow): Uint8Array | undefined {
  if (device.leaf === null || device.issued_at === null || device.expires_at === null) return undefined;
  const fileMadeAt = device.secret_expires_at - DAY;
  return device.issued_at >= fileMadeAt && device.expires_at > site.now() ? device.leaf : undefined;
}

async function newLeaf(
  site: Site,
  step: Database,
  device: DeviceRow,
  request: CertificateRequest,
  via: 'enrol' | 'renew',
): Promise<Uint8Array> {
  const now = site.now();
  const { peer_id, group_id, user, name } = device;
  await checkQuota(step, peer_id, now);
  const find = step.selectFrom('groups').select(['ca_certificate', 'ca_key_sealed']).where('id', '=', group_id);
  const { ca_certificate, ca_key_sealed } = await find.executeTakeFirstOrThrow();
  const pkcs8 = site.caKeys.open(group_id, ca_key_sealed);
  const { teams, since } = await memberTeams(step, device);
  const notBefore = Math.max(await deadBefore(step, device), since);
  const said = { user, device: name, teams, rights: rightsOf(device.rights) };
  const subject = { group: group_id, peerId: peer_id, spki: request.spki, ...said, now, notBefore };
  const { leaf, tbsHash, expiresAt } = await signLeaf({ certificate: ca_certificate, pkcs8 }, subject);
  pkcs8.fill(0);
  const log = { tbs_hash: tbsHash, group_id, peer_id, spki: request.spki, issued_at: now, expires_at: expiresAt, via };
  await step.insertInto('certificates').values(log).execute();
  const change = { leaf, key_hash: sha256(request.spki), issued_at: now, expires_at: expiresAt };
  await step.updateTable('devices').set(change).where('peer_id', '=', peer_id).execute();
  return leaf;
}

async function memberTeams(step: Database, { group_id, user }: DeviceRow): Promise<{ teams: string[]; since: number }> {
  const found = step.selectFrom('members').select(['teams', 'teams_since']).where('group_id', '=', group_id);
  const { teams, teams_since: since } = await found.where('user', '=', user).executeTakeFirstOrThrow();
  return { teams: teamsOf(teams), since };
}

async function checkQuota(step: Database, peerId: string, now: number): Promise<void> {
  const { count } = await step
    .selectFrom('certificates')
    .select(all => all.fn.countAll<number>().as('count'))
    .where('peer_id', '=', peerId)
    .where('issued_at', '>', now - DAY)
    .executeTakeFirstOrThrow();
  if (count < MOST_PER_DAY) return;
  const message = `A device gets at most ${MOST_PER_DAY} certificates in a day.`;
  throw new SiteError(429, 'quota', message, 'Go on with the certificate that you have; try again tomorrow.');
}

async function requireRequest(csr: string): Promise<CertificateRequest> {
  const request = await readRequest(bytes(csr));
  if (request !== undefined) return request;
  const hint = 'Send a PKCS#10 request for an Ed25519 or P-256 key, signed with that key.';
  throw new SiteError(400, 'bad-csr', 'The certificate request cannot be read, or its signature is wrong.', hint);
}

function bytes(text: string): Uint8Array {
  const read = fromBase64Url(text);
  if (read !== undefined) return read;
  throw new SiteError(400, 'bad-encoding', 'A field is not base64url.', 'Send base64url without padding (RFC 4648).');
}

function checkChallenge(request: CertificateRequest, enrolment: string): void {
  if (request.challenge === enrolmentChallenge(fromBase64Url(enrolment) ?? new Uint8Array(0))) return;
  throw new SiteError(
    403,
    'bad-challenge',
    'The certificate request was made for another group file.',
    'Make a new one.',
  );
}

function checkDevice(request: CertificateRequest, device: DeviceRow): void {
  if (request.device === device.name) return;
  const hint = 'Put the device name of the group file into the common name.';
  throw new SiteError(400, 'other-device', 'The certificate request names another device.', hint);
}

function checkMoment(now: number, at: number, expiresAt: number): void {
  if (expiresAt + GRACE <= now) {
    const hint = 'Get a new group file for this device from the site.';
    throw new SiteError(410, 'certificate-expired', 'The certificate ran out more than 30 days ago.', hint);
  }
  if (Math.abs(now - at) <= CLOCK_SLACK) return;
  throw new SiteError(400, 'clock-off', "The device's clock is more than 10 minutes off.", 'Set it and try again.');
}

function unknownSecret(): SiteError {
  const hint = 'Use the newest group file of this device, or get a new one from the site.';
  return new SiteError(403, 'unknown-enrolment', 'The enrolment secret is not valid.', hint);
}

function expiredSecret(): SiteError {
  const hint = 'Get a new group file from the site; it works for 24 hours.';
  return new SiteError(410, 'enrolment-expired', 'The enrolment secret has expired.', hint);
}

function usedSecret(): SiteError {
  const hint = 'If that was not you, tell an administrator. For another machine add another device on the site.';
  return new SiteError(409, 'enrolment-used', 'This group file was used already, with another key.', hint);
}

function removed(): SiteError {
  const hint = 'If that is a mistake, ask an administrator; a new group file lets the device in again.';
  return new SiteError(403, 'removed', 'This device was removed from the group.', hint);
}

function notOurs(): SiteError {
  const hint = 'Get a new group file for this device from the site.';
  return new SiteError(403, 'not-ours', 'The certificate is not one of this site, or the signature is wrong.', hint);
}

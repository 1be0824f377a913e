/**
 * Removing members and devices, letting them in again, and what devices may do:
 * everything through the API, judged by what peers accept.
 */
import { fromBase64Url, toBase64Url } from '@warren/base';
import type { GroupFile } from '@warren/group';
import {
  Authority,
  decodeRevocationList,
  type Leaf,
  parseLeaf,
  type RevocationList,
  readAuthority,
} from '@warren/trust';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refreshLists } from './revocation-list.ts';
import { DAY, MINUTE } from './site.ts';
import { type Answer, type Browser, Device, newGroup, newInvite, siteWithAda, type TestSite } from './testing.ts';

let started: TestSite & { ada: Browser };
let group: string;
let bob: Browser;
/** By how much a test moved the clock. */
let moved = 0;
beforeAll(async () => {
  started = await siteWithAda();
  group = await newGroup(started.ada);
  bob = await newMember('bob');
});
beforeEach(async () => {
  group = await newGroup(started.ada);
  await letIn(bob);
});
afterEach(() => pass(-moved));
afterAll(() => started.close());

describe('removing a member', () => {
  test('faults #9: kills all devices of the user at once, and no others', async () => {
    const [laptop, phone] = [await enrolled(bob, 'laptop'), await enrolled(bob, 'phone')];
    const mine = await enrolled(started.ada, 'laptop');
    const before = await judge();
    expect([laptop, phone, mine].map(({ leaf }) => before(leaf))).toEqual([true, true, true]);
    expect((await remove('bob')).status).toBe(200);
    const after = await judge();
    expect([laptop, phone, mine].map(({ leaf }) => after(leaf))).toEqual([false, false, true]);
    const { members } = (await started.ada.get(`/api/groups/${group}`)).body;
    expect(members.map((member: { user: string }) => member.user)).toEqual(['ada']);
    refused(await bob.get(`/api/groups/${group}`), 404, 'unknown-group');
  });

  test('faults #51: ends renewals and group files that nobody used yet', async () => {
    const laptop = await enrolled(bob, 'laptop');
    const { file } = (await ask(bob, 'phone')).body;
    await remove('bob');
    refused(await renew(laptop), 403, 'removed');
    const phone = await Device.make();
    refused(await started.browser().post('/api/enrol', await phone.enrolment(file)), 403, 'unknown-enrolment');
  });

  test('faults #75: lets nobody in by a link from before, and works when the person is let in again', async () => {
    const old = await newInvite(started.ada, group, { uses: 5, autoApprove: true });
    const laptop = await enrolled(bob, 'laptop');
    await remove('bob');
    refused(await bob.post('/api/invites/accept', { token: old }), 403, 'removed');
    pass(1);
    expect((await letIn(bob)).body).toEqual({ status: 'member', group });
    const again = await enrolled(bob, 'laptop');
    const accepts = await judge();
    expect([accepts(laptop.leaf), accepts(again.leaf)]).toEqual([false, true]);
    refused(await renew(laptop), 403, 'removed');
    expect((await renew(again)).status).toBe(200);
  });

  test('faults #98: removal and re-admission in the same second, again and again: only the newest certificate lives', async () => {
    const leaves: Leaf[] = [];
    for (let round = 0; round < 3; round++) {
      leaves.push((await enrolled(bob, 'laptop')).leaf);
      await remove('bob');
      const accepts = await judge();
      expect(leaves.map(leaf => accepts(leaf))).toEqual(leaves.map(() => false));
      pass(1);
      await letIn(bob);
    }
    leaves.push((await enrolled(bob, 'laptop')).leaf);
    const accepts = await judge();
    expect(leaves.map(leaf => accepts(leaf))).toEqual([false, false, false, true]);
  });

  test('faults #33: reaches certificates from when the clock of the site was ahead', async () => {
    pass(3 * DAY);
    const laptop = await enrolled(bob, 'laptop');
    pass(-3 * DAY);
    await remove('bob');
    pass(3 * DAY);
    expect((await judge())(laptop.leaf)).toBe(false);
  });

  test('faults #33: reaches a certificate from then also when the device has a newer one since', async () => {
    pass(10 * DAY);
    const ahead = await enrolled(bob, 'laptop');
    pass(-10 * DAY);
    const next = { ...ahead, leaf: leafOf(await renew(ahead)) };
    await remove('bob');
    refused(await renew(ahead), 403, 'removed');
    refused(await renew(next), 403, 'removed');
    pass(10 * DAY + MINUTE);
    expect((await judge())(ahead.leaf)).toBe(false);
  });

  test('faults #94: withdraws the links that the user came in by, so that a new account cannot follow', async () => {
    const mine = await newInvite(started.ada, group, { uses: 9, autoApprove: true });
    const other = await newInvite(started.ada, group, { uses: 9, autoApprove: true });
    const eve = await newMember('eve', mine);
    const removal = await remove('eve');
    expect(removal.body.withdrawnInvites).toHaveLength(1);
    const again = { name: 'eve2', displayName: 'Eve', password: 'correct horse', token: mine };
    refused(await started.browser().post('/api/signup', again), 410, 'invite-revoked');
    await newMember('fay', other);
    const { invites, members } = (await started.ada.get(`/api/groups/${group}`)).body;
    expect(invites.map((invite: { id: string }) => invite.id)).not.toContain(removal.body.withdrawnInvites[0]);
    expect(members.map((member: { user: string }) => member.user)).toEqual(['ada', 'bob', 'fay']);
    refused(await eve.post('/api/invites/accept', { token: other }), 403, 'removed');
  });

  test('leaves the links of somebody who left by themselves', async () => {
    const token = await newInvite(started.ada, group, { uses: 9, autoApprove: true });
    const gus = await newMember('gus', token);
    const left = await gus.call('DELETE', `/api/groups/${group}/members/gus`);
    expect(left.body.withdrawnInvites).toEqual([]);
    await newMember('hal', token);
    expect((await started.ada.get(`/api/groups/${group}`)).body.members).toHaveLength(3);
  });

  test('faults #98: by two administrators at once counts once, and approving at the same time leaves one answer', async () => {
    await enrolled(bob, 'laptop');
    const answers = await Promise.all([remove('bob'), remove('bob')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
    expect((await list()).head.sequence).toBe(1);
    const cid = await newMember('cid', await newInvite(started.ada, group));
    const approve = () => started.ada.post(`/api/groups/${group}/requests/cid/approve`);
    await Promise.all([approve(), remove('cid'), approve()]);
    const { members } = (await started.ada.get(`/api/groups/${group}`)).body;
    const isIn = members.some((member: { user: string }) => member.user === 'cid');
    expect((await cid.get(`/api/groups/${group}`)).status).toBe(isIn ? 200 : 404);
  });

  test('is for administrators, but everybody may leave; the last administrator stays', async () => {
    refused(await bob.call('DELETE', `/api/groups/${group}/members/ada`), 403, 'not-admin');
    refused(await remove('ada'), 409, 'last-admin');
    refused(await remove('nobody'), 404, 'no-member');
    refused(await started.browser().call('DELETE', `/api/groups/${group}/members/bob`), 401, 'signed-out');
    expect((await bob.call('DELETE', `/api/groups/${group}/members/bob`)).status).toBe(200);
    const rows = await started.site.db.selectFrom('activity').select(['actor', 'action', 'target']).execute();
    expect(rows.at(-1)).toEqual({ actor: 'bob', action: 'left', target: 'bob' });
  });
});

describe('removing one device', () => {
  test('faults #51: kills it alone; its name and place can be used with another key', async () => {
    const [stolen, phone] = [await enrolled(bob, 'laptop'), await enrolled(bob, 'phone')];
    refused(await (await newMember('dan')).call('DELETE', devicePath(stolen)), 403, 'not-admin');
    expect((await bob.call('DELETE', devicePath(stolen))).status).toBe(200);
    const accepts = await judge();
    expect([accepts(stolen.leaf), accepts(phone.leaf)]).toEqual([false, true]);
    refused(await renew(stolen), 403, 'removed');
    const next = await enrolled(bob, 'laptop');
    const now = await judge();
    expect([now(stolen.leaf), now(next.leaf), now(phone.leaf)]).toEqual([false, true, true]);
    refused(
      await bob.call('DELETE', devicePath({ leaf: { ...next.leaf, peerId: new Uint8Array(20) } })),
      404,
      'no-device',
    );
  });

  test('of a user who is removed later leaves one entry for both', async () => {
    const laptop = await enrolled(bob, 'laptop');
    await bob.call('DELETE', devicePath(laptop));
    expect((await list()).revoked).toMatchObject([{ peerId: laptop.leaf.peerId }]);
    await remove('bob');
    expect((await list()).revoked).toMatchObject([{ user: 'bob' }]);
    expect((await judge())(laptop.leaf)).toBe(false);
  });
});

describe('the list', () => {
  test('survives a restart, is signed again daily, and drops what has run out', async () => {
    await enrolled(bob, 'laptop');
    await remove('bob');
    const first = await list();
    pass(DAY + MINUTE);
    await refreshLists(started.site);
    const second = await list();
    expect(second).toMatchObject({ head: { sequence: 1 }, revoked: first.revoked });
    expect(second.head.signedAt).toBeGreaterThan(first.head.signedAt + DAY);
    pass(33 * DAY);
    await refreshLists(started.site);
    expect(await list()).toMatchObject({ head: { sequence: 1 }, revoked: [] });
  });

  test.each([33, 400])('faults #33: takes removals when the clock was %i days ahead once', async days => {
    const [laptop, mine] = [await enrolled(bob, 'laptop'), await enrolled(started.ada, 'laptop')];
    pass(days * DAY);
    await refreshLists(started.site);
    const ahead = await list();
    pass(-days * DAY);
    await remove('bob');
    const accepts = await judge(ahead);
    expect([laptop, mine].map(({ leaf }) => accepts(leaf))).toEqual([false, true]);
  });

  test('faults #33: is dated right again within the hour when the clock was ahead, and devices take it', async () => {
    pass(400 * DAY);
    await refreshLists(started.site);
    const ahead = await list();
    pass(-400 * DAY);
    await refreshLists(started.site);
    const { head } = await list();
    expect(head).toMatchObject({ sequence: ahead.head.sequence + 1 });
    expect(head.signedAt).toBeLessThanOrEqual(started.site.now());
    await judge(ahead);
    await refreshLists(started.site);
    expect((await list()).head).toEqual(head);
  });

  test('of a group from before it was signed whole is signed at the next chance', async () => {
    await started.site.db.updateTable('groups').set({ list_signature: null }).execute();
    refused(await bob.get(`/api/groups/${group}/revocations`), 503, 'list-unsigned');
    await refreshLists(started.site);
    expect(await list()).toMatchObject({ head: { sequence: 0 }, revoked: [] });
  });
});

describe('rights', () => {
  test('are what an administrator says, from the next certificate on; relaying to begin with', async () => {
    const laptop = await enrolled(bob, 'laptop');
    expect(laptop.leaf.rights).toEqual(['relay']);
    refused(await setRights(bob, laptop, ['gateway']), 403, 'not-admin');
    refused(await setRights(started.ada, laptop, ['root']), 400, 'bad-request');
    const set = await setRights(started.ada, laptop, ['router', 'gateway', 'router']);
    expect(set.body).toEqual({ rights: ['gateway', 'router'] });
    const { members } = (await bob.get(`/api/groups/${group}`)).body;
    expect(members[1].devices[0]).toMatchObject({ device: 'laptop', rights: ['gateway', 'router'] });
    const next = leafOf(await renew(laptop));
    expect(next.rights).toEqual(['gateway', 'router']);
    await setRights(started.ada, laptop, []);
    expect(leafOf(await renew({ ...laptop, leaf: next })).rights).toEqual([]);
  });

  test('end with a removal: a device that is let in again begins with relaying', async () => {
    await setRights(started.ada, await enrolled(bob, 'laptop'), ['gateway', 'router']);
    await remove('bob');
    pass(1);
    await letIn(bob);
    expect((await enrolled(bob, 'laptop')).leaf.rights).toEqual(['relay']);
  });
});

describe('a certificate that ran out', () => {
  test('faults #27: is renewed by itself within 30 days, and not after', async () => {
    const laptop = await enrolled(bob, 'laptop');
    pass(59 * DAY);
    const next = leafOf(await renew(laptop));
    expect(next.peerId).toEqual(laptop.leaf.peerId);
    pass(61 * DAY);
    refused(await renew({ ...laptop, leaf: next }), 410, 'certificate-expired');
  });

  test('faults #51: is not renewed when it was removed in between, long after the list forgot it', async () => {
    const laptop = await enrolled(bob, 'laptop');
    await remove('bob');
    pass(50 * DAY);
    await refreshLists(started.site);
    refused(await renew(laptop), 403, 'removed');
  });
});

test('a group can have a P-256 authority, for all kinds of devices and its list', async () => {
  const made = await started.ada.post('/api/groups', { name: 'Office', caKey: 'p256' });
  group = made.body.group.group;
  for (const algorithm of ['ed25519', 'p256'] as const) {
    const device = await enrolled(started.ada, algorithm, algorithm);
    expect(device.leaf).toMatchObject({ signatureAlgorithm: 'p256', publicKey: { algorithm } });
    expect((await judge())(device.leaf)).toBe(true);
    await started.ada.call('DELETE', devicePath(device));
    expect((await judge())(device.leaf)).toBe(false);
  }
  const ca = readAuthority(fromBase64Url((await ask(started.ada, 'x')).body.file.ca) as Uint8Array);
  expect(ca).toMatchObject({ publicKey: { algorithm: 'p256' } });
  refused(await started.ada.post('/api/groups', { name: 'Odd', caKey: 'rsa' }), 400, 'bad-request');
});

interface Enrolled {
  readonly device: Device;
  readonly leaf: Leaf;
}

function pass(ms: number): void {
  moved += ms;
  started.pass(ms);
}

async function letIn(who: Browser): Promise<Answer> {
  const token = await newInvite(started.ada, group, { autoApprove: true });
  return who.post('/api/invites/accept', { token });
}

/** Signs up and accepts with `token`, or with an own invite that needs no approval. */
async function newMember(user: string, token?: string): Promise<Browser> {
  token ??= await newInvite(started.ada, group, { autoApprove: true });
  const browser = started.browser();
  await browser.post('/api/signup', { name: user, displayName: user, password: 'correct horse', token });
  await browser.post('/api/invites/accept', { token, reason: 'please' });
  return browser;
}

function ask(by: Browser, device: string): Promise<Answer> {
  return by.post(`/api/groups/${group}/devices`, { device, kind: 'edge' });
}

async function enrolled(by: Browser, name: string, algorithm: 'ed25519' | 'p256' = 'ed25519'): Promise<Enrolled> {
  const file: GroupFile = (await ask(by, name)).body.file;
  const device = await Device.make(algorithm);
  return { device, leaf: leafOf(await started.browser().post('/api/enrol', await device.enrolment(file))) };
}

async function renew({ device, leaf }: Enrolled): Promise<Answer> {
  pass(1);
  const form = await device.renewal(toBase64Url(leaf.der), leaf.tbsHash, leaf.device, started.site.now());
  return started.browser().post('/api/renew', form);
}

function leafOf(answer: Answer): Leaf {
  const leaf = parseLeaf(fromBase64Url(answer.body.leaf ?? '') ?? new Uint8Array(0));
  if (leaf === undefined) throw new Error(JSON.stringify(answer.body));
  return leaf;
}

function remove(user: string): Promise<Answer> {
  return started.ada.call('DELETE', `/api/groups/${group}/members/${user}`);
}

function setRights(by: Browser, device: Enrolled, rights: readonly string[]): Promise<Answer> {
  return by.call('PUT', `${devicePath(device)}/rights`, { rights });
}

function devicePath({ leaf }: { leaf: Pick<Leaf, 'peerId'> }): string {
  return `/api/groups/${group}/devices/${Buffer.from(leaf.peerId).toString('hex')}`;
}

async function list(): Promise<RevocationList> {
  const answer = await started.browser().get(`/api/groups/${group}/revocations`);
  const read = decodeRevocationList(fromBase64Url(answer.body.list) as Uint8Array);
  if (read === undefined) throw new Error('the list cannot be read');
  return read;
}

/** What a peer accepts that knows the newest list, and took `former` before. */
async function judge(former?: RevocationList): Promise<(leaf: Leaf) => boolean> {
  const { ca_certificate } = await started.site.db
    .selectFrom('groups')
    .select('ca_certificate')
    .where('id', '=', group)
    .executeTakeFirstOrThrow();
  const authority = Authority.group(ca_certificate);
  if (former !== undefined) expect(authority?.revocations.learnList(former)).toBe(true);
  expect(authority?.revocations.learnList(await list())).toBe(true);
  return leaf => authority?.certifies(leaf, started.site.now()) === true;
}

function refused(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  expect(answer.body.error.message).toMatch(/^[A-Z].*\.$/);
}

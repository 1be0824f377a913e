/**
 * Invites under race, expiry and re-use; approval by two administrators; who
 * may see and do what.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HOUR } from './site.ts';
import { type Browser, newGroup, newInvite, siteWithAda, type TestSite } from './testing.ts';

let started: TestSite & { ada: Browser };
let group: string;
beforeEach(async () => {
  started = await siteWithAda();
  group = await newGroup(started.ada);
});
afterEach(() => started.close());

test('of many who sign up with a link for two, two get in', async () => {
  const token = await newInvite(started.ada, group, { uses: 2, autoApprove: true });
  const names = ['b1', 'b2', 'b3', 'b4', 'b5', 'b6', 'b7', 'b8'];
  const answers = await Promise.all(names.map(name => signUp(name, token)));
  expect(answers.map(({ answer }) => answer.status).sort()).toEqual([200, 200, 410, 410, 410, 410, 410, 410]);
  const inside = answers.filter(({ answer }) => answer.status === 200);
  for (const { browser } of inside)
    expect((await browser.post('/api/invites/accept', { token })).body.status).toBe('member');
  const { invites, members } = (await started.ada.get(`/api/groups/${group}`)).body;
  expect(invites[0]).toMatchObject({ uses: 2, used: 2 });
  expect(members).toHaveLength(3);
});

test('of many accounts that accept a link for one at once, one gets in', async () => {
  const browsers = await accounts('c1', 'c2', 'c3', 'c4', 'c5');
  const token = await newInvite(started.ada, group, { autoApprove: true });
  const answers = await Promise.all(browsers.map(browser => browser.post('/api/invites/accept', { token })));
  expect(answers.map(answer => answer.status).sort()).toEqual([200, 410, 410, 410, 410]);
  expect(answers.find(answer => answer.status === 410)?.body.error).toEqual({
    code: 'invite-used',
    message: 'This invite has been used up.',
    hint: 'Ask for a new invite.',
  });
});

test('one person takes one use, however often the link is opened', async () => {
  const [bob] = await accounts('bob');
  const token = await newInvite(started.ada, group, { uses: 3 });
  await Promise.all([1, 2, 3, 4].map(() => bob?.post('/api/invites/accept', { token })));
  expect((await started.ada.get(`/api/groups/${group}`)).body.invites[0].used).toBe(1);
});

test('an expired link says so, for new people and for those with an account', async () => {
  const token = await newInvite(started.ada, group, { expiresHours: 2 });
  const [bob] = await accounts('bob');
  started.pass(2 * HOUR + 1);
  for (const answer of [
    await bob?.post('/api/invites/accept', { token }),
    await bob?.post('/api/invites/preview', { token }),
    (await signUp('eve', token)).answer,
  ]) {
    expect([answer?.status, answer?.body.error.code]).toEqual([410, 'invite-expired']);
  }
});

test('a denied person needs another link, and the last decision wins', async () => {
  const [bob] = await accounts('bob');
  const token = await newInvite(started.ada, group, { uses: 2 });
  await bob?.post('/api/invites/accept', { token });
  expect((await started.ada.post(`/api/groups/${group}/requests/bob/deny`)).body).toEqual({ status: 'denied' });
  expect((await started.ada.post(`/api/groups/${group}/requests/bob/deny`)).body).toEqual({ status: 'denied' });
  expect((await bob?.post('/api/invites/accept', { token }))?.body.error.code).toBe('denied');
  expect((await started.ada.get(`/api/groups/${group}`)).body.requests).toEqual([]);
  const second = await newInvite(started.ada, group);
  expect((await bob?.post('/api/invites/accept', { token: second }))?.body.status).toBe('pending');
  expect((await started.ada.post(`/api/groups/${group}/requests/bob/approve`)).body).toEqual({ status: 'member' });
  const late = await started.ada.post(`/api/groups/${group}/requests/bob/deny`);
  expect([late.status, late.body.error.code]).toEqual([409, 'already-member']);
});

test('approving and denying at once leaves one state, and both decisions are on record', async () => {
  const [bob] = await accounts('bob');
  await bob?.post('/api/invites/accept', { token: await newInvite(started.ada, group) });
  await Promise.all([
    started.ada.post(`/api/groups/${group}/requests/bob/deny`),
    started.ada.post(`/api/groups/${group}/requests/bob/approve`),
  ]);
  const members = await started.site.db.selectFrom('members').select('user').where('group_id', '=', group).execute();
  const requests = await started.site.db.selectFrom('requests').selectAll().execute();
  expect([members.length, requests.length]).toEqual([2, 0]);
  const log = await started.site.db.selectFrom('activity').select('action').where('group_id', '=', group).execute();
  expect(log.map(row => row.action)).toContain('admitted');
});

test('members see no requests and no invites, and may decide nothing', async () => {
  const [bob] = await accounts('bob');
  const token = await newInvite(started.ada, group, { autoApprove: true });
  await bob?.post('/api/invites/accept', { token });
  expect((await bob?.get(`/api/groups/${group}`))?.body).toMatchObject({ role: 'member', requests: [], invites: [] });
  for (const path of ['invites', 'requests/ada/approve', 'requests/ada/deny']) {
    const answer = await bob?.post(`/api/groups/${group}/${path}`);
    expect([answer?.status, answer?.body.error.code]).toEqual([403, 'not-admin']);
  }
});

test('a stranger cannot tell a group from no group', async () => {
  const [eve] = await accounts('eve');
  const other = 'a'.repeat(26);
  for (const path of ['', '/invites', '/devices', '/requests/ada/approve']) {
    const call = (id: string) =>
      path === ''
        ? eve?.get(`/api/groups/${id}`)
        : eve?.post(`/api/groups/${id}${path}`, { device: 'x', kind: 'edge' });
    const [real, made] = [await call(group), await call(other)];
    expect(real?.status).toBe(404);
    expect(real?.body).toEqual(made?.body);
  }
});

test.each([
  { uses: 0 },
  { uses: 1_001 },
  { uses: 1.5 },
  { uses: '1' },
  { expiresHours: 0 },
  { expiresHours: 1e9 },
  { autoApprove: 'yes' },
])('an invite with %o is refused with a reason', async wish => {
  const answer = await started.ada.post(`/api/groups/${group}/invites`, wish);
  expect([answer.status, answer.body.error.code]).toEqual([400, 'bad-request']);
  expect(answer.body.error.message).toContain(Object.keys(wish)[0]);
});

test('a group has at most 100 invites', async () => {
  for (let i = 0; i < 100; i++) await newInvite(started.ada, group);
  const answer = await started.ada.post(`/api/groups/${group}/invites`);
  expect([answer.status, answer.body.error.code]).toEqual([409, 'too-many-invites']);
});

async function signUp(name: string, token: string) {
  const browser = started.browser();
  const answer = await browser.post('/api/signup', { name, displayName: name, password: 'battery staple', token });
  return { browser, answer };
}

/** Accounts that came through some other group. */
async function accounts(...names: string[]): Promise<Browser[]> {
  const token = await newInvite(started.ada, await newGroup(started.ada, 'Elsewhere'), { uses: names.length });
  return Promise.all(names.map(async name => (await signUp(name, token)).browser));
}

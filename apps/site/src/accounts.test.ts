/**
 * Set-up link, sign-up, sign-in, sessions.
 */
import { toBase64Url } from '@warren/base';
import { afterEach, describe, expect, test } from 'vitest';
import { newSetupToken } from './accounts.ts';
import { forgetExpiredSessions } from './sessions.ts';
import { DAY, HOUR } from './site.ts';
import { newGroup, newInvite, siteWithAda, type TestSite, testSite } from './testing.ts';

let started: TestSite;
afterEach(() => started.close());

const ADA = { name: 'ada', displayName: 'Ada', password: 'correct horse' };

test('links of earlier starts work until one of them made the first account, then none does', async () => {
  started = await testSite();
  const [first, second] = [await newSetupToken(started.site), await newSetupToken(started.site)];
  const answer = await started.browser().post('/api/signup', { ...ADA, token: first });
  expect(answer.body.user.siteAdmin).toBe(true);
  for (const token of [first, second]) {
    const late = await started.browser().post('/api/signup', { ...ADA, name: 'eve', token });
    expect([late.status, late.body.error.code]).toEqual([403, 'unknown-token']);
  }
});

test('of many who use the set-up link at once, one gets the account', async () => {
  started = await testSite();
  const token = await newSetupToken(started.site);
  const names = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6'];
  const answers = await Promise.all(names.map(name => started.browser().post('/api/signup', { ...ADA, name, token })));
  expect(answers.map(answer => answer.status).sort()).toEqual([200, 403, 403, 403, 403, 403]);
  const users = await started.site.db.selectFrom('users').select('site_admin').execute();
  expect(users).toHaveLength(1);
});

test.each([
  ['a token that nobody made', toBase64Url(new Uint8Array(16)), 403],
  ['a short token', 'abc', 403],
  ['no token', '', 403],
])('%s makes no account', async (_, token, status) => {
  started = await testSite();
  await newSetupToken(started.site);
  const answer = await started.browser().post('/api/signup', { ...ADA, token });
  expect([answer.status, answer.body.error.code]).toEqual([status, 'unknown-token']);
});

test('a name is taken once, and a bad form leaves the link usable', async () => {
  const site = await siteWithAda();
  started = site;
  const token = await newInvite(site.ada, await newGroup(site.ada));
  const bob = site.browser();
  expect((await bob.post('/api/signup', { ...ADA, token })).body.error.code).toBe('name-taken');
  expect((await bob.post('/api/signup', { ...ADA, name: 'bob', password: 'short', token })).body.error.code).toBe(
    'bad-password',
  );
  expect((await bob.post('/api/signup', { ...ADA, name: 'Bob!', token })).body.error.code).toBe('bad-name');
  expect((await bob.post('/api/signup', { ...ADA, name: 'bob', token })).status).toBe(200);
});

describe('sessions', () => {
  test('signing in makes a new token, ends the one brought, and signing out ends it for good', async () => {
    const site = await siteWithAda();
    started = site;
    const before = site.ada.cookie;
    const signedIn = await site.ada.post('/api/signin', { name: 'ada', password: 'correct horse' });
    expect(signedIn.body).toEqual({ user: { name: 'ada', displayName: 'Ada', siteAdmin: true } });
    expect(String(signedIn.headers['set-cookie'])).toMatch(
      /^warren-session=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const [fresh, fixed] = [site.ada.cookie, before];
    expect(fresh).not.toBe(fixed);
    const thief = site.browser();
    thief.cookie = fixed;
    expect((await thief.get('/api/groups')).status).toBe(401);
    await site.ada.post('/api/signout');
    thief.cookie = fresh;
    expect((await thief.get('/api/groups')).status).toBe(401);
  });

  test('a cookie that the site did not make is never taken over', async () => {
    const site = await siteWithAda();
    started = site;
    const victim = site.browser();
    victim.cookie = `warren-session=${toBase64Url(new Uint8Array(32).fill(7))}`;
    const planted = victim.cookie;
    await victim.post('/api/signin', { name: 'ada', password: 'correct horse' });
    expect(victim.cookie).not.toBe(planted);
  });

  test('they end after 30 days and are forgotten', async () => {
    const site = await siteWithAda();
    started = site;
    site.pass(30 * DAY - HOUR);
    expect((await site.ada.get('/api/groups')).status).toBe(200);
    site.pass(2 * HOUR);
    expect((await site.ada.get('/api/groups')).status).toBe(401);
    await forgetExpiredSessions(site.site);
    expect(await site.site.db.selectFrom('sessions').selectAll().execute()).toEqual([]);
  });

  test('one person holds at most 20; the oldest end', async () => {
    const site = await siteWithAda();
    started = site;
    const { db } = site.site;
    for (let i = 0; i < 25; i++) {
      const token_hash = new Uint8Array(32).fill(i + 1);
      await db
        .insertInto('sessions')
        .values({ token_hash, user: 'ada', expires_at: Date.now() + i })
        .execute();
    }
    await site.browser().post('/api/signin', { name: 'ada', password: 'correct horse' });
    expect(await db.selectFrom('sessions').selectAll().execute()).toHaveLength(20);
    expect((await site.ada.get('/api/groups')).status).toBe(200);
  });

  test('neither tokens nor passwords are in the database', async () => {
    const site = await siteWithAda();
    started = site;
    const group = await newGroup(site.ada);
    const invite = await newInvite(site.ada, group);
    const { file } = (await site.ada.post(`/api/groups/${group}/devices`, { device: 'gw', kind: 'edge' })).body;
    const cookie = String(site.ada.cookie).split('=')[1];
    const secrets = [invite, file.enrolment, cookie, 'correct horse'].map(String);
    const raw = [...secrets, ...secrets.map(text => Buffer.from(text, 'base64url').toString('latin1'))];
    const { sql } = await import('kysely');
    await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(site.site.db);
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(`${site.folder}/site.db`).toString('latin1');
    expect(bytes).toContain('enrol');
    for (const secret of raw) expect(bytes.includes(secret)).toBe(false);
  });
});

describe('guessing', () => {
  test('ten wrong passwords for one account close it to this address for a while, other accounts stay open', async () => {
    const site = await siteWithAda();
    started = site;
    const attacker = site.browser();
    for (let i = 0; i < 10; i++) {
      const answer = await attacker.post('/api/signin', { name: 'ada', password: `guess ${i}` });
      expect([answer.status, answer.body.error.code]).toEqual([401, 'wrong-password']);
    }
    const last = await attacker.post('/api/signin', { name: 'ada', password: 'correct horse' });
    expect([last.status, last.body.error.code]).toEqual([429, 'too-many-tries']);
    expect(last.body.error.hint).toMatch(/^Wait \d minutes/);
    expect((await attacker.post('/api/signin', { name: 'bob', password: 'x' })).status).toBe(401);
  });

  test('an unknown name and a wrong password get the same answer', async () => {
    const site = await siteWithAda();
    started = site;
    const answers = ['ada', 'nobody', '', '../../etc', 'ADA'].map(name =>
      site.browser().post('/api/signin', { name, password: 'wrong' }),
    );
    const bodies = (await Promise.all(answers)).map(answer => [answer.status, answer.body]);
    expect(new Set(bodies.map(body => JSON.stringify(body))).size).toBe(1);
    expect(bodies[0]?.[0]).toBe(401);
  });

  test('sixty tries of tokens in a minute are all that one address has', async () => {
    started = await testSite();
    const token = toBase64Url(new Uint8Array(16));
    const codes: number[] = [];
    for (let i = 0; i < 65; i++) codes.push((await started.browser().post('/api/signup', { ...ADA, token })).status);
    expect(codes.filter(code => code === 403)).toHaveLength(60);
    expect(codes.at(-1)).toBe(429);
  });
});

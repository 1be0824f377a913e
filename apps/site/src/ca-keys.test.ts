/**
 * The sealing key: a copied data folder cannot sign, and says where the key
 * should be; everything else works with it.
 */
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { caKeyPath, makeKeyFile, readKeyFile } from './ca-key-file.ts';
import { refreshLists } from './revocation-list.ts';
import { DAY } from './site.ts';
import { type Browser, Device, newGroup, newInvite, siteWithAda, type TestSite, testSite } from './testing.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'warren-ca-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a copied data folder without the key signs nothing, and the rest works', async () => {
  const keyFile = join(folder, 'home', 'warren', 'ca-key');
  const { group, file } = await foundedSite({ caKeyFile: keyFile });
  cpSync(join(folder, 'data'), join(folder, 'copy'), { recursive: true });
  const elsewhere = join(folder, 'other-home', 'warren', 'ca-key');
  const copy = await testSite({ folder, dataDir: join(folder, 'copy'), caKeyFile: elsewhere });
  const ada = await signIn(copy);

  const device = await Device.make();
  const refused = await copy.browser().post('/api/enrol', await device.enrolment(file));
  expect([refused.status, refused.body.error.code]).toEqual([503, 'ca-key-missing']);
  expect(refused.body.error.message).toContain(elsewhere);
  expect((await ada.post('/api/groups', { name: 'New' })).status).toBe(503);
  expect(readKeyFile(elsewhere).kind).toBe('absent');

  expect((await ada.get(`/api/groups/${group}`)).status).toBe(200);
  expect((await copy.browser().get(`/api/groups/${group}/revocations`)).status).toBe(200);
  expect((await ada.post(`/api/groups/${group}/devices`, { device: 'tv', kind: 'edge' })).status).toBe(200);
  const token = await newInvite(ada, group, { autoApprove: true });
  const bob = copy.browser();
  await bob.post('/api/signup', { name: 'bob', displayName: 'Bob', password: 'battery staple', token });
  expect((await bob.post('/api/invites/accept', { token })).body.status).toBe('member');

  // A key that does not belong to the data is no help; the right one helps without a restart.
  makeKeyFile(elsewhere);
  const wrong = await copy.browser().post('/api/enrol', await device.enrolment(file));
  expect(wrong.body.error.message).toContain('belongs to another data folder');
  cpSync(keyFile, elsewhere);
  expect((await copy.browser().post('/api/enrol', await device.enrolment(file))).status).toBe(200);
  await copy.close(false);
});

test('the data folder holds no CA key in the clear', async () => {
  const keyFile = join(folder, 'ca-key');
  const { group } = await foundedSite({ caKeyFile: keyFile });
  const site = await testSite({ folder, dataDir: join(folder, 'data'), caKeyFile: keyFile });
  const { ca_key_sealed: sealed } = await site.site.db
    .selectFrom('groups')
    .select('ca_key_sealed')
    .executeTakeFirstOrThrow();
  const pkcs8 = site.site.caKeys.open(group, sealed);
  expect(() => site.site.caKeys.open('b'.repeat(26), sealed)).toThrow('damaged');
  for (const index of [0, 1, 12, 13, 40, sealed.length - 1]) {
    const altered = sealed.slice();
    altered[index] = (altered[index] ?? 0) ^ 1;
    if (index > 0) expect(() => site.site.caKeys.open(group, altered)).toThrow('damaged');
  }
  await site.close(false);
  const data = readFileSync(join(folder, 'data', 'site.db'));
  expect(data.includes(Buffer.from(pkcs8.subarray(-32)))).toBe(false);
  expect(data.includes(readFileSync(keyFile))).toBe(false);
});

test('a restart keeps accounts, sessions, groups, files and the key', async () => {
  const keyFile = join(folder, 'ca-key');
  const { file, ada } = await foundedSite({ caKeyFile: keyFile });
  const site = await testSite({ folder, dataDir: join(folder, 'data'), caKeyFile: keyFile });
  const again = site.browser();
  again.cookie = ada.cookie;
  expect((await again.get('/api/groups')).body.groups).toHaveLength(1);
  const device = await Device.make();
  expect((await again.post('/api/enrol', await device.enrolment(file))).status).toBe(200);
  await site.close(false);
});

test('with a passphrase the file is not used; without it nothing is signed, a wrong one stops the start', async () => {
  const options = { caKeyFile: join(folder, 'ca-key'), passphrase: 'a long passphrase' };
  const { file } = await foundedSite(options);
  expect(readKeyFile(options.caKeyFile).kind).toBe('absent');
  const at = { folder, dataDir: join(folder, 'data'), caKeyFile: options.caKeyFile };
  const device = await Device.make();

  const locked = await testSite(at);
  const refused = await locked.browser().post('/api/enrol', await device.enrolment(file));
  expect([refused.status, refused.body.error.code]).toEqual([503, 'ca-key-locked']);
  expect(refused.body.error.hint).toContain('WARREN_CA_PASSPHRASE_FILE');
  await locked.close(false);

  await expect(testSite({ ...at, passphrase: 'another passphrase' })).rejects.toThrow('not the passphrase');
});

test('a locked site keeps its revocation list as it was signed last', async () => {
  const { group } = await foundedSite({ caKeyFile: join(folder, 'ca-key') });
  const site = await testSite({ folder, dataDir: join(folder, 'data'), caKeyFile: join(folder, 'none') });
  const before = await site.browser().get(`/api/groups/${group}/revocations`);
  site.pass(2 * DAY);
  await expect(refreshLists(site.site)).rejects.toThrow('cannot sign');
  expect((await site.browser().get(`/api/groups/${group}/revocations`)).body).toEqual(before.body);
  await site.close(false);
});

test('the key file is for its owner only, is never replaced, and a torn one is told', async () => {
  const path = join(folder, 'deep', 'down', 'ca-key');
  makeKeyFile(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const first = readKeyFile(path);
  makeKeyFile(path);
  expect(readKeyFile(path)).toEqual(first);
  chmodSync(path, 0o644);
  expect(readKeyFile(path)).toMatchObject({ kind: 'key', openToOthers: true });
  writeFileSync(path, new Uint8Array(31));
  expect(readKeyFile(path)).toEqual({ kind: 'unusable', reason: 'it holds 31 bytes instead of 32' });
});

test('the key lies in the state home; a relative one is ignored, as XDG says', () => {
  expect(caKeyPath({ XDG_STATE_HOME: '/var/state' })).toBe('/var/state/warren/ca-key');
  const fallback = join(homedir(), '.local/state/warren/ca-key');
  expect([caKeyPath({}), caKeyPath({ XDG_STATE_HOME: 'state' })]).toEqual([fallback, fallback]);
});

/** A site in `folder/data` with a group and a group file, closed again. */
async function foundedSite(options: { caKeyFile: string; passphrase?: string }) {
  const { mkdirSync } = await import('node:fs');
  mkdirSync(join(folder, 'data'));
  const site = await siteWithAda({ folder, dataDir: join(folder, 'data'), ...options });
  const group = await newGroup(site.ada);
  const { file } = (await site.ada.post(`/api/groups/${group}/devices`, { device: 'gw', kind: 'edge' })).body;
  await site.close(false);
  return { group, file, ada: site.ada };
}

async function signIn(site: TestSite): Promise<Browser> {
  const browser = site.browser();
  expect((await browser.post('/api/signin', { name: 'ada', password: 'correct horse' })).status).toBe(200);
  return browser;
}

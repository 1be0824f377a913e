/**
 * The whole story by API: first account, group, invite, approval, group file,
 * certificate, renewal.
 */
import { fromBase64Url, sameBytes, toHex, utf8 } from '@warren/base';
import { parseGroupFile } from '@warren/group';
import { enrol, type Fetch, type Host, loadMemberships } from '@warren/peer';
import { Authority, nobleVerifier, parseLeaf, readAuthority, revocationHeadText } from '@warren/trust';
import { afterEach, expect, test } from 'vitest';
import { newSetupToken } from './accounts.ts';
import { sha256 } from './secrets.ts';
import { DAY, HOUR } from './site.ts';
import { Device, newGroup, newInvite, siteWithAda, type TestSite, testSite } from './testing.ts';

let started: TestSite;
afterEach(() => started.close());

test('from the set-up link to a second member with a certificate', async () => {
  started = await testSite();
  const ada = started.browser();
  expect((await ada.get('/api/state')).body).toEqual({
    setup: true,
    bootstraps: ['ws://localhost:8080/bootstrap'],
    stun: [],
    version: '0.0.0',
  });

  const setup = await newSetupToken(started.site);
  const signUp = await ada.post('/api/signup', {
    name: 'ada',
    displayName: 'Ada',
    password: 'correct horse',
    token: setup,
  });
  expect(signUp.body).toEqual({ user: { name: 'ada', displayName: 'Ada', siteAdmin: true } });
  expect((await ada.get('/api/state')).body).toMatchObject({ setup: false, user: { name: 'ada' } });
  expect(await newSetupToken(started.site)).toBeUndefined();

  const { group: made } = (await ada.post('/api/groups', { name: 'Home', subnet: '192.168.77.0/24' })).body;
  expect(made).toEqual({
    group: expect.stringMatching(/^[a-z2-7]{26}$/),
    name: 'Home',
    subnet: '192.168.77.0/24',
    role: 'admin',
  });
  const { invite, url } = (await ada.post(`/api/groups/${made.group}/invites`)).body;
  expect(invite).toMatchObject({ uses: 1, used: 0, autoApprove: false, createdBy: 'ada' });
  expect(url).toMatch(/^http:\/\/localhost:8080\/#invite=[\w-]{22}$/);

  const bob = started.browser();
  const token = url.split('#invite=')[1];
  const preview = { group: made.group, name: 'Home', invitedBy: 'Ada', autoApprove: false };
  expect((await bob.post('/api/invites/preview', { token })).body).toEqual({ ...preview, signedIn: false });
  await bob.post('/api/signup', { name: 'bob', displayName: 'Bob', password: 'battery staple', token });
  expect((await bob.post('/api/invites/preview', { token })).body).toEqual({ ...preview, signedIn: true });
  const accepted = await bob.post('/api/invites/accept', { token, reason: 'it is me' });
  expect(accepted.body).toEqual({ status: 'pending', group: made.group });
  expect((await bob.get('/api/groups')).body.groups).toEqual([{ ...made, role: 'pending' }]);

  const blocked = await bob.get(`/api/groups/${made.group}`);
  expect([blocked.status, blocked.body.error.code]).toEqual([403, 'pending']);
  expect((await bob.post(`/api/groups/${made.group}/devices`, { device: 'phone', kind: 'browser' })).status).toBe(403);

  const seen = (await ada.get(`/api/groups/${made.group}`)).body;
  expect(seen.requests).toEqual([
    { user: 'bob', displayName: 'Bob', reason: 'it is me', at: expect.any(String), invite: invite.id },
  ]);
  expect(seen.invites).toEqual([{ ...invite, used: 1 }]);
  expect((await ada.post(`/api/groups/${made.group}/requests/bob/approve`)).body).toEqual({ status: 'member' });
  expect((await ada.post(`/api/groups/${made.group}/requests/bob/approve`)).body).toEqual({ status: 'member' });

  const made2 = (await bob.post(`/api/groups/${made.group}/devices`, { device: 'phone', kind: 'browser' })).body;
  expect(made2.fileName).toBe('home-phone.warren');
  const device = await Device.make();
  const enrolled = await started.browser().post('/api/enrol', await device.enrolment(made2.file));
  expect(enrolled.status).toBe(200);

  const authority = readAuthority(fromBase64Url(made2.file.ca) as Uint8Array);
  const leaf = parseLeaf(fromBase64Url(enrolled.body.leaf) as Uint8Array);
  if (leaf === undefined || typeof authority === 'string') throw new Error('outside the profile');
  expect(leaf).toMatchObject({ group: made.group, user: 'bob', device: 'phone' });
  expect(toHex(leaf.peerId)).toBe(enrolled.body.peerId);
  expect(sameBytes(leaf.spki, device.key.spki)).toBe(true);
  expect(nobleVerifier.verify(authority.publicKey, leaf.tbs, leaf.signature)).toBe(true);
  expect(Authority.group(authority.der)?.group).toBe(made.group);
  const { head } = enrolled.body;
  const signature = fromBase64Url(head.signature) as Uint8Array;
  expect(nobleVerifier.verify(authority.publicKey, revocationHeadText(made.group, head), signature)).toBe(true);
  const { list } = enrolled.body;
  expect((await started.browser().get(`/api/groups/${made.group}/revocations`)).body).toEqual({
    head,
    list,
    revoked: [],
  });

  const members = (await bob.get(`/api/groups/${made.group}`)).body;
  expect(members).toMatchObject({ role: 'member', requests: [], invites: [] });
  expect(members.members[1].devices).toEqual([
    {
      device: 'phone',
      peerId: enrolled.body.peerId,
      kind: 'browser',
      rights: ['relay'],
      issuedAt: expect.any(String),
      expiresAt: expect.any(String),
    },
  ]);
});

test('a group file names everything and its check covers it', async () => {
  const { ada } = await begin();
  const group = await newGroup(ada, 'Zuhause & Büro');
  const { file, fileName } = (await ada.post(`/api/groups/${group}/devices`, { device: 'gw', kind: 'edge' })).body;
  expect(fileName).toBe('zuhause-buro-gw.warren');
  const { check, ...content } = file;
  expect(content).toEqual({
    warren: 1,
    group,
    name: 'Zuhause & Büro',
    site: 'http://localhost:8080',
    bootstraps: ['ws://localhost:8080/bootstrap'],
    ca: expect.any(String),
    rendezvous: expect.stringMatching(/^[\w-]{43}$/),
    subnet: expect.stringMatching(/^10\.(1[2-8]\d|19[01])\.0\.0\/16$/),
    postQuantum: 'on',
    user: 'ada',
    device: 'gw',
    enrolment: expect.stringMatching(/^[\w-]{22}$/),
    expires: expect.any(String),
  });
  const sorted = Object.fromEntries(
    Object.keys(content)
      .sort()
      .map(key => [key, content[key]]),
  );
  expect(check).toBe(toHex(sha256(utf8(JSON.stringify(sorted)))));
  expect(Date.parse(file.expires) - Date.now()).toBeGreaterThan(23 * HOUR);
});

test('an invite that approves by itself makes a member at once, and deleting one stops it', async () => {
  const { ada } = await begin();
  const group = await newGroup(ada);
  const token = await newInvite(ada, group, { autoApprove: true, uses: 5 });
  const bob = started.browser();
  await bob.post('/api/signup', { name: 'bob', displayName: 'Bob', password: 'battery staple', token });
  expect((await bob.post('/api/invites/accept', { token })).body).toEqual({ status: 'member', group });
  expect((await bob.post('/api/invites/accept', { token })).body).toEqual({ status: 'member', group });
  const [invite] = (await ada.get(`/api/groups/${group}`)).body.invites;
  expect(invite.used).toBe(1);
  expect((await ada.call('DELETE', `/api/groups/${group}/invites/${invite.id}`)).status).toBe(200);
  expect((await ada.call('DELETE', `/api/groups/${group}/invites/${invite.id}`)).status).toBe(200);
  const late = await started.browser().post('/api/invites/preview', { token });
  expect([late.status, late.body.error.code]).toEqual([410, 'invite-revoked']);
  expect((await bob.post('/api/invites/preview', { token })).body.membership).toBe('member');
});

test('what every device runs can enrol at this site', async () => {
  const { ada } = await begin();
  const group = await newGroup(ada);
  const { file } = (await ada.post(`/api/groups/${group}/devices`, { device: 'gw', kind: 'edge' })).body;
  const read = parseGroupFile(JSON.stringify(file));
  if ('error' in read) throw new Error(read.error);
  const { key } = await Device.make();
  const kept = new Map<string, Uint8Array>();
  const host = {
    identity: async () => key,
    clock: { unixMs: () => started.site.now() },
    storage: {
      get: async (name: string) => kept.get(name),
      set: async (name: string, value: Uint8Array) => void kept.set(name, value),
    },
  } as unknown as Host;
  const fetch: Fetch = async (url, { body = '' }) => {
    const answer = await started.app.inject({
      method: 'POST',
      url: url.replace(file.site, ''),
      headers: { 'content-type': 'application/json', host: 'localhost' },
      payload: body,
    });
    return new Response(answer.body, { status: answer.statusCode });
  };
  const membership = await enrol(host, read, { fetch });
  expect(membership.leaf).toMatchObject({ group, user: 'ada', device: 'gw' });
  expect(await loadMemberships(host)).toHaveLength(1);
});

test.each(['ed25519', 'p256'] as const)(
  'a %s device renews with its certificate and keeps its peer id',
  async algorithm => {
    const { ada } = await begin();
    const group = await newGroup(ada);
    const { file } = (await ada.post(`/api/groups/${group}/devices`, { device: 'gw', kind: 'edge' })).body;
    const device = await Device.make(algorithm);
    const first = (await ada.post('/api/enrol', await device.enrolment(file))).body;
    const old = parseLeaf(fromBase64Url(first.leaf) as Uint8Array);
    if (old === undefined) throw new Error('outside the profile');
    started.pass(20 * DAY);
    const renewal = await device.renewal(first.leaf, old.tbsHash, 'gw', started.site.now());
    const second = await started.browser().post('/api/renew', renewal);
    expect(second.status).toBe(200);
    expect(second.body.peerId).toBe(first.peerId);
    const next = parseLeaf(fromBase64Url(second.body.leaf) as Uint8Array);
    expect((next?.notAfter ?? 0) - old.notAfter).toBeGreaterThan(19 * DAY);

    const replayed = await started.browser().post('/api/renew', renewal);
    expect([replayed.status, replayed.body.error.code]).toEqual([409, 'replayed']);
    const thief = await (await Device.make(algorithm)).renewal(first.leaf, old.tbsHash, 'gw', started.site.now());
    expect((await ada.post('/api/renew', thief)).body.error.code).toBe('not-ours');
    started.pass(40 * DAY);
    const late = await ada.post('/api/renew', await device.renewal(first.leaf, old.tbsHash, 'gw', started.site.now()));
    expect([late.status, late.body.error.code]).toEqual([410, 'certificate-expired']);
  },
);

async function begin() {
  const site = await siteWithAda();
  started = site;
  return site;
}

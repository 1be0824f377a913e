/** What an administrator may change of a group, and how devices learn of it. */
import { parseGroupFile, printGroupFile } from '@warren/group';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Browser, newGroup, newInvite, siteWithAda, type TestSite } from './testing.ts';

let started: TestSite & { ada: Browser };

beforeEach(async () => {
  started = await siteWithAda();
});

afterEach(() => started.close());

test('a group has post-quantum keys on, or what its founder says; files and members are told', async () => {
  const { ada } = started;
  const usual = await newGroup(ada);
  const made = await ada.post('/api/groups', { name: 'Strict', postQuantum: 'required' });
  expect([await policyOf(ada, usual), await policyOf(ada, made.body.group.group)]).toEqual(['on', 'required']);
  expect((await fileOf(ada, usual, 'tv')).postQuantum).toBe('on');
  const { check: _check, ...file } = await fileOf(ada, made.body.group.group, 'tv');
  expect(file.postQuantum).toBe('required');
  expect(parseGroupFile(printGroupFile(file))).toMatchObject({ postQuantum: 'required' });
});

test('administrators alone change it, to one of three values, and every later file says so', async () => {
  const { ada } = started;
  const group = await newGroup(ada);
  const token = await newInvite(ada, group, { autoApprove: true });
  const bob = started.browser();
  await bob.post('/api/signup', { name: 'bob', displayName: 'Bob', password: 'correct horse', token });
  await bob.post('/api/invites/accept', { token });
  expect((await bob.call('PUT', `/api/groups/${group}/settings`, { postQuantum: 'off' })).status).toBe(403);
  for (const wrong of [{}, { postQuantum: 'maybe' }, { postQuantum: true }, { postQuantum: null }]) {
    expect((await ada.call('PUT', `/api/groups/${group}/settings`, wrong)).status).toBe(400);
  }
  expect(await policyOf(bob, group)).toBe('on');
  const answer = await ada.call('PUT', `/api/groups/${group}/settings`, { postQuantum: 'required' });
  expect([answer.status, answer.body]).toEqual([200, { postQuantum: 'required' }]);
  expect(await policyOf(bob, group)).toBe('required');
  expect((await fileOf(bob, group, 'phone')).postQuantum).toBe('required');
});

async function policyOf(by: Browser, group: string): Promise<unknown> {
  return (await by.get(`/api/groups/${group}`)).body.postQuantum;
}

async function fileOf(by: Browser, group: string, device: string) {
  return (await by.post(`/api/groups/${group}/devices`, { device, kind: 'edge' })).body.file;
}

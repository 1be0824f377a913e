/** Renewals against a site that answers when the test lets it. */
import { fromBase64Url, toBase64Url } from '@warren/base';
import {
  enrol,
  type Fetch,
  type Host,
  issueLeaf,
  loadMemberships,
  type Membership,
  PeerError,
  readRequest,
  type Shelf,
} from '@warren/peer';
import { beforeEach, expect, test } from 'vitest';
import { gatherMemberships } from './memberships.ts';
import { Renewals, RIGHT_ASKED_MS } from './renewals.ts';
import { GROUP, memoryHost, TestGroup } from './testing.ts';

const DAY = 86_400_000;
let today: number;
let host: Host;
let home: TestGroup;
let member: Membership;
let calls: string[];
let joined: Map<string, Membership>;
/** What the site does before it answers. */
let before: () => Promise<void>;
/** What its certificates grant. */
let rights: Membership['leaf']['rights'];

beforeEach(async () => {
  today = Date.UTC(2026, 6, 1);
  [calls, joined, before, rights] = [[], new Map(), async () => {}, []];
  host = await memoryHost(() => today);
  home = await TestGroup.make(GROUP, today);
  member = await enrol(host, home.file(), { fetch: site });
  calls = [];
});

const site: Fetch = async (url, init) => {
  calls.push(new URL(url).pathname);
  await before();
  const request = await readRequest(fromBase64Url(JSON.parse(init.body ?? '').csr) as Uint8Array);
  if (request === undefined) return new Response('{}', { status: 400 });
  const who = { group: GROUP, user: 'ada', device: 'laptop', peerId: new Uint8Array(20).fill(1), spki: request.spki };
  const leaf = await issueLeaf({ authority: home.ca, ...who, now: today, rights, serial: host.random.bytes(16) });
  return new Response(JSON.stringify({ leaf: toBase64Url(leaf) }));
};

const away = async (): Promise<void> => {
  throw new TypeError('fetch failed');
};

async function renewals(): Promise<Renewals> {
  const gathered = await gatherMemberships(host, undefined, { fetchFor: () => site, say: () => {} });
  for (const membership of gathered.memberships) joined.set(GROUP, membership);
  const take = async (membership: Membership) => void joined.set(GROUP, membership);
  const left = async (group: string) => void joined.delete(group);
  const o = { host, fetchFor: () => site, joined: () => [...joined.values()], renewed: take, join: take, left };
  return new Renewals(o, gathered);
}

test('a group that expired while its site was away is joined once the site answers', async () => {
  today += 31 * DAY;
  before = away;
  const running = await renewals();
  await running.renewAll();
  expect([joined.size, running.waiting.length, running.problems.size]).toEqual([0, 1, 1]);
  before = async () => {};
  await running.renewAll();
  expect(joined.get(GROUP)?.leaf.notAfter).toBe(today + 30 * DAY);
  expect([running.waiting.length, running.problems.size]).toEqual([0, 0]);
});

test('one that cannot be joined yet waits on with its new certificate, one that is refused does not', async () => {
  today += 31 * DAY;
  before = away;
  const gathered = await gatherMemberships(host, undefined, { fetchFor: () => site, say: () => {} });
  const join = () => Promise.reject(new PeerError('no-device', 'No device.'));
  const nothing = async () => {};
  const o = { host, fetchFor: () => site, joined: () => [], renewed: nothing, join, left: nothing };
  const running = new Renewals(o, gathered);
  before = nothing;
  await running.renewAll();
  expect(running.waiting[0]?.leaf.notAfter).toBe(today + 30 * DAY);
  expect(running.problems.get(GROUP)).toMatchObject({ code: 'no-device' });
  today += 31 * DAY;
  before = () => Promise.reject(new PeerError('removed', 'Removed.'));
  await running.renewAll();
  expect(running.waiting).toEqual([]);
  expect(running.problems.get(GROUP)?.message).toContain('Removed.');
});

test('a group that is left during a renewal stays left', async () => {
  const running = await renewals();
  today += 21 * DAY;
  let answer = (): void => {};
  const asked = new Promise<void>(told => {
    before = () =>
      new Promise(resolve => {
        answer = resolve;
        told();
      });
  });
  const renewal = running.renewAll();
  await asked;
  const leaving = running.forget(GROUP);
  const again = running.renewAll();
  answer();
  await Promise.all([renewal, leaving, again, running.renewAll()]);
  expect([joined.size, await loadMemberships(host)]).toEqual([0, []]);
  expect(calls).toEqual(['/api/renew']);
});

test('a group that is left lets go of its records before they are emptied, and they are emptied also where its device fails', async () => {
  const records = ['a card', 'a claim'];
  let isInUse = true;
  const shelf = async (): Promise<Shelf> => {
    if (isInUse) throw new Error('in use');
    return { batchMs: 0, load: () => [], write: () => {}, clear: () => void records.splice(0), close: () => {} };
  };
  const holding: Host = { ...host, shelf };
  const left = async () => {
    await host.storage.set(`acquaintances-${GROUP}`, new Uint8Array(1));
    isInUse = false;
    throw new Error('The device does not go.');
  };
  const gathered = await gatherMemberships(holding, undefined, { fetchFor: () => site, say: () => {} });
  const nothing = async () => {};
  const o = { host: holding, fetchFor: () => site, joined: () => [], renewed: nothing, join: nothing, left };
  await expect(new Renewals(o, gathered).forget(GROUP)).rejects.toThrow('The device does not go.');
  expect(records).toEqual([]);
  expect(await host.storage.get(`acquaintances-${GROUP}`)).toBeUndefined();
  expect(await loadMemberships(host)).toEqual([]);
});

test('two renewals at a time are one', async () => {
  const running = await renewals();
  today += 21 * DAY;
  await Promise.all([running.renewAll(), running.renewAll()]);
  expect(calls).toEqual(['/api/renew']);
  expect((await loadMemberships(host))[0]?.leaf.notAfter).toBe(today + 30 * DAY);
  expect(member.leaf.notAfter).toBeLessThan(today + 30 * DAY);
});

test('a certificate that is outdated is renewed when asked, whatever its date, and of no other group', async () => {
  const all = await renewals();
  await all.renewNow(GROUP);
  await all.renewNow('nobody');
  expect(calls).toEqual(['/api/renew']);
  expect((await loadMemberships(host))[0]?.leaf.tbsHash).not.toEqual(member.leaf.tbsHash);
});

test('a right that an administrator has given is asked for at once, and not without end', async () => {
  const all = await renewals();
  expect(await all.hasRight(GROUP, 'relay')).toBe(joined.get(GROUP)?.leaf.rights.includes('relay'));
  expect(await all.hasRight(GROUP, 'gateway')).toBe(false);
  expect(await all.hasRight(GROUP, 'gateway')).toBe(false);
  expect(calls).toHaveLength(1);
  rights = ['relay', 'gateway'];
  today += RIGHT_ASKED_MS;
  expect(await all.hasRight(GROUP, 'gateway')).toBe(true);
  expect(calls).toHaveLength(2);
  expect(await all.hasRight('nobody', 'gateway')).toBe(false);
});

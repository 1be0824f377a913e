/** Teams of members: who gives them, what certificates and the signed list say of them, and from when on. */
import { fromBase64Url, toBase64Url } from '@warren/base';
import type { GroupFile } from '@warren/group';
import { Authority, decodeRevocationList, type Leaf, parseLeaf, type RevocationList } from '@warren/trust';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { refreshLists } from './revocation-list.ts';
import { DAY } from './site.ts';
import { type Answer, type Browser, Device, newGroup, newInvite, siteWithAda, type TestSite } from './testing.ts';

let started: TestSite & { ada: Browser };
let group: string;
let bob: Browser;
beforeAll(async () => {
  started = await siteWithAda();
  group = await newGroup(started.ada);
  bob = started.browser();
  const token = await newInvite(started.ada, group, { autoApprove: true });
  await bob.post('/api/signup', { name: 'bob', displayName: 'Bob', password: 'correct horse', token });
});
beforeEach(async () => {
  group = await newGroup(started.ada);
  await letBobIn();
});
afterAll(() => started.close());

describe('teams', () => {
  test('are what an administrator says, for all to see, and in every certificate from then on', async () => {
    const laptop = await enrolled(bob, 'laptop');
    expect(laptop.leaf.teams).toEqual([]);
    const given = await give(['ops', 'family', 'ops']);
    expect([given.status, given.body.teams]).toEqual([200, ['family', 'ops']]);
    const { members } = (await bob.get(`/api/groups/${group}`)).body;
    expect(members.map((member: { teams: string[] }) => member.teams)).toEqual([[], ['family', 'ops']]);
    const renewed = leafOf(await renew(laptop));
    expect(renewed.teams).toEqual(['family', 'ops']);
    expect((await enrolled(bob, 'phone')).leaf.teams).toEqual(['family', 'ops']);
    await give([]);
    expect(leafOf(await renew({ ...laptop, leaf: renewed })).teams).toEqual([]);
    expect((await enrolled(started.ada, 'laptop')).leaf.teams).toEqual([]);
  });

  test('are an administrator’s to give, to members, within their bounds', async () => {
    refused(await give(['ops'], bob), 403, 'not-admin');
    refused(await give(['ops'], started.ada, 'nobody'), 404, 'no-member');
    for (const bad of [['Ops'], [''], ['a b'], ['-a'], ['a'.repeat(17)], ['a', 'b', 'c', 'd', 'e']]) {
      refused(await give(bad), 400, 'bad-teams');
    }
    refused(await give(['a'.repeat(16), 'b'.repeat(9)]), 400, 'bad-teams');
    for (const odd of [undefined, 'ops', [1], { ops: true }, new Array(17).fill('a')]) {
      refused(await give(odd), 400, 'bad-request');
    }
    expect((await list()).revoked).toEqual([]);
  });

  test('that change make all certificates from before silent about teams, and kill none', async () => {
    const laptop = await enrolled(bob, 'laptop');
    const answer = await give(['ops']);
    expect(decodeRevocationList(fromBase64Url(answer.body.list) as Uint8Array)).toEqual(await list());
    const first = await judge();
    expect(first(laptop.leaf)).toBe('silent');
    const second = { ...laptop, leaf: leafOf(await renew(laptop)) };
    expect((await judge())(second.leaf)).toBe('good');
    await give([]);
    const third = { ...laptop, leaf: leafOf(await renew(second)) };
    const last = await judge();
    expect([laptop, second, third].map(({ leaf }) => last(leaf))).toEqual(['silent', 'silent', 'good']);
    expect(await list()).toMatchObject({ head: { sequence: 2 }, revoked: [{ teamsOf: 'bob' }] });
    expect((await started.ada.get(`/api/groups/${group}/revocations`)).body.revoked).toMatchObject([
      { teamsOf: 'bob' },
    ]);
  });

  test('cost no entry where nothing changes, nor where no certificate is out', async () => {
    await give(['ops']);
    expect(await list()).toMatchObject({ head: { sequence: 0 }, revoked: [] });
    const laptop = await enrolled(bob, 'laptop');
    expect(laptop.leaf.teams).toEqual(['ops']);
    await give(['ops']);
    expect(await list()).toMatchObject({ head: { sequence: 0 }, revoked: [] });
  });

  test('stand in the list until all older certificates have run out', async () => {
    await enrolled(bob, 'laptop');
    await give(['ops']);
    for (const days of [31, 2]) {
      expect((await list()).revoked).toHaveLength(1);
      started.pass(days * DAY);
      await refreshLists(started.site);
    }
    expect((await list()).revoked).toEqual([]);
    started.pass(-33 * DAY);
  });

  test('that change in the second of a removal let no certificate survive it, and end with it', async () => {
    const laptop = await enrolled(bob, 'laptop');
    const leaves = [laptop.leaf];
    for (const teams of [['a'], ['b'], ['c']]) {
      await give(teams);
      leaves.push(leafOf(await renew({ ...laptop, leaf: leaves.at(-1) as Leaf })));
    }
    const changed = await judge();
    expect(leaves.map(changed)).toEqual(['silent', 'silent', 'silent', 'good']);
    await started.ada.call('DELETE', `/api/groups/${group}/members/bob`);
    const removed = await judge();
    expect(leaves.map(removed)).toEqual(['dead', 'dead', 'dead', 'dead']);
    await letBobIn();
    const again = await enrolled(bob, 'laptop');
    expect([again.leaf.teams, (await judge())(again.leaf)]).toEqual([[], 'good']);
  });

  test('are in the record of who decided what', async () => {
    await give(['ops', 'family']);
    await give([]);
    const rows = started.site.db.selectFrom('activity').select(['actor', 'target']).where('action', '=', 'teams');
    expect(await rows.where('group_id', '=', group).execute()).toEqual([
      { actor: 'ada', target: 'bob: family ops' },
      { actor: 'ada', target: 'bob: none' },
    ]);
  });

  test('of so many members may change in a month that removals have room yet', async () => {
    const laptop = await enrolled(bob, 'laptop');
    const now = started.site.now();
    for (let i = 0; i < 128; i++) {
      const user = `user-${i}`;
      const account = { name: user, display_name: user, password_hash: '', site_admin: 0, created_at: now };
      await started.site.db
        .insertInto('users')
        .values(account)
        .onConflict(old => old.doNothing())
        .execute();
      const member = { group_id: group, user, role: 'member', joined_at: now, teams_since: now } as const;
      await started.site.db.insertInto('members').values(member).execute();
    }
    refused(await give(['ops']), 409, 'list-full');
    expect(leafOf(await renew(laptop)).teams).toEqual([]);
    expect((await started.ada.call('DELETE', `/api/groups/${group}/members/bob`)).status).toBe(200);
  });
});

interface Enrolled {
  readonly device: Device;
  readonly leaf: Leaf;
}

function give(teams: unknown, by: Browser = started.ada, user = 'bob'): Promise<Answer> {
  return by.call('PUT', `/api/groups/${group}/members/${user}/teams`, { teams });
}

function refused(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body.error.code]).toEqual([status, code]);
}

async function letBobIn(): Promise<void> {
  const token = await newInvite(started.ada, group, { autoApprove: true });
  expect((await bob.post('/api/invites/accept', { token })).status).toBe(200);
}

async function enrolled(by: Browser, name: string): Promise<Enrolled> {
  const file: GroupFile = (await by.post(`/api/groups/${group}/devices`, { device: name, kind: 'edge' })).body.file;
  const device = await Device.make();
  return { device, leaf: leafOf(await started.browser().post('/api/enrol', await device.enrolment(file))) };
}

async function renew({ device, leaf }: Enrolled): Promise<Answer> {
  started.pass(1);
  const form = await device.renewal(toBase64Url(leaf.der), leaf.tbsHash, leaf.device, started.site.now());
  return started.browser().post('/api/renew', form);
}

function leafOf(answer: Answer): Leaf {
  const leaf = parseLeaf(fromBase64Url(answer.body.leaf ?? '') ?? new Uint8Array(0));
  if (leaf === undefined) throw new Error(JSON.stringify(answer.body));
  return leaf;
}

async function list(): Promise<RevocationList> {
  const { body } = await started.ada.get(`/api/groups/${group}/revocations`);
  return decodeRevocationList(fromBase64Url(body.list) as Uint8Array) as RevocationList;
}

/** What a member with the newest list makes of a certificate. */
async function judge(): Promise<(leaf: Leaf) => 'dead' | 'silent' | 'good'> {
  const made = await started.ada.post(`/api/groups/${group}/devices`, { device: 'judge', kind: 'edge' });
  const authority = Authority.group(fromBase64Url(made.body.file.ca) as Uint8Array) as Authority;
  expect(authority.revocations.learnList(await list())).toBe(true);
  return leaf => {
    if (!authority.certifies(leaf, started.site.now())) return 'dead';
    return authority.revocations.isOutdated(leaf) ? 'silent' : 'good';
  };
}

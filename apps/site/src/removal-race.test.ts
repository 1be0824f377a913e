/**
 * A removal and other calls at the same time: what was true when a call came in
 * need not be true any more when its transaction runs.
 */
import { fromBase64Url, toBase64Url } from '@warren/base';
import { Authority, decodeRevocationList, parseLeaf } from '@warren/trust';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type Answer, type Browser, Device, newGroup, newInvite, siteWithAda, type TestSite } from './testing.ts';

let started: TestSite & { ada: Browser };
let bob: Browser;
let group: string;
beforeAll(async () => {
  started = await siteWithAda();
  bob = started.browser();
  group = await newGroup(started.ada);
  const token = await newInvite(started.ada, group);
  await bob.post('/api/signup', { name: 'bob', displayName: 'Bob', password: 'correct horse', token });
});
beforeEach(async () => {
  group = await newGroup(started.ada);
  const token = await newInvite(started.ada, group, { autoApprove: true });
  await bob.post('/api/invites/accept', { token });
});
afterAll(() => started.close());

test('faults #98: a removal just before the transaction that adds a device leaves no group file that works', async () => {
  const { db } = started.site;
  const begin = db.transaction.bind(db);
  const late = { execute: async (steps: never) => (await remove()) && begin().execute(steps) };
  vi.spyOn(db, 'transaction').mockImplementationOnce(() => late as unknown as ReturnType<typeof begin>);
  const answer = await ask('laptop');
  expect([answer.status, answer.body.error?.code]).toEqual([404, 'unknown-group']);
  const devices = db.selectFrom('devices').select('name').where('group_id', '=', group);
  expect(await devices.execute()).toEqual([]);
});

test('faults #51: a secret or certificate of somebody who is no member gets nothing', async () => {
  const [laptop, phone] = [await Device.make(), await Device.make()];
  const [first, second] = [(await ask('laptop')).body.file, (await ask('phone')).body.file];
  const stranger = started.browser();
  const text: string = (await stranger.post('/api/enrol', await laptop.enrolment(first))).body.leaf;
  await started.site.db.deleteFrom('members').where('user', '=', 'bob').where('group_id', '=', group).execute();
  const leaf = parseLeaf(fromBase64Url(text) ?? new Uint8Array(0));
  if (leaf === undefined) throw new Error('the leaf cannot be read');
  const form = await laptop.renewal(toBase64Url(leaf.der), leaf.tbsHash, 'laptop', started.site.now());
  const answers = [
    await stranger.post('/api/renew', form),
    await stranger.post('/api/enrol', await laptop.enrolment(first)),
    await stranger.post('/api/enrol', await phone.enrolment(second)),
  ];
  expect(answers.map(({ status, body }) => [status, body.error?.code])).toEqual(answers.map(() => [403, 'removed']));
});

test('faults #98: each list that is read during a removal carries the signature over itself', async () => {
  const { ca_certificate } = await started.site.db
    .selectFrom('groups')
    .select('ca_certificate')
    .where('id', '=', group)
    .executeTakeFirstOrThrow();
  const removal = remove();
  const reading: Promise<Answer>[] = [];
  for (let n = 0; n < 40; n++) {
    reading.push(started.browser().get(`/api/groups/${group}/revocations`));
    await new Promise(resolve => setImmediate(resolve));
  }
  expect((await removal).status).toBe(200);
  const taken = (await Promise.all(reading)).map(({ body }) => {
    const list = decodeRevocationList(fromBase64Url(body.list) ?? new Uint8Array(0));
    return list !== undefined && Authority.group(ca_certificate)?.revocations.learnList(list);
  });
  expect(taken).toEqual(taken.map(() => true));
});

function ask(device: string): Promise<Answer> {
  return bob.post(`/api/groups/${group}/devices`, { device, kind: 'edge' });
}

function remove(): Promise<Answer> {
  return started.ada.call('DELETE', `/api/groups/${group}/members/bob`);
}

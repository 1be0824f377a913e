/**
 * Group files, enrolment and renewal where something is wrong.
 */
import { fromBase64Url, sameBytes, toBase64Url } from '@warren/base';
import type { GroupFile } from '@warren/group';
import { nobleVerifier, parseLeaf, readAuthority, revocationHeadText } from '@warren/trust';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refreshLists } from './revocation-list.ts';
import { DAY, HOUR, MINUTE } from './site.ts';
import { type Answer, type Browser, Device, newGroup, siteWithAda, type TestSite } from './testing.ts';

let started: TestSite & { ada: Browser };
let group: string;
beforeEach(async () => {
  started = await siteWithAda();
  group = await newGroup(started.ada);
});
afterEach(() => started.close());

describe('group files', () => {
  test('a second file for a device that has not enrolled replaces the first and keeps the peer id', async () => {
    const first = await fileFor('gw');
    const second = await fileFor('gw');
    const device = await Device.make();
    refused(await enrol(device, first), 403, 'unknown-enrolment');
    expect((await enrol(device, second)).status).toBe(200);
    expect(await started.site.db.selectFrom('devices').selectAll().execute()).toHaveLength(1);
  });

  test('an enrolled device gets no new file, except for the key that it had', async () => {
    const device = await Device.make();
    const first = await enrol(device, await fileFor('gw'));
    refused(await ask({ device: 'gw' }), 409, 'device-enrolled');
    refused(await ask({ device: 'gw', key: toBase64Url(new Uint8Array(32)) }), 409, 'device-enrolled');
    const key = toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(device.key.spki))));
    const again = await ask({ device: 'gw', key });
    const second = await enrol(device, again.body.file);
    expect(second.body.peerId).toBe(first.body.peerId);
    expect(second.body.leaf).not.toBe(first.body.leaf);
    const third = await ask({ device: 'gw', key });
    refused(await enrol(await Device.make(), third.body.file), 409, 'enrolment-used');
  });

  test('a device whose certificate ran out gets a new file, for the key that it had only', async () => {
    const device = await Device.make();
    const first = await enrol(device, await fileFor('gw'));
    started.pass(31 * DAY);
    await started.ada.post('/api/signin', { name: 'ada', password: 'correct horse' });
    const file = await fileFor('gw');
    refused(await enrol(await Device.make(), file), 409, 'enrolment-used');
    expect((await enrol(device, file)).body.peerId).toBe(first.body.peerId);
  });

  test('names are unique per user, not per group', async () => {
    const [mine, other] = [await fileFor('laptop'), await newGroup(started.ada, 'Other')];
    const elsewhere = await started.ada.post(`/api/groups/${other}/devices`, { device: 'laptop', kind: 'edge' });
    expect([mine.group, elsewhere.body.file.group]).toEqual([group, other]);
  });

  test.each(['', 'Laptop', '.hidden', '-x', 'a b', 'a/b', 'x'.repeat(33), 'é'])(
    'no device is called "%s"',
    async device => {
      refused(await ask({ device }), 400, 'bad-name');
    },
  );

  test('a member has at most 50 devices', async () => {
    for (let i = 0; i < 50; i++) await fileFor(`d${i}`);
    refused(await ask({ device: 'one-more' }), 409, 'too-many-devices');
    expect((await ask({ device: 'd0' })).status).toBe(200);
  });

  test('files that nobody used in time, and devices removed a month ago, leave their places to others', async () => {
    const device = await Device.make();
    const { peerId } = (await enrol(device, await fileFor('gone'))).body;
    for (let i = 0; i < 49; i++) await fileFor(`d${i}`);
    await started.ada.call('DELETE', `/api/groups/${group}/devices/${peerId}`);
    refused(await ask({ device: 'one-more' }), 409, 'too-many-devices');
    started.pass(DAY + MINUTE);
    for (let i = 0; i < 49; i++) expect((await ask({ device: `e${i}` })).status).toBe(200);
    const rows = started.site.db.selectFrom('devices').select('name').execute();
    expect(await rows).toHaveLength(50);
    for (const name of ['one-more', 'd0']) refused(await ask({ device: name }), 409, 'too-many-devices');
    started.pass(32 * DAY);
    await started.ada.post('/api/signin', { name: 'ada', password: 'correct horse' });
    for (let i = 0; i < 50; i++) expect((await ask({ device: `f${i}` })).status).toBe(200);
    refused(await ask({ device: 'gone' }), 409, 'too-many-devices');
  });
});

describe('enrolment', () => {
  test('asking again with the same key gives the same certificate; another key gets nothing', async () => {
    const file = await fileFor('gw');
    const device = await Device.make();
    const [first, second] = [await enrol(device, file), await enrol(device, file)];
    expect(second.body.leaf).toBe(first.body.leaf);
    refused(await enrol(await Device.make(), file), 409, 'enrolment-used');
    expect(await started.site.db.selectFrom('certificates').selectAll().execute()).toHaveLength(1);
  });

  test('of many keys that use one secret at once, one gets a certificate', async () => {
    const file = await fileFor('gw');
    const devices = await Promise.all([1, 2, 3, 4, 5].map(() => Device.make()));
    const answers = await Promise.all(devices.map(device => enrol(device, file)));
    expect(answers.map(answer => answer.status).sort()).toEqual([200, 409, 409, 409, 409]);
  });

  test('the secret works for a day', async () => {
    const file = await fileFor('gw');
    started.pass(DAY + MINUTE);
    refused(await enrol(await Device.make(), file), 410, 'enrolment-expired');
  });

  test('the secret of one group opens no other', async () => {
    const file = await fileFor('gw');
    const other = await newGroup(started.ada, 'Other');
    refused(await enrol(await Device.make(), { ...file, group: other }), 403, 'unknown-enrolment');
  });

  test('a request must be bound to this very secret and name this very device', async () => {
    const [file, other] = [await fileFor('gw'), await fileFor('tv')];
    const device = await Device.make();
    const { group: id, enrolment } = file;
    const send = async (csr: Uint8Array) =>
      started.ada.post('/api/enrol', { group: id, enrolment, csr: toBase64Url(csr) });
    refused(await send(await device.request('gw')), 403, 'bad-challenge');
    refused(await send(await device.request('gw', other.enrolment)), 403, 'bad-challenge');
    refused(await send(await device.request('tv', enrolment)), 400, 'other-device');
    const csr = await device.request('gw', enrolment);
    csr[csr.length - 1] = (csr.at(-1) ?? 0) ^ 1;
    refused(await send(csr), 400, 'bad-csr');
  });

  test('a flood of certificates for one device stops at ten a day', async () => {
    const device = await Device.make();
    const { body } = await enrol(device, await fileFor('gw'));
    const { tbsHash } = parseLeaf(fromBase64Url(body.leaf) as Uint8Array) ?? {};
    const answers: number[] = [];
    for (let i = 1; i <= 12; i++) {
      const at = started.site.now() + i;
      const form = await device.renewal(body.leaf, tbsHash as Uint8Array, 'gw', at);
      answers.push((await started.ada.post('/api/renew', form)).status);
    }
    expect(answers).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 200, 429, 429, 429]);
  });
});

describe('renewal', () => {
  test('needs a clock that is about right, and the same key and device', async () => {
    const device = await Device.make();
    const { body } = await enrol(device, await fileFor('gw'));
    const { tbsHash } = parseLeaf(fromBase64Url(body.leaf) as Uint8Array) as { tbsHash: Uint8Array };
    const now = started.site.now();
    const send = async (form: object) => started.ada.post('/api/renew', form);
    refused(await send(await device.renewal(body.leaf, tbsHash, 'gw', now - HOUR)), 400, 'clock-off');
    refused(await send(await device.renewal(body.leaf, tbsHash, 'gw', now + HOUR)), 400, 'clock-off');
    refused(await send(await device.renewal(body.leaf, tbsHash, 'tv', now)), 400, 'other-device');
    const good = (await device.renewal(body.leaf, tbsHash, 'gw', now)) as Record<string, unknown>;
    refused(await send({ ...good, at: now + 1 }), 403, 'not-ours');
    const swapped = toBase64Url(await (await Device.make()).request('gw'));
    refused(await send({ ...good, csr: swapped }), 403, 'not-ours');
    expect((await send(good)).status).toBe(200);
  });

  test('a certificate of another site is not ours', async () => {
    const other = await siteWithAda();
    const id = await newGroup(other.ada);
    const { file } = (await other.ada.post(`/api/groups/${id}/devices`, { device: 'gw', kind: 'edge' })).body;
    const device = await Device.make();
    const { leaf } = (await other.ada.post('/api/enrol', await device.enrolment(file))).body;
    const { tbsHash } = parseLeaf(fromBase64Url(leaf) as Uint8Array) as { tbsHash: Uint8Array };
    await other.close();
    const form = await device.renewal(leaf, tbsHash, 'gw', started.site.now());
    refused(await started.ada.post('/api/renew', form), 403, 'not-ours');
  });
});

describe('the revocation list', () => {
  test('is signed again every day and at each enrolment, and counts on where the clock was set back', async () => {
    const ca = readAuthority(fromBase64Url((await fileFor('gw')).ca) as Uint8Array);
    if (typeof ca === 'string') throw new Error(ca);
    const dates: number[] = [];
    const sequences: number[] = [];
    const look = async (): Promise<void> => {
      const { head } = (await started.ada.get(`/api/groups/${group}/revocations`)).body;
      const signature = fromBase64Url(head.signature) as Uint8Array;
      expect(nobleVerifier.verify(ca.publicKey, revocationHeadText(group, head), signature)).toBe(true);
      dates.push(head.signedAt);
      sequences.push(head.sequence);
    };
    await look();
    started.pass(HOUR);
    await refreshLists(started.site);
    await look();
    started.pass(DAY);
    await refreshLists(started.site);
    await look();
    started.pass(-2 * DAY);
    const file = await fileFor('tv');
    expect((await enrol(await Device.make(), file)).status).toBe(200);
    await look();
    const [first = 0, ...later] = dates;
    expect(later.map(date => Math.round((date - first) / HOUR))).toEqual([0, 25, -23]);
    expect(sequences).toEqual([0, 0, 0, 1]);
  });
});

test('the log of issued certificates cannot be changed or shortened', async () => {
  await enrol(await Device.make(), await fileFor('gw'));
  const { db } = started.site;
  await expect(db.deleteFrom('certificates').execute()).rejects.toThrow('only grows');
  await expect(db.updateTable('certificates').set({ issued_at: 0 }).execute()).rejects.toThrow('only grows');
});

test('a leaf is good for 30 days and begins five minutes ago', async () => {
  const { body } = await enrol(await Device.make(), await fileFor('gw'));
  const leaf = parseLeaf(fromBase64Url(body.leaf) as Uint8Array);
  expect(Math.abs((leaf?.notAfter ?? 0) - Date.now() - 30 * DAY)).toBeLessThan(MINUTE);
  expect(Math.abs((leaf?.notBefore ?? 0) - Date.now() + 5 * MINUTE)).toBeLessThan(MINUTE);
  expect(sameBytes(leaf?.der ?? new Uint8Array(0), fromBase64Url(body.leaf) as Uint8Array)).toBe(true);
});

async function ask(wish: { device: string; key?: string }): Promise<Answer> {
  return started.ada.post(`/api/groups/${group}/devices`, { kind: 'edge', ...wish });
}

async function fileFor(device: string): Promise<GroupFile> {
  return (await ask({ device })).body.file;
}

async function enrol(device: Device, file: GroupFile): Promise<Answer> {
  return started.browser().post('/api/enrol', await device.enrolment(file));
}

function refused(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  expect(answer.body.error.message).toMatch(/^[A-Z].*\.$/);
}

import { fromBase64Url, type Random, toBase64Url } from '@warren/base';
import { type GroupFile, withoutSecret } from '@warren/group';
import { type Fetch, type Host, issueLeaf, keepRevocations, loadMemberships, readRequest } from '@warren/peer';
import { type Revocation, type RevocationList, revocationHeadText, revocationListText } from '@warren/trust';
import { beforeEach, expect, test } from 'vitest';
import { gatherMemberships } from './memberships.ts';
import { type Step, stepText } from './progress.ts';
import { GROUP, memoryHost, OTHER_GROUP, TestGroup } from './testing.ts';

const DAY = 86_400_000;
const random: Random = { bytes: length => crypto.getRandomValues(new Uint8Array(length)) };
let today: number;
let host: Host;
let home: TestGroup;
let work: TestGroup;
/** Calls to the site, as `/api/enrol laptop`. */
let asked: string[];
let steps: Step[];
let revoked: Revocation[];
/** What the site answers instead of a certificate. */
let refusal: { code: string; message: string; hint?: string } | undefined;

beforeEach(async () => {
  today = Date.UTC(2026, 6, 1);
  [asked, steps, revoked, refusal] = [[], [], [], undefined];
  host = await memoryHost(() => today);
  home = await TestGroup.make(GROUP, today);
  work = await TestGroup.make(OTHER_GROUP, today);
});

const gather = (file?: GroupFile) =>
  gatherMemberships(host, file, { fetchFor: fetchOf, say: step => void steps.push(step) });
const workFile = () => work.file({ name: 'Work', subnet: '10.200.0.0/16', site: 'https://work.example' });

test('a new group file is enrolled, told, and started without afterwards', async () => {
  const { memberships } = await gather(home.file());
  expect(memberships.map(({ file }) => [file.group, file.enrolment])).toEqual([[GROUP, undefined]]);
  expect(steps.map(stepText)).toEqual([
    'Home: enrolling as laptop.ada at https://site.example',
    'Home: certificate for laptop.ada, good until 2026-07-31',
  ]);
  expect((await gather()).memberships).toHaveLength(1);
  expect(asked).toEqual(['/api/enrol laptop']);
});

test('a used file of this very device just starts', async () => {
  await gather(home.file());
  expect((await gather(withoutSecret(home.file()))).memberships).toHaveLength(1);
  expect((await gather(home.file())).memberships).toHaveLength(1);
  expect(asked).toEqual(['/api/enrol laptop']);
});

test('a file for another device of the same group is refused, and so is another authority', async () => {
  await gather(home.file());
  await expect(gather(home.file({ device: 'server' }))).rejects.toMatchObject({
    code: 'other-device',
    message: 'This machine is laptop.ada in Home, and the group file is for server.ada.',
  });
  const impostor = await TestGroup.make(GROUP, today);
  await expect(gather(impostor.file())).rejects.toMatchObject({ code: 'other-authority' });
  expect(asked).toEqual(['/api/enrol laptop']);
});

test('a newer file tells of bootstrap nodes that moved, an older one does not', async () => {
  await gather(home.file());
  const moved = { bootstraps: ['wss://elsewhere.example/bootstrap'], expires: '2026-07-09T00:00:00.000Z' };
  await gather(home.file(moved));
  expect((await gather(home.file())).memberships[0]?.file.bootstraps).toEqual(moved.bootstraps);
  expect((await loadMemberships(host))[0]?.file.enrolment).toBeUndefined();
});

test('groups are joined side by side, unless their subnets overlap', async () => {
  await gather(home.file());
  await expect(gather(work.file({ name: 'Work', subnet: '10.128.4.0/24' }))).rejects.toMatchObject({
    code: 'overlapping-subnets',
    message: 'Work uses 10.128.4.0/24, which overlaps 10.128.0.0/16 of Home.',
  });
  expect((await gather(workFile())).memberships.map(({ file }) => file.name)).toEqual(['Home', 'Work']);
});

test('without a group there is nothing to do', async () => {
  await expect(gather()).rejects.toMatchObject({ code: 'no-group' });
});

test('a refused enrolment is the reason, and nothing is kept', async () => {
  refusal = { code: 'enrolment-expired', message: 'The enrolment secret has expired.' };
  await expect(gather(home.file())).rejects.toMatchObject(refusal);
  expect(await loadMemberships(host)).toEqual([]);
});

test('a certificate is renewed from its twentieth day on', async () => {
  await gather(home.file());
  today += 19 * DAY;
  await gather();
  today += 2 * DAY;
  const { memberships, problems } = await gather();
  expect(asked).toEqual(['/api/enrol laptop', '/api/renew laptop']);
  expect(memberships[0]?.leaf.notAfter).toBe(today + 30 * DAY);
  expect(problems.size).toBe(0);
});

test('a renewal that fails is a problem but no obstacle, as long as the certificate is good', async () => {
  await gather(home.file());
  today += 25 * DAY;
  refusal = { code: 'ca-locked', message: 'The CA key is locked.' };
  const { memberships, problems } = await gather();
  expect(memberships).toHaveLength(1);
  expect(problems.get(GROUP)).toMatchObject({ code: 'not-renewed', exit: 1 });
  expect(problems.get(GROUP)?.message).toContain(
    'ends on 2026-07-31, and could not be renewed yet: The CA key is locked.',
  );
});

test('an expired certificate leaves its group out, and is the reason when there is no other', async () => {
  await gather(home.file());
  today += 15 * DAY;
  await gather(workFile());
  today += 16 * DAY;
  refusal = { code: 'certificate-expired', message: 'The certificate has run out.' };
  const { memberships, problems } = await gather();
  expect(memberships.map(({ file }) => file.name)).toEqual(['Work']);
  expect([...problems].map(([group, { code }]) => [group, code])).toEqual([[GROUP, 'certificate-expired']]);
  today += 30 * DAY;
  await expect(gather()).rejects.toMatchObject({ code: 'certificate-expired', exit: 4 });
});

test.each(['site-unreachable', 'ca-key-locked'])(
  'an expired certificate waits when the renewal fails with %s',
  async code => {
    await gather(home.file());
    today += 31 * DAY;
    refusal = { code, message: 'Not now.', hint: 'Look at the site.' };
    const { memberships, waiting, problems } = await gather();
    expect([memberships.length, waiting.map(({ file }) => file.name)]).toEqual([0, ['Home']]);
    expect(problems.get(GROUP)).toMatchObject({
      code: 'waiting-for-site',
      message: 'The certificate for Home ran out on 2026-07-31, and could not be renewed: Not now.',
      hint: 'Look at the site. It is asked every minute, and Home joined then.',
    });
    expect((await gather(workFile()).catch(error => error)).message).toBe('Not now.');
  },
);

test('a group that waits leaves room for the others', async () => {
  await gather(home.file());
  today += 15 * DAY;
  await gather(workFile());
  today += 16 * DAY;
  refusal = { code: 'site-unreachable', message: 'Away.' };
  const { memberships, waiting } = await gather();
  expect([memberships, waiting].map(list => list.map(({ file }) => file.name))).toEqual([['Work'], ['Home']]);
});

test('what a refusal advises is passed on', async () => {
  await gather(home.file());
  today += 31 * DAY;
  refusal = { code: 'clock-off', message: 'The clock is off.', hint: 'Set it.' };
  await expect(gather()).rejects.toMatchObject({ code: 'certificate-expired', hint: 'Set it.', exit: 4 });
});

test('faults #51: a removed machine starts nothing and says so, until a new group file lets it in again', async () => {
  await gather(home.file());
  revoked = [{ user: 'ada', before: today + DAY }];
  today += 21 * DAY;
  refusal = { code: 'removed', message: 'This device was removed from the group.' };
  expect((await gather()).problems.get(GROUP)?.message).toContain('This device was removed from the group.');
  await keepRevocations(host, GROUP, await signedList());
  await expect(gather()).rejects.toMatchObject({
    code: 'removed',
    message: 'This machine was removed from Home.',
    exit: 4,
  });
  refusal = undefined;
  const { memberships } = await gather(home.file({ expires: '2026-07-25T00:00:00.000Z' }));
  expect(memberships[0]?.leaf.notBefore).toBeGreaterThan(today - DAY);
  expect((await gather()).memberships).toHaveLength(1);
});

test('a new file gives an expired device its next certificate', async () => {
  await gather(home.file());
  today += 31 * DAY;
  const { memberships, problems } = await gather(home.file({ expires: '2026-08-02T00:00:00.000Z' }));
  expect(asked).toEqual(['/api/enrol laptop', '/api/enrol laptop']);
  expect([memberships.length, problems.size]).toEqual([1, 0]);
});

/** A site that certifies whoever asks, or refuses. */
function fetchOf(file: GroupFile): Fetch {
  return async (url, init) => {
    const body = JSON.parse(init.body ?? '') as { csr: string };
    const request = await readRequest(fromBase64Url(body.csr) as Uint8Array);
    if (request === undefined) throw new Error('not a certificate request');
    asked.push(`${new URL(url).pathname} ${request.device}`);
    if (refusal !== undefined) return new Response(JSON.stringify({ error: refusal }), { status: 410 });
    const { group, user, device } = file;
    const peerId = new Uint8Array(20).fill(group === GROUP ? 1 : 2);
    const authority = (group === GROUP ? home : work).ca;
    const serial = random.bytes(16);
    const leaf = await issueLeaf({ authority, group, user, device, peerId, spki: request.spki, now: today, serial });
    return new Response(JSON.stringify({ leaf: toBase64Url(leaf) }));
  };
}

/** What the authority of the group says of removed members. */
async function signedList(): Promise<RevocationList> {
  const sign = async (text: Uint8Array) =>
    new Uint8Array(await crypto.subtle.sign('Ed25519', home.ca.privateKey, text.slice()));
  const dated = { sequence: 1, signedAt: today };
  const head = { ...dated, signature: await sign(revocationHeadText(GROUP, dated)) };
  return { head, revoked, signature: await sign(revocationListText(GROUP, dated, revoked)) };
}

/**
 * What a person may hold in their hands: group files that were cut or damaged,
 * certificates that are another group's or out of date, an identity that runs
 * twice. `warren` says what is wrong and ends; members that are well go on.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toBase64Url } from '@warren/base';
import { type GroupFile, parseGroupFile, printGroupFile } from '@warren/group';
import { nodeHost } from '@warren/node';
import { issueCertificateAuthority, issueLeaf, loadMemberships, saveMembership } from '@warren/peer';
import { readLeaf } from '@warren/trust';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecResult } from './lab.ts';
import { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');
/** How many places of a group file are damaged, and cut. */
const PLACES = 8;
const DAY_MS = 86_400_000;

describe.skipIf(reason !== undefined)(`bad files${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gamma']);
    [alpha, beta] = await Promise.all([around.join('alpha'), around.join('beta')]);
    await alpha.reach((await beta.self()).address);
  });

  afterAll(() => around?.end());

  test('a group file that was cut anywhere is refused in words', { timeout: 60_000 }, async () => {
    const whole = Buffer.from(await around.groupFile('gamma'));
    const cuts = places(whole.length - 2).map(place => whole.subarray(0, place));
    for (const answer of await tryFiles('cut', cuts)) refused(answer, 1, /group file/);
  });

  test('a group file with one bit flipped anywhere is refused in words', { timeout: 60_000 }, async () => {
    const whole = Buffer.from(await around.groupFile('gamma'));
    const flipped = places(whole.length).map((place, i) => {
      const copy = Buffer.from(whole);
      copy[place] = (copy[place] ?? 0) ^ (1 << (i % 8));
      return copy;
    });
    for (const answer of await tryFiles('flipped', flipped)) refused(answer, 1, /group file/);
  });

  test('what is no group file at all is refused in words', async () => {
    const others = ['', '{}', 'null', '[1, 2]', '\u0000\u0001', `{"warren": 2}`, 'x'.repeat(1_000_000)];
    for (const answer of await tryFiles(
      'other',
      others.map(text => Buffer.from(text)),
    ))
      refused(answer, 1, /group file/);
    refused(await attempt(around.folder), 1, /is a folder, not a group file/);
    refused(await attempt(join(around.folder, 'nowhere.warren')), 1, /There is no file/);
  });

  test("a group file with another group's authority, however well made, gets no certificate accepted", async () => {
    const other = await strangeGroup('liar');
    const mine = await fileFor('liar');
    const lying = printGroupFile({ ...mine, ca: other.file.ca });
    const [answer] = await tryFiles('lying', [Buffer.from(lying)]);
    refused(answer, 1, /certificate that does not fit the group file/);
    await membersPing();
  });

  test('a secret of one group is none of another', async () => {
    const second = await around.ada.newGroup('Second');
    const [mine, theirs] = [await fileFor('gamma'), read(await around.ada.groupFile(second, 'gamma'))];
    const mixed = printGroupFile({ ...theirs, enrolment: mine.enrolment ?? '' });
    const [answer] = await tryFiles('mixed', [Buffer.from(mixed)]);
    refused(answer, 4, /group file|secret|enrol/i);
    await membersPing();
  });

  test("a stored certificate of another group's authority is refused at the start, in words", async () => {
    const state = join(around.folder, 'swapped');
    const strange = await strangeGroup('gamma');
    // The authority of the real group, the leaf of the other.
    const { check: _, ...file } = strange.file;
    const swapped = read(printGroupFile({ ...file, ca: (await fileFor('gamma')).ca }));
    await store(state, swapped, spki => strange.leaf(spki, Date.now()));
    refused(await attempt(undefined, state), 1, /certificate is not accepted/);
    await membersPing();
  });

  test('an expired certificate is refused at the start, in words that say what to do', async () => {
    const state = join(around.folder, 'expired');
    const strange = await strangeGroup('gamma');
    await store(state, strange.file, spki => strange.leaf(spki, Date.now() - 40 * DAY_MS));
    const answer = await attempt(undefined, state);
    refused(answer, 4, /ran out on \d{4}-\d\d-\d\d, and could not be renewed/);
    expect(answer.stderr).toMatch(/new group file/);
  });

  test('a membership that the disk damaged is told, and a new group file brings the machine back as the same', {
    timeout: 60_000,
  }, async () => {
    const before = await beta.self();
    await beta.process.stop();
    const stored = join(beta.state, 'values', `membership-${around.group}.value`);
    const bytes = await readFile(stored);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    await writeFile(stored, bytes);
    const answer = await beta.attempt();
    refused(answer, 1, /is in no group/);
    expect(answer.stdout).toMatch(/membership-.* is damaged and counts as absent/);
    await beta.take(await around.ada.groupFile(around.group, 'beta', await keyOf(beta.state, around.group)));
    await beta.up(beta.file);
    expect(await beta.self()).toEqual(before);
    const answered = async () => (await alpha.ping(before.address, 1)).lost;
    await expect.poll(answered, { timeout: 30_000, interval: 100 }).toBe(0);
  });

  test('one state folder is for one daemon: the second is refused', async () => {
    refused(await beta.attempt(), 1, /Another Warren runs with .* Stop it with `.*warren down`/);
    await membersPing();
  });

  test('faults #42 one identity that runs twice harms nobody, and the first is reachable once it is alone again', {
    timeout: 120_000,
  }, async () => {
    const before = await beta.self();
    const copy = new LabEdge(around.lab, around.folder, 'gamma', { state: join(around.folder, 'copy') });
    await cp(beta.state, copy.state, { recursive: true });
    await copy.up();
    expect((await copy.self()).peerId).toBe(before.peerId);
    const count = await alpha.ping(before.address, 50, 100);
    const links = async (edge: LabEdge) =>
      (await edge.group()).links.map(({ peerId, kind }) => `${kind} ${peerId.slice(0, 4)}`).join(', ') || 'none';
    console.log(
      `two of one identity: ${count.sent - count.lost} of ${count.sent} pings answered; links of alpha: ${await links(alpha)}; ` +
        `of beta: ${await links(beta)}; of its copy: ${await links(copy)}; address of the copy: ${(await copy.self()).address}`,
    );
    for (const edge of [alpha, beta, copy]) expect(edge.process.running).toBe(true);
    expect((await copy.warren('down')).code).toBe(0);
    const started = performance.now();
    const answered = async () => (await alpha.ping(before.address, 1)).lost;
    await expect.poll(answered, { timeout: 40_000, interval: 100 }).toBe(0);
    console.log(
      `the first reachable again ${((performance.now() - started) / 1000).toFixed(1)} s after the copy stopped`,
    );
    await membersPing();
    expect(await beta.self()).toEqual(before);
  });

  test('a certificate that ran out while the site is away waits, says so, and can be left', {
    timeout: 60_000,
  }, async () => {
    const state = join(around.folder, 'waiting');
    const strange = await strangeGroup('gamma');
    await store(state, strange.file, spki => strange.leaf(spki, Date.now() - 40 * DAY_MS));
    await around.site.stop();
    const gamma = new LabEdge(around.lab, state, 'gamma', { state });
    const waiting = gamma.launch();
    await waiting.line(/^warren: The certificate for Strange ran out .* Cannot reach .* It is asked every minute/);
    await expect.poll(async () => (await gamma.status()).health.map(({ code }) => code)).toContain('waiting-for-site');
    expect((await gamma.warren('leave')).stdout).toContain('Left Strange.');
    expect(await waiting.exit).toMatchObject({ code: 0 });
    await around.site.start();
  });

  test('a machine that was removed is told at its next start, and ends with 4', { timeout: 60_000 }, async () => {
    const { peerId } = await beta.self();
    await beta.process.stop();
    await around.ada.delete(`/api/groups/${around.group}/devices/${peerId}`);
    refused(await beta.attempt(), 4, /was removed from Lab/);
    refused(await beta.attempt(), 4, /was removed from Lab/);
  });

  async function membersPing(): Promise<void> {
    expect(await alpha.ping((await beta.self()).address, 10, 50)).toMatchObject({ sent: 10, lost: 0 });
  }

  /** A fresh group file of the lab's group, read. */
  async function fileFor(device: string): Promise<GroupFile> {
    return read(await around.groupFile(device));
  }

  /** Runs `warren up` on gamma with each of these as group file, some at a time; each must end by itself. */
  async function tryFiles(name: string, contents: readonly Buffer[]): Promise<ExecResult[]> {
    const answers: ExecResult[] = [];
    for (let i = 0; i < contents.length; i += 4) {
      const some = contents.slice(i, i + 4).map(async (content, k) => {
        const path = join(around.folder, `${name}-${i + k}.warren`);
        await writeFile(path, content);
        return attempt(path, join(around.folder, `${name}-${i + k}-state`));
      });
      answers.push(...(await Promise.all(some)));
    }
    return answers;
  }

  /** Runs `warren up` on gamma to its end. */
  function attempt(path?: string, state = join(around.folder, 'gamma-state')): Promise<ExecResult> {
    const edge = new LabEdge(around.lab, state, 'gamma', { state });
    return edge.attempt(...(path === undefined ? [] : [path]));
  }

  /** Another group, whose authority is ours: its group file for a device, and leaves for that, dated as one likes. */
  async function strangeGroup(device: string) {
    const { check: _, enrolment: __, ...real } = await fileFor(device);
    const group = 'a'.repeat(26);
    const keys = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
    const serial = () => crypto.getRandomValues(new Uint8Array(16));
    const ca = await issueCertificateAuthority(keys, group, Date.now() - 100 * DAY_MS, serial());
    const peerId = crypto.getRandomValues(new Uint8Array(20));
    const wish = { authority: keys, group, user: real.user, device, peerId };
    return {
      file: read(printGroupFile({ ...real, group, name: 'Strange', ca: toBase64Url(ca) })),
      leaf: (spki: Uint8Array, now: number) => issueLeaf({ ...wish, spki, now, serial: serial() }),
    };
  }
});

/** Puts a membership into a state folder, as if it had been obtained. */
async function store(stateDir: string, file: GroupFile, leafFor: (spki: Uint8Array) => Promise<Uint8Array>) {
  await mkdir(stateDir, { recursive: true });
  const host = await nodeHost({ kind: 'edge', stateDir, udp: false, webrtc: false });
  const { spki } = await host.identity(`group-${file.group}`);
  const leaf = readLeaf(await leafFor(spki));
  if (typeof leaf === 'string') throw new Error(`a leaf of the test is ${leaf}`);
  await saveMembership(host, { file, leaf });
  expect(await loadMemberships(host)).toHaveLength(1);
  await host.datagrams.stop();
}

/** What the site knows a machine's key by. */
async function keyOf(stateDir: string, group: string): Promise<string> {
  const host = await nodeHost({ kind: 'edge', stateDir, udp: false, webrtc: false });
  const { spki } = await host.identity(`group-${group}`);
  await host.datagrams.stop();
  return createHash('sha256').update(spki).digest('base64url');
}

/** It ended by itself with this exit code and a sentence; no stack trace, no mistake of ours. */
function refused(answer: ExecResult | undefined, code: number, words: RegExp): void {
  expect(answer?.stderr).toMatch(words);
  expect(answer?.stderr).toMatch(/^warren: .+\.\n$/s);
  expect(answer?.stderr.trim().split('\n')).toHaveLength(1);
  expect(answer?.stderr).not.toMatch(/mistake in Warren|\bat .*:\d+|Error:/);
  expect(answer?.code).toBe(code);
}

/** So many places in `length`, from the first to the last. */
function places(length: number): number[] {
  return Array.from({ length: PLACES }, (_, i) => Math.floor((i * (length - 1)) / (PLACES - 1)));
}

function read(text: string): GroupFile {
  const file = parseGroupFile(text);
  if ('error' in file) throw new Error(file.error);
  return file;
}

/**
 * The stage of the demo: a site, two people with a browser each and two edges,
 * each in a network namespace of its own, joined as a person would join them.
 *
 * ```text
 *   site        ada          bob          alpha        beta
 *   npm start   Chromium     Chromium     warren up    warren up
 *     |            |            |            |            |
 *  198.51.100.1   .2           .3           .4           .5
 *     +------------+----- wan -+------------+------------+
 * ```
 */
import { createHash, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { GroupView } from '@warren/peer';
import type { Browser } from 'playwright';
import { launch } from '../browser/chromium.ts';
import { Person } from '../browser/person.ts';
import { Lab } from '../netns/lab.ts';
import type { LabProcess } from '../netns/lab-process.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
const GROUP = 'Demo group';
const PORT = 8443;

/** One member of the demo's group, however it is reached. */
export type DemoMember = DemoTab | DemoEdge;

/** A tab. */
export interface DemoTab extends Reachable {
  readonly kind: 'browser';
  readonly person: Person;
}

/** A Linux machine. */
export interface DemoEdge extends Reachable {
  readonly kind: 'edge';
  /** The process id of `warren up`. */
  readonly pid: number;
}

interface Reachable {
  /** The lab's host. */
  readonly host: string;
  /** The group as this member's running peer shows it. */
  view(): Promise<GroupView | undefined>;
  /** Echo requests to an address: with the machine's own `ping` from edges, through the page's peer from tabs. */
  ping(address: string, count: number): Promise<{ sent: number; lost: number; rttMs: number }>;
}

/** Everything that stands on the stage. */
export interface Scene {
  readonly lab: Lab;
  readonly members: readonly DemoMember[];
  end(): Promise<void>;
}

/** Sets the stage; `step` hears what is being done. */
export async function setScene(step: (line: string) => void): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-demo-'));
  const lab = await Lab.create({ hosts: ['site', 'ada', 'bob', 'alpha', 'beta'] });
  const browsers: Browser[] = [];
  const end = async () => {
    await Promise.all(browsers.map(browser => browser.close()));
    await lab.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const members = await enter(lab, folder, browsers, step);
    return { lab, members, end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function enter(
  lab: Lab,
  folder: string,
  browsers: Browser[],
  step: (line: string) => void,
): Promise<DemoMember[]> {
  step('starting the site and its bootstrap node');
  const { setupLink, pin } = await startSite(lab, folder);
  const visit = async (host: string, name: string) => {
    const args = [`--ignore-certificate-errors-spki-list=${pin}`];
    const browser = await launch({ namespace: lab.namespace(host), args });
    browsers.push(browser);
    return Person.in(browser, name);
  };
  step('Ada makes the first account, creates a group and joins in her tab');
  const ada = await visit('ada', 'Ada');
  await ada.setUp(setupLink);
  await ada.createGroup(GROUP);
  await ada.joinInTab('laptop');
  step('Bob opens her invite link in his browser and joins in his tab');
  const bob = await visit('bob', 'Bob');
  await bob.acceptInvite(await ada.invite(true), GROUP);
  await bob.joined();
  step('two Linux machines come up with group files downloaded from the page');
  const alpha = await startEdge(lab, folder, 'alpha', await ada.groupFile('alpha'));
  const beta = await startEdge(lab, folder, 'beta', await bob.groupFile('beta'));
  return [tab('ada', ada), tab('bob', bob), alpha, beta];
}

async function startSite(lab: Lab, folder: string): Promise<{ setupLink: string; pin: string }> {
  const data = join(folder, 'site');
  const site = lab.spawn(
    'site',
    [
      process.execPath,
      join(ROOT, 'apps/site/src/main.ts'),
      '--listen',
      `${lab.address('site')}:${PORT}`,
      '--data',
      data,
    ],
    { env: { XDG_STATE_HOME: join(folder, 'state') }, cwd: ROOT },
  );
  const [setupLink] = await site.line(/https?:\/\/\S+#setup=\S+/, 60_000);
  const certificate = new X509Certificate(await readFile(join(data, 'tls.crt')));
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return { setupLink, pin: createHash('sha256').update(spki).digest('base64') };
}

function tab(host: string, person: Person): DemoTab {
  return {
    host,
    kind: 'browser',
    person,
    view: async () => (await person.view()).groups[0],
    async ping(address, count) {
      const { sent, lost, rttsMs } = await person.ping(address, count, 200);
      return { sent, lost, rttMs: rttsMs.reduce((sum, rtt) => sum + rtt, 0) / Math.max(1, rttsMs.length) };
    },
  };
}

async function startEdge(lab: Lab, folder: string, host: string, groupFile: string): Promise<DemoEdge> {
  const state = join(folder, host);
  const file = join(folder, `${host}.warren`);
  await mkdir(state);
  await writeFile(file, groupFile, { mode: 0o600 });
  const socket = join(state, 'warren.sock');
  const warren = (...args: string[]) => [
    process.execPath,
    join(ROOT, 'apps/edge/bin/warren.js'),
    ...args,
    '--socket',
    socket,
  ];
  const daemon: LabProcess = lab.spawn(host, warren('up', file, '--state', state), { cwd: ROOT });
  await daemon.line(/ready/i, 60_000);
  return {
    host,
    kind: 'edge',
    pid: daemon.pid,
    async view() {
      const { stdout } = await lab.exec(host, warren('status', '--json'), { allowFailure: true });
      return (JSON.parse(stdout) as { groups?: GroupView[] }).groups?.[0];
    },
    async ping(address, count) {
      const argv = ['ping', '-n', '-q', '-c', String(count), '-i', '0.2', '-W', '3', address];
      const { stdout } = await lab.exec(host, argv, { allowFailure: true, timeoutMs: 60_000 });
      const [, sent = '0', received = '0'] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
      const rttMs = Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1] ?? Number.NaN);
      return { sent: Number(sent), lost: Number(sent) - Number(received), rttMs };
    },
  };
}

/**
 * Three tabs in three profiles, each in a browser and a network namespace of its
 * own, are a mesh: direct, complete, and able to lose a tab, a cable and the site.
 *
 * ```text
 *   site        ada          bob          carl
 *   npm start   Chromium     Firefox      Chromium
 *     +------------+----- wan -+------------+
 * ```
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GroupView, PeerView } from '@warren/peer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../netns/lab.ts';
import { LabSite } from '../netns/lab-site.ts';
import { skipReason } from '../netns/requirements.ts';
import { LabBrowser } from './lab-browsers.ts';
import type { Person } from './person.ts';

const reason = skipReason('root', 'namespaces', 'iproute2', 'nftables', 'chromium', 'firefox-esr');
const GROUP = 'Hikers';
/** How long a mesh of three may take to be complete. */
const MESH_MS = 40_000;
/** How soon the others must see that somebody is gone. */
const GONE_MS = 20_000;

describe.skipIf(reason !== undefined)(`three tabs${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: Lab;
  let site: LabSite;
  let folder: string;
  const browsers: LabBrowser[] = [];
  const persons = (): Person[] => browsers.map(({ person }) => person);
  const [ADA, BOB, CARL] = [0, 1, 2];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-mesh-'));
    lab = await Lab.create({ hosts: ['site', 'ada', 'bob', 'carl'] });
    site = await LabSite.start(lab, folder);
    for (const name of ['Ada', 'Bob', 'Carl']) {
      const program = name === 'Bob' ? 'firefox' : 'chromium';
      browsers.push(await LabBrowser.open(lab, site, folder, name.toLowerCase(), name, program));
    }
    const [ada, bob, carl] = persons() as [Person, Person, Person];
    await ada.setUp(site.setupLink);
    await ada.createGroup(GROUP);
    await ada.joinInTab('laptop');
    for (const friend of [bob, carl]) await friend.acceptInvite(await ada.invite(true), GROUP);
    await Promise.all([bob.joined(), carl.joined()]);
  });

  afterAll(async () => {
    await Promise.all(browsers.map(browser => browser.close().catch(() => {})));
    await lab?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('everyone has a direct WebRTC link to everyone, and all know all addresses, which differ', async () => {
    const took = await timed(() => fullMesh(persons()));
    console.log(`mesh complete ${took} s after the last one joined`);
    const views = await groupsOf(persons());
    const own = views.map(({ self }) => `${self.name} ${self.address}`).sort();
    expect(new Set(own.map(line => line.split(' ')[1])).size).toBe(3);
    for (const view of views) {
      expect(view.members.map(({ name, address }) => `${name} ${address}`).sort()).toEqual(own);
      expect(view.self.address).toMatch(/^10\./);
    }
    for (const [from, to] of pairs(browsers)) expect(await udpPackets(lab, from.host, to.host)).toBeGreaterThan(10);
  });

  test('each sends each a line of text, which comes once', async () => {
    await exchangeTexts(persons(), 'hello');
  });

  test('each pings each by name, and no request is lost', async () => {
    await pingAll(persons(), 20, 50);
  });

  test('one whose browser is killed is gone for the others within 20 s, and is the same when it is back', {
    timeout: 120_000,
  }, async () => {
    const carl = browsers[CARL] as LabBrowser;
    const view = await carl.person.view();
    const before = selfOf(view);
    await carl.kill();
    const took = await timed(() =>
      Promise.all(
        persons()
          .slice(0, 2)
          .map(person => gone(person, before.peerId)),
      ),
    );
    console.log(`a killed browser was gone for the others after ${took} s`);
    await carl.start();
    await carl.person.comeBack(site.origin, view.groups[0]?.group ?? '');
    expect(selfOf(await carl.person.view())).toEqual(before);
    const back = await timed(() => fullMesh(persons()));
    console.log(`mesh complete again ${back} s after its tab joined`);
  });

  test('a reload keeps peer id and address, and the tab is back in the mesh', async () => {
    const bob = persons()[BOB] as Person;
    const before = selfOf(await bob.view());
    const took = await timed(async () => {
      await bob.page.reload();
      await bob.joined();
      await fullMesh(persons());
    });
    console.log(`mesh complete again ${took} s after a reload`);
    expect(selfOf(await bob.view())).toEqual(before);
  });

  test('one whose cable is pulled is gone within 20 s, and back by itself once it is in again', async () => {
    const [bob, others] = [persons()[BOB] as Person, [persons()[ADA], persons()[CARL]] as Person[]];
    const before = selfOf(await bob.view());
    await lab.setCable('bob', false);
    const took = await timed(() => Promise.all(others.map(person => gone(person, before.peerId))));
    await lab.setCable('bob', true);
    const back = await timed(() => fullMesh(persons()));
    console.log(`without a cable it was gone after ${took} s, with it the mesh was complete after ${back} s`);
    expect(selfOf(await bob.view())).toEqual(before);
  });

  test('faults #27 the site stops, and the mesh goes on: texts, pings and direct links', async () => {
    await fullMesh(persons());
    await site.stop();
    await exchangeTexts(persons(), 'without a site');
    await pingAll(persons(), 20, 250);
    await fullMesh(persons());
  });

  test('no tab complained of anything but the site and cable that were taken away', () => {
    const complaints = persons().flatMap(person => person.complaints);
    expect(
      complaints.filter(text => !/ERR_|status of 4|WebSocket connection|establish a connection/.test(text)),
    ).toEqual([]);
  });
});

/** Waits until each has a direct WebRTC link to each other, with its address. */
async function fullMesh(persons: readonly Person[]): Promise<void> {
  const missing = async (): Promise<string[]> => (await groupsOf(persons)).flatMap(lacks);
  await expect.poll(missing, { timeout: MESH_MS, message: 'the mesh is complete' }).toEqual([]);
}

/** What a view lacks to a full mesh, in words. */
function lacks({ self, members }: GroupView): string[] {
  const others = members.filter(member => !member.self);
  return others
    .filter(({ online, address, link }) => !online || address === undefined || link?.kind !== 'webrtc')
    .map(
      o => `${self.name} sees ${o.name} ${o.online ? 'online' : 'offline'}, ${o.address}, ${o.link?.kind ?? 'no link'}`,
    );
}

/** Waits until a member is neither online nor linked for `person`. */
async function gone(person: Person, peerId: string): Promise<void> {
  const isGone = ({ groups }: PeerView): boolean => {
    const member = groups[0]?.members.find(other => other.peerId === peerId);
    return member?.online !== true && groups[0]?.links.every(link => link.peerId !== peerId) === true;
  };
  await person.until(isGone, GONE_MS, 'it is still there');
}

/** A line from each to each; each must come once. */
async function exchangeTexts(persons: readonly Person[], what: string): Promise<void> {
  const ids = (await groupsOf(persons)).map(({ self }) => self.peerId);
  const before = await Promise.all(persons.map(async person => (await person.heard()).length));
  for (const [from, to] of pairs(persons)) {
    const peerId = ids[persons.indexOf(to)] as string;
    expect(await from.say(peerId, `${what}, ${to.name}, says ${from.name}`)).toBe(true);
  }
  const heard = async () =>
    (await Promise.all(persons.map((person, i) => person.heard().then(all => all.slice(before[i]))))).map(lines =>
      lines.map(({ peerId, text }) => `${ids.indexOf(peerId)} ${text}`).sort(),
    );
  const wanted = persons.map(to =>
    persons.flatMap((from, i) => (from === to ? [] : `${i} ${what}, ${to.name}, says ${from.name}`)).sort(),
  );
  await expect.poll(heard, { timeout: 10_000 }).toEqual(wanted);
}

async function pingAll(persons: readonly Person[], count: number, intervalMs: number): Promise<void> {
  const names = (await groupsOf(persons)).map(({ self }) => self.name);
  const reports = await Promise.all(
    pairs(persons).map(([from, to]) => from.ping(names[persons.indexOf(to)] as string, count, intervalMs)),
  );
  expect(reports.map(({ sent, lost }) => ({ sent, lost }))).toEqual(reports.map(() => ({ sent: count, lost: 0 })));
  const rtts = reports.flatMap(({ rttsMs }) => rttsMs).sort((a, b) => a - b);
  console.log(`${rtts.length} pings between tabs: median ${rtts[rtts.length >> 1]?.toFixed(1)} ms`);
}

function groupsOf(persons: readonly Person[]): Promise<GroupView[]> {
  return Promise.all(persons.map(async person => (await person.view()).groups[0] as GroupView));
}

function selfOf(view: PeerView): { peerId: string; address: string | undefined } {
  const { peerId = '', address } = view.groups[0]?.self ?? {};
  return { peerId, address };
}

function pairs<T>(of: readonly T[]): [T, T][] {
  return of.flatMap(from => of.filter(to => to !== from).map((to): [T, T] => [from, to]));
}

async function timed(what: () => Promise<unknown>): Promise<string> {
  const start = performance.now();
  await what();
  return ((performance.now() - start) / 1000).toFixed(1);
}

/** UDP packets both ways between two hosts, by the kernel's count. */
async function udpPackets(lab: Lab, host: string, peer: string): Promise<number> {
  const counters = await lab.counters(host);
  return counters.filter(c => c.protocol === 'udp' && c.peer === peer).reduce((sum, c) => sum + c.packets, 0);
}

/**
 * A tab and a Linux machine in one group: the machine's own `ping` reaches the
 * tab through the TAP device, the tab pings the machine, and the witness outside
 * says that it went directly.
 *
 * ```text
 *   site        ada          alpha
 *   npm start   Chromium     warren up
 *     +------------+----- wan -+
 * ```
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinkKind } from '@warren/peer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Lab } from '../netns/lab.ts';
import { LabEdge } from '../netns/lab-edge.ts';
import { LabSite } from '../netns/lab-site.ts';
import { skipReason } from '../netns/requirements.ts';
import { LabBrowser } from './lab-browsers.ts';
import type { Person } from './person.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'chromium');
const PATIENCE_MS = 40_000;
const PINGS = 20;

describe.skipIf(reason !== undefined)(`a tab and an edge${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let lab: Lab;
  let folder: string;
  let browser: LabBrowser;
  let ada: Person;
  let alpha: LabEdge;
  let tabAddress = '';
  let edgeAddress = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'warren-kinds-'));
    lab = await Lab.create({ hosts: ['site', 'ada', 'alpha'] });
    const site = await LabSite.start(lab, folder);
    browser = await LabBrowser.open(lab, site, folder, 'ada', 'Ada');
    ada = browser.person;
    await ada.setUp(site.setupLink);
    await ada.createGroup('Home');
    await ada.joinInTab('laptop');
    alpha = await LabEdge.join(lab, folder, 'alpha', await ada.groupFile('alpha'));
    tabAddress = (await ada.view()).groups[0]?.self.address ?? '';
    edgeAddress = (await alpha.self()).address;
  });

  afterAll(async () => {
    await browser?.close().catch(() => {});
    await lab?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Waits until both see a link of this kind to each other. */
  async function linked(kind: LinkKind): Promise<void> {
    const kinds = async () =>
      [(await ada.view()).groups[0], await alpha.group()].map(view => view?.members.find(m => !m.self)?.link?.kind);
    await expect.poll(kinds, { timeout: PATIENCE_MS, interval: 250 }).toEqual([kind, kind]);
  }

  test('they find each other and link directly, by WebRTC', async () => {
    await linked('webrtc');
  });

  test("the machine's own ping reaches the tab's address through the device, directly", async () => {
    expect(await alpha.show('route', 'get', tabAddress)).toContain((await alpha.self()).device);
    const [before, relayed] = [await passed('alpha', 'udp', 'ada'), await passed('site', 'tcp', 'ada')];
    const { sent, lost, rttMs } = await alpha.ping(tabAddress, PINGS);
    expect({ sent, lost }).toEqual({ sent: PINGS, lost: 0 });
    expect((await passed('alpha', 'udp', 'ada')) - before).toBeGreaterThanOrEqual(2 * PINGS);
    expect((await passed('site', 'tcp', 'ada')) - relayed).toBeLessThan(2 * PINGS);
    expect(await passed('alpha', 'tcp', 'ada')).toBe(0);
    console.log(`edge to tab: ${rttMs.toFixed(1)} ms`);
  });

  test('the tab pings the machine by address and by both names, directly', async () => {
    for (const target of [edgeAddress, 'alpha', 'alpha.ada']) {
      const before = await passed('ada', 'udp', 'alpha');
      const { address, sent, lost, rttsMs } = await ada.ping(target, PINGS, 50);
      expect({ address, sent, lost }).toEqual({ address: edgeAddress, sent: PINGS, lost: 0 });
      expect((await passed('ada', 'udp', 'alpha')) - before).toBeGreaterThanOrEqual(2 * PINGS);
      console.log(`tab to edge (${target}): ${(rttsMs.reduce((a, b) => a + b) / rttsMs.length).toFixed(1)} ms`);
    }
  });

  test('`warren ping` reaches the tab by name and says how', async () => {
    const { code, stdout } = await alpha.warren('ping', 'laptop', '-c', '5', '-i', '0.1', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'laptop.ada', lost: 0, link: { kind: 'webrtc' } });
  });

  test('`warren crawl` walks round the ring of both, and all agree', async () => {
    const walked = async () => {
      const { code, stdout } = await alpha.warren('crawl', '--json');
      const { ok, peers = [] } = JSON.parse(stdout) as { ok?: boolean; peers?: { name: string; kind: string }[] };
      return { code, ok, peers: peers.map(({ name, kind }) => `${name} ${kind}`).sort() };
    };
    const everybody = ['alpha.ada edge', 'laptop.ada browser'];
    await expect.poll(walked, { timeout: PATIENCE_MS }).toEqual({ code: 0, ok: true, peers: everybody });
    const { code, stdout } = await alpha.warren('crawl', '--census');
    expect(code).toBe(0);
    expect(stdout).toContain('2 of 2 peers are linked to the nearest on both sides');
  });

  test('a member that both see has one kind, name and address in both views', async () => {
    const seen = async () =>
      [(await ada.view()).groups[0], await alpha.group()].map(view =>
        view?.members.map(({ name, kind, address, online }) => `${name} ${kind} ${address} ${online}`).sort(),
      );
    const members = [`alpha.ada edge ${edgeAddress} true`, `laptop.ada browser ${tabAddress} true`];
    await expect.poll(seen, { timeout: PATIENCE_MS }).toEqual([members, members]);
  });

  test('an echo as large as the device takes comes back too', async () => {
    const argv = ['ping', '-n', '-q', '-c', '5', '-i', '0.1', '-W', '3', '-M', 'do', '-s', '1252', tabAddress];
    const { stdout } = await lab.exec('alpha', argv);
    expect(stdout).toContain('5 received');
  });

  test('faults #24 without UDP they still reach each other, by another kind of link, and go back to direct', {
    timeout: 120_000,
  }, async () => {
    await lab.blockUdp('alpha');
    const reached = async () => (await alpha.ping(tabAddress, 1)).lost;
    await expect.poll(reached, { timeout: PATIENCE_MS, interval: 100 }).toBe(0);
    const udp = await passed('alpha', 'udp', 'ada');
    const { sent, lost } = await alpha.ping(tabAddress, PINGS);
    expect({ sent, lost }).toEqual({ sent: PINGS, lost: 0 });
    expect(await ada.ping('alpha', PINGS, 100)).toMatchObject({ lost: 0 });
    expect(await passed('alpha', 'udp', 'ada')).toBe(udp);
    await lab.unblockUdp('alpha');
    const started = performance.now();
    await linked('webrtc');
    console.log(`direct again ${((performance.now() - started) / 1000).toFixed(1)} s after UDP passed again`);
  });

  /** Packets both ways between two hosts, by the kernel's count. */
  async function passed(host: string, protocol: 'udp' | 'tcp', peer: string): Promise<number> {
    const counters = (await lab.counters(host)).filter(c => c.protocol === protocol && c.peer === peer);
    return counters.reduce((sum, { packets }) => sum + packets, 0);
  }
});

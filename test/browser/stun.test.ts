/**
 * Two tabs, each behind a router of its own: only with the address that a STUN
 * server sees can one of them reach the other, so the site's bootstrap node
 * has to be one, and the page has to know.
 *
 *     ada --- r1 ---+--- wan ---+--- r2 --- bob
 *  Chromium         |           |        Chromium
 *                   +--- site --+
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { putBehind } from '../netns/home-router.ts';
import { Lab } from '../netns/lab.ts';
import { LabSite } from '../netns/lab-site.ts';
import { skipReason } from '../netns/requirements.ts';
import { LabBrowser } from './lab-browsers.ts';
import type { Person } from './person.ts';

const reason = skipReason('root', 'namespaces', 'iproute2', 'nftables', 'chromium');

describe.skipIf(reason !== undefined)(
  `tabs behind routers${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    let lab: Lab;
    let folder: string;
    let browsers: LabBrowser[] = [];
    let ada: Person;
    let bob: Person;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'warren-stun-'));
      lab = await Lab.create({ hosts: ['site', 'r1', 'r2', 'ada', 'bob'] });
      await putBehind(lab, 'ada', 'r1', 1);
      await putBehind(lab, 'bob', 'r2', 2);
      const site = await LabSite.start(lab, folder);
      browsers = [
        await LabBrowser.open(lab, site, folder, 'ada', 'Ada'),
        await LabBrowser.open(lab, site, folder, 'bob', 'Bob'),
      ];
      [ada, bob] = browsers.map(({ person }) => person) as [Person, Person];
      await ada.setUp(site.setupLink);
      await ada.createGroup('Home');
      await ada.joinInTab('laptop');
    });

    afterAll(async () => {
      await Promise.allSettled(browsers.map(browser => browser.close()));
      await lab?.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('Chromium takes the answers of the bootstrap node, and learns the address of its router', async () => {
      const candidates = await ada.page.evaluate(gather, `stun:${lab.address('site')}:8443`);
      const reflexive = candidates.filter(candidate => candidate.includes(' typ srflx '));
      expect(reflexive.some(candidate => candidate.includes(` ${lab.address('r1')} `))).toBe(true);
    });

    test('they link directly, by WebRTC', async () => {
      await bob.acceptInvite(await ada.invite(true), 'Home');
      await bob.joined();
      const kinds = async () =>
        (await Promise.all([ada.view(), bob.view()])).map(
          view => view.groups[0]?.members.find(m => !m.self)?.link?.kind,
        );
      await expect.poll(kinds, { timeout: 40_000, interval: 250 }).toEqual(['webrtc', 'webrtc']);
    });
  },
);

/** In the page: all candidates that ICE gathers with a STUN server. */
async function gather(url: string): Promise<string[]> {
  const connection = new RTCPeerConnection({ iceServers: [{ urls: url }] });
  connection.createDataChannel('x');
  const candidates: string[] = [];
  const done = new Promise<void>(resolve => {
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) resolve();
      else candidates.push(candidate.candidate);
    };
  });
  await connection.setLocalDescription();
  await done;
  connection.close();
  return candidates;
}

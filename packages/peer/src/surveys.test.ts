/** Crawls, censuses and broadcasts of whole participants in virtual time, and what their promises do. */
import { cheapCrypto, type Resident, simRevocations, Village } from '@warren/sim';
import { encodeRevocationMessage } from '@warren/wire';
import { beforeAll, describe, expect, test } from 'vitest';
import { Surveys } from './surveys.ts';
import type { CrawlView } from './view.ts';

describe('a group of three edges and a tab', () => {
  let village: Village;
  let members: Resident[];
  let a: Resident;
  let surveys: Surveys;

  beforeAll(() => {
    village = new Village(88, {}, cheapCrypto);
    village.bootstrap('well');
    members = [...['a', 'b', 'c'].map(name => village.edge(name)), village.browser('tab')];
    for (const member of members) member.join();
    const isWhole = () => members.every(({ friends, online }) => friends.length === 3 && online.length === 3);
    for (let i = 0; i < 60 && !isWhole(); i++) village.world.run(1000);
    expect(isWhole()).toBe(true);
    village.world.run(2000);
    [a] = members as [Resident];
    surveys = surveysOf(a);
  });

  test('is crawled with names, in the order of the ring; who asks meanwhile gets the same', async () => {
    const progress: CrawlView[] = [];
    const found = surveys.crawl(view => progress.push(view));
    expect(surveys.crawl()).toBe(found);
    pass(1000);
    const view = await found;
    expect(view.peers.map(({ peerId }) => peerId)).toEqual(members.map(({ peerId }) => peerId).sort());
    expect(view).toMatchObject({ complete: true, inconsistencies: [] });
    const tab = view.peers.find(({ name }) => name === 'tab.tab');
    expect(tab).toMatchObject({ kind: 'browser', links: 3, resting: false, rttMs: expect.any(Number) });
    expect(tab?.successors).toHaveLength(3);
    expect(JSON.parse(JSON.stringify(view))).toEqual(view);
    const held = members.reduce((sum, { view: { recordsHeld } }) => sum + recordsHeld, 0);
    expect(view.peers.reduce((sum, { recordsHeld }) => sum + recordsHeld, 0)).toBe(held);
  });

  test('is counted; a third count at once is too much', async () => {
    const count = async () => {
      const found = surveys.census();
      pass(500);
      return await found;
    };
    const sum = { peers: 4, consistent: 4, links: 6, browsers: 1, depth: 1, unanswered: 0 };
    expect(await count()).toMatchObject(sum);
    expect(await count()).toMatchObject(sum);
    await expect(count()).rejects.toMatchObject({ code: 'busy' });
  });

  test('faults #102: who waits for an answer hears when the group is left', async () => {
    const leaving = surveysOf(a);
    const found = leaving.crawl();
    leaving.stop();
    await expect(found).rejects.toMatchObject({ code: 'left' });
    pass(1000);
  });

  test('faults #102: who asks after the group was left hears so', async () => {
    const over = surveysOf(a);
    over.stop();
    await expect(over.crawl()).rejects.toMatchObject({ code: 'left' });
    await expect(over.census()).rejects.toMatchObject({ code: 'left' });
  });

  test('who asks for a walk while another of this device goes on hears that it is busy, and can ask later', async () => {
    const found = surveys.crawl();
    await expect(surveysOf(a).crawl()).rejects.toMatchObject({ code: 'busy' });
    pass(1000);
    await found;
  });

  test('faults #74 #75: does not hand on junk of a member, nor an older list, and counts both', () => {
    const lists = [1, 2].map(sequence =>
      simRevocations(village.authority, { sequence, signedAt: village.unixMs, revoked: [] }),
    );
    const [older, newer] = lists as [(typeof lists)[0], (typeof lists)[0]];
    a.driver.act(now => a.group.learnRevocations(newer, now));
    village.world.run(2000);
    const others = members.slice(1);
    const handedOn = () => others.map(({ group }) => group.network.overlay.ringWideStats.broadcasts.handedOn);
    const before = handedOn();
    const head = encodeRevocationMessage({ kind: 'head', head: older.head });
    const junk = Uint8Array.of(1, 2, 3);
    for (const content of [head, junk]) {
      expect(a.driver.act(now => broadcast(a, content, now))).toBe(true);
      village.world.run(3000);
    }
    expect(handedOn()).toEqual(before);
    const stats = others.map(({ group }) => group.revocations.stats);
    expect(stats).toEqual(others.map(() => ({ malformed: 1, forged: 0, old: 1 })));
  });

  test('faults #49: begins nothing of the kind in the public overlay', () => {
    const { overlay } = a.peer.public;
    const { now } = village.world;
    expect([overlay.broadcast(Uint8Array.of(1), now), overlay.census(1, now)]).toEqual([false, false]);
  });

  test('faults #102: a member that has left, or was removed, begins nothing', async () => {
    const [, b, c] = members as [Resident, Resident, Resident];
    b.driver.act(now => b.group.leave(now));
    await expect(surveysOf(b).census()).rejects.toMatchObject({ code: 'left' });
    await expect(surveysOf(b).crawl()).rejects.toMatchObject({ code: 'left' });
    const revoked = [{ user: c.name, before: village.unixMs }];
    const list = simRevocations(village.authority, { sequence: 9, signedAt: village.unixMs, revoked });
    c.driver.act(now => c.group.learnRevocations(list, now));
    await expect(surveysOf(c).census()).rejects.toMatchObject({ code: 'removed' });
    const waiting = surveysOf(c);
    waiting.stop();
    await expect(waiting.crawl()).rejects.toMatchObject({ code: 'removed' });
  });

  /** Lets time pass, and tells the surveys what came. */
  function pass(ms: number): void {
    const from = a.heard.length;
    village.world.run(ms);
    for (const out of a.heard.slice(from)) {
      if (out.kind === 'group' && (out.out.kind === 'crawled' || out.out.kind === 'gathered')) surveys.output(out.out);
    }
  }
});

function surveysOf({ driver, group }: Resident): Surveys {
  return new Surveys(group, (what, tag) => driver.act(now => group.survey(what, tag, now)));
}

function broadcast({ group }: Resident, content: Uint8Array, now: number): boolean {
  const hasBegun = group.network.overlay.broadcast(content, now);
  group.settle(now);
  return hasBegun;
}

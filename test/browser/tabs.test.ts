/**
 * Tabs among members in Node: what they do for others, and what becomes of one
 * that nobody looks at: hidden with slowed timers, then frozen, then in front
 * again. A member in Node watches it from outside.
 */
import type { MemberView } from '@warren/peer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whyNoChromium } from './chromium.ts';
import { MixedGroup } from './mixed-group.ts';
import type { NodeMember } from './node-member.ts';
import type { Person } from './person.ts';
import { PlainChromium } from './plain-chromium.ts';

const NODES = 5;
/** Longer than a link waits for a sign of life (3 to 8 s). */
const QUIET_MS = 10_000;
const INTENSIVE_AFTER_S = 1;
const WATCH_EVERY_MS = 100;
const PATIENCE_MS = 20_000;
/** A tab that is thawed is back within this. */
const BACK_MS = 5_000;

describe.skipIf(whyNoChromium !== undefined)('tabs among members in Node', () => {
  let browser: PlainChromium;
  let group: MixedGroup;
  let ada: Person;
  let node: NodeMember;

  beforeAll(async () => {
    browser = await PlainChromium.start({ intensiveAfterS: INTENSIVE_AFTER_S });
    group = await MixedGroup.make([await browser.newPage(), await browser.newPerson()], NODES);
    ada = group.tabs[0] as Person;
    node = group.nodes[0] as NodeMember;
  });

  afterAll(async () => {
    await group?.end();
    await browser?.close();
  });

  /** The first tab as the member in Node sees it. */
  function tab(): MemberView | undefined {
    return node.view().members.find(({ name }) => name === 'tab.ada');
  }

  test('they pass on datagrams of others, hold records, and link directly', async () => {
    await group.complete();
    await expect.poll(() => tab()?.link?.kind, { timeout: PATIENCE_MS }).toBe('webrtc');
    const { tabs, all } = await group.duties();
    console.log(
      `${tabs.members} tabs of ${all.members} members: ${share(tabs.forwarded, all.forwarded)} of datagrams passed on, ` +
        `${share(tabs.records, all.records)} of records`,
    );
    expect(tabs.forwarded).toBeGreaterThan(0);
    expect(tabs.records).toBeGreaterThan(0);
  });

  test('they relay between members in Node who cannot meet', async () => {
    await group.talkThroughRelays(50);
    const { tabs, all } = await group.duties();
    console.log(
      `${tabs.members} tabs of ${all.members} members: ${share(tabs.relayed, all.relayed)} of datagrams relayed (P2 4.3)`,
    );
    expect(all.relayed).toBeGreaterThan(100);
    expect(tabs.relayed).toBeGreaterThan(0);
  });

  test('the page walks round the ring and shows everybody, and so does the map', async () => {
    await ada.page.getByRole('button', { name: 'Walk round the ring' }).click();
    await ada.page.getByText(`${group.tabs.length + NODES} peers asked: all agree about the ring`).waitFor();
    const table = ada.page.getByRole('table', { name: 'Everybody, in the order of the ring' });
    expect(await table.getByRole('rowheader').count()).toBe(group.tabs.length + NODES);
    expect(await ada.page.getByRole('option', { name: /^node-0\.ada, Linux machine, direct/ }).count()).toBe(1);
  });

  test('a broadcast reaches them as it does everybody', async () => {
    const before = await Promise.all(group.tabs.map(takenBy));
    const tookMs = await group.removeLastNode(PATIENCE_MS);
    const after = await Promise.all(group.tabs.map(takenBy));
    console.log(`a removal was known to all after ${tookMs.toFixed(0)} ms`);
    for (const [i, taken] of after.entries()) expect(taken).toBeGreaterThan(before[i] ?? 0);
  });

  test('a tab says that it is in the background, and others list it so, until it is in front again', async () => {
    const show = await browser.hide(ada.page);
    await expect.poll(() => tab()?.resting, { timeout: PATIENCE_MS, interval: 50 }).toBe(true);
    const crawl = await node.group.crawl();
    expect(crawl.peers.find(({ name }) => name === 'tab.ada')).toMatchObject({ kind: 'browser', resting: true });
    expect(crawl.peers.length).toBe(group.tabs.length + NODES - 1);
    await show();
    await expect.poll(() => tab()?.resting, { timeout: PATIENCE_MS, interval: 50 }).toBeUndefined();
  });

  test('faults #35 a hidden tab with slowed timers keeps its link and answers every ping', async () => {
    await startTicking(ada);
    const show = await browser.hide(ada.page);
    const lapses: string[] = [];
    const watch = setInterval(() => {
      if (tab()?.link?.kind !== 'webrtc') lapses.push(tab()?.link?.kind ?? 'no link');
    }, WATCH_EVERY_MS);
    const [ticks, hiddenAt] = [await ticksOf(ada), performance.now()];
    await new Promise(resolve => setTimeout(resolve, QUIET_MS));
    const { sent, lost, rttsMs } = await node.group.ping('tab', { count: 10, intervalMs: 100 });
    clearInterval(watch);
    const slowed = (await ticksOf(ada)) - ticks;
    console.log(
      `hidden for ${seconds(hiddenAt)} s: a timer of 100 ms ran ${slowed} times; ${lost} of ${sent} pings lost`,
    );
    console.log(`slowest answer ${Math.max(...rttsMs).toFixed(0)} ms`);
    await show();
    expect(slowed).toBeLessThan(QUIET_MS / 500);
    expect({ lost, lapses }).toEqual({ lost: 0, lapses: [] });
  });

  test('faults #35 a frozen tab is gone for others; when it wakes it is back by itself within 5 s, and says so', async () => {
    const thaw = await browser.freeze(ada.page);
    const frozenAt = performance.now();
    await expect.poll(() => tab()?.online, { timeout: PATIENCE_MS, interval: 50 }).toBe(false);
    const noticed = seconds(frozenAt);
    await thaw();
    const thawedAt = performance.now();
    await expect.poll(() => tab()?.link !== undefined, { timeout: PATIENCE_MS, interval: 20 }).toBe(true);
    const back = performance.now() - thawedAt;
    expect(await node.group.ping('tab', { count: 1, timeoutMs: 3_000 })).toMatchObject({ lost: 0 });
    console.log(`a frozen tab was gone after ${noticed} s, and back ${(back / 1000).toFixed(1)} s after it woke`);
    expect(back).toBeLessThan(BACK_MS);
    await ada.page.getByText(/^This tab was asleep for \d+ seconds\.$/).waitFor();
    await ada.page.getByText('It is back in the mesh.').waitFor();
  });

  test('the records that a tab holds reach the disk of the browser, and a reloaded tab has records again', async () => {
    const bob = group.tabs[1] as Person;
    const name = node.view().group;
    await expect.poll(() => keptBy(bob, name), { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    await bob.page.reload();
    await bob.joined();
    const { groups } = await bob.until(
      view => view.groups[0]?.storage?.state === 'on' && view.groups[0].storage.entries > 0,
      PATIENCE_MS,
      'the reloaded tab has no records',
    );
    expect(groups[0]?.recordsHeld).toBeGreaterThan(0);
  });
});

/** How many entries the browser has on the shelf of a group. */
function keptBy({ page }: Person, group: string): Promise<number> {
  return page.evaluate(
    async shelf =>
      new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open(shelf);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const count = opening.result.transaction('entries').objectStore('entries').count();
          count.onsuccess = () => resolve(count.result);
          count.onerror = () => reject(count.error);
        };
      }),
    `warren-shelf-${group}`,
  );
}

declare global {
  /** How often a timer of 100 ms of the page ran. */
  var ticks: number;
}

async function takenBy(tab: Person): Promise<number> {
  return (await tab.view()).groups[0]?.broadcasts?.taken ?? 0;
}

async function startTicking({ page }: Person): Promise<void> {
  await page.evaluate(() => {
    globalThis.ticks = 0;
    const tick = (): void => {
      globalThis.ticks++;
      setTimeout(tick, 100);
    };
    tick();
  });
}

function ticksOf({ page }: Person): Promise<number> {
  return page.evaluate(() => globalThis.ticks);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function share(part: number, whole: number): string {
  return `${part} of ${whole} (${((100 * part) / whole).toFixed(0)} %)`;
}

/**
 * A tab that nobody looks at: hidden with slowed timers, then frozen, then in
 * front again. A member in Node watches it from outside.
 */
import type { MemberView } from '@warren/peer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { whyNoChromium } from './chromium.ts';
import { NodeMember } from './node-member.ts';
import { Person } from './person.ts';
import { PlainChromium } from './plain-chromium.ts';
import { startTestSite, type TestSite } from './test-site.ts';

/** Longer than a link waits for a sign of life (3 to 8 s). */
const QUIET_MS = 10_000;
const INTENSIVE_AFTER_S = 1;
const WATCH_EVERY_MS = 100;
const PATIENCE_MS = 20_000;
/** A tab that is thawed is back within this. */
const BACK_MS = 5_000;

describe.skipIf(whyNoChromium !== undefined)('a tab that nobody looks at', () => {
  let browser: PlainChromium;
  let site: TestSite;
  let ada: Person;
  let nas: NodeMember;

  beforeAll(async () => {
    [browser, site] = await Promise.all([PlainChromium.start({ intensiveAfterS: INTENSIVE_AFTER_S }), startTestSite()]);
    ada = Person.at(await browser.newPage(), 'Ada');
    await ada.setUp(site.setupLink);
    await ada.createGroup('Home');
    await ada.joinInTab('laptop');
    const [group] = (await ada.view()).groups;
    nas = await NodeMember.join(ada.page, group?.group ?? '', 'nas');
  }, 120_000);

  afterAll(async () => {
    await Promise.allSettled([nas?.stop(), browser?.close()]);
    await site?.end();
  });

  /** The tab as the member in Node sees it. */
  function tab(): MemberView | undefined {
    return nas.view().members.find(({ device }) => device === 'laptop');
  }

  test('in front it links directly with a member in Node', async () => {
    await expect.poll(() => tab()?.link?.kind, { timeout: PATIENCE_MS }).toBe('webrtc');
    await expect.poll(() => tab()?.address, { timeout: PATIENCE_MS }).toBeDefined();
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
    const { sent, lost, rttsMs } = await nas.group.ping('laptop', { count: 10, intervalMs: 100 });
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

  test('faults #35 a frozen tab is gone for others, and back by itself within 5 s when it wakes', async () => {
    const thaw = await browser.freeze(ada.page);
    const frozenAt = performance.now();
    await expect.poll(() => tab()?.online, { timeout: PATIENCE_MS, interval: 50 }).toBe(false);
    const noticed = seconds(frozenAt);
    await thaw();
    const thawedAt = performance.now();
    await expect.poll(() => tab()?.link !== undefined, { timeout: PATIENCE_MS, interval: 20 }).toBe(true);
    const back = seconds(thawedAt);
    expect(await nas.group.ping('laptop', { count: 1, timeoutMs: 3_000 })).toMatchObject({ lost: 0 });
    console.log(`a frozen tab was gone after ${noticed} s, and back ${back} s after it woke`);
    expect(performance.now() - thawedAt).toBeLessThan(BACK_MS);
  });
});

declare global {
  /** How often a timer of 100 ms of the page ran. */
  var ticks: number;
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

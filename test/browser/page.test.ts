/**
 * The page as people use it, on a real site and a real mesh, in headless
 * Chromium: joining, being let in, talking, coming back, and what must not
 * happen on the way.
 */
import type { Browser, BrowserContext, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launch, whyNoChromium } from './chromium.ts';
import {
  acceptInvite,
  approve,
  createGroup,
  joinInTab,
  makeFirstAccount,
  makeInvite,
  memberRow,
  say,
  untilIn,
} from './steps.ts';
import { startTestSite, type TestSite } from './test-site.ts';

/** Names, reasons and texts that would run as script in a careless page (faults.md row 92). */
const HOSTILE = '<img src=x onerror="globalThis.struck=1"><script>globalThis.struck=1</script>';
const HOSTILE_NAME = '<b onmouseover=struck=1>Bob</b>';
const PATIENCE = { timeout: 20_000 };

describe.skipIf(whyNoChromium !== undefined)('the page', () => {
  let browser: Browser;
  let site: TestSite;
  let ada: Page;
  let bob: Page;
  let group = '';
  let spareInvite = '';
  /** What the browser complained about in any tab: scripts, policy, failures. */
  const complaints: string[] = [];

  beforeAll(async () => {
    [browser, site] = await Promise.all([launch(), startTestSite()]);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await site?.end();
  });

  async function newPerson(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
    return openTab(await browser.newContext(options));
  }

  async function openTab(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', error => complaints.push(error.message));
    page.on('dialog', dialog => complaints.push(`dialog: ${dialog.message()}`));
    page.on('console', message => {
      // Refused API calls show here too; screens answer for those.
      if (message.type() === 'error' && !message.text().includes('status of 4')) complaints.push(message.text());
    });
    return page;
  }

  test('the first administrator makes an account and a group, and joins in the tab', { timeout: 60_000 }, async () => {
    ada = await newPerson();
    await makeFirstAccount(ada, site.setupLink, 'Ada Lovelace');
    expect(ada.url()).not.toContain('setup');
    group = await createGroup(ada, 'Hikers');
    await joinInTab(ada);
    const view = await ada.evaluate(() => globalThis.warrenDebug.view());
    expect(view?.groups[0]).toMatchObject({ group, state: 'connected' });
    expect(view?.groups[0]?.self.name).toBe('chrome-linux.ada-lovelace');
  });

  test('an invited person asks, waits, is let in and sees the others, live and direct', {
    timeout: 90_000,
  }, async () => {
    const link = await makeInvite(ada);
    spareInvite = await makeInvite(ada, { uses: 5, letIn: true });
    bob = await newPerson({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' });
    await bob.goto(link);
    expect(bob.url()).not.toContain('invite');
    expect(await bob.getByRole('heading', { level: 1 }).innerText()).toBe('Hikers');
    await bob.reload();
    await bob.getByText('Ada Lovelace invites you').waitFor();
    await bob.getByLabel('Sign-in name').fill('bob');
    await acceptInviteHere(bob, HOSTILE_NAME, HOSTILE);
    await bob.getByRole('heading', { name: 'Waiting for an administrator of Hikers to let you in' }).waitFor();
    await approve(ada, HOSTILE_NAME);
    await untilIn(bob);
    await Promise.all([
      memberRow(ada, 'chrome-linux.bob').getByText('direct (WebRTC)').waitFor(PATIENCE),
      memberRow(bob, 'chrome-linux.ada-lovelace').getByText('direct (WebRTC)').waitFor(PATIENCE),
    ]);
  });

  test('members ping each other and send lines of text', { timeout: 60_000 }, async () => {
    await memberRow(ada, 'chrome-linux.bob').getByRole('button', { name: 'Ping' }).click();
    await memberRow(ada, 'chrome-linux.bob')
      .getByText(/^Ping: [\d.]+ ms/)
      .waitFor(PATIENCE);
    await say(ada, 'chrome-linux.bob', 'Are you there?');
    await bob.getByText('Are you there?').first().waitFor(PATIENCE);
    await say(bob, 'chrome-linux.ada-lovelace', HOSTILE);
    await ada.getByText(HOSTILE).first().waitFor(PATIENCE);
  });

  test('faults #92 what others type is only text, and the policy has nothing to complain about', async () => {
    for (const page of [ada, bob]) {
      expect(await page.evaluate(() => (globalThis as { struck?: number }).struck)).toBeUndefined();
    }
    expect(await ada.getByText(HOSTILE_NAME).count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  test('an invite that lets people in takes them into the mesh with one button', { timeout: 60_000 }, async () => {
    const carol = await newPerson();
    await acceptInvite(carol, spareInvite, 'Carol');
    await untilIn(carol);
    await memberRow(ada, 'chrome-linux.carol').getByText('online').waitFor(PATIENCE);
    await carol.context().close();
    await memberRow(ada, 'chrome-linux.carol').getByText('offline').waitFor(PATIENCE);
  });

  test('a reload keeps identity and address, and goes back by itself', { timeout: 60_000 }, async () => {
    const before = await self(bob);
    await bob.reload();
    await untilIn(bob);
    expect(await self(bob)).toEqual(before);
  });

  test('a second tab of the same browser says so, and takes over when asked', { timeout: 60_000 }, async () => {
    const second = await openTab(bob.context());
    await second.goto(`${site.origin}/#/group/${group}`);
    await second.getByText('Another tab of this browser is active').waitFor(PATIENCE);
    expect(await second.evaluate(() => globalThis.warrenDebug.view())).toBeUndefined();
    await second.getByRole('button', { name: 'Use this tab instead' }).click();
    await untilIn(second);
    await bob.getByText('Another tab of this browser is active').waitFor(PATIENCE);
    await bob.close();
    bob = second;
  });

  test('when the tab that leads is closed, the one that waits goes on by itself', { timeout: 60_000 }, async () => {
    const waiting = await openTab(bob.context());
    await waiting.goto(`${site.origin}/#/group/${group}`);
    await waiting.getByText('Another tab of this browser is active').waitFor(PATIENCE);
    await bob.close();
    await untilIn(waiting);
    bob = waiting;
  });

  test('somebody who is turned down is told so', { timeout: 60_000 }, async () => {
    const dave = await newPerson();
    await acceptInvite(dave, await makeInvite(ada), 'Dave');
    await dave.getByRole('heading', { name: /^Waiting for an administrator/ }).waitFor();
    await ada.getByRole('link', { name: /^Requests/ }).click();
    await ada.getByRole('button', { name: 'Deny Dave' }).click(PATIENCE);
    await dave.getByRole('heading', { name: 'Hikers did not let you in' }).waitFor(PATIENCE);
    await ada.getByRole('link', { name: 'Mesh', exact: true }).click();
    await dave.context().close();
  });

  test('signing out takes the tab out of the mesh; signing in does not bring it back unasked', {
    timeout: 60_000,
  }, async () => {
    const erin = await newPerson();
    await acceptInvite(erin, spareInvite, 'Erin');
    await untilIn(erin);
    await erin.getByRole('button', { name: 'Sign out' }).click();
    await erin.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await erin.evaluate(() => globalThis.warrenDebug.view())).toBeUndefined();
    await erin.getByLabel('Sign-in name').fill('erin');
    await erin.getByLabel('Password').fill('a few random words');
    await erin.getByRole('button', { name: 'Sign in' }).click();
    await erin.getByText('This browser is known as chrome-linux').waitFor(PATIENCE);
    await erin.context().close();
  });

  test('leaving and joining again needs no new certificate', { timeout: 60_000 }, async () => {
    const before = await self(bob);
    await bob.getByRole('button', { name: 'Leave in this tab' }).click();
    await bob.getByText('This browser is known as chrome-linux').waitFor();
    await joinInTab(bob);
    expect(await self(bob)).toEqual(before);
  });

  test('faults #27 without the site the mesh goes on, and the page says so', { timeout: 90_000 }, async () => {
    complaints.length = 0;
    await memberRow(ada, 'chrome-linux.bob').getByText('direct (WebRTC)').waitFor(PATIENCE);
    await site.stop();
    await ada.getByText('The group site stopped answering').waitFor({ timeout: 30_000 });
    await say(ada, 'chrome-linux.bob', 'Still here');
    await bob.getByText('Still here').first().waitFor(PATIENCE);
    await site.restart();
    await ada.getByText('The group site stopped answering').waitFor({ state: 'hidden', timeout: 40_000 });
  });

  test('a bad invite says what is wrong and what to do', { timeout: 30_000 }, async () => {
    const stranger = await newPerson();
    await stranger.goto(`${site.origin}/#invite=${'A'.repeat(22)}`);
    await stranger.getByRole('heading', { name: 'This invite does not work' }).waitFor();
    expect(await stranger.getByRole('alert').innerText()).toMatch(/\. \S/);
    await stranger.getByRole('button', { name: 'Go to sign-in instead' }).click();
    await stranger.getByRole('heading', { name: 'Sign in' }).waitFor();
    await stranger.context().close();
  });

  test('a Linux machine gets a file and the command for it', { timeout: 30_000 }, async () => {
    await ada.getByRole('button', { name: 'Add a Linux machine' }).click();
    const dialog = ada.getByRole('dialog');
    await dialog.getByLabel('Name of the machine').fill('nas');
    const downloading = ada.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Download group file' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('hikers-nas.warren');
    await dialog.getByText('npx warren up ./hikers-nas.warren', { exact: true }).waitFor();
    await ada.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  test('an administrator says that post-quantum keys are required, and sees it again', {
    timeout: 30_000,
  }, async () => {
    const settings = ada.getByRole('button', { name: 'Settings' });
    const dialog = ada.getByRole('dialog');
    const policy = dialog.getByLabel('Post-quantum keys');
    await settings.click();
    expect(await policy.inputValue()).toBe('on');
    await policy.selectOption('required');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await settings.click();
    expect(await policy.inputValue()).toBe('required');
    await policy.selectOption('on');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
  });

  test('the keyboard alone is enough to write to a member', { timeout: 60_000 }, async () => {
    await memberRow(ada, 'chrome-linux.bob').getByText('online').waitFor({ timeout: 40_000 });
    await ada.locator('body').press('Home');
    await tabTo(ada, 'Message chrome-linux.bob');
    await ada.keyboard.press('Enter');
    await ada.keyboard.type('By keyboard');
    await ada.keyboard.press('Enter');
    await bob.getByText('By keyboard').first().waitFor(PATIENCE);
  });

  test('every screen fits a phone, in light and in dark', { timeout: 60_000 }, async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await ada.emulateMedia({ colorScheme });
      await ada.setViewportSize({ width: 360, height: 740 });
      for (const place of ['', `group/${group}`, `group/${group}/requests`, `group/${group}/invites`]) {
        await ada.evaluate(to => {
          location.hash = `#/${to}`;
        }, place);
        await ada.getByRole('heading').first().waitFor();
        const beyond = await ada.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(beyond, `${place} in ${colorScheme}`).toBeLessThanOrEqual(0);
      }
    }
  });
});

/** The tab's own place: peer id and address. */
async function self(page: Page): Promise<object> {
  const view = await page.evaluate(() => globalThis.warrenDebug.view());
  return { peerId: view?.groups[0]?.self.peerId, address: view?.groups[0]?.self.address };
}

/** Fills the form of an invite that is open, and presses its button. */
async function acceptInviteHere(page: Page, name: string, reason: string): Promise<void> {
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('Password').fill('a few random words');
  await page.getByLabel('A line to the administrators').fill(reason);
  await page.getByRole('button', { name: /^Join / }).click();
}

/** Presses Tab until the element of that accessible name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
    if (focused === name) return;
  }
  throw new Error(`60 times Tab did not lead to ${name}`);
}

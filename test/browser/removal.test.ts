/** An administrator removes somebody in the page, and the mesh of tabs hears of it from the administrator's own tab. */
import type { PeerView } from '@warren/peer';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launch, whyNoChromium } from './chromium.ts';
import { Person } from './person.ts';
import { startTestSite, type TestSite } from './test-site.ts';

describe.skipIf(whyNoChromium !== undefined)('removing a member', () => {
  let browser: Browser;
  let site: TestSite;

  beforeAll(async () => {
    [browser, site] = await Promise.all([launch(), startTestSite()]);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await site?.end();
  });

  test('faults #9 #73: rights and teams are kept, the removed tab says so, and is out of the mesh at once', async () => {
    const ada = await Person.in(browser, 'ada');
    await ada.setUp(site.setupLink);
    await ada.createGroup('Home');
    await ada.joinInTab('tab');
    const bob = await Person.in(browser, 'bob');
    await bob.acceptInvite(await ada.invite(true), 'Home');
    await bob.joined();
    await ada.until(view => view.groups[0]?.links.length === 1, 10_000, 'no link to bob');
    await ada.page.keyboard.press('Escape');

    const row = ada.page.locator('[data-member$=".bob"]');
    await row.getByRole('button', { name: /Manage/ }).click();
    await ada.page.getByLabel(/^Gateway/).check();
    await ada.page.getByRole('button', { name: 'Save', exact: true }).click();
    await row.locator('small').getByText('gateway').waitFor();
    await ada.page.getByLabel('Teams of bob').fill('Family, build-servers');
    await ada.page.getByRole('button', { name: 'Save teams' }).click();
    await row.getByText('build-servers').waitFor();
    const teamsOfBob = (view: PeerView) => view.groups[0]?.members.find(({ user }) => user === 'bob')?.teams;
    const isIn = (view: PeerView) => teamsOfBob(view)?.join() === 'build-servers,family';
    await bob.until(isIn, 30_000, 'no new certificate');
    await ada.until(isIn, 10_000, 'the new certificate is not seen');
    if (process.env.WARREN_SHOTS !== undefined) {
      await ada.page.screenshot({ path: `${process.env.WARREN_SHOTS}-1280.png` });
      await ada.page.setViewportSize({ width: 360, height: 740 });
      await ada.page.screenshot({ path: `${process.env.WARREN_SHOTS}-360.png` });
    }
    await ada.page.getByRole('button', { name: /with all devices/ }).click();
    if (process.env.WARREN_SHOTS !== undefined)
      await ada.page.screenshot({ path: `${process.env.WARREN_SHOTS}-sure.png` });
    await ada.page.getByRole('button', { name: 'Remove bob', exact: true }).click();
    await bob.until(view => view.groups[0]?.problem === 'removed', 5000, 'not told');
    await bob.page
      .getByText(/was removed from Home|You are not in this group/)
      .first()
      .waitFor();
    const { groups } = await ada.until(view => view.groups[0]?.links.length === 0, 5000, 'still linked');
    expect(groups[0]?.members.map(member => member.name)).toEqual(['tab.ada']);
    await row.waitFor({ state: 'detached' });
  }, 90_000);
});

/**
 * A person with a browser profile of their own, for tests and the demo: what
 * they do in the page, and what the peer in their tab shows of itself.
 */
import type { PeerView, PingReport } from '@warren/peer';
import type { Browser, Page } from 'playwright';
import {
  acceptInvite,
  comeBack,
  createGroup,
  downloadGroupFile,
  makeFirstAccount,
  makeInvite,
  untilIn,
} from './steps.ts';

/** One person, one profile, one tab. */
export class Person {
  readonly name: string;
  readonly page: Page;
  /** Errors that the browser reported in the tab. */
  readonly complaints: string[] = [];
  private group = '';

  private constructor(name: string, page: Page) {
    this.name = name;
    this.page = page;
    page.on('pageerror', error => this.complaints.push(error.message));
    page.on('console', message => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
  }

  /** Opens a fresh profile in `browser`. */
  static async in(browser: Browser, name: string): Promise<Person> {
    return new Person(name, await (await browser.newContext()).newPage());
  }

  /** Takes over an open tab. */
  static at(page: Page, name: string): Person {
    return new Person(name, page);
  }

  /** Makes the first account with the one-time link. */
  setUp(link: string): Promise<void> {
    return makeFirstAccount(this.page, link, this.name);
  }

  /** Makes a group and opens it. */
  async createGroup(name: string): Promise<void> {
    this.group = await createGroup(this.page, name);
  }

  /** Joins in the tab, under a device name of one's own, and waits until it is in. */
  async joinInTab(device?: string): Promise<void> {
    if (device !== undefined) await this.page.getByLabel('Name of this browser').fill(device);
    await this.page.getByRole('button', { name: 'Join in this tab' }).click();
    await this.joined();
  }

  /** Makes an invite link for one person; with `letIn` nobody needs to approve. */
  invite(letIn: boolean): Promise<string> {
    return makeInvite(this.page, { letIn });
  }

  /** Makes an account with an invite and joins; the tab goes into the mesh by itself once the person is let in. */
  async acceptInvite(link: string, groupName: string): Promise<void> {
    await acceptInvite(this.page, link, this.name);
    await this.page.getByRole('heading', { name: groupName, level: 1 }).waitFor();
  }

  /** Waits until the tab is in the mesh, with an address. */
  async joined(): Promise<void> {
    await untilIn(this.page);
    this.group = (await this.view()).groups[0]?.group ?? '';
  }

  /** Opens the group again in a browser that was in it before, after whatever happened to that. */
  async comeBack(origin: string, group: string): Promise<void> {
    await this.page.goto(`${origin}/#/group/${group}`);
    await comeBack(this.page, this.name);
    await this.joined();
  }

  /** Downloads the group file for a Linux machine; gives its text. */
  groupFile(device: string): Promise<string> {
    return downloadGroupFile(this.page, device);
  }

  /** What the peer in the tab shows of itself. */
  async view(): Promise<PeerView> {
    const view = await this.page.evaluate(() => globalThis.warrenDebug.view());
    if (view === undefined) throw new Error(`no peer runs in ${this.name}'s tab`);
    return view;
  }

  /** Waits until `holds` is true of the view; rejects with `otherwise` after `patienceMs`. */
  async until(holds: (view: PeerView) => boolean, patienceMs: number, otherwise: string): Promise<PeerView> {
    const giveUp = performance.now() + patienceMs;
    for (;;) {
      const view = await this.view();
      if (holds(view)) return view;
      if (performance.now() > giveUp) throw new Error(`${this.name}: ${otherwise}: ${JSON.stringify(view)}`);
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }

  /** Sends a line to a member by peer id; false when there is no way to it now. */
  say(peerId: string, text: string): Promise<boolean> {
    const line = { group: this.group, peerId, text };
    return this.page.evaluate(({ group, peerId, text }) => globalThis.warrenDebug.sendText(group, peerId, text), line);
  }

  /** The lines that came from others, oldest first. */
  heard(): Promise<{ peerId: string; text: string }[]> {
    return this.page.evaluate(() =>
      globalThis.warrenDebug
        .texts()
        .filter(({ mine }) => !mine)
        .map(({ peerId, text }) => ({ peerId, text })),
    );
  }

  /** Pings a member from the tab. */
  ping(target: string, count: number, intervalMs: number): Promise<PingReport> {
    const { group } = this;
    return this.page.evaluate(
      ping => globalThis.warrenDebug.ping(ping.group, ping.target, { count: ping.count, intervalMs: ping.intervalMs }),
      { group, target, count, intervalMs },
    );
  }
}

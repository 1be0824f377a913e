/**
 * Chromium as a person has it: pages that are not in front are hidden, and
 * their timers are slowed. Playwright's own start switches all of that off, so
 * here the browser is started by hand and only then driven. Slowing to one
 * wake-up a minute begins after seconds instead of five minutes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright';
import { chromiumPath, whyNoChromium } from './chromium.ts';

const START_PATIENCE_MS = 30_000;
const ARGUMENTS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
  '--remote-debugging-port=0',
];

export interface PlainOptions {
  /** After how many seconds out of sight timers wake once a minute only. */
  readonly intensiveAfterS: number;
}

/** A browser with one profile, which goes with it. */
export class PlainChromium {
  private readonly process: ChildProcess;
  private readonly browser: Browser;
  private readonly profile: string;

  private constructor(process: ChildProcess, browser: Browser, profile: string) {
    this.process = process;
    this.browser = browser;
    this.profile = profile;
  }

  static async start({ intensiveAfterS }: PlainOptions): Promise<PlainChromium> {
    if (chromiumPath === undefined) throw new Error(whyNoChromium);
    const profile = await mkdtemp(join(tmpdir(), 'warren-plain-'));
    const args = [
      ...ARGUMENTS,
      `--user-data-dir=${profile}`,
      `--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/${intensiveAfterS}`,
      'about:blank',
    ];
    const process = spawn(chromiumPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const browser = await chromium.connectOverCDP(await debuggerOf(process), { noDefaults: true });
    return new PlainChromium(process, browser, profile);
  }

  /** A new tab, in front. */
  async newPage(): Promise<Page> {
    const [context] = this.browser.contexts();
    if (context === undefined) throw new Error('the browser has no profile');
    const page = await context.newPage();
    await page.bringToFront();
    return page;
  }

  /** A tab of another profile, which always takes itself to be in front. */
  async newPerson(): Promise<Page> {
    return (await this.browser.newContext()).newPage();
  }

  /** Puts another tab before this one, and waits until the page knows that it is hidden. Returns what undoes it. */
  async hide(page: Page): Promise<() => Promise<void>> {
    const other = await this.newPage();
    await page.waitForFunction(() => document.hidden, undefined, { polling: 100 });
    return async () => {
      await page.bringToFront();
      await other.close();
    };
  }

  /** Freezes the page, as a browser does with tabs that nobody looked at for long. Returns what wakes it, in front. */
  async freeze(page: Page): Promise<() => Promise<void>> {
    const control: CDPSession = await page.context().newCDPSession(page);
    await control.send('Page.setWebLifecycleState', { state: 'frozen' });
    return async () => {
      await control.send('Page.setWebLifecycleState', { state: 'active' });
      await page.bringToFront();
      await control.detach();
    };
  }

  async close(): Promise<void> {
    await this.browser.close().catch(() => {});
    const gone = this.process.exitCode === null ? once(this.process, 'exit') : undefined;
    this.process.kill();
    await gone;
    await rm(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The address under which the browser lets itself be driven. */
async function debuggerOf(process: ChildProcess): Promise<string> {
  let said = '';
  const signal = AbortSignal.timeout(START_PATIENCE_MS);
  for await (const chunk of process.stderr?.iterator({ destroyOnReturn: false }) ?? []) {
    said += chunk;
    const [address] = /ws:\/\/\S+/.exec(said) ?? [];
    if (address !== undefined) {
      process.stderr?.resume();
      return address;
    }
    if (signal.aborted) break;
  }
  throw new Error(`Chromium did not start: ${said}`);
}

/**
 * Starts Debian's Chromium for tests, headless, as root or not, and in a
 * network namespace where a test asks for one.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium } from 'playwright';

/** The browser's program: `CHROMIUM` in the environment, or where Debian puts it; `undefined` when there is none. */
export const chromiumPath: string | undefined = [process.env.CHROMIUM, '/usr/bin/chromium'].find(
  path => path !== undefined && existsSync(path),
);

/** Why browser tests are skipped; `undefined` when they can run. */
export const whyNoChromium: string | undefined =
  chromiumPath === undefined ? 'no Chromium: apt-get install chromium, or set CHROMIUM to its path' : undefined;

const ARGUMENTS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Plain addresses in candidates: namespaces have no multicast DNS. And IPv6 addresses for documentation, which labs
  // have, count as those of a local network, that pages may not open WebSockets to.
  '--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets',
];

/** What a test may choose. */
export interface LaunchOptions {
  /** Runs in this network namespace (`ip netns`); needs root. */
  readonly namespace?: string;
  /** Further arguments of Chromium. */
  readonly args?: readonly string[];
  /** Arguments that Playwright gives by itself and this test does not want, e.g. `--disable-background-timer-throttling`. */
  readonly ignoreDefaultArgs?: readonly string[];
}

/** Starts a browser. Each `browser.newContext()` is a profile of its own. */
export async function launch(options: LaunchOptions = {}): Promise<Browser> {
  const { removeWrapper, ...settings } = await settingsFor(options);
  const browser = await chromium.launch(settings);
  browser.on('disconnected', removeWrapper);
  return browser;
}

/** Starts a browser with one profile that is kept in `folder` and outlives it. */
export async function launchProfile(folder: string, options: LaunchOptions = {}): Promise<BrowserContext> {
  const { removeWrapper, ...settings } = await settingsFor(options);
  const context = await chromium.launchPersistentContext(folder, settings);
  context.on('close', removeWrapper);
  return context;
}

async function settingsFor({ namespace, args = [], ignoreDefaultArgs }: LaunchOptions) {
  if (chromiumPath === undefined) throw new Error(whyNoChromium);
  const script = namespace === undefined ? undefined : await wrapper(['ip', 'netns', 'exec', namespace, chromiumPath]);
  return {
    executablePath: script?.path ?? chromiumPath,
    headless: true,
    args: [...ARGUMENTS, ...args],
    ...(ignoreDefaultArgs === undefined ? {} : { ignoreDefaultArgs: [...ignoreDefaultArgs] }),
    removeWrapper: () => void script?.remove(),
  };
}

/** A script that runs a command with the arguments it gets: Playwright starts one program, by its path. */
export async function wrapper(
  argv: readonly string[],
): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-browser-'));
  const path = join(folder, 'browser');
  await writeFile(path, `#!/bin/sh\nexec ${argv.map(word => `'${word}'`).join(' ')} "$@"\n`);
  await chmod(path, 0o755);
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}

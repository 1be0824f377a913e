/**
 * Starts Debian's Firefox ESR for tests, headless, over WebDriver BiDi, and in a
 * network namespace where a test asks for one. Playwright 1.64.1 is the last that can.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, firefox } from 'playwright';
import { wrapper as wrapperOf } from './chromium.ts';

/** The browser's program: `FIREFOX` in the environment, or where Debian puts it; `undefined` when there is none. */
export const firefoxPath: string | undefined = [process.env.FIREFOX, '/usr/bin/firefox-esr'].find(
  path => path !== undefined && existsSync(path),
);

/** Why tests with Firefox are skipped; `undefined` when they can run. */
export const whyNoFirefox: string | undefined =
  firefoxPath === undefined ? 'no Firefox: apt-get install firefox-esr, or set FIREFOX to its path' : undefined;

const BRIDGE = join(import.meta.dirname, 'firefox-bridge.ts');

const PREFERENCES = {
  // Plain addresses in candidates: namespaces have no multicast DNS.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Nothing of its own on networks that have nobody to answer.
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.dns.disableIPv6': true,
};

export interface FirefoxOptions {
  /** Runs in this network namespace (`ip netns`); needs root. */
  readonly namespace?: string;
}

/** Starts a browser. Each `browser.newContext()` is a profile of its own. */
export async function launchFirefox({ namespace }: FirefoxOptions = {}): Promise<Browser> {
  const { removeWrapper, ...settings } = await settingsFor(namespace);
  const browser = await firefox.launch(settings);
  browser.on('disconnected', removeWrapper);
  return browser;
}

/** Starts a browser with one profile that is kept in `folder` and outlives it. */
export async function launchFirefoxProfile(
  folder: string,
  { namespace }: FirefoxOptions = {},
): Promise<BrowserContext> {
  const { removeWrapper, ...settings } = await settingsFor(namespace);
  const context = await firefox.launchPersistentContext(folder, { ...settings, ignoreHTTPSErrors: true });
  context.on('close', removeWrapper);
  return context;
}

async function settingsFor(namespace: string | undefined) {
  if (firefoxPath === undefined) throw new Error(whyNoFirefox);
  const wrapper =
    namespace === undefined
      ? undefined
      : await wrapperOf([process.execPath, BRIDGE, 'outside', namespace, firefoxPath]);
  return {
    channel: 'moz-firefox',
    executablePath: wrapper?.path ?? firefoxPath,
    headless: true,
    firefoxUserPrefs: PREFERENCES,
    removeWrapper: () => void wrapper?.remove(),
  };
}

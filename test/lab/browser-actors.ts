/** Participants in pages: a browser in a namespace of a lab, with a fresh profile for each. */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { bundlePage, type PageFiles } from '../browser/bundle.ts';
import { launch } from '../browser/chromium.ts';
import { launchFirefox } from '../browser/firefox.ts';
import type { Namespaces } from '../netns/namespaces.ts';
import type { Actor } from './actor.ts';
import type { Participant } from './participant.ts';

export type BrowserName = 'chromium' | 'firefox';

/** Pages are in a secure context on localhost only; nobody listens there, since the test answers for it. */
const ORIGIN = 'http://localhost';

let files: Promise<PageFiles> | undefined;

/** One browser. */
export class BrowserActors {
  private readonly browser: Browser;

  private constructor(browser: Browser) {
    this.browser = browser;
  }

  static async start(lab: Namespaces, host: string, name: BrowserName = 'chromium'): Promise<BrowserActors> {
    const o = { namespace: lab.namespace(host) };
    files ??= bundlePage(join(import.meta.dirname, 'lab-page.ts'));
    await files;
    return new BrowserActors(await (name === 'chromium' ? launch(o) : launchFirefox(o)));
  }

  /** A fresh participant, whose page is opened when it is. */
  actor(): Actor {
    let opened: Promise<Page> | undefined;
    const method =
      <T>(method: keyof Participant) =>
      async (...args: readonly unknown[]): Promise<T> => {
        opened ??= this.newPage();
        return (await opened).evaluate(
          ({ method, args }) => (actor[method] as (...args: readonly unknown[]) => unknown).call(actor, ...args),
          { method, args },
        ) as Promise<T>;
      };
    const close = async (): Promise<void> => {
      if (opened === undefined) return;
      await method('close')().catch(() => {});
      await (await opened).context().close();
    };
    return {
      open: method('open'),
      join: method('join'),
      greet: method('greet'),
      met: method('met'),
      ping: method('ping'),
      view: method('view'),
      links: method('links'),
      close,
    };
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }

  private async newPage(): Promise<Page> {
    const page = await (await this.browser.newContext()).newPage();
    const served = await (files as Promise<PageFiles>);
    await page.context().route(`${ORIGIN}/**`, route => {
      const file = served.get(new URL(route.request().url()).pathname);
      return file === undefined ? route.fulfill({ status: 404 }) : route.fulfill(file);
    });
    await page.goto(`${ORIGIN}/`);
    await page.waitForFunction(() => 'actor' in globalThis);
    return page;
  }
}

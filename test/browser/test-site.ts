/**
 * A whole site for browser tests, in this process: page, API, bootstrap node,
 * on a free port of loopback, with a data folder that goes in the end.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { attachBootstrap } from '@warren/signaling';
import { startSite } from '@warren/site';

/** A running site. */
export interface TestSite {
  /** Such as `http://localhost:41234`. */
  readonly origin: string;
  /** One-time link for the first account. */
  readonly setupLink: string;
  /** Stops it; its data stay, so that it can be started again. */
  stop(): Promise<void>;
  /** Starts it again on the same port, with the same data. */
  restart(): Promise<void>;
  /** Stops it and removes all it left. */
  end(): Promise<void>;
}

/** Starts a site with an empty database. Builds the page first if it is older than its sources. */
export async function startTestSite(): Promise<TestSite> {
  const folder = await mkdtemp(join(tmpdir(), 'warren-site-'));
  const start = (port: number) =>
    startSite(
      { listen: { host: '127.0.0.1', port }, dataDir: join(folder, 'data'), askPassphrase: false },
      {
        root: resolve(import.meta.dirname, '..', '..'),
        version: 'test',
        environment: { XDG_STATE_HOME: join(folder, 'state') },
        log: () => {},
        passphrase: async () => undefined,
        attachBootstrap,
        interrupted: new AbortController().signal,
      },
    );
  let running = await start(0);
  const { port } = running.listening;
  const { setupLink } = running;
  if (setupLink === undefined) throw new Error('a new site gives no set-up link');
  return {
    origin: new URL(setupLink).origin,
    setupLink,
    stop: () => running.stop(),
    async restart() {
      running = await start(port);
    },
    async end() {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

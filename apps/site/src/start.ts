/**
 * Starts the whole site, part after part, and stops it in the reverse order:
 * database, sealing key, TLS where it is needed, HTTP, page, bootstrap node,
 * hourly chores. If one part fails, those before it are stopped again.
 */
import type { Server } from 'node:http';
import { join, relative } from 'node:path';
import { openTls, type TlsIdentity } from '@warren/node';
import { needsSetup, newSetupToken } from './accounts.ts';
import { buildPage } from './build-page.ts';
import { caKeyPath } from './ca-key-file.ts';
import { type CaKeys, openCaKeys } from './ca-keys.ts';
import { openDatabase } from './database/open.ts';
import type { Database } from './database/schema.ts';
import { SiteError } from './errors.ts';
import { makeFolder } from './folder.ts';
import { type HostPort, printHostPort } from './host-port.ts';
import { listen } from './listen.ts';
import { directOrigin, needsTls, PAGE_DIR, reachableAs, type SiteOptions, stunServers } from './options.ts';
import { refreshLists } from './revocation-list.ts';
import { buildServer } from './server.ts';
import { forgetExpiredSessions } from './sessions.ts';
import { HOUR, type Site, type SiteAddress } from './site.ts';

/** What starts the bootstrap node on the site's port; `@warren/signaling` has the real one. */
export type AttachBootstrap = (o: {
  server: Server;
  path: '/bootstrap';
  dataDir: string;
  udp: { host: string; port: number } | undefined;
  log: (line: string) => void;
}) => Promise<{ peerId: string; stop(): Promise<void> }>;

/** What the process gives: everything that a test may want to choose. */
export interface Surroundings {
  /** Root of the repository, for the page. */
  readonly root: string;
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
  readonly passphrase: () => Promise<string | undefined>;
  readonly attachBootstrap: AttachBootstrap;
  /** Aborted when the process should stop while it starts. */
  readonly interrupted: AbortSignal;
}

export interface RunningSite {
  readonly site: Site;
  /** Where it listens, with the real port. */
  readonly listening: HostPort;
  readonly udp: HostPort;
  /** 40 hex digits: the bootstrap node on the public ring. */
  readonly bootstrapPeerId: string;
  /** One-time link for the first account; `undefined` once there is one. */
  readonly setupLink: string | undefined;
  /** Stops within a second, whatever is connected. */
  stop(): Promise<void>;
}

/** Starts the site. Throws what `explain` (in `failures.ts`) can put into a sentence. */
export async function startSite(options: SiteOptions, around: Surroundings): Promise<RunningSite> {
  const undo: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return await startParts(options, around, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(
  options: SiteOptions,
  around: Surroundings,
  undo: (() => Promise<void> | void)[],
  stop: () => Promise<void>,
): Promise<RunningSite> {
  const { dataDir } = options;
  const { log, root } = around;
  makeFolder(dataDir);
  const db = openDatabase(dataDir);
  undo.push(() => db.destroy());
  const caKeys = await caKeysFor(db, options, around);
  const names = reachableAs(options.listen.host);
  const tls = needsTls(options) ? await openTls(dataDir, names, Date.now()) : undefined;

  const listening = await listen(options.listen, tls);
  undo.push(() => listening.stop());
  await buildPage(root, log, around.interrupted);
  if (around.interrupted.aborted) throw new SiteError(503, 'interrupted', 'Stopped.');

  const udp = options.bootstrapUdp ?? { host: options.listen.host, port: listening.port };
  const address = addressOf(options, { port: listening.port, udp, names }, tls);
  const site: Site = { db, now: Date.now, caKeys, address, version: around.version, log };
  const pageDir = join(root, PAGE_DIR);
  const behindProxy = options.publicUrl !== undefined;
  const app = await buildServer(site, { pageDir, behindProxy, makeServer: listening.answerWith });
  await app.ready();
  undo.push(async () => {
    // Connections first: the application would wait for requests that never end.
    await listening.stop();
    await app.close();
  });

  const { server } = listening;
  const bootstrap = await around.attachBootstrap({ server, path: '/bootstrap', dataDir, udp, log });
  undo.push(() => bootstrap.stop());
  undo.push(startChores(site));
  return {
    site,
    listening: { host: options.listen.host, port: listening.port },
    udp,
    bootstrapPeerId: bootstrap.peerId,
    setupLink: await setupLink(site),
    stop,
  };
}

async function caKeysFor(db: Database, options: SiteOptions, around: Surroundings): Promise<CaKeys> {
  const path = caKeyPath(around.environment);
  if (!relative(options.dataDir, path).startsWith('..')) {
    const message = `The CA key would lie in the data folder: ${path}.`;
    throw new SiteError(503, 'ca-key-place', message, 'Set XDG_STATE_HOME to a folder outside it.');
  }
  return openCaKeys(db, path, around.passphrase, around.log);
}

interface Reachable {
  readonly port: number;
  readonly udp: HostPort;
  readonly names: readonly string[];
}

function addressOf(options: SiteOptions, { port, udp, names }: Reachable, tls?: TlsIdentity): SiteAddress {
  const origin = options.publicUrl ?? directOrigin(tls !== undefined, options.listen.host, port);
  const isProxied = options.publicUrl?.startsWith('https:') === true;
  return {
    origin,
    bootstraps: [`${origin.replace(/^http/, 'ws')}/bootstrap`],
    stun: stunServers(udp, options.publicUrl),
    hosts: new Set([...names, new URL(origin).hostname]),
    tls: tls !== undefined,
    ...(tls !== undefined && !isProxied && { pin: tls.pin }),
  };
}

async function setupLink(site: Site): Promise<string | undefined> {
  if (!(await needsSetup(site.db))) return undefined;
  const token = await newSetupToken(site);
  return token && `${site.address.origin}/#setup=${token}`;
}

/** Hourly: fresh revocation lists, old sessions. A failure is told and tried again an hour later. */
function startChores(site: Site): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const work = async (): Promise<void> => {
    try {
      await forgetExpiredSessions(site);
      if (site.caKeys.locked() === undefined) await refreshLists(site);
    } catch (error) {
      site.log(`hourly chores failed: ${(error as Error).message}`);
    }
  };
  const run = (): void => {
    running = running.then(work);
  };
  run();
  const timer = setInterval(run, HOUR);
  return () => {
    clearInterval(timer);
    return running;
  };
}

/** The lines that tell a person what runs and what to do next. */
export function welcome(running: RunningSite, dataDir: string, cwd: string): string[] {
  const { site, udp } = running;
  const { origin, bootstraps } = site.address;
  const folder = relative(cwd, dataDir);
  const locked = site.caKeys.locked();
  const next = running.setupLink
    ? [
        'Make the first account with this link (it works once):',
        `  ${running.setupLink}`,
        'Then create a group, press "Join in this tab", and invite others.',
      ]
    : [`Sign in at ${origin}`];
  return [
    '',
    `Warren runs at ${origin}`,
    `  data       ${folder.startsWith('..') ? dataDir : `./${folder}`}`,
    `  CA key     ${site.caKeys.where}`,
    `  bootstrap  ${bootstraps.join(', ')} and UDP ${printHostPort(udp)}`,
    ...(locked ? [`  WARNING    ${locked.message} ${locked.hint}`] : []),
    '',
    ...next,
    '',
    'Ctrl-C stops it; the next start keeps everything.',
  ];
}

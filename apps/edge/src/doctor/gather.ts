/** Finding out what `findings.ts` judges. Changes nothing, and waits a few seconds at most. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { CommandError, runCommand } from '@warren/node';
import type { Fetch } from '@warren/peer';
import type { ControlClient } from '../control-client.ts';
import { explain } from '../failure.ts';
import { deviceObstacle, thisMachine } from '../privilege.ts';
import type { Facts, LocalAddress } from './findings.ts';

const PROGRAMS = ['ip', 'nft'] as const;

export interface GatherOptions {
  readonly client: ControlClient;
  readonly stateDir: string;
  readonly sudo: string;
  /** Rejects with what is wrong with the settings. */
  readonly settings: () => Promise<unknown>;
  /** Sites of this machine's groups, and how to ask them. */
  readonly sites: () => Promise<readonly { readonly url: string; readonly fetch: Fetch }[]>;
}

/** Gathers all facts at the same time. */
export async function gather(o: GatherOptions): Promise<Facts> {
  const [daemon, missing, stateProblem, configProblem, sites] = await Promise.all([
    o.client.status().catch((error: unknown) => {
      const { code, message, hint } = explain(error);
      return { code, message, hint };
    }),
    Promise.all(PROGRAMS.map(async program => ((await isThere(program)) ? [] : [program]))),
    writable(o.stateDir),
    o.settings().then(
      () => undefined,
      (error: unknown) => explain(error).message,
    ),
    o.sites().then(askAll, () => new Map<string, { problem: string }>()),
  ]);
  const obstacle = deviceObstacle(thisMachine(), o.sudo);
  return {
    platform: `${process.platform} ${process.arch}`,
    nodeVersion: process.versions.node,
    ...(obstacle === undefined ? {} : { deviceObstacle: obstacle }),
    missingPrograms: missing.flat(),
    stateDir: o.stateDir,
    ...(stateProblem === undefined ? {} : { stateProblem }),
    ...(configProblem === undefined ? {} : { configProblem }),
    daemon,
    localAddresses: localAddresses(),
    sites,
  };
}

async function askAll(sites: readonly { readonly url: string; readonly fetch: Fetch }[]): Promise<Facts['sites']> {
  const answers = sites.map(async ({ url, fetch: ask }) => [url, await askSite(url, ask)] as const);
  return new Map(await Promise.all(answers));
}

/** HTTP's Date has whole seconds (RFC 9110 section 6.6.1); we set it against the middle of the exchange. */
async function askSite(url: string, ask: Fetch): Promise<{ aheadS: number } | { problem: string }> {
  try {
    const sentAt = Date.now();
    const answer = await ask(url, { method: 'HEAD', headers: {} });
    const middle = (sentAt + Date.now()) / 2;
    const theirs = Date.parse(answer.headers.get('date') ?? '');
    return Number.isNaN(theirs) ? { problem: 'it sends no date' } : { aheadS: (middle - theirs - 500) / 1000 };
  } catch (error) {
    const { cause } = error as { cause?: { code?: string; message?: string } };
    return { problem: cause?.code ?? cause?.message ?? (error as Error).message };
  }
}

async function isThere(program: string): Promise<boolean> {
  try {
    await runCommand(program, ['-V'], { timeoutMs: 5_000 });
    return true;
  } catch (error) {
    return !(error instanceof CommandError && error.code === 'ENOENT');
  }
}

async function writable(folder: string): Promise<string | undefined> {
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : code === 'EROFS' ? 'the file system is read-only' : 'no permission to write';
  }
}

function localAddresses(): LocalAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, all]) =>
    (all ?? []).flatMap(({ family, address }) => (family === 'IPv4' ? [{ interface: name, address }] : [])),
  );
}

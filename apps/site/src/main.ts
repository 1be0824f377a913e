/**
 * `npm start`: reads the command line, starts site and bootstrap node, tells
 * what to do next, and stops cleanly at Ctrl-C. See `start.ts` for the parts.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { attachBootstrap } from '@warren/signaling';
import { CommanderError } from 'commander';
import { explain } from './failures.ts';
import { parseOptions, type SiteOptions } from './options.ts';
import { passphraseSource } from './passphrase.ts';
import { type RunningSite, startSite, welcome } from './start.ts';

const ROOT = resolve(import.meta.dirname, '..', '..', '..');
/** A stop that takes longer is cut off; nothing is lost, the database is durable at any time. */
const STOP_LIMIT_MS = 900;

async function main(): Promise<void> {
  process.umask(0o077);
  const options = readOptions();
  const interrupted = new AbortController();
  let running: RunningSite | undefined;
  const stop = (): void => {
    if (interrupted.signal.aborted) process.exit(0);
    interrupted.abort();
    setTimeout(() => process.exit(0), STOP_LIMIT_MS).unref();
    void running?.stop().then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // Who reads our lines may go away, as in `npm start | head`; the site stays.
  process.stdout.on('error', () => {});
  process.on('unhandledRejection', reason => {
    console.error(`mistake in the site: ${reason instanceof Error ? reason.stack : reason}`);
  });
  // What was under way may be half done: end in order, so that whoever watches over us starts us anew.
  process.on('uncaughtException', error => {
    console.error(`mistake in the site: ${error.stack}\nThe site ends; its data are whole. Start it again.`);
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    void Promise.resolve(running?.stop()).finally(() => process.exit(1));
  });
  try {
    running = await startSite(options, surroundings(options, interrupted.signal));
  } catch (error) {
    if (interrupted.signal.aborted) process.exit(0);
    console.error(explain(error, options));
    process.exit(1);
  }
  for (const line of welcome(running, options.dataDir, process.cwd())) console.log(line);
}

function readOptions(): SiteOptions {
  try {
    return parseOptions(process.argv.slice(2), process.cwd());
  } catch (error) {
    // Commander has printed what was wrong.
    process.exit(error instanceof CommanderError ? error.exitCode : 2);
  }
}

function surroundings(options: SiteOptions, interrupted: AbortSignal): Parameters<typeof startSite>[1] {
  const { stdin: input, stdout: output } = process;
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return {
    root: ROOT,
    version,
    environment: process.env,
    log: line => console.log(line),
    passphrase: passphraseSource(process.env, options.askPassphrase, { input, output }),
    attachBootstrap,
    interrupted,
  };
}

await main();

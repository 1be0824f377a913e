/**
 * `warren up --detach`: the daemon as a process of its own session, with a log
 * file instead of a terminal. The command waits until it is connected, shows
 * its steps, and fails as it fails.
 */
import { spawn } from 'node:child_process';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Exit, explain, Failure, failureFrom } from './failure.ts';
import { onInterrupt } from './interrupt.ts';
import { makeFolder } from './make-folder.ts';
import type { Step } from './progress.ts';
import type { BackgroundMessage } from './terminal.ts';

const LAUNCHER = resolve(import.meta.dirname, '..', 'bin', 'warren.js');
const LOG_MAX_BYTES = 1 << 20;
const PATIENCE_MS = 60_000;

/** Starts `warren` with these words in the background and returns the exit code of the waiting command. */
export async function upInBackground(
  args: readonly string[],
  stateDir: string,
  say: (step: Step) => void,
): Promise<number> {
  const logFile = join(stateDir, 'warren.log');
  const log = await openLog(stateDir, logFile);
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    detached: true,
    cwd: '/',
    env: { ...process.env, WARREN_BACKGROUND: '1' },
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  const forget = onInterrupt(() => child.kill('SIGTERM'));
  try {
    return await new Promise<number>((resolve, reject) => {
      const patience = setTimeout(() => reject(notYet(logFile)), PATIENCE_MS);
      const end = (settle: () => void): void => {
        clearTimeout(patience);
        settle();
      };
      child.on('message', (message: BackgroundMessage) => {
        if ('failure' in message) return end(() => reject(failureFrom(message.failure)));
        say(message.step);
        if (message.step.step === 'ready') end(() => resolve(Exit.ok));
      });
      child.on('error', error => end(() => reject(explain(error))));
      child.on('exit', code => end(() => (code === Exit.interrupted ? resolve(code) : reject(died(logFile)))));
    });
  } finally {
    forget();
    if (child.connected) child.disconnect();
    child.unref();
    await log.close();
  }
}

async function openLog(stateDir: string, file: string): Promise<FileHandle> {
  await makeFolder(stateDir, 0o700);
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
  const log = await open(file, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
  if ((await log.stat()).size > LOG_MAX_BYTES) await log.truncate();
  return log;
}

function notYet(logFile: string): Failure {
  const hint = `It goes on trying in the background: see \`warren status\` and ${logFile}.`;
  return new Failure('not-connected', 'Warren is not connected after a minute.', hint, Exit.noPath);
}

function died(logFile: string): Failure {
  return new Failure('stopped', 'Warren stopped while it started.', `Its last lines are in ${logFile}.`);
}

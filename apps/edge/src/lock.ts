/**
 * One daemon for one state folder. The lock is a symbolic link that names its
 * holder (`pid:start time:boot`): made in one step, also on a full disk it is
 * whole or absent, and a killed holder is told from a living one.
 */
import { randomBytes } from 'node:crypto';
import { readFile, readlink, rename, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { makeFolder } from './make-folder.ts';

const NAME = 'daemon.lock';
const TAKE_OVER_MS = 50;

export interface Lock {
  release(): Promise<void>;
}

/** Takes the lock of a folder, which is made if need be (0700). Rejects with a `Failure` while another daemon has it. */
export async function lockState(stateDir: string): Promise<Lock> {
  await makeFolder(stateDir, 0o700);
  const path = join(stateDir, NAME);
  const mine = (await holderName(process.pid)) ?? `${process.pid}::`;
  if (!(await tryLink(mine, path))) await takeOver(path, mine, stateDir);
  return {
    async release() {
      if ((await readlink(path).catch(() => '')) === mine) await unlink(path).catch(() => {});
    },
  };
}

async function takeOver(path: string, mine: string, stateDir: string): Promise<void> {
  const holder = await readlink(path).catch(() => undefined);
  const pid = Number(holder?.split(':')[0]);
  if (holder === undefined) throw new Failure('lock', `${path} is in the way.`, 'Remove it, then try again.');
  if (holder === mine || (await holderName(pid)) === holder) throw runningAlready(stateDir, pid);
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await symlink(mine, temporary);
  await rename(temporary, path);
  // Two that found the same dead holder: the later rename wins, and the other sees it.
  await sleep(TAKE_OVER_MS);
  if ((await readlink(path)) !== mine) throw runningAlready(stateDir, pid);
}

async function tryLink(mine: string, path: string): Promise<boolean> {
  try {
    await symlink(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Names a process for as long as it lives; `undefined` when there is none with this id. */
async function holderName(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  // Field 22 of proc(5); the name in field 2 may hold anything, also brackets and blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const isZombie = fields[0] === 'Z' || fields[0] === 'X';
  return isZombie ? undefined : `${pid}:${fields[19]}:${boot.trim()}`;
}

/** A second daemon is refused. */
export function runningAlready(place: string, pid?: number): Failure {
  const who = pid === undefined || Number.isNaN(pid) ? '' : ` (process ${pid})`;
  const message = `Another Warren runs with ${place}${who}.`;
  return new Failure('running', message, 'Stop it with `warren down`, or choose another folder with --state.');
}

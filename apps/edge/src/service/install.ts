/** Making the daemon a systemd service of this machine, and undoing that. Each step says what it does. */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { runCommand } from '@warren/node';
import { Exit, Failure } from '../failure.ts';
import { SERVICE_USER, UNIT_FILE, UNIT_NAME, unitText } from './unit.ts';

/** `systemctl restart` waits until the service is ready. */
const START_LIMIT_MS = 100_000;

/** What an installation touches; tests put something else in its place. */
export interface ServiceHost {
  readonly isRoot: boolean;
  readonly hasSystemd: boolean;
  /** Runs a program to its end; rejects with what it said. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  write(file: string, text: string): Promise<void>;
  remove(file: string): Promise<void>;
}

/** This machine. */
export function thisServiceHost(): ServiceHost {
  return {
    isRoot: process.getuid?.() === 0,
    // As sd_booted(3) does.
    hasSystemd: existsSync('/run/systemd/system'),
    run: (program, ...args) => runCommand(program, args, { timeoutMs: START_LIMIT_MS }),
    write: (file, text) => writeFile(file, text, { mode: 0o644 }),
    remove: file => rm(file, { force: true }),
  };
}

/** Writes the unit, makes its user, and starts it now and at each boot. Rejects with a `Failure`. */
export async function installService(host: ServiceHost, say: (line: string) => void): Promise<void> {
  check(host, 'install');
  const known = await host.run('getent', 'passwd', SERVICE_USER).catch(() => '');
  if (known === '') {
    const account = ['--system', '--user-group', '--no-create-home', '--home-dir', '/var/lib/warren'];
    await host.run('useradd', ...account, '--shell', '/usr/sbin/nologin', SERVICE_USER);
    say(`made the user ${SERVICE_USER}: members of the group ${SERVICE_USER} may use the daemon without sudo`);
  }
  await host.write(UNIT_FILE, unitText({ node: process.execPath, launcher: launcher() }));
  say(`wrote ${UNIT_FILE}`);
  await host.run('systemctl', 'daemon-reload');
  await host.run('systemctl', 'enable', UNIT_NAME);
  await host.run('systemctl', 'restart', UNIT_NAME);
  say('started it, now and at each boot: see `warren status` and `warren logs`');
}

/** Stops the service and removes the unit; keys, memberships and settings stay. */
export async function uninstallService(host: ServiceHost, say: (line: string) => void): Promise<void> {
  check(host, 'uninstall');
  await host.run('systemctl', 'disable', '--now', UNIT_NAME).catch(() => '');
  await host.remove(UNIT_FILE);
  await host.run('systemctl', 'daemon-reload');
  say('removed the service; keys and memberships stay in /var/lib/warren');
}

/** The program that units start. */
export function launcher(): string {
  return new URL('../../bin/warren.js', import.meta.url).pathname;
}

function check({ isRoot, hasSystemd }: ServiceHost, verb: string): void {
  if (!hasSystemd) {
    const hint = '`warren up --detach` runs it in the background; `warren service print` shows the unit.';
    throw new Failure('no-systemd', 'This machine was not started by systemd.', hint);
  }
  if (isRoot) return;
  throw new Failure('not-root', 'Services need root.', `Run \`sudo warren service ${verb}\`.`, Exit.notAuthorised);
}

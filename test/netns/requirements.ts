/**
 * What tests and the demo need beyond npm: programs of the system, root, kernel
 * features. Says what is missing, installs it where it may (Debian, as root), and
 * gives the reason for which a test must be skipped. Nothing is installed on import.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';

/** Programs by the Debian package that has them; any of the names will do. */
const PROGRAMS = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  'firefox-esr': ['firefox-esr'],
  nftables: ['nft'],
  iproute2: ['ip'],
  'iputils-ping': ['ping'],
  conntrack: ['conntrack'],
  iperf3: ['iperf3'],
  openssl: ['openssl'],
  curl: ['curl'],
  dnsutils: ['dig'],
  'isc-dhcp-client': ['dhclient'],
  udhcpc: ['udhcpc'],
  'openssh-server': ['sshd'],
  tcpdump: ['tcpdump'],
  coturn: ['turnutils_stunclient'],
  miniupnpd: ['miniupnpd'],
  'dbus-daemon': ['dbus-daemon'],
  'avahi-daemon': ['avahi-daemon'],
  'avahi-utils': ['avahi-resolve'],
} as const satisfies Record<string, readonly string[]>;

/** A Debian package that tests may need. */
export type DebianPackage = keyof typeof PROGRAMS;

/** Something a test may need. */
export type Need = DebianPackage | 'root' | 'tap' | 'namespaces';

/** Folders searched beside PATH, which leaves them out for ordinary users. */
const MORE_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** PATH with the folders of system programs. */
export function systemPath(): string {
  return [process.env.PATH ?? '', ...MORE_FOLDERS].filter(part => part !== '').join(':');
}

/** The whole path of the program of that package; `undefined` when it is not installed. */
export function programOf(debian: DebianPackage): string | undefined {
  const folders = systemPath().split(':');
  for (const name of PROGRAMS[debian]) {
    const found = folders.map(folder => join(folder, name)).find(isExecutable);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Debian packages that are not installed. */
export function missing(): DebianPackage[] {
  return (Object.keys(PROGRAMS) as DebianPackage[]).filter(debian => programOf(debian) === undefined);
}

/**
 * Installs what is missing with apt-get where it may, telling so by `say`; gives what is still missing,
 * after one line that names it.
 */
export function install(say: (line: string) => void = line => process.stderr.write(`${line}\n`)): DebianPackage[] {
  const wanted = missing();
  if (wanted.length === 0) return [];
  if (isRoot() && isExecutable('/usr/bin/apt-get')) {
    say(`installing ${wanted.join(' ')}`);
    if (!aptGet('install', '-y', '--no-install-recommends', ...wanted)) {
      aptGet('update');
      aptGet('install', '-y', '--no-install-recommends', ...wanted);
    }
  }
  const left = missing();
  if (left.length > 0) say(`missing: ${left.join(' ')} (on Debian: apt-get install ${left.join(' ')})`);
  return left;
}

/** Why a test with these needs cannot run here, as one line; `undefined` when it can. */
export function skipReason(...needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    const reason = whyNot(need);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function whyNot(need: Need): string | undefined {
  switch (need) {
    case 'root':
      return isRoot() ? undefined : 'needs root';
    case 'tap':
      return existsSync('/dev/net/tun') ? undefined : 'needs /dev/net/tun';
    case 'namespaces':
      return namespacesWork() ? undefined : 'needs root and network namespaces (ip netns)';
    default:
      return programOf(need) === undefined ? `needs ${need}` : undefined;
  }
}

let namespaces: boolean | undefined;

/** Tries it: containers often have root without it. */
function namespacesWork(): boolean {
  if (!isRoot() || programOf('iproute2') === undefined) return false;
  namespaces ??= tryNamespace(`wr${process.pid}-probe`);
  return namespaces;
}

function tryNamespace(name: string): boolean {
  const options = { stdio: 'ignore', env: { ...process.env, PATH: systemPath() } } as const;
  try {
    execFileSync('ip', ['netns', 'add', name], options);
    execFileSync('ip', ['netns', 'exec', name, 'true'], options);
    return true;
  } catch {
    return false;
  } finally {
    spawnSync('ip', ['netns', 'del', name], options);
  }
}

function aptGet(...args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('/usr/bin/apt-get', ['-q', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

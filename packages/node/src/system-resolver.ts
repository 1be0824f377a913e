/**
 * Has the system ask a group's name server for names, and puts everything back: through systemd-resolved where it
 * runs, which forgets with the device; else by a line in /etc/resolv.conf, whose former text is kept beside it, so that
 * it comes back also at the next start after a kill. Former resolvers stay behind ours in it: were we to die, names of
 * the Internet would still be found.
 */
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, lstat, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';

/** The first line of a file of ours. */
const MARK = '# Written by Warren; it puts back the former text, resolv.conf.before-warren, when it stops.';
/** More of each the C library does not read (resolv.conf(5)). */
const SERVERS_MAX = 3;
const SEARCH_MAX = 6;

/** What a group has to offer. */
export interface DeviceNames {
  /** The name server, `10.128.0.1`. */
  readonly server: string;
  /** `ada.home.warren`, then `home.warren`. */
  readonly search: readonly string[];
}

export interface SystemResolverOptions {
  /** Where system files are: `/`; another in tests. */
  readonly root?: string;
  /** Runs `resolvectl`. */
  readonly resolvectl?: (...args: readonly string[]) => Promise<unknown>;
  /** Hears what could not be done, and what was put back. */
  readonly log: (line: string) => void;
}

/** The system's resolver, for all groups of this machine. Calls are carried out one after the other. */
export class SystemResolver {
  private readonly options: SystemResolverOptions;
  private readonly file: string;
  private readonly before: string;
  private readonly resolvectl: (...args: readonly string[]) => Promise<unknown>;
  private readonly devices = new Map<string, DeviceNames>();
  private queue: Promise<void>;
  private isStopped = false;

  /** Puts back first what a killed run left behind. */
  constructor(options: SystemResolverOptions) {
    this.options = options;
    const root = options.root ?? '/';
    this.file = join(root, 'etc/resolv.conf');
    this.before = join(root, 'etc/resolv.conf.before-warren');
    this.resolvectl = options.resolvectl ?? ((...args) => runCommand('resolvectl', args));
    this.queue = this.attempt(async () => {
      if (existsSync(this.before)) await this.restore();
    });
  }

  /** Has the system ask `names.server` for names in `names.search`; `undefined` takes that back. */
  use(device: string, names: DeviceNames | undefined): Promise<void> {
    if (this.isStopped) return this.queue;
    if (JSON.stringify(names) === JSON.stringify(this.devices.get(device))) return this.queue;
    if (names === undefined) this.devices.delete(device);
    else this.devices.set(device, names);
    return this.enqueue(() => (this.isResolved ? this.tellResolved(device, names) : this.write()));
  }

  /** Puts everything back, for good. */
  stop(): Promise<void> {
    this.isStopped = true;
    const devices = [...this.devices.keys()];
    this.devices.clear();
    return this.enqueue(async () => {
      if (!this.isResolved) await this.write();
      else for (const device of devices) await this.tellResolved(device, undefined);
    });
  }

  /** The resolvers that the system has beside ours. */
  async upstreams(): Promise<readonly string[]> {
    await this.queue;
    const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
    const resolved = join(this.options.root ?? '/', 'run/systemd/resolve/resolv.conf');
    const text = await read(this.isResolved ? resolved : this.file);
    return valuesOf(isOurs(text) ? await read(this.before) : text, 'nameserver');
  }

  /** Whether systemd-resolved runs and is asked: resolv.conf names its own addresses. */
  private get isResolved(): boolean {
    if (!existsSync(join(this.options.root ?? '/', 'run/systemd/resolve/resolv.conf'))) return false;
    try {
      return /^nameserver 127\.0\.0\.5[34]$/m.test(readFileSync(this.file, 'utf8'));
    } catch {
      return false;
    }
  }

  private async tellResolved(device: string, names: DeviceNames | undefined): Promise<void> {
    if (names === undefined) {
      await this.resolvectl('revert', device);
      return;
    }
    await this.resolvectl('dns', device, names.server);
    await this.resolvectl('domain', device, ...names.search);
    // Only names of the group are asked here, not all of the Internet's.
    await this.resolvectl('default-route', device, 'no');
  }

  private async write(): Promise<void> {
    if (this.devices.size === 0) {
      if (existsSync(this.before)) await this.restore();
      return;
    }
    const text = await readFile(this.file, 'utf8').catch(() => '');
    if (!isOurs(text)) await this.keep();
    const former = await readFile(this.before, 'utf8').catch(() => '');
    await this.put(textFor([...this.devices.values()], former));
  }

  /** Keeps what is there, be it a link or a file. A file that somebody mounted cannot be moved, so that it is copied. */
  private async keep(): Promise<void> {
    await rm(this.before, { force: true });
    const link = await readlink(this.file).catch(() => undefined);
    if (link !== undefined) await symlink(link, this.before);
    else if (existsSync(this.file)) await copyFile(this.file, this.before);
    else await writeFile(this.before, '');
  }

  private async restore(): Promise<void> {
    const isWritten = isOurs(await readFile(this.file, 'utf8').catch(() => ''));
    // Somebody else wrote it since: theirs is newer than what we keep.
    if (isWritten) {
      const isLink = (await lstat(this.before)).isSymbolicLink();
      if (isLink) await rename(this.before, this.file);
      else await this.put(await readFile(this.before, 'utf8'));
      this.options.log('the names that this machine asks for go to its former resolvers again');
    }
    await rm(this.before, { force: true });
  }

  /** In one step where the file can be replaced; a link is, too. */
  private async put(text: string): Promise<void> {
    const fresh = `${this.file}.warren-new`;
    await writeFile(fresh, text, { mode: 0o644 });
    await rename(fresh, this.file).catch(async () => {
      await rm(fresh, { force: true });
      await writeFile(this.file, text);
    });
  }

  private enqueue(work: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(() => this.attempt(work));
    return this.queue;
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      this.options.log(`names of members are not asked for by the system: ${words}`);
    }
  }
}

function textFor(devices: readonly DeviceNames[], former: string): string {
  const servers = [...devices.map(({ server }) => server), ...valuesOf(former, 'nameserver')].slice(0, SERVERS_MAX);
  const own = devices.flatMap(({ search }) => search);
  const theirs = [...valuesOf(former, 'search'), ...valuesOf(former, 'domain')].flatMap(line => line.split(/\s+/));
  const search = [...new Set([...own, ...theirs])].slice(0, SEARCH_MAX);
  const options = valuesOf(former, 'options').map(line => `options ${line}`);
  return `${[MARK, ...servers.map(each => `nameserver ${each}`), `search ${search.join(' ')}`, ...options].join('\n')}\n`;
}

function valuesOf(text: string, keyword: string): string[] {
  const lines = text.split('\n').map(line => line.trim().split(/\s+/));
  return lines.filter(([first]) => first === keyword).map(([, ...rest]) => rest.join(' '));
}

function isOurs(text: string): boolean {
  return text.startsWith(MARK);
}

/**
 * The three levers of the Linux network that a full tunnel pulls: the packet filter (`nft`), routes and rules (`ip`) and
 * settings under /proc/sys. All of it acts on the network namespace of this process. Commands are texts on standard
 * input; who writes them checks names and addresses first (`prefixes.ts`).
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { runCommand } from '../command.ts';

export type IpFamily = 4 | 6;

export interface System {
  /** The families that the kernel has. */
  readonly families: readonly IpFamily[];
  /** Carries out commands in nft's own language, all or none. */
  nft(commands: string): Promise<void>;
  /** Lists by nft as JSON: the objects of the array `nftables`. */
  nftList(...what: readonly string[]): Promise<readonly NftObject[]>;
  /** Carries out commands of `ip` one after the other; stops at the first that fails. */
  ip(family: IpFamily, commands: readonly string[]): Promise<void>;
  /** Lists by `ip -j`. */
  ipList(family: IpFamily, ...what: readonly string[]): Promise<readonly IpObject[]>;
  /** A setting, as `net/ipv4/ip_forward`; `undefined` where there is none of that name. */
  setting(name: string): Promise<string | undefined>;
  changeSetting(name: string, value: string): Promise<void>;
}

/** One object of `nft -j`, under its kind: `{ table: { family, name } }`. */
export type NftObject = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
/** One line of `ip -j`. */
export type IpObject = Readonly<Record<string, unknown>>;

const SETTINGS = '/proc/sys';

/** The machine that this process runs on. */
export const thisSystem: System = {
  families: existsSync(`${SETTINGS}/net/ipv6`) ? [4, 6] : [4],
  async nft(commands) {
    await runCommand('nft', ['-f', '-'], { input: commands });
  },
  async nftList(...what) {
    return (JSON.parse(await runCommand('nft', ['-j', 'list', ...what])) as { nftables: NftObject[] }).nftables;
  },
  async ip(family, commands) {
    if (commands.length > 0)
      await runCommand('ip', [`-${family}`, '-batch', '-'], { input: `${commands.join('\n')}\n` });
  },
  async ipList(family, ...what) {
    // Prints nothing at all for an empty list of some kinds.
    return JSON.parse((await runCommand('ip', ['-j', `-${family}`, ...what])) || '[]') as IpObject[];
  },
  async setting(name) {
    return readFile(`${SETTINGS}/${name}`, 'latin1').then(
      text => text.trim(),
      () => undefined,
    );
  },
  async changeSetting(name, value) {
    try {
      await writeFile(`${SETTINGS}/${name}`, value);
    } catch (cause) {
      const hint = `Run as root with /proc/sys writable, or set it yourself: \`sysctl -w ${name}=${value}\`.`;
      throw new Error(`${SETTINGS}/${name} cannot be set to ${value}. ${hint}`, { cause });
    }
  },
};

/** Whether nft has a table `inet <name>`. */
export async function hasTable(system: System, name: string): Promise<boolean> {
  const tables = await system.nftList('tables');
  return tables.some(({ table }) => table?.family === 'inet' && table.name === name);
}

/** nft commands that remove a table whether it is there or not. */
export function dropTable(name: string): string {
  return `table inet ${name}\ndelete table inet ${name}\n`;
}

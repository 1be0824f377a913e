/**
 * What `npm start` can be told, and what follows from it: where to listen, under
 * which name people reach the site, and whether it needs TLS of its own.
 */
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { type HostPort, isLoopback, parseHostPort, printHostPort } from './host-port.ts';

/** The site as it was asked for. */
export interface SiteOptions {
  readonly listen: HostPort;
  /** Origin of a proxy in front; absent when people reach the site directly. */
  readonly publicUrl?: string;
  /** Absolute. */
  readonly dataDir: string;
  readonly bootstrapUdp?: HostPort;
  /** Whether to ask for the passphrase of the CA keys. */
  readonly askPassphrase: boolean;
}

const EXAMPLES = `
Examples:
  $ npm start                                          on this machine only: http://localhost:8080
  $ npm start -- --listen 127.0.0.1:9000               another port
  $ npm start -- --listen 0.0.0.0:8443                 for the whole network, with a TLS key of its own
  $ npm start -- --public-url https://warren.example   behind a proxy that speaks TLS and passes WebSockets on

The key that seals the CA keys is $XDG_STATE_HOME/warren/ca-key (~/.local/state/warren/ca-key), never in the data
folder: keep a copy of both. WARREN_CA_PASSPHRASE_FILE names a file with a passphrase to use instead.

Exit codes: 0 stopped, 1 failed, 2 wrong usage.`;

/** Reads the command line (without program and script). Throws a CommanderError: exitCode 0 after --help, 2 for wrong usage. */
export function parseOptions(argv: readonly string[], cwd: string): SiteOptions {
  const command = new Command('npm start --')
    .description('Starts a group site and a bootstrap node.')
    .addOption(
      new Option('--listen <host:port>', 'address for the page and the API')
        .argParser(hostPort)
        .default({ host: '127.0.0.1', port: 8080 }, '127.0.0.1:8080'),
    )
    .option('--public-url <url>', 'address under which people reach the site, behind a proxy', publicOrigin)
    .option('--data <folder>', 'folder of the database', folderName, './data')
    .option('--bootstrap-udp <host:port>', 'UDP address of the bootstrap node (default: as --listen)', hostPort)
    .option('--ca-passphrase', 'ask for a passphrase that protects the CA keys, instead of a key file')
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments(false)
    .exitOverride(error => {
      throw new CommanderError(error.exitCode === 0 ? 0 : 2, error.code, error.message);
    });
  command.parse(argv, { from: 'user' });
  const given = command.opts<{
    listen: HostPort;
    publicUrl?: string;
    data: string;
    bootstrapUdp?: HostPort;
    caPassphrase?: true;
  }>();
  return {
    listen: given.listen,
    dataDir: resolve(cwd, given.data),
    askPassphrase: given.caPassphrase === true,
    ...(given.publicUrl !== undefined && { publicUrl: given.publicUrl }),
    ...(given.bootstrapUdp !== undefined && { bootstrapUdp: given.bootstrapUdp }),
  };
}

/** Whether the site must speak TLS itself: secrets cross only TLS or loopback. */
export function needsTls(options: SiteOptions): boolean {
  return !isLoopback(options.listen.host);
}

/** Names and addresses under which people may reach a site that listens on `host`, without ports; the best one first. */
export function reachableAs(host: string): readonly string[] {
  if (isLoopback(host)) return ['localhost', '127.0.0.1', '::1'];
  if (!isAny(host)) return [host, 'localhost'];
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? []);
  const global = addresses.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  const sorted = global.map(({ address }) => address).sort((a, b) => isIP(a) - isIP(b));
  return [...sorted, hostname().toLowerCase(), 'localhost', '127.0.0.1', '::1'];
}

/** The origin for links when there is no proxy. */
export function directOrigin(tls: boolean, host: string, port: number): string {
  const [best] = reachableAs(host);
  const name = printHostPort({ host: best ?? host, port });
  return new URL(`${tls ? 'https' : 'http'}://${name}`).origin;
}

/**
 * STUN servers for group files: the bootstrap node's UDP port, under an address of each family, or under the public name
 * where it listens on all addresses. None on loopback, where nobody can learn anything from it.
 */
export function stunServers(udp: HostPort, publicUrl?: string): readonly string[] {
  if (isLoopback(udp.host)) return [];
  const hosts = isAny(udp.host) ? (publicUrl === undefined ? ownAddresses(udp.host) : [hostOf(publicUrl)]) : [udp.host];
  return hosts.map(host => `stun:${printHostPort({ host, port: udp.port })}`);
}

function isAny(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** The first address of each family that a socket for all addresses serves: `0.0.0.0` means IPv4 only. */
function ownAddresses(any: string): readonly string[] {
  const addresses = reachableAs(any).filter(name => !isLoopback(name));
  return (any === '::' ? [4, 6] : [4]).flatMap(kind => addresses.find(name => isIP(name) === kind) ?? []);
}

function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Where the built page is, from the root of the repository. */
export const PAGE_DIR: string = join('apps', 'web', 'dist');

function hostPort(text: string): HostPort {
  const read = parseHostPort(text);
  if (read === undefined) throw new InvalidArgumentError('Give an address and a port, such as 127.0.0.1:8080.');
  return read;
}

function folderName(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give the path of a folder, such as ./data.');
  return text;
}

function publicOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url !== undefined && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (!isPlain) throw new InvalidArgumentError('Give only scheme and name, such as https://warren.example.');
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) return url.origin;
  throw new InvalidArgumentError('It must begin with https://, or browsers refuse to make keys.');
}

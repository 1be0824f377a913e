/**
 * Network namespaces of one lab (Linux, root), by the names of its hosts: programs are run, started and ended in them,
 * and all go with their maker. They are called `wr<pid>-<lab>-<host>`, so that labs live side by side and what a
 * killed run left behind is found by its dead pid and removed by the next.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LabProcess, type SpawnOptions } from './lab-process.ts';
import { systemPath } from './requirements.ts';

const NAMESPACE = /^wr(\d+)-\d+-[a-z0-9]+$/;
const COMMAND_TIMEOUT_MS = 60_000;
const FORWARDER = fileURLToPath(new URL('./forwarder.ts', import.meta.url));

export interface ExecOptions {
  /** Given to standard input. */
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  /** Resolve also when the program fails. */
  readonly allowFailure?: boolean;
}

export interface ExecResult {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit code; 1 also for a program that a signal ended. */
  readonly code: number;
}

let labsMade = 0;
/** Labs to take down when this process ends. */
const open = new Set<Namespaces>();

/** The namespaces of a lab. What connects them is the business of those who extend it. */
export class Namespaces {
  private readonly names = new Map<string, string>();
  private readonly processes = new Set<LabProcess>();
  private folder: string | undefined;
  private closing: Promise<void> | undefined;

  /** Nothing is made yet. Names are 1 to 12 of `a-z 0-9`, each once. */
  protected constructor(hosts: readonly string[]) {
    const bad = hosts.find(host => !/^[a-z0-9]{1,12}$/.test(host));
    if (bad !== undefined || new Set(hosts).size !== hosts.length) {
      throw new Error(`not good as names of hosts: ${hosts.join(' ')}`);
    }
    const lab = ++labsMade;
    for (const host of hosts) this.names.set(host, `wr${process.pid}-${lab}-${host}`);
  }

  /** The name of a host's namespace, for `ip netns exec`. */
  namespace(host: string): string {
    const found = this.names.get(host);
    if (found === undefined) throw new Error(`the lab has no host ${host}`);
    return found;
  }

  /** Runs a program in a host's namespace to its end; rejects when it fails, with what it said. */
  exec(host: string, argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return run(['ip', 'netns', 'exec', this.namespace(host), ...argv], options);
  }

  /** Starts a program in a host's namespace; it is ended with the lab at the latest. */
  spawn(host: string, argv: readonly string[], options: SpawnOptions = {}): LabProcess {
    if (this.closing !== undefined) throw new Error('the lab is closed');
    const env = { PATH: systemPath(), ...options.env };
    const name = `${host}: ${argv.join(' ')}`;
    const child = new LabProcess(name, ['ip', 'netns', 'exec', this.namespace(host), ...argv], { ...options, env });
    this.processes.add(child);
    const forget = (): boolean => this.processes.delete(child);
    child.exit.then(forget, forget);
    return child;
  }

  /**
   * Makes `to` (`198.51.100.1:8080`) reachable in a host as `127.0.0.1:<port>`, over TCP and until the lab closes:
   * pages are in a secure context on localhost only.
   */
  async forward(host: string, port: number, to: string): Promise<void> {
    await this.spawn(host, [process.execPath, FORWARDER, String(port), to]).line(/^listening$/);
  }

  /** A script that runs `program` in a host's namespace with the arguments it gets, for those who want a path, as Playwright. */
  async executable(host: string, program: string): Promise<string> {
    this.folder ??= await mkdtemp(join(tmpdir(), 'warren-lab-'));
    const file = join(this.folder, `${host}-${program.replaceAll('/', '-')}`);
    const script = `#!/bin/sh\nexec ip netns exec ${this.namespace(host)} '${program}' "$@"\n`;
    await writeFile(file, script, { mode: 0o755 });
    return file;
  }

  /** Gives commands to nft in a host's namespace: its own language, or JSON when the text begins with `{`. */
  async nft(host: string, commands: string): Promise<string> {
    const json = commands.trimStart().startsWith('{') ? ['-j'] : [];
    return (await this.exec(host, ['nft', ...json, '-f', '-'], { input: commands })).stdout;
  }

  /** Gives `ip` a list of commands in a host's namespace. */
  async ip(host: string, commands: readonly string[]): Promise<void> {
    const input = commands.map(command => `${command}\n`).join('');
    await run(['ip', '-n', this.namespace(host), '-batch', '-'], { input });
  }

  /** Kills all that runs in a host, however it was started. Resolves when nothing runs there any more. */
  async killAll(host: string): Promise<void> {
    await killAllIn(this.namespace(host));
  }

  /** Ends what still runs in the lab and removes the namespaces with all their devices. */
  close(): Promise<void> {
    this.closing ??= this.takeDown();
    return this.closing;
  }

  /** The same at once, for the end of this process. */
  closeNow(): void {
    const env = { ...process.env, PATH: systemPath() };
    for (const child of this.processes) child.kill('SIGKILL');
    for (const namespace of this.names.values()) {
      const pids = spawnSync('ip', ['netns', 'pids', namespace], { env, encoding: 'utf8' }).stdout ?? '';
      killAll(pids);
      spawnSync('ip', ['netns', 'del', namespace], { env, stdio: 'ignore' });
    }
    open.delete(this);
  }

  /** Makes the namespaces, after removing those of dead makers, and what `build` puts into them. All or nothing. */
  protected async raise(build: () => Promise<void>): Promise<void> {
    await removeStale();
    watchExit();
    open.add(this);
    try {
      for (const namespace of this.names.values()) await run(['ip', 'netns', 'add', namespace]);
      await build();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  private async takeDown(): Promise<void> {
    await Promise.allSettled([...this.processes].map(child => child.stop()));
    for (const namespace of this.names.values()) await removeNamespace(namespace);
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
    open.delete(this);
  }
}

/** Runs a command of the system to its end. */
function run(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const [program = '', ...args] = argv;
  const env = { ...process.env, PATH: systemPath(), ...options.env };
  const timeout = options.timeoutMs ?? COMMAND_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { env, timeout, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      const notStarted = error !== null && typeof error.code === 'string';
      if (error === null || (options.allowFailure && !notStarted)) resolve({ stdout, stderr, code });
      else reject(new Error(`${argv.join(' ')} failed (${code}): ${(stderr || stdout || error.message).trim()}`));
    });
    // A program that ends without reading its input is no failure of ours.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
  });
}

/** Ends what runs in a namespace of ours and removes it. Its devices go with it, once nothing runs in it. */
async function removeNamespace(namespace: string): Promise<void> {
  await killAllIn(namespace);
  await run(['ip', 'netns', 'del', namespace], { allowFailure: true });
}

async function killAllIn(namespace: string): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const { stdout, code } = await run(['ip', 'netns', 'pids', namespace], { allowFailure: true });
    if (code !== 0 || stdout.trim() === '') break;
    killAll(stdout);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

function killAll(pids: string): void {
  for (const pid of pids.split(/\s+/).map(Number)) {
    if (pid > 1) signal(pid, 'SIGKILL');
  }
}

/** Removes namespaces whose maker is dead. */
async function removeStale(): Promise<void> {
  const { stdout } = await run(['ip', 'netns', 'list']);
  for (const line of stdout.split('\n')) {
    const [name = ''] = line.split(' ');
    const maker = Number(NAMESPACE.exec(name)?.[1] ?? process.pid);
    if (!signal(maker, 0)) await removeNamespace(name);
  }
}

/** Sends a signal, or with 0 only asks; false when there is no such process. */
function signal(pid: number, what: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, what);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

let watching = false;

/** Labs go with this process, however it ends; only SIGKILL leaves them to the next run. */
function watchExit(): void {
  if (watching) return;
  watching = true;
  const closeAll = (): void => {
    for (const lab of [...open]) lab.closeNow();
  };
  process.on('exit', closeAll);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const handler = (): void => {
      // A program that handles the signal itself closes its labs itself, or at its exit.
      if (process.listenerCount(name) > 1) return;
      closeAll();
      process.removeListener(name, handler);
      process.kill(process.pid, name);
    };
    process.on(name, handler);
  }
}

/**
 * A Linux member in a host of a lab, by the `warren` command: started, stopped
 * and killed as a person or a crash would. Its status is read where that command
 * reads it: a test asks often, and each start of a command takes a second.
 */
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { GroupView, PublicView } from '@warren/peer';
import type { ExecResult, Lab } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { ROOT } from './lab-site.ts';

const PROGRAM = join(ROOT, 'apps/edge/bin/warren.js');
const READY_PATIENCE_MS = 60_000;
/** A start that fails does so within this; one that does not is ended. */
const ATTEMPT_LIMIT_MS = 20_000;

/** Hosts of a lab share one /etc: none of them may write who is to be asked for names. */
const APART = { WARREN_DNS: 'off' };

export interface LabEdgeOptions {
  /** A folder that stands for /etc, for the daemon and for `execApart`. */
  readonly etc?: string;
  /** Settings for the daemon, such as `WARREN_CONFIGURE: 'off'`. */
  readonly env?: Readonly<Record<string, string>>;
  /** The state folder; `<folder>/<host>-state` by default. */
  readonly state?: string;
}

/** What `warren status --json` prints, as far as tests look. */
export interface EdgeStatus {
  readonly schema: number;
  readonly pid: number;
  readonly health: readonly { readonly code: string; readonly message: string }[];
  readonly devices: readonly { readonly group: string; readonly interface: string }[];
  readonly ports: readonly {
    readonly use: string;
    readonly protocol: string;
    readonly port: number;
    readonly outside?: string;
  }[];
  readonly groups: readonly GroupView[];
  readonly public: PublicView;
}

/** Echo requests by the machine's own `ping`. `rttMs` is the mean, NaN without replies. */
export interface PingCount {
  readonly sent: number;
  readonly lost: number;
  readonly rttMs: number;
}

/** One machine with `warren` on it. */
export class LabEdge {
  readonly lab: Lab;
  readonly host: string;
  readonly state: string;
  /** The group file that it was given. */
  readonly file: string;
  /** The daemon that was started last. */
  process!: LabProcess;
  private readonly socket: string;
  private readonly etc: string | undefined;
  private readonly env: Readonly<Record<string, string>>;

  /** What it keeps goes into `folder`; it has no membership yet. */
  constructor(lab: Lab, folder: string, host: string, { state, env, etc }: LabEdgeOptions = {}) {
    this.env = { ...APART, ...env };
    this.etc = etc;
    this.lab = lab;
    this.host = host;
    this.state = state ?? join(folder, `${host}-state`);
    this.file = join(folder, `${host}.warren`);
    this.socket = join(folder, `${host}.sock`);
  }

  /** Joins with the text of a group file, and waits until it is connected. */
  static async join(
    lab: Lab,
    folder: string,
    host: string,
    groupFile: string,
    options: LabEdgeOptions = {},
  ): Promise<LabEdge> {
    const edge = new LabEdge(lab, folder, host, options);
    await edge.take(groupFile);
    await edge.up(edge.file);
    return edge;
  }

  /** Puts a group file on the machine. */
  async take(groupFile: string): Promise<void> {
    await writeFile(this.file, groupFile, { mode: 0o600 });
  }

  /** Starts the daemon, with a group file or without, and waits until it is connected. */
  async up(...file: readonly string[]): Promise<void> {
    await this.launch(...file).line(/^ready/, READY_PATIENCE_MS);
  }

  /** Starts the daemon without waiting for anything. */
  launch(...args: readonly string[]): LabProcess {
    this.process = this.lab.spawn(this.host, this.upArgv(args), { cwd: ROOT, env: this.env });
    return this.process;
  }

  /** Runs `warren up` where it is to fail: gives what it said in the end. */
  attempt(...args: readonly string[]): Promise<ExecResult> {
    return this.lab.exec(this.host, this.upArgv(args), { allowFailure: true, timeoutMs: ATTEMPT_LIMIT_MS });
  }

  /** Runs another `warren` command beside the daemon. Resolves also when that fails. */
  warren(...args: readonly string[]): Promise<ExecResult> {
    const argv = [process.execPath, PROGRAM, ...args, '--socket', this.socket];
    return this.lab.exec(this.host, argv, { allowFailure: true });
  }

  /** Rejects where no daemon runs. */
  status(): Promise<EdgeStatus> {
    const { socket: socketPath } = this;
    return new Promise((resolve, reject) => {
      const asking = request({ socketPath, path: '/status', headers: { host: 'warren' }, agent: false }, answer => {
        json(answer).then(status => resolve(status as EdgeStatus), reject);
      });
      asking.on('error', reject);
      asking.end();
    });
  }

  /** Its first group. */
  async group(): Promise<GroupView> {
    const [group] = (await this.status()).groups;
    if (group === undefined) throw new Error(`${this.host} is in no group`);
    return group;
  }

  /** Its own peer id, address and network device. */
  async self(): Promise<{ peerId: string; address: string; device: string }> {
    const { groups, devices } = await this.status();
    const { peerId = '', address = '' } = groups[0]?.self ?? {};
    return { peerId, address, device: devices[0]?.interface ?? '' };
  }

  /** Pings until an address answers: who has started only now may have to look up first who owns it. */
  async reach(address: string, patienceMs = 20_000): Promise<void> {
    const argv = ['ping', '-n', '-c', '1', '-W', '1', address];
    for (const until = performance.now() + patienceMs; ; ) {
      if ((await this.lab.exec(this.host, argv, { allowFailure: true })).code === 0) return;
      if (performance.now() > until) throw new Error(`${this.host} does not reach ${address}`);
    }
  }

  /** Pings an address through the device. */
  async ping(address: string, count: number, intervalMs = 200): Promise<PingCount> {
    const argv = ['ping', '-n', '-q', '-c', String(count), '-i', String(intervalMs / 1_000), '-W', '3', address];
    const { stdout } = await this.lab.exec(this.host, argv, { allowFailure: true });
    const [, sent = '0', received = '0'] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
    const rttMs = Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1] ?? Number.NaN);
    return { sent: Number(sent), lost: Number(sent) - Number(received), rttMs };
  }

  /** Runs a program with the daemon's /etc. Resolves also when it fails. */
  execApart(...argv: readonly string[]): Promise<ExecResult> {
    return this.lab.exec(this.host, this.apart(argv), { allowFailure: true });
  }

  /** What `ip` shows: a line for each device or route. */
  async show(...what: readonly string[]): Promise<string> {
    return (await this.lab.exec(this.host, ['ip', '-o', ...what])).stdout;
  }

  private upArgv(args: readonly string[]): string[] {
    return this.apart([process.execPath, PROGRAM, 'up', ...args, '--state', this.state, '--socket', this.socket]);
  }

  private apart(argv: readonly string[]): string[] {
    if (this.etc === undefined) return [...argv];
    return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc && exec "$@"', this.etc, ...argv];
  }
}

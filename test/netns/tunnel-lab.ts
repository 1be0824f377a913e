/**
 * A lab for full tunnels and gateways: a member behind a judge, a gateway, the Internet.
 *
 * ```text
 *   client .1 ---[judge]--- br0 .254 in "wan", a router --- web .3  and 203.0.113.80, 2001:db8:80::80 behind it
 *   gateway .2 --------------'   '--- home .4               both families, an echo service on UDP and HTTP
 *   198.51.100.0/24, 2001:db8:1::/64; client, gateway and home also in 192.168.7.0/24 (a local network)
 * ```
 *
 * The judge counts on the router's end of the client's cable, before anything else there: what it does not know for the
 * overlay's own or a cable's housekeeping is the user's, and leaked.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FullTunnelOptions, FullTunnelStatus, GatewayOptions, GatewayStatus, Leftovers } from '@warren/node';
import { INTERFACE, Lab, WAN } from './lab.ts';
import type { LabProcess } from './lab-process.ts';

const HOST = fileURLToPath(new URL('./tunnel-host.ts', import.meta.url));
const WEB = fileURLToPath(new URL('./tunnel-web.ts', import.meta.url));
const USER = fileURLToPath(new URL('./tunnel-user.ts', import.meta.url));

export const TAP = 'wr0';
export const SUBNETS = ['10.200.0.0/16', 'fd00:77::/64'];
/** The last number of the group's addresses. */
const STATIONS = { client: 5, gateway: 1 } as const;
/** The port of the cable between client and gateway on both sides. */
export const CABLE_PORT = 4001;
/** Where the web server is: outside of every network that the other hosts are connected to. */
export const WEB4 = '203.0.113.80';
export const WEB6 = '2001:db8:80::80';
/** A port of the web server that only Warren's own sockets ask. */
export const OWN_PORT = 3478;
/** A port of the web server that pauses open. */
export const PORTAL_PORT = 8081;
/** A name server and web server in the local network. */
export const HOME = '192.168.7.4';

/** What `tunnel-host.ts` is started with. */
export interface TunnelHostOptions {
  readonly tap: string;
  /** The last byte of its MAC address. */
  readonly station: number;
  readonly port: number;
  /** The path id of the other end. */
  readonly remote: string;
  readonly stateDir: string;
  /** The Unix socket for calls. */
  readonly control: string;
  /** Waits before every change of the system, after a line that begins with `about to`. */
  readonly slow?: boolean;
}

/** What it does on call. */
export interface TunnelCalls {
  clean(keepClosed: boolean): Promise<Leftovers>;
  configure(address: string): Promise<void>;
  close(options: Pick<FullTunnelOptions, 'groups'> & Partial<FullTunnelOptions>): Promise<void>;
  enter(via: readonly string[]): Promise<void>;
  leave(): Promise<void>;
  repair(): Promise<boolean>;
  pause(durationMs: number, ports?: readonly number[]): Promise<void>;
  resume(): Promise<void>;
  status(): Promise<FullTunnelStatus>;
  open(keepClosed: boolean): Promise<void>;
  serve(options: Pick<GatewayOptions, 'subnets'> & Partial<GatewayOptions>): Promise<void>;
  gateway(): Promise<GatewayStatus>;
  unserve(): Promise<void>;
  looped(): Promise<number>;
  library(address: string, port: number): Promise<boolean>;
}

/** Packets that the judge saw. */
export interface Verdict {
  readonly leaked4: number;
  readonly leaked6: number;
  readonly leakedNames: number;
  readonly overlay: number;
  readonly own: number;
  /** By a pause. */
  readonly portal: number;
  /** To the local network, but for questions for names. */
  readonly lan: number;
}

interface Destination {
  readonly val: string;
  readonly counter: { readonly packets: number };
}

/** A running `tunnel-host.ts`. */
export class TunnelHost {
  readonly process: LabProcess;
  private readonly socket: Socket;
  private readonly answers: AsyncIterator<string>;

  private constructor(program: LabProcess, socket: Socket) {
    this.process = program;
    this.socket = socket;
    this.answers = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async start(lab: Lab, at: string, options: TunnelHostOptions): Promise<TunnelHost> {
    const program = lab.spawn(at, [process.execPath, HOST, JSON.stringify(options)]);
    await program.line(/^up$/);
    const socket = connect(options.control);
    socket.on('error', () => {});
    return new TunnelHost(program, socket);
  }

  /** Calls and waits for the answer; one call at a time. */
  async call<K extends keyof TunnelCalls>(call: K, ...args: Parameters<TunnelCalls[K]>) {
    this.socket.write(`${JSON.stringify({ call, args })}\n`);
    const { value: line } = await this.answers.next();
    if (line === undefined) throw new Error(`no answer to ${call}: ${this.process.lines.slice(-5).join('\n')}`);
    const { value, error } = JSON.parse(line as string) as { value: unknown; error?: string };
    if (error !== undefined) throw new Error(error);
    return value as Awaited<ReturnType<TunnelCalls[K]>>;
  }

  /** SIGKILL: nothing is cleaned up. */
  async die(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.exit;
    this.socket.destroy();
  }
}

export class TunnelLab {
  readonly lab: Lab;
  private readonly folder: string;
  private starts = 0;

  private constructor(lab: Lab, folder: string) {
    this.lab = lab;
    this.folder = folder;
  }

  static async create(): Promise<TunnelLab> {
    const lab = await Lab.create({ hosts: ['client', 'gateway', 'web', 'home'] });
    const around = new TunnelLab(lab, await mkdtemp(join(tmpdir(), 'warren-tunnel-')));
    await around.build();
    return around;
  }

  async close(): Promise<void> {
    await this.lab.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Starts one end of the cable, its device up with addresses of both families. */
  async start(at: 'client' | 'gateway', { slow = false } = {}): Promise<TunnelHost> {
    const other = at === 'client' ? 'gateway' : 'client';
    return TunnelHost.start(this.lab, at, {
      tap: TAP,
      station: STATIONS[at],
      port: CABLE_PORT,
      remote: `udp/${this.lab.address(other)}:${CABLE_PORT}`,
      stateDir: join(this.folder, at),
      control: join(this.folder, `${at}-${this.starts++}`),
      slow,
    });
  }

  /** Gives the device its addresses. */
  async configure(host: TunnelHost, at: 'client' | 'gateway'): Promise<void> {
    const last = STATIONS[at];
    await host.call('configure', `10.200.0.${last}/16`);
    await this.lab.exec(at, ['ip', 'address', 'add', `fd00:77::${last}/64`, 'dev', TAP, 'nodad']);
  }

  /** Starts the user: traffic of all kinds from now on, until it is stopped. */
  async user(): Promise<LabProcess> {
    const user = this.lab.spawn('client', [process.execPath, USER]);
    await user.line(/^busy$/);
    return user;
  }

  async verdict(): Promise<Verdict> {
    const { stdout } = await this.lab.exec(WAN, ['nft', '-j', 'list', 'counters', 'table', 'netdev', 'judge']);
    const { nftables } = JSON.parse(stdout) as { nftables: { counter?: { name: string; packets: number } }[] };
    const of = (name: string) => nftables.find(({ counter }) => counter?.name === name)?.counter?.packets ?? Number.NaN;
    return {
      leaked4: of('leaked4'),
      leaked6: of('leaked6'),
      leakedNames: of('leakedNames'),
      overlay: of('overlay'),
      own: of('own'),
      portal: of('portal'),
      lan: of('lan'),
    };
  }

  async forget(): Promise<void> {
    await this.lab.exec(WAN, ['nft', 'reset', 'counters', 'table', 'netdev', 'judge']);
    await this.lab.exec(WAN, ['nft', 'flush', 'set', 'netdev', 'judge', 'destinations']);
  }

  /** What curl prints for the page at an address, or why not. */
  async curl(at: string, url: string, seconds = 2): Promise<string> {
    const argv = ['curl', '-gsS', '--max-time', String(seconds), url];
    const { stdout, stderr } = await this.lab.exec(at, argv, { allowFailure: true });
    return (stdout || stderr).trim();
  }

  /** Whether an echo service answers a datagram of the user's. */
  async ask(at: string, address: string, port: number): Promise<boolean> {
    const script = `const s = require('dgram').createSocket('udp4');
      s.on('message', () => process.exit(0)); s.on('error', () => {});
      s.send('who', ${port}, '${address}'); setTimeout(() => process.exit(3), 1000)`;
    return (await this.lab.exec(at, [process.execPath, '-e', script], { allowFailure: true })).code === 0;
  }

  /** IPv4 packets that leaked since the judge forgot, but for those to some addresses. */
  async leakedBut(...spared: readonly string[]): Promise<number> {
    const { stdout } = await this.lab.exec(WAN, ['nft', '-j', 'list', 'set', 'netdev', 'judge', 'destinations']);
    const { nftables } = JSON.parse(stdout) as { nftables: { set?: { elem?: { elem: Destination }[] } }[] };
    const others = nftables.flatMap(({ set }) => set?.elem ?? []).filter(({ elem }) => !spared.includes(elem.val));
    return others.reduce((sum, { elem }) => sum + elem.counter.packets, 0);
  }

  /** The ports that a pause holds open, by the client's kernel. */
  async paused(): Promise<readonly unknown[]> {
    const argv = ['nft', '-j', 'list', 'set', 'inet', 'warren_tunnel', 'paused'];
    const { nftables } = JSON.parse((await this.lab.exec('client', argv)).stdout) as {
      nftables: { set?: { elem?: unknown[] } }[];
    };
    return nftables.flatMap(({ set }) => set?.elem ?? []);
  }

  async sysctl(at: string, name: string): Promise<string> {
    return (await this.lab.exec(at, ['cat', `/proc/sys/${name}`])).stdout.trim();
  }

  private async build(): Promise<void> {
    const { lab } = this;
    for (const [i, host] of ['client', 'gateway', 'web', 'home', WAN].entries()) {
      const device = host === WAN ? 'br0' : INTERFACE;
      await this.set(host, 'net/ipv6/conf/all/disable_ipv6', '0');
      const last = host === WAN ? 'fe' : String(i + 1);
      await this.ip(host, `address add 2001:db8:1::${last}/64 dev ${device} nodad`);
      if (host !== WAN) await this.ip(host, 'route add default via 2001:db8:1::fe');
      if (host !== WAN && host !== 'web') await this.ip(host, `address add 192.168.7.${i + 1}/24 dev ${device}`);
    }
    // The strictest that distributions ship: answers must come from where they would be sent to.
    for (const host of ['client', 'gateway']) await this.set(host, 'net/ipv4/conf/all/rp_filter', '1');
    await this.set(WAN, 'net/ipv4/ip_forward', '1');
    await this.set(WAN, 'net/ipv6/conf/all/forwarding', '1');
    for (const on of ['all', 'br0']) await this.set(WAN, `net/ipv4/conf/${on}/send_redirects`, '0');
    await this.ip(WAN, `route add ${WEB4} via ${lab.address('web')}`);
    await this.ip(WAN, `route add ${WEB6} via 2001:db8:1::3`);
    await this.ip('web', `address add ${WEB4}/32 dev lo`);
    await this.ip('web', `address add ${WEB6}/128 dev lo nodad`);
    for (const host of ['gateway', 'web', 'home']) {
      await lab.spawn(host, [process.execPath, WEB]).line(/^listening$/);
    }
    await lab.nft(WAN, JUDGE);
  }

  private async ip(at: string, command: string): Promise<void> {
    const family = command.includes(':') ? ['-6'] : [];
    await this.lab.exec(at, ['ip', ...family, ...command.split(' ')]);
  }

  async set(at: string, name: string, value: string): Promise<void> {
    await this.lab.exec(at, ['sh', '-c', `echo ${value} >/proc/sys/${name}`]);
  }
}

/** `port1` is the router's end of the client's cable. Housekeeping: ARP, neighbours, listeners, reports to no one. */
const JUDGE = `table netdev judge {
  counter overlay { }
  counter own { }
  counter portal { }
  counter lan { }
  counter leaked4 { }
  counter leaked6 { }
  counter leakedNames { }
  set destinations { type ipv4_addr; size 1024; flags dynamic; }
  chain seen { type filter hook ingress device "port1" priority 0;
    ether type arp accept
    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept
    ip protocol udp udp sport ${CABLE_PORT} ip daddr 198.51.100.2 counter name overlay accept
    meta l4proto { tcp, udp } th dport ${OWN_PORT} counter name own accept
    meta l4proto { tcp, udp } th dport { 53, 853, 5355 } counter name leakedNames accept
    tcp dport ${PORTAL_PORT} counter name portal accept
    ip daddr 192.168.7.0/24 counter name lan accept
    ether type ip add @destinations { ip daddr counter }
    ether type ip counter name leaked4 accept
    ether type ip6 counter name leaked6 accept
  }
}`;

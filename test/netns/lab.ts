/**
 * A small internet in network namespaces, for tests and the demo (Linux, root):
 *
 *     host a            host b            ...
 *     wan0 .1           wan0 .2                 198.51.100.0/24 (RFC 5737: counts as public)
 *       |                 |
 *     port1             port2
 *     +----- br0 .254, namespace "wan" -----+
 *
 * Each host counts, in its nftables table `inet lab`, what passes between it and each other host, by protocol.
 * Routers that translate addresses are in `nat-lab.ts`.
 */
import { type Counter, counterRules, parseCounters } from './lab-counters.ts';
import { Namespaces } from './namespaces.ts';

export type { ExecOptions, ExecResult } from './namespaces.ts';

/** The interface of every host. */
export const INTERFACE = 'wan0';
/** The namespace that the hosts' cables end in; programs may run there too. */
export const WAN = 'wan';

export interface LabOptions {
  /** Names of 1 to 12 of `a-z 0-9`, at most 50, without `wan`. */
  readonly hosts: readonly string[];
  /** Default 1,500. */
  readonly mtuBytes?: number;
}

export class Lab extends Namespaces {
  private readonly addresses = new Map<string, string>();
  private readonly hosts: readonly string[];

  private constructor(hosts: readonly string[]) {
    super([...hosts, WAN]);
    this.hosts = hosts;
    for (const [i, host] of [...hosts, WAN].entries()) {
      this.addresses.set(host, `198.51.100.${host === WAN ? 254 : i + 1}`);
    }
  }

  /** Builds the lab; removes first what dead processes left behind. Rejects with what the system said. */
  static async create({ hosts, mtuBytes = 1_500 }: LabOptions): Promise<Lab> {
    if (hosts.length > 50) throw new Error(`too many hosts: ${hosts.length}`);
    const lab = new Lab(hosts);
    await lab.raise(() => lab.build(mtuBytes));
    return lab;
  }

  /** The IPv4 address of a host on the common network. */
  address(host: string): string {
    const found = this.addresses.get(host);
    if (found === undefined) throw new Error(`the lab has no host ${host}`);
    return found;
  }

  /** What passed between this host and each other since the lab was built, counted by the kernel. */
  async counters(host: string): Promise<Counter[]> {
    const { stdout } = await this.exec(host, ['nft', '-j', 'list', 'counters', 'table', 'inet', 'lab']);
    return parseCounters(stdout);
  }

  /** Drops all UDP on a host's cable, both ways, from now on; UDP inside tunnels and on loopback is left alone. */
  async blockUdp(host: string): Promise<void> {
    await this.nft(
      host,
      `add rule inet lab block_in iifname "${INTERFACE}" meta l4proto udp counter name "in_udp_blocked" drop
       add rule inet lab block_out oifname "${INTERFACE}" meta l4proto udp counter name "out_udp_blocked" drop`,
    );
  }

  /** Takes back `blockUdp`. */
  async unblockUdp(host: string): Promise<void> {
    await this.nft(host, 'flush chain inet lab block_in\nflush chain inet lab block_out');
  }

  /** Pulls a host's cable or puts it back. */
  async setCable(host: string, plugged: boolean): Promise<void> {
    await this.ip(WAN, [`link set ${this.cable(host)} ${plugged ? 'up' : 'down'}`]);
  }

  /** The end of a host's cable in the namespace `wan`. */
  cable(host: string): string {
    return `port${this.hosts.indexOf(host) + 1}`;
  }

  private async build(mtuBytes: number): Promise<void> {
    // Only addresses that the lab gives.
    for (const host of [...this.hosts, WAN]) {
      await this.exec(host, ['sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6']);
    }
    await this.ip(WAN, ['link set lo up', 'link add name br0 type bridge', 'link set br0 up']);
    await this.ip(WAN, [`address add ${this.address(WAN)}/24 dev br0`]);
    for (const [i, host] of this.hosts.entries()) {
      const port = `port${i + 1}`;
      const cable = `link add name ${port} type veth peer name ${INTERFACE} netns ${this.namespace(host)}`;
      await this.ip(WAN, [cable, `link set ${port} mtu ${mtuBytes} master br0 up`]);
      await this.ip(host, [
        'link set lo up',
        `link set ${INTERFACE} mtu ${mtuBytes} up`,
        `address add ${this.address(host)}/24 dev ${INTERFACE}`,
        `route add default via ${this.address(WAN)}`,
      ]);
      await this.nft(host, counterRules(INTERFACE, new Map([...this.addresses].filter(([name]) => name !== host))));
    }
  }
}

/**
 * A gateway on the machine's side: members' packets come out of the group's Ethernet device and go on to the Internet
 * under this machine's address. From `start` to `stop` it has a table of its own in the packet filter and forwarding
 * switched on where it was off. Not here: whom it serves and how members find it.
 */
import { networkInterfaces } from 'node:os';
import type { Storage } from '@warren/peer';
import { forwardObstacles, type Obstacle } from './forward-obstacles.ts';
import { TUNNEL_TABLE } from './full-tunnel-rules.ts';
import { ASKED, GATEWAY_TABLE, gatewayRules, LEFT, REFUSED } from './gateway-rules.ts';
import { deviceName } from './prefixes.ts';
import { Settings } from './settings.ts';
import { dropTable, hasTable, type IpFamily, type System, thisSystem } from './system.ts';

const GATEWAY_SETTINGS = 'gateway-settings';
const EVERYWHERE = { 4: 'net/ipv4/conf/all/forwarding', 6: 'net/ipv6/conf/all/forwarding' } as const;

export interface GatewayOptions {
  /** The device of the group whose members it serves; it is there. */
  readonly tap: string;
  /** The devices of all groups of this machine. */
  readonly taps: readonly string[];
  /** The group's prefixes, of both families. */
  readonly subnets: readonly string[];
  /** Whether members reach private addresses and this machine's own networks; else only the Internet. */
  readonly allowLan: boolean;
  /** For the settings to put back, also after being killed. */
  readonly storage: Storage;
  /** Default: this machine. */
  readonly system?: System;
}

export interface GatewayStatus {
  /** Flows that members asked for, and how many of them left; none of many: a firewall of the machine is in between. */
  readonly asked: number;
  readonly left: number;
  /** Packets to where members may not go, from addresses that are not theirs, or that nobody asked for. */
  readonly refused: number;
  /** Firewalls that stand in the way. */
  readonly obstacles: readonly Obstacle[];
}

export class Gateway {
  private readonly options: GatewayOptions;
  private readonly system: System;
  private readonly settings: Settings;
  /** What was loaded last. */
  private rules = '';

  private constructor(options: GatewayOptions) {
    this.options = options;
    this.system = options.system ?? thisSystem;
    this.settings = new Settings(this.system, options.storage, GATEWAY_SETTINGS);
  }

  /** Begins to forward. Rejects with a reason and what to do, and leaves nothing behind. */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    deviceName(options.tap);
    if (await hasTable(gateway.system, TUNNEL_TABLE)) {
      throw new Error('The traffic of this machine goes through a gateway: stop the full tunnel first, then be one.');
    }
    try {
      // What may not pass is settled before anything may.
      await gateway.load(await gateway.quiet());
      await gateway.repair();
    } catch (error) {
      await gateway.stop().catch(() => undefined);
      throw error;
    }
    return gateway;
  }

  /**
   * Brings it in line with the machine: addresses and ways out that came or went, tables that others flushed. Returns
   * whether something was missing. For every few seconds, and after a change of network.
   */
  async repair(): Promise<boolean> {
    for (const family of this.system.families) await this.forward(family);
    return this.load(await this.onlyOurs());
  }

  async status(): Promise<GatewayStatus> {
    const counters = await this.system.nftList('counters', 'table', 'inet', GATEWAY_TABLE);
    const packets = (name: string): number =>
      Number(counters.find(({ counter }) => counter?.name === name)?.counter?.packets ?? 0);
    const obstacles = await forwardObstacles(this.system, this.options.tap, GATEWAY_TABLE);
    return { asked: packets(ASKED), left: packets(LEFT), refused: packets(REFUSED), obstacles };
  }

  /** Forwards no more, and leaves the machine as it was. */
  async stop(): Promise<void> {
    await removeGateway(this.system, this.options.storage);
  }

  private async load(ours: readonly IpFamily[]): Promise<boolean> {
    const { tap, taps, subnets, allowLan } = this.options;
    const rules = gatewayRules({ tap, taps, subnets, allowLan, connected: connected(taps), ours });
    if (rules === this.rules && (await hasTable(this.system, GATEWAY_TABLE))) return false;
    await this.system.nft(rules);
    this.rules = rules;
    return true;
  }

  /**
   * Switches forwarding on. IPv4 does that by incoming device: ours, and those with a way out, for answers. IPv6 knows only
   * the whole machine, and then no longer listens to routers (RFC 4861 6.2.2) unless told to: first of all, for at
   * the switch it forgets what it learned from them.
   */
  private async forward(family: IpFamily): Promise<void> {
    if (family === 4) {
      for (const device of [this.options.tap, ...(await this.waysOut())]) {
        await this.settings.change(`net/ipv4/conf/${device}/forwarding`, '1');
      }
      return;
    }
    // Devices that come later are found by `repair`.
    for (const device of new Set([...Object.keys(networkInterfaces()), ...(await this.waysOut(6))])) {
      // Nobody in a group is a router for this machine.
      if (this.options.taps.includes(device)) continue;
      const name = `net/ipv6/conf/${device}/accept_ra`;
      if ((await this.system.setting(name)) === '1') await this.settings.change(name, '2');
    }
    await this.settings.change(EVERYWHERE[6], '1');
    await this.speakIpv6();
  }

  /**
   * Gives the device a link-local address where it has none, as Ethernet devices of ours: without one the kernel cannot
   * ask for the neighbour that a forwarded packet goes to (RFC 4861 7.2.2), and drops it. Goes with the device.
   */
  private async speakIpv6(): Promise<void> {
    const { tap } = this.options;
    if ((await this.system.setting(`net/ipv6/conf/${tap}/disable_ipv6`)) === '1') return;
    const known = await this.system.ipList(6, 'address', 'show', 'dev', tap, 'scope', 'link');
    if (known.some(({ addr_info }) => (addr_info as unknown[] | undefined)?.length)) return;
    const [device] = await this.system.ipList(6, 'link', 'show', 'dev', tap);
    const mac = String(device?.address).split(':');
    if (mac.length !== 6) return;
    // RFC 4291 appendix A: the MAC address with ff:fe in its middle and one bit turned over.
    const [a = '', b = '', c = '', d = '', e = '', f = ''] = mac;
    const first = (Number.parseInt(a, 16) ^ 2).toString(16).padStart(2, '0');
    await this.system.ip(6, [`address add fe80::${first}${b}:${c}ff:fe${d}:${e}${f}/64 dev ${tap} nodad`]);
  }

  /** Families in which nobody but us wants forwarding: then nothing else is forwarded. */
  private async onlyOurs(): Promise<IpFamily[]> {
    const v4 = (await this.system.setting(EVERYWHERE[4])) === '0';
    const v6 = await this.settings.isOurs(EVERYWHERE[6]);
    return [...(v4 ? ([4] as const) : []), ...(v6 ? ([6] as const) : [])];
  }

  /** Families in which this machine forwards nothing as yet. */
  private async quiet(): Promise<IpFamily[]> {
    const now = await Promise.all(this.system.families.map(family => this.system.setting(EVERYWHERE[family])));
    return this.system.families.filter((_, i) => now[i] === '0');
  }

  /** Devices with a default route. */
  private async waysOut(family: IpFamily = 4): Promise<string[]> {
    const routes = await this.system.ipList(family, 'route', 'show', 'default');
    const devices = routes.flatMap(({ dev, nexthops }) => [
      ...(typeof dev === 'string' ? [dev] : []),
      ...((nexthops ?? []) as { dev?: string }[]).flatMap(hop => (hop.dev === undefined ? [] : [hop.dev])),
    ]);
    return [...new Set(devices)].filter(device => !this.options.taps.includes(device));
  }
}

/** Takes any gateway away: forwarding first, then what guards it. */
export async function removeGateway(system: System, storage: Storage): Promise<void> {
  await new Settings(system, storage, GATEWAY_SETTINGS).restore();
  await system.nft(dropTable(GATEWAY_TABLE));
}

/** Prefixes of all other devices of this machine. */
function connected(taps: readonly string[]): string[] {
  const others = Object.entries(networkInterfaces()).filter(([name]) => !taps.includes(name));
  return [...new Set(others.flatMap(([, entries]) => (entries ?? []).flatMap(({ cidr }) => cidr ?? [])))];
}

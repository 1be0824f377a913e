/**
 * A full tunnel on the client's side: from `start` to `stop` nothing of the user's leaves this machine but through the
 * groups' Ethernet devices, in both IP families and whatever becomes of this process. Two locks, each closed by itself:
 * the kill switch (`full-tunnel-rules.ts`) and the routes (`full-tunnel-routes.ts`). Not here: which gateway, and what
 * happens to packets once they are in the device.
 */
import { assert } from '@warren/base';
import type { Storage } from '@warren/peer';
import { addRoutes, hasRoutes, removeRoutes, type TunnelGroup, type TunnelRoutes } from './full-tunnel-routes.ts';
import { PAUSED, STOPPED, TUNNEL_TABLE, tunnelRules } from './full-tunnel-rules.ts';
import { GATEWAY_TABLE } from './gateway-rules.ts';
import { Settings } from './settings.ts';
import { dropTable, hasTable, type System, thisSystem } from './system.ts';

/** Where the settings that we changed are written down. */
export const TUNNEL_SETTINGS = 'tunnel-settings';
/** Lets marks count when reverse paths are checked: replies to us come back where the tunnel is not. */
const MARKED_PATHS = 'net/ipv4/conf/all/src_valid_mark';
/** What pages of captive portals are reached at: names, the web, and the web beside its usual ports. */
const PORTAL_PORTS: readonly number[] = [53, 80, 443, 8080, 8443];
const PAUSE_MAX_MS = 3_600_000;

export interface FullTunnelOptions {
  /** All groups that this machine is in. Devices may be missing as yet. */
  readonly groups: readonly TunnelGroup[];
  /** What `enterTunnelGroup` returned. */
  readonly groupId: number;
  /** Whether private addresses that no group has are reached directly, but for questions for names. */
  readonly allowLan: boolean;
  /** Name servers inside the groups, one of each family at most: they get the questions to those of the local network. */
  readonly nameServers: readonly string[];
  /** For the settings to put back, also after being killed. */
  readonly storage: Storage;
  /** Default: this machine. */
  readonly system?: System;
}

/** Where traffic goes in: the device of a group that is up and has an address, and the next hop of each family there. */
export type TunnelEntry = Pick<TunnelRoutes, 'tap' | 'via'>;

export interface FullTunnelStatus {
  /** Packets of the user's that would have left in the clear. */
  readonly stoppedPackets: number;
  /** Milliseconds until a pause ends; 0 without one. */
  readonly pausedMs: number;
}

export class FullTunnel {
  private readonly system: System;
  private readonly settings: Settings;
  private options: FullTunnelOptions;
  private entry: TunnelEntry | undefined;

  private constructor(options: FullTunnelOptions) {
    this.options = options;
    this.system = options.system ?? thisSystem;
    this.settings = settings(this.system, options.storage);
  }

  /**
   * Closes the kill switch: from here on nothing leaves but our own packets. Takes over one that is there without a gap.
   * Rejects with a reason and what to do; then it is not closed, or as closed as before.
   */
  static async start(options: FullTunnelOptions): Promise<FullTunnel> {
    const tunnel = new FullTunnel(options);
    if (await hasTable(tunnel.system, GATEWAY_TABLE)) {
      throw new Error(
        'This machine is a gateway: stop that first, it cannot send its own traffic through another one.',
      );
    }
    await tunnel.close();
    return tunnel;
  }

  /** Sends the user's traffic into a device. Again whenever its address changed, for the kernel then forgets its routes. */
  async enter(entry: TunnelEntry): Promise<void> {
    const { groups, allowLan } = this.options;
    await addRoutes(this.system, { groups, allowLan, ...entry });
    this.entry = entry;
  }

  /** Takes the routes out; the kill switch stays closed, and our own packets go on. For when the device goes. */
  async leave(): Promise<void> {
    this.entry = undefined;
    await removeRoutes(this.system);
  }

  /** Goes on with other groups, as when one was joined or announces another subnet. */
  async change(groups: readonly TunnelGroup[]): Promise<void> {
    this.options = { ...this.options, groups };
    await this.close();
    if (this.entry !== undefined) {
      const { entry } = this;
      // Prefixes that are gone must not stay; the kill switch covers the moment.
      await this.leave();
      await this.enter(entry);
    }
  }

  /**
   * Looks whether all is still there (others flush rules and routes) and puts back what is not. Returns whether
   * something was missing. For every few seconds, and after waking or a change of network.
   */
  async repair(): Promise<boolean> {
    const { groups, allowLan } = this.options;
    const { entry } = this;
    const closed = await hasTable(this.system, TUNNEL_TABLE);
    if (closed) await this.loosenPaths();
    else await this.close();
    const routed = entry === undefined || (await hasRoutes(this.system, { groups, allowLan, ...entry }));
    if (!routed) await this.enter(entry);
    return !(closed && routed);
  }

  /**
   * Lets new connections to some ports out past the tunnel, to get through a captive portal. The kernel ends it after
   * `durationMs` (at most an hour), whatever becomes of this process. What lives in the tunnel stays there.
   */
  async pause(durationMs: number, ports: readonly number[] = PORTAL_PORTS): Promise<void> {
    assert(durationMs >= 1_000 && durationMs <= PAUSE_MAX_MS, 'a pause lasts a second to an hour');
    assert(ports.length > 0 && ports.every(port => Number.isInteger(port) && port > 0 && port < 65_536), 'ports');
    const elements = ports.map(port => `${port} timeout ${Math.floor(durationMs / 1_000)}s`);
    await this.system.nft(`flush set inet ${TUNNEL_TABLE} ${PAUSED}
add element inet ${TUNNEL_TABLE} ${PAUSED} { ${elements.join(', ')} }
`);
  }

  /** Ends a pause. */
  async resume(): Promise<void> {
    await this.system.nft(`flush set inet ${TUNNEL_TABLE} ${PAUSED}\n`);
  }

  async status(): Promise<FullTunnelStatus> {
    const [counters, set] = await Promise.all([
      this.system.nftList('counter', 'inet', TUNNEL_TABLE, STOPPED),
      this.system.nftList('set', 'inet', TUNNEL_TABLE, PAUSED),
    ]);
    const stoppedPackets = Number(counters.find(({ counter }) => counter !== undefined)?.counter?.packets ?? 0);
    const elements = (set.find(each => each.set !== undefined)?.set?.elem ?? []) as { elem?: { expires?: number } }[];
    const seconds = Math.max(0, ...elements.map(({ elem }) => elem?.expires ?? 0));
    return { stoppedPackets, pausedMs: seconds * 1_000 };
  }

  /** Ends it: the user's traffic goes its ordinary way. With `keepClosed`, as for an upgrade, nothing of it goes anywhere. */
  async stop({ keepClosed = false } = {}): Promise<void> {
    await this.leave();
    if (!keepClosed) await openTunnel(this.system, this.options.storage);
  }

  private async close(): Promise<void> {
    const { groups, groupId, allowLan, nameServers } = this.options;
    const taps = groups.map(({ tap }) => tap);
    const subnets = groups.flatMap(group => group.subnets);
    await this.system.nft(tunnelRules({ taps, subnets, groupId, allowLan, nameServers }));
    await this.settings.change(MARKED_PATHS, '1');
    await this.loosenPaths();
  }

  /**
   * Where the kernel takes packets only from where it would send to (RFC 3704, strict), it would no longer answer ARP
   * requests on the cable: they carry no mark, and unmarked packets go into the tunnel. Any way back will do then.
   */
  private async loosenPaths(): Promise<void> {
    const links = await this.system.ipList(4, 'link', 'show');
    for (const device of ['all', ...links.map(({ ifname }) => String(ifname))]) {
      const name = `net/ipv4/conf/${device}/rp_filter`;
      if ((await this.system.setting(name)) === '1') await this.settings.change(name, '2');
    }
  }
}

/** Takes the routes of any full tunnel out and leaves its kill switch closed. Returns whether there were any. */
export function leaveTunnel(system: System): Promise<boolean> {
  return removeRoutes(system);
}

/** Takes away the kill switch of any full tunnel, last of all. */
export async function openTunnel(system: System, storage: Storage): Promise<void> {
  await settings(system, storage).restore();
  await system.nft(dropTable(TUNNEL_TABLE));
}

function settings(system: System, storage: Storage): Settings {
  return new Settings(system, storage, TUNNEL_SETTINGS);
}

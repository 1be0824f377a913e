/**
 * This machine's way to the Internet, as its settings want it: through gateways of a group, or as a gateway of its
 * groups. Puts settings, groups and the machine (`node/src/tunnel`) in line whenever one of them changes, one step
 * after the other. What it cannot do is a problem that `warren status` shows, and is tried again.
 */
import { networkInterfaces } from 'node:os';
import { concat } from '@warren/base';
import { FullTunnel, type FullTunnelOptions, Gateway, type TunnelGroup } from '@warren/node';
import type { Storage, WarrenGroup } from '@warren/peer';
import {
  PREFIX_6_BITS,
  parseSubnet,
  prefixOf,
  printAddress,
  printAddress6,
  serviceAddress,
  serviceAddress6,
} from '@warren/vpn';
import { explain, Failure } from '../failure.ts';
import type { Settings } from '../settings/table.ts';

/** How often rules and routes are looked at, which others may flush. */
const REPAIR_MS = 5_000;

/** A group that this machine is in. */
export interface DutyGroup {
  /** 26 characters base32. */
  readonly id: string;
  readonly tap: string;
  readonly group: WarrenGroup;
}

export interface DutiesOptions {
  readonly storage: Storage;
  /** What `enterTunnelGroup` returned. */
  readonly tunnelGroupId: number | undefined;
  readonly settings: () => Settings;
  readonly groups: () => readonly DutyGroup[];
  /**
   * Whether an administrator has given us the right to be a gateway of the group, as far as that can be found out now.
   */
  readonly mayLead: (group: string) => Promise<boolean>;
  readonly say: (message: string) => void;
}

/** What `warren status` and `warren exit-node` show. */
export interface InternetStatus {
  /** Absent while the tunnel is off. */
  readonly tunnel?: {
    /** Absent where this machine is in no group: nothing passes. */
    readonly group?: string;
    /** Packets of the user's that were stopped from leaving in the clear. */
    readonly stoppedPackets: number;
    /** Until the pause for a captive portal ends; 0 without one. */
    readonly pausedMs: number;
  };
  /** Absent while this machine is no gateway. */
  readonly gateway?: {
    readonly group: string;
    readonly asked: number;
    readonly left: number;
    readonly refused: number;
  };
}

/** A tunnel that is in place. */
interface Tunnelled {
  readonly tunnel: FullTunnel;
  readonly allowLan: boolean;
  /** All networks of groups, as it knows them. */
  networks: string;
  /** Whose gateways are meant; absent: this machine is in no group, and nothing leaves it. */
  readonly target: DutyGroup | undefined;
  /** The address with which the routes were made; the kernel forgets them with it. */
  address: string | undefined;
  /** Which gateways the group was asked for. */
  asked?: string;
}

interface Leading {
  readonly gateway: Gateway;
  readonly group: DutyGroup;
  readonly shape: string;
}

/** The duties of one daemon. */
export class InternetDuties {
  /** What is not as the settings want it, by what it is about. */
  readonly problems = new Map<'exit-node' | 'gateway', Failure>();
  private readonly o: DutiesOptions;
  private readonly timer: NodeJS.Timeout;
  private tunnelled: Tunnelled | undefined;
  private leading: Leading | undefined;
  private turn: Promise<unknown> = Promise.resolve();
  private isWanted = false;
  private isStopped = false;

  constructor(o: DutiesOptions) {
    this.o = o;
    this.timer = setInterval(() => void this.repair(), REPAIR_MS);
  }

  /** Settings, groups or addresses may have changed. Cheap when nothing did; never rejects. */
  changed(): Promise<unknown> {
    if (!this.isWanted && !this.isStopped) {
      this.isWanted = true;
      this.turn = this.turn.then(async () => {
        this.isWanted = false;
        await this.attempt('exit-node', () => this.followTunnel());
        await this.attempt('gateway', () => this.followGateway());
      });
    }
    return this.turn;
  }

  /** Lets new connections to web pages and names out past the tunnel for a while, for a captive portal; 0 ends that. */
  async pause(durationMs: number): Promise<void> {
    const { tunnelled } = this;
    if (tunnelled === undefined) {
      throw new Failure('no-tunnel', 'No tunnel is on, so there is nothing to pause.', 'See `warren exit-node`.');
    }
    if (durationMs === 0) await tunnelled.tunnel.resume();
    else await tunnelled.tunnel.pause(durationMs);
  }

  async status(): Promise<InternetStatus> {
    const { tunnelled, leading } = this;
    const group = tunnelled?.target?.id;
    const tunnel = tunnelled && { ...(group !== undefined && { group }), ...(await tunnelled.tunnel.status()) };
    const led = leading && (await leading.gateway.status());
    const gateway = leading &&
      led && { group: leading.group.id, asked: led.asked, left: led.left, refused: led.refused };
    return { ...(tunnel && { tunnel }), ...(gateway && { gateway }) };
  }

  /** Ends both. With `keepClosed` the user's traffic waits for the next daemon. */
  async stop({ keepClosed = false } = {}): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.turn;
    const { tunnelled, leading } = this;
    [this.tunnelled, this.leading] = [undefined, undefined];
    await leading?.gateway.stop();
    await tunnelled?.tunnel.stop({ keepClosed });
  }

  private async repair(): Promise<void> {
    await this.changed();
    this.turn = this.turn.then(async () => {
      const { tunnelled, leading } = this;
      await this.attempt('exit-node', async () => {
        if (await tunnelled?.tunnel.repair())
          this.o.say('somebody had removed routes or rules of the tunnel: they are back');
      });
      await this.attempt('gateway', async () => void (await leading?.gateway.repair()));
    });
    await this.turn;
  }

  private async attempt(about: 'exit-node' | 'gateway', work: () => Promise<void>): Promise<void> {
    try {
      if (!this.isStopped) await work();
    } catch (error) {
      this.problem(about, error instanceof Error ? new Failure(about, error.message) : explain(error));
    }
  }

  private problem(about: 'exit-node' | 'gateway', failure: Failure): void {
    if (this.problems.get(about)?.message !== failure.message) this.o.say(failure.message);
    this.problems.set(about, failure);
  }

  private async followTunnel(): Promise<void> {
    const settings = this.o.settings();
    const { 'exit-node': choice, 'exit-node-lan': allowLan, 'exit-node-spread': spread } = settings;
    const acceptsRoutes = settings['accept-routes'];
    const groups = this.o.groups();
    if (choice === 'off') {
      this.problems.delete('exit-node');
      await this.endTunnel();
      return;
    }
    const { tunnelGroupId: groupId, storage } = this.o;
    if (groupId === undefined) {
      throw new Error('A full tunnel needs root, or the service that `warren service install` makes.');
    }
    const all = groups.map(group => tunnelGroup(group, acceptsRoutes));
    const tunnelled = await this.tunnelFor(choose(groups, choice), { groups: all, groupId, allowLan, storage });
    const { target } = tunnelled;
    if (target === undefined) throw new Error('A full tunnel needs a group that this machine is in: nothing passes.');
    const asked = JSON.stringify([choice, spread]);
    if (tunnelled.asked !== asked) {
      target.group.tunnel({ spread, ...(choice === 'auto' ? {} : { gateways: choice }) });
      tunnelled.asked = asked;
    }
    await enter(tunnelled, target);
    const view = target.group.view();
    if (view.tunnel === 'on') this.problems.delete('exit-node');
    else this.problem('exit-node', noGateway(view.name, choice));
  }

  /** The tunnel as it is to be: the one that is there, another one, or the first. */
  private async tunnelFor(
    target: DutyGroup | undefined,
    options: Omit<FullTunnelOptions, 'nameServers'>,
  ): Promise<Tunnelled> {
    const { groups, allowLan } = options;
    const networks = JSON.stringify(groups);
    const isOther = this.tunnelled?.target?.group !== target?.group || this.tunnelled?.allowLan !== allowLan;
    if (this.tunnelled === undefined || isOther) {
      // The lock stays closed in between: the next one takes it over.
      this.tunnelled?.target?.group.tunnel(undefined);
      await this.tunnelled?.tunnel.stop({ keepClosed: true });
      this.tunnelled = undefined;
      const nameServers = target === undefined ? [] : servicesOf(target);
      const tunnel = await FullTunnel.start({ ...options, nameServers });
      this.tunnelled = { tunnel, allowLan, networks, target, address: undefined };
    }
    const { tunnelled } = this;
    if (tunnelled.networks !== networks) {
      await tunnelled.tunnel.change(groups);
      tunnelled.networks = networks;
    }
    return tunnelled;
  }

  private async endTunnel(): Promise<void> {
    const { tunnelled } = this;
    this.tunnelled = undefined;
    tunnelled?.target?.group.tunnel(undefined);
    await tunnelled?.tunnel.stop();
  }

  private async followGateway(): Promise<void> {
    const { gateway: isWanted, 'gateway-lan': allowLan, 'gateway-capacity': capacityMbit } = this.o.settings();
    const groups = this.o.groups();
    if (!isWanted) {
      this.problems.delete('gateway');
      await this.endGateway();
      return;
    }
    const group = await this.leadable(groups);
    const up = group.group.view().self.address;
    if (up === undefined) return;
    const shape = JSON.stringify([group.id, allowLan, groups.map(({ tap }) => tap), up]);
    if (this.leading?.shape !== shape) {
      await this.endGateway();
      const { storage } = this.o;
      const taps = groups.map(({ tap }) => tap);
      const { subnets } = tunnelGroup(group, false);
      const gateway = await Gateway.start({ tap: group.tap, taps, subnets, allowLan, storage });
      this.leading = { gateway, group, shape };
      this.o.say(`${group.group.view().name}: this machine is a gateway`);
    }
    const leading = { hasIpv6: hasInternet6(), capacityMbit };
    const known = group.group.view().leading;
    if (known?.ipv6 !== leading.hasIpv6 || known.capacityMbit !== capacityMbit) group.group.lead(leading);
    this.problems.delete('gateway');
  }

  private async leadable(groups: readonly DutyGroup[]): Promise<DutyGroup> {
    for (const group of groups) if (await this.o.mayLead(group.id)) return group;
    const [only] = groups;
    const where = only === undefined ? 'its group' : only.group.view().name;
    throw new Error(
      `This machine may not be a gateway of ${where}: an administrator gives it that right on the group page, under its name.`,
    );
  }

  private async endGateway(): Promise<void> {
    const { leading } = this;
    this.leading = undefined;
    leading?.group.group.lead(undefined);
    await leading?.gateway.stop();
  }
}

async function enter(tunnelled: Tunnelled, target: DutyGroup): Promise<void> {
  const { address } = target.group.view().self;
  if (address === tunnelled.address) return;
  if (address === undefined) await tunnelled.tunnel.leave();
  else await tunnelled.tunnel.enter({ tap: target.tap, via: servicesOf(target) });
  tunnelled.address = address;
}

/** The group whose gateways are meant: the first that has one of them, else the first. */
function choose(groups: readonly DutyGroup[], choice: 'auto' | readonly string[]): DutyGroup | undefined {
  const hasOne = ({ group }: DutyGroup): boolean => {
    const { gateways = [] } = group.view();
    return gateways.some(({ name, peerId }) => choice === 'auto' || choice.some(word => isNamed(word, name, peerId)));
  };
  return groups.find(({ group }) => group.isTunnelled) ?? groups.find(hasOne) ?? groups[0];
}

function isNamed(word: string, name: string, peerId: string): boolean {
  return word === name || word === peerId || name.startsWith(`${word}.`);
}

function noGateway(group: string, choice: 'auto' | readonly string[]): Failure {
  const who =
    choice === 'auto'
      ? `No gateway of ${group} is there`
      : `${choice.join(', ')} is no gateway of ${group} that is there`;
  const hint = '`warren exit-node` lists gateways; `warren exit-node off` ends the tunnel.';
  return new Failure('no-gateway', `${who}: nothing passes until one is.`, hint);
}

/** Addresses of the services inside this machine: next hops and name servers. */
function servicesOf({ id, group }: DutyGroup): string[] {
  const subnet = parseSubnet(group.view().subnet);
  const four = subnet === undefined ? [] : [printAddress(serviceAddress(subnet))];
  return [...four, printAddress6(serviceAddress6(prefixOf(id)))];
}

function tunnelGroup({ id, tap, group }: DutyGroup, acceptsRoutes: boolean): TunnelGroup {
  const six = printAddress6(concat(prefixOf(id), new Uint8Array(8)));
  const routes = acceptsRoutes ? group.view().members.flatMap(({ routes: behind = [] }) => behind) : [];
  return { tap, subnets: [group.view().subnet, `${six}/${PREFIX_6_BITS}`, ...routes] };
}

/** Whether this machine has an address of the IPv6 Internet: 2000::/3. */
function hasInternet6(): boolean {
  return Object.values(networkInterfaces()).some(all => all?.some(({ address }) => /^[23][0-9a-f]{3}:/.test(address)));
}

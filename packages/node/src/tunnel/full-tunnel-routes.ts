/**
 * The routes of a full tunnel: a routing table of our own, and a rule that sends everything there but our own packets.
 *
 * ```text
 *   rule 22336  DHCP requests                -> main      (IPv4 only; a lease must be renewed where it came from)
 *   rule 22337  not marked                   -> 22337
 *   table 22337  10.128.0.0/16 dev wr...      the groups' own
 *                default via 10.128.0.1 dev wr...
 *                throw 192.168.0.0/16 ...     with access to the local network: look in the next table
 *                unreachable default          what is left when the device is gone
 * ```
 *
 * Routes die with their device; those that say unreachable stay. So this fails closed by itself, also where somebody
 * flushes all of nft's rules, as the kill switch does where somebody flushes all routing rules. Local networks are named
 * by address and not by whatever more specific routes there are: a DHCP server may hand out any route (option 121, RFC
 * 3442), and gets no more than private addresses that no group has.
 */
import { MARK_MASK, OWN_MARK } from './mark.ts';
import { addresses, deviceName, GROUPS, PRIVATE, prefixes } from './prefixes.ts';
import type { IpFamily, System } from './system.ts';

/** The routing table, and the place of its rule: before `main` (32766). */
export const ROUTES = 22_337;
const DHCP_RULE = ROUTES - 1;
/** The highest metric: behind whatever has a device. */
const LAST = 4_294_967_295;
const NOT_OURS = `not fwmark 0x${OWN_MARK.toString(16)}/0x${MARK_MASK.toString(16)}`;

/** A group of this machine. */
export interface TunnelGroup {
  /** Its Ethernet device. */
  readonly tap: string;
  /** Its prefixes: the subnets of both families, and those that its members announce. */
  readonly subnets: readonly string[];
}

export interface TunnelRoutes {
  readonly groups: readonly TunnelGroup[];
  readonly allowLan: boolean;
  /** The device of the group whose gateways carry the traffic. It is up and has an address. */
  readonly tap: string;
  /** The next hop there, one of each family at most. A family without one is unreachable. */
  readonly via: readonly string[];
}

/** Puts routes and rules in place; what is there already stays. */
export async function addRoutes(system: System, routes: TunnelRoutes): Promise<void> {
  for (const family of system.families) {
    const way = (await speaks(system, family, routes.tap)) ? routes : { ...routes, via: [] };
    await system.ip(family, routeCommands(family, way));
    for (const group of routes.groups) {
      // Another group's device may not be up yet; then its addresses are unreachable.
      if (group.tap !== routes.tap) await system.ip(family, deviceRoutes(family, group)).catch(() => undefined);
    }
    const there = await ourRules(system, family);
    await system.ip(
      family,
      rules(family).flatMap(rule => (there.includes(priorityOf(rule)) ? [] : [`rule add ${rule}`])),
    );
  }
}

/** Takes rules and routes out, whoever put them there. Returns whether there were any. */
export async function removeRoutes(system: System): Promise<boolean> {
  let found = false;
  for (const family of system.families) {
    for (const priority of await ourRules(system, family)) {
      const rule = rules(family).find(each => priorityOf(each) === priority);
      if (rule === undefined) continue;
      await system.ip(family, [`rule del ${rule}`]);
      found = true;
    }
    // Nothing to flush is a failure in some versions.
    await system.ip(family, [`route flush table ${ROUTES}`]).catch(() => undefined);
  }
  return found;
}

/** Whether rules and the way into the device are all in place. */
export async function hasRoutes(system: System, { tap, via }: TunnelRoutes): Promise<boolean> {
  for (const family of system.families) {
    if ((await ourRules(system, family)).length !== rules(family).length) return false;
    if (!(await speaks(system, family, tap))) continue;
    const table = await system.ipList(family, 'route', 'show', 'table', String(ROUTES)).catch(() => []);
    const way = table.some(route => route.dst === 'default' && route.dev === tap);
    if (!way && of(family, addresses(via)) !== undefined) return false;
  }
  return true;
}

/** Whether a device may have routes of that family: IPv6 can be switched off for each. Without them all is unreachable. */
async function speaks(system: System, family: IpFamily, tap: string): Promise<boolean> {
  return family === 4 || (await system.setting(`net/ipv6/conf/${deviceName(tap)}/disable_ipv6`)) !== '1';
}

function routeCommands(family: IpFamily, { groups, allowLan, tap, via }: TunnelRoutes): string[] {
  const subnets = of(family, prefixes(groups.flatMap(group => group.subnets)));
  const gateway = of(family, addresses(via));
  const own = groups.find(group => group.tap === tap);
  return [
    `route replace unreachable default metric ${LAST} table ${ROUTES}`,
    ...subnets.map(subnet => `route replace unreachable ${subnet} metric ${LAST} table ${ROUTES}`),
    ...direct(family, allowLan).map(range => `route replace throw ${range} table ${ROUTES}`),
    ...(gateway === undefined || own === undefined
      ? []
      : [
          ...deviceRoutes(family, own),
          `route replace default via ${gateway} dev ${deviceName(tap)} onlink table ${ROUTES}`,
        ]),
  ];
}

function deviceRoutes(family: IpFamily, { tap, subnets }: TunnelGroup): string[] {
  return of(family, prefixes(subnets)).map(subnet => `route replace ${subnet} dev ${deviceName(tap)} table ${ROUTES}`);
}

/** What the main table decides. Link-local IPv6 means something only with the device that goes with it. */
function direct(family: IpFamily, allowLan: boolean): readonly string[] {
  if (!allowLan) return family === 6 ? ['fe80::/10'] : [];
  return [...of(family, PRIVATE), ...of(family, GROUPS)];
}

function rules(family: IpFamily): string[] {
  const all = `${NOT_OURS} lookup ${ROUTES} priority ${ROUTES}`;
  return family === 4 ? [`ipproto udp sport 68 dport 67 lookup main priority ${DHCP_RULE}`, all] : [all];
}

function priorityOf(rule: string): number {
  return Number(rule.split(' ').at(-1));
}

/** The priorities of our rules that are there, as often as they are. */
async function ourRules(system: System, family: IpFamily): Promise<number[]> {
  const all = await system.ipList(family, 'rule', 'show');
  const wanted = rules(family).map(priorityOf);
  return all.flatMap(({ priority }) => wanted.filter(each => each === priority));
}

function of<T>(family: IpFamily, both: { readonly v4: T; readonly v6: T }): T {
  return family === 4 ? both.v4 : both.v6;
}

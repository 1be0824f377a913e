/**
 * A client of a group with two gateways, and an Internet that says who asked it: what runs about exit nodes begin with.
 *
 * ```text
 *   site        client           one            two            web
 *   site        warren up        warren up      warren up      203.0.113.80, 2001:db8:80::80 behind it
 *     |           | 192.168.7.1    |  (or behind home routers)   | 192.168.7.4
 *     +---- wan --+----------------+--------------+--------------+    198.51.100.0/24, 2001:db8:1::/64
 * ```
 *
 * `wan` routes, and sees all that leaves the client's cable.
 */
import { join } from 'node:path';
import { putBehind } from '../netns/home-router.ts';
import { INTERFACE, type Lab, WAN } from '../netns/lab.ts';
import type { LabEdge } from '../netns/lab-edge.ts';
import { LabGroup } from '../netns/lab-group.ts';
import { HOME, WEB4, WEB6 } from '../netns/tunnel-lab.ts';
import { until } from './until.ts';

export const CLIENT = 'client';
export const GATEWAYS = ['one', 'two'] as const;
/** Their addresses of the IPv6 Internet. */
export const GATEWAYS6: readonly string[] = ['2001:db8:1::2', '2001:db8:1::3'];
export type GatewayHost = (typeof GATEWAYS)[number];
/** The UDP port of the client's links: what else leaves its cable is somebody else's. */
export const CLIENT_PORT = 41_641;
const WEB = 'web';
const WEB_PROGRAM = join(import.meta.dirname, '../netns/tunnel-web.ts');
const ROUTERS = { one: 'homeone', two: 'hometwo' } as const;
/** Until a gateway that came back is known to live: idle ones are asked every 15 s. */
const LIVE_PATIENCE_MS = 120_000;
const PATIENCE_MS = 60_000;

export class Exits {
  readonly around: LabGroup;
  readonly client: LabEdge;
  readonly gateways: Readonly<Record<GatewayHost, LabEdge>>;
  private readonly isBehindNat: boolean;

  private constructor(around: LabGroup, isBehindNat: boolean, edges: readonly LabEdge[]) {
    const [client, one, two] = edges as readonly [LabEdge, LabEdge, LabEdge];
    this.around = around;
    this.isBehindNat = isBehindNat;
    this.client = client;
    this.gateways = { one, two };
  }

  /** All run, and the client knows two gateways; its tunnel is off. Behind home routers gateways have no IPv6. */
  static async create({ isBehindNat }: { readonly isBehindNat: boolean }): Promise<Exits> {
    const around = await LabGroup.create([CLIENT, ...GATEWAYS, WEB, ...(isBehindNat ? Object.values(ROUTERS) : [])]);
    try {
      await buildInternet(around.lab);
      if (isBehindNat)
        for (const [i, host] of GATEWAYS.entries()) await putBehind(around.lab, host, ROUTERS[host], 10 + i);
      const env = { WARREN_UDP_PORT: String(CLIENT_PORT), WARREN_LAN: 'off', WARREN_PORT_MAPPING: 'off' };
      const edges = await Promise.all([around.join(CLIENT, { env }), ...GATEWAYS.map(host => around.join(host))]);
      const exits = new Exits(around, isBehindNat, edges);
      await Promise.all(Object.values(exits.gateways).map(edge => exits.lead(edge)));
      await exits.known();
      return exits;
    } catch (error) {
      await around.end();
      throw error;
    }
  }

  get lab(): Lab {
    return this.around.lab;
  }

  end(): Promise<void> {
    return this.around.end();
  }

  /** Turns the tunnel on; resolves when the web is reached through a gateway. */
  async enter(): Promise<void> {
    const { code, stderr } = await this.client.warren('exit-node', 'auto');
    if (code !== 0) throw new Error(stderr);
    await this.tunnelled();
  }

  /** Waits until the web is reached through a gateway. */
  tunnelled(): Promise<void> {
    const outside = GATEWAYS.map(host => this.outside(host));
    return until('the web is reached through a gateway', PATIENCE_MS, async () =>
      outside.includes(await this.whoAsks()),
    );
  }

  /** The address under which the web sees a gateway. */
  outside(host: GatewayHost): string {
    return this.lab.address(this.isBehindNat ? ROUTERS[host] : host);
  }

  /** Whom the web sees when the client asks; empty when nothing came back within a second. */
  async whoAsks(url = `http://${WEB4}/`): Promise<string> {
    const { stdout } = await this.lab.exec(CLIENT, ['curl', '-gs', '-m', '1', url], { allowFailure: true });
    return stdout.replace('hello ', '');
  }

  /** The gateway in use. */
  async current(): Promise<GatewayHost> {
    const { gateways = [] } = await this.client.group();
    const name = gateways.find(({ current }) => current)?.name.split('.')[0];
    const host = GATEWAYS.find(each => each === name);
    if (host === undefined) throw new Error('no gateway is in use');
    return host;
  }

  /** Pulls the cable of a gateway or of its router, or puts it back. */
  async setCable(host: GatewayHost, plugged: boolean): Promise<void> {
    await this.lab.setCable(this.isBehindNat ? ROUTERS[host] : host, plugged);
  }

  other(gateway: GatewayHost): GatewayHost {
    return gateway === 'one' ? 'two' : 'one';
  }

  /** Waits until the client is offered both gateways. */
  known(): Promise<void> {
    return until('the client knows both gateways', PATIENCE_MS, async () => (await this.states()).length === 2);
  }

  /** Waits until the client knows that all its gateways live. */
  allLive(): Promise<void> {
    const live = async () => (await this.states()).join(' ') === 'live live';
    return until('both gateways live', LIVE_PATIENCE_MS, live, 300);
  }

  private async states(): Promise<string[]> {
    return ((await this.client.group()).gateways ?? []).map(({ state }) => state);
  }

  private async lead(edge: LabEdge): Promise<void> {
    const { around } = this;
    await around.ada.setRights(around.group, (await edge.self()).peerId, ['relay', 'gateway']);
    const { code, stderr } = await edge.warren('gateway', 'on');
    if (code !== 0) throw new Error(stderr);
  }
}

/** Both families everywhere, a network at home of client and web, and the web's addresses behind it. */
async function buildInternet(lab: Lab): Promise<void> {
  const set = (host: string, name: string, value: string) =>
    lab.exec(host, ['sh', '-c', `echo ${value} >/proc/sys/net/${name}`]);
  for (const [i, host] of [CLIENT, ...GATEWAYS, WEB, WAN].entries()) {
    for (const on of ['all', 'default']) await set(host, `ipv6/conf/${on}/disable_ipv6`, '0');
    const [device, last] = host === WAN ? ['br0', 'fe'] : [INTERFACE, String(i + 1)];
    await lab.ip(host, [`address add 2001:db8:1::${last}/64 dev ${device} nodad`]);
    if (host !== WAN) await lab.ip(host, ['route add default via 2001:db8:1::fe']);
  }
  await lab.ip(CLIENT, [`address add 192.168.7.1/24 dev ${INTERFACE}`]);
  await lab.ip(WEB, [
    `address add ${HOME}/24 dev ${INTERFACE}`,
    `address add ${WEB4}/32 dev lo`,
    `address add ${WEB6}/128 dev lo nodad`,
  ]);
  await set(WAN, 'ipv4/ip_forward', '1');
  await set(WAN, 'ipv6/conf/all/forwarding', '1');
  for (const on of ['all', 'br0']) await set(WAN, `ipv4/conf/${on}/send_redirects`, '0');
  await lab.ip(WAN, [`route add ${WEB4} via ${lab.address(WEB)}`, `route add ${WEB6} via 2001:db8:1::4`]);
  await lab.spawn(WEB, [process.execPath, WEB_PROGRAM]).line(/^listening$/);
}

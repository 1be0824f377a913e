/** What lies between simulated hosts: networks, routers, wires, and what somebody has cut. */
import type { Instant } from '@warren/base';
import type { SimDatagrams } from './datagrams.ts';
import { SimNetwork, type UdpPayload } from './networks.ts';
import type { World } from './world.ts';

/** Where a host is: its network, and its UDP endpoints there, `192.168.1.2:4000`, one of each family at most. */
export interface SimPlace {
  readonly network: SimNetwork;
  readonly addresses: readonly string[];
}

/** Who is where, and what does not pass. */
export class SimInternet {
  readonly world: World;
  /** The Internet itself: hosts with public addresses, and routers. */
  readonly network: SimNetwork;
  readonly byName = new Map<string, SimDatagrams>();
  readonly byUrl = new Map<string, SimDatagrams>();
  /** UDP endpoints that answer STUN, which ICE agents behind routers ask. */
  readonly stunServers: string[] = [];
  /** Whether UDP, and WebRTC with it, is blocked everywhere. */
  udpBlocked = false;
  /** One way between two hosts by name, milliseconds; absent: that of all wires. Jitter comes on top. */
  latencyMs: ((from: string, to: string) => number) | undefined;
  /** The largest UDP datagram that gets from one host to another; absent: all do. Larger ones vanish, as in a black hole. */
  maxDatagramBytes: ((from: string, to: string) => number) | undefined;
  private readonly cuts = new Set<string>();

  constructor(world: World) {
    this.world = world;
    this.network = new SimNetwork(world.seed);
  }

  /** Lets nothing pass between two hosts any more. */
  cut(a: string, b: string): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Lets nothing pass from one host to another any more, but what comes the other way. */
  cutOneWay(from: string, to: string): void {
    this.cuts.add(`${from}|${to}`);
  }

  /** Undoes `cut` and `cutOneWay`. */
  mend(a: string, b: string): void {
    this.cuts.delete(`${a}|${b}`);
    this.cuts.delete(`${b}|${a}`);
  }

  /** Whether anything gets from one host to another. */
  reaches(from: string, to: string): boolean {
    return !this.cuts.has(`${from}|${to}`);
  }

  /** One way between two hosts, milliseconds; `undefined`: as everywhere. */
  latencyBetween(from: string, to: string | undefined): number | undefined {
    return to === undefined ? undefined : this.latencyMs?.(from, to);
  }

  /**
   * Sends one datagram of `bytes` from an endpoint in `network` to another, as `name`; gives when it arrives if nobody
   * drops it on its way down, `undefined`: never.
   */
  sendUdp(
    network: SimNetwork,
    name: string,
    from: string,
    to: string,
    payload: UdpPayload,
    bytes: number,
  ): Instant | undefined {
    const { world } = this;
    const turn = network.ascend(from, to, world.now);
    if (turn === undefined) return undefined;
    const deliver = (): void => {
      const socket = turn.network.descend(turn.from, to, world.now);
      if (socket === undefined || this.udpBlocked || !this.reaches(name, socket.name)) return;
      if (bytes <= (this.maxDatagramBytes?.(name, socket.name) ?? bytes)) socket.receive(turn.from, payload);
    };
    return world.carry(false, deliver, 0, this.latencyBetween(name, turn.network.ownerOf(to)?.name));
  }

  /** Whether a TCP connection from one place to a listener at another comes about. */
  connects(from: SimPlace, to: SimPlace): boolean {
    if (from.network === to.network) return true;
    const isAbove = from.network.routersAbove.some(({ outside }) => outside === to.network);
    const families = from.addresses.map(familyOf);
    return isAbove && to.addresses.some(each => families.includes(familyOf(each)) && from.network.reachesOut(each));
  }
}

/** The family of an endpoint. */
export function familyOf(address: string): 4 | 6 {
  return address.startsWith('[') ? 6 : 4;
}

/** Where a member stands: what is its own, what it leads to, what others lead to. IPv4 is judged by it, both directions. */
import type { Instant } from '@warren/base';
import { ETHERNET_HEADER_BYTES, IpProtocol, ipv4FragmentOffsetAt, ipv4ProtocolAt, type PeerId } from '@warren/wire';
import { inRange, type Range, type Routes } from './routes.ts';
import { broadcastAddress, type Subnet } from './subnet.ts';

const MULTICAST = 224 * 2 ** 24;
const BROADCAST = 0xffffffff;

export interface Place {
  /** Our address; `undefined` while we hold none. */
  readonly own: number | undefined;
  readonly subnet: Subnet;
  /** Ranges behind us, as a router or a gateway. */
  readonly announced: readonly Range[];
  /** Ranges behind others. */
  readonly routes: Routes;
  /** Whether we asked for multicast and broadcast. */
  readonly hearsGroups: boolean;
  /** Whether packets to nowhere in the group go through a gateway. */
  readonly isTunnelled: boolean;
  /** Whether packets from outside may come from the peer, as our gateway. */
  readonly acceptsFrom: (peer: PeerId, now: Instant) => boolean;
}

/** Whether an address is ours or lies behind us; never one of the subnet that is not ours, nor one of no single machine. */
export function isOurs(address: number, { own, subnet, announced }: Place): boolean {
  if (address === own) return true;
  return !inRange(subnet, address) && isUnicast(address) && announced.some(range => inRange(range, address));
}

/** Whether an address can be that of one machine on a network: not this host, not loopback, no group. */
export function isUnicast(address: number): boolean {
  const net = address >>> 24;
  return net !== 0 && net !== 127 && address < MULTICAST;
}

/** Whether a frame has a UDP packet to all of the subnet, or to a multicast group. */
export function isGroupPacket(frame: Uint8Array, destination: number, subnet: Subnet): boolean {
  const at = ETHERNET_HEADER_BYTES;
  const isUdp = ipv4ProtocolAt(frame, at) === IpProtocol.udp && ipv4FragmentOffsetAt(frame, at) === 0;
  const isGroup = destination >= MULTICAST && destination < MULTICAST + 2 ** 28;
  const isToAll = destination === BROADCAST || destination === broadcastAddress(subnet);
  return isUdp && (isGroup || isToAll);
}

/**
 * The DHCP server of one machine: what it leases is the address that its member has claimed, and to nobody else.
 * It keeps no state: the claim is the lease. Source: RFC 2131, section 4.3; options: RFC 2132, 3397, 3442.
 */
import { utf8 } from '@warren/base';
import { type DhcpMessage, DhcpOption, type DhcpType, Writer } from '@warren/wire';
import { DHCP_LEASE_S, TAP_MTU_BYTES } from './constants.ts';
import type { Range } from './routes.ts';
import type { SearchNames } from './search-names.ts';
import { broadcastAddress, type Subnet, serviceAddress } from './subnet.ts';

/** What the machine gets. */
export interface Lease {
  readonly address: number;
  readonly subnet: Subnet;
  readonly names: SearchNames;
  /** Ranges beyond the subnet that are reached through the group; `0.0.0.0/0` for a full tunnel. */
  readonly routes: readonly Range[];
}

/** The answer to a message of the machine's client; `undefined` when it gets none. Without a lease nothing is answered. */
export function answerDhcp(message: DhcpMessage, lease: Lease | undefined): DhcpMessage | undefined {
  if (lease === undefined || message.relayAddress !== 0) return undefined;
  switch (message.type) {
    case 'discover':
      return granted('offer', message, lease);
    case 'request':
      return answerRequest(message, lease);
    case 'inform':
      return reply('ack', message, 0, configuration(lease));
    case 'decline':
    case 'release':
      // The claim stays: it belongs to the member, however its machine came to know of it.
      return undefined;
    case 'offer':
    case 'ack':
    case 'nak':
      return undefined;
  }
}

/** Selecting, restarting or renewing, told apart as in section 4.3.2: all want an address, and there is only one. */
function answerRequest(message: DhcpMessage, lease: Lease): DhcpMessage | undefined {
  const server = addressIn(message, DhcpOption.serverIdentifier);
  if (server !== undefined && server !== serviceAddress(lease.subnet)) return undefined;
  const wanted = addressIn(message, DhcpOption.requestedAddress) ?? message.clientAddress;
  if (wanted === lease.address) return granted('ack', message, lease);
  return reply('nak', { ...message, clientAddress: 0 }, 0, identity(lease));
}

function granted(type: DhcpType, message: DhcpMessage, lease: Lease): DhcpMessage {
  const times: [number, Uint8Array][] = [
    [DhcpOption.leaseSeconds, u32(DHCP_LEASE_S)],
    [DhcpOption.renewalSeconds, u32(DHCP_LEASE_S / 2)],
    [DhcpOption.rebindingSeconds, u32(Math.floor((DHCP_LEASE_S * 7) / 8))],
  ];
  return reply(type, message, lease.address, [...configuration(lease), ...times]);
}

function reply(
  type: DhcpType,
  { transactionId, broadcast, clientAddress, clientMac }: DhcpMessage,
  yourAddress: number,
  options: readonly [number, Uint8Array][],
): DhcpMessage {
  const addresses = { clientAddress: type === 'offer' ? 0 : clientAddress, yourAddress, relayAddress: 0 };
  return { type, transactionId, broadcast, ...addresses, clientMac, options: new Map(options) };
}

/** Which server speaks: clients may know several. */
function identity({ subnet }: Lease): [number, Uint8Array][] {
  return [[DhcpOption.serverIdentifier, u32(serviceAddress(subnet))]];
}

function configuration(lease: Lease): [number, Uint8Array][] {
  const { subnet, names, routes } = lease;
  const gateway = serviceAddress(subnet);
  const options: [number, Uint8Array][] = [
    ...identity(lease),
    [DhcpOption.subnetMask, u32(2 ** 32 - 2 ** (32 - subnet.prefixBits))],
    [DhcpOption.broadcastAddress, u32(broadcastAddress(subnet))],
    [DhcpOption.dnsServers, u32(gateway)],
    [DhcpOption.domainName, utf8(names.domain)],
    [DhcpOption.domainSearch, searchList(names.search)],
    [DhcpOption.interfaceMtu, new Writer(2).u16(TAP_MTU_BYTES).done()],
  ];
  // Clients that know option 121 ignore the router (RFC 3442); others learn at least that.
  if (routes.some(({ prefixBits }) => prefixBits === 0)) options.push([DhcpOption.router, u32(gateway)]);
  if (routes.length > 0) options.push([DhcpOption.classlessRoutes, routeList(routes, gateway)]);
  return options;
}

/** Names one after the other, as DNS writes them, without compression (RFC 3397, section 2). */
function searchList(names: readonly string[]): Uint8Array {
  const writer = new Writer();
  for (const name of names) {
    for (const label of name.split('.')) writer.u8(label.length).put(utf8(label));
    writer.u8(0);
  }
  return writer.done();
}

/** Bits, then only those bytes of the network that they reach, then the router (RFC 3442, page 3). */
function routeList(routes: readonly Range[], router: number): Uint8Array {
  const writer = new Writer();
  for (const { network, prefixBits } of routes) {
    const significant = Math.ceil(prefixBits / 8);
    writer.u8(prefixBits).put(u32(network).subarray(0, significant)).u32(router);
  }
  return writer.done();
}

function addressIn({ options }: DhcpMessage, code: number): number | undefined {
  const value = options.get(code);
  if (value?.length !== 4) return undefined;
  return value.reduce((sum, byte) => sum * 256 + byte, 0);
}

function u32(value: number): Uint8Array {
  return new Writer(4).u32(value).done();
}

/**
 * IPv4 addresses and the group's subnet, as numbers. Which of a subnet's addresses a member may hold:
 *
 *     network  .1            .2 ... broadcast - 1   broadcast
 *     never    services      members                never
 *
 * The first host address is the virtual one for services that every edge provides to itself (P2 4.2.2).
 */

/** An IPv4 subnet. */
export interface Subnet {
  /** Its lowest address as a number; the host bits are zero. */
  readonly network: number;
  /** 8 to 30. */
  readonly prefixBits: number;
}

/** Addresses that no member may hold: network, services and broadcast. */
const RESERVED = 3;

/** Reads `10.128.0.0/16`; `undefined` unless it is a unicast range of 8 to 30 prefix bits with zero host bits. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address, bits, more] = text.split('/');
  if (address === undefined || bits === undefined || more !== undefined || !/^[1-9][0-9]?$/.test(bits))
    return undefined;
  const subnet = { network: parseAddress(address) ?? Number.NaN, prefixBits: Number(bits) };
  return isSubnet(subnet) ? subnet : undefined;
}

/** Prints `10.128.0.0/16`. */
export function printSubnet(subnet: Subnet): string {
  return `${printAddress(subnet.network)}/${subnet.prefixBits}`;
}

/** Reads `10.128.3.4`: four decimal numbers without leading zeros; `undefined` for anything else. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let address = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    address = address * 256 + Number(part);
  }
  return address;
}

/** Prints an address as four decimal numbers. */
export function printAddress(address: number): string {
  return [24, 16, 8, 0].map(shift => (address >>> shift) & 255).join('.');
}

/** Whether the numbers form a subnet that a group may use. */
export function isSubnet({ network, prefixBits }: Subnet): boolean {
  if (!Number.isInteger(network) || network < 2 ** 24 || network >= 224 * 2 ** 24) return false;
  if (network >>> 24 === 127 || !Number.isInteger(prefixBits) || prefixBits < 8 || prefixBits > 30) return false;
  return network % sizeOf({ network, prefixBits }) === 0;
}

/** Whether `address` lies in the subnet, reserved ones included. */
export function contains(subnet: Subnet, address: number): boolean {
  return (address ^ subnet.network) >>> (32 - subnet.prefixBits) === 0;
}

/** Whether a member may hold `address`. */
export function isAssignable(subnet: Subnet, address: number): boolean {
  const place = address - subnet.network;
  return place >= 2 && place <= sizeOf(subnet) - 2;
}

/** How many addresses members may hold. */
export function assignableCount(subnet: Subnet): number {
  return sizeOf(subnet) - RESERVED;
}

/** The assignable address of that index, 0 to `assignableCount` - 1. */
export function assignableAt(subnet: Subnet, index: number): number {
  return subnet.network + 2 + index;
}

/** The virtual address of an edge's own services. */
export function serviceAddress(subnet: Subnet): number {
  return subnet.network + 1;
}

/** The address of all in the subnet. */
export function broadcastAddress(subnet: Subnet): number {
  return subnet.network + sizeOf(subnet) - 1;
}

function sizeOf(subnet: Subnet): number {
  return 1 << (32 - subnet.prefixBits);
}

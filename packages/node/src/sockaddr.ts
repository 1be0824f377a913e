/**
 * UDP addresses in three forms: text (`192.0.2.7:41641`, `[2001:db8::1]:41641`),
 * path ids (`udp/` and the text), and Linux's `sockaddr_in` and `sockaddr_in6`.
 * Text of ours is canonical (RFC 5952), so that equal addresses are equal strings.
 *
 *  0        2       4           8                24
 * +--------+-------+-----------+----------------+----------+
 * | family | port  | IPv4      | zero 8         |               sockaddr_in, 16 bytes
 * | family | port  | flow info | IPv6 16        | scope id |    sockaddr_in6, 28 bytes
 * +--------+-------+-----------+----------------+----------+   family in host order, port in network order
 */
import { isIPv4, isIPv6 } from 'node:net';
import { Family } from './libc.ts';

export const SOCKADDR_IN_BYTES = 16;
export const SOCKADDR_IN6_BYTES = 28;

/** An address and a port. */
export interface Endpoint {
  /** 4 bytes for IPv4, 16 for IPv6. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** Reads `192.0.2.7:41641` or `[2001:db8::1]:41641`; `undefined` for host names, port 0, scopes and IPv4-mapped IPv6. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([0-9.]{7,15})):([1-9][0-9]{0,4})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  const address = parseAddress(match[1] ?? match[2] ?? '');
  if (address === undefined || port > 65_535 || (address.length === 4) !== (match[1] === undefined)) return undefined;
  return isMapped(address) ? undefined : { address, port };
}

/** Reads an address without port; `undefined` unless it is IPv4 or IPv6 in text. */
export function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number);
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = groups(tail ?? '');
  const zeros = new Array<number>(16 - front.length - back.length).fill(0);
  return Uint8Array.from([...front, ...zeros, ...back]);
}

/** The text of an endpoint. */
export function printEndpoint({ address, port }: Endpoint): string {
  return address.length === 4 ? `${printAddress(address)}:${port}` : `[${printAddress(address)}]:${port}`;
}

/** The text of an address. */
export function printAddress(address: Uint8Array): string {
  return address.length === 4 ? address.join('.') : printIpv6(address);
}

/** Bytes of a `sockaddr_in` or `sockaddr_in6`. */
export function toSockaddr({ address, port }: Endpoint): Uint8Array {
  const isIpv4 = address.length === 4;
  const bytes = new Uint8Array(isIpv4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
  // Every Linux that we run on is little-endian.
  bytes[0] = isIpv4 ? Family.AF_INET : Family.AF_INET6;
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
  bytes.set(address, isIpv4 ? 4 : 8);
  return bytes;
}

/** The endpoint in a `sockaddr_in` or `sockaddr_in6`, as the kernel wrote it. */
export function fromSockaddr(bytes: Uint8Array): Endpoint {
  const isIpv4 = bytes[0] === Family.AF_INET;
  const port = ((bytes[2] as number) << 8) | (bytes[3] as number);
  return { address: isIpv4 ? bytes.slice(4, 8) : bytes.slice(8, 24), port };
}

/** 169.254.0.0/16 and fe80::/10: they mean something on one cable only. */
export function isLinkLocal(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 169 && address[1] === 254;
  return address[0] === 0xfe && ((address[1] as number) & 0xc0) === 0x80;
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(address: Uint8Array): boolean {
  return address.length === 4 ? address[0] === 127 : address.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

/** ::ffff:0:0/96: IPv4 in other clothes. */
function isMapped(address: Uint8Array): boolean {
  return address.length === 16 && address.every((byte, i) => i >= 12 || byte === (i >= 10 ? 0xff : 0));
}

/** Bytes of groups between colons; the last may be IPv4 in dots. */
function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap(group => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** RFC 5952 section 4: lower case, no leading zeros, `::` for the longest run of two or more zero groups, the first of equals. */
function printIpv6(address: Uint8Array): string {
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push(((address[i] as number) << 8) | (address[i + 1] as number));
  let begin = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && words[end] === 0) end++;
    if (end - i > length) {
      begin = i;
      length = end - i;
    }
  }
  const hex = (part: readonly number[]): string => part.map(word => word.toString(16)).join(':');
  return begin < 0 ? hex(words) : `${hex(words.slice(0, begin))}::${hex(words.slice(begin + length))}`;
}

/**
 * The virtual IPv4 network of a group: chosen at random from 10.128.0.0/10, or
 * given by its founder. Addresses in it are claimed by the members themselves.
 */
import { randomInt } from 'node:crypto';
import { SiteError } from './errors.ts';

/** Private networks of RFC 1918, as first address and prefix length. */
const PRIVATE: readonly (readonly [address: number, prefix: number])[] = [
  [0x0a000000, 8],
  [0xac100000, 12],
  [0xc0a80000, 16],
];
const LEAST_PREFIX = 8;
const MOST_PREFIX = 24;

/** One of the 64 networks 10.128.0.0/16 to 10.191.0.0/16. */
export function randomSubnet(): string {
  return `10.${128 + randomInt(64)}.0.0/16`;
}

/** Returns a network such as `192.168.7.0/24` unchanged, or throws a 400 that says what is wrong. */
export function checkSubnet(text: string): string {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)?.slice(1);
  if (parts === undefined || parts.join('.').length > 18) throw refuse('is not an IPv4 network');
  const [a, b, c, d, prefix] = parts.map(Number) as [number, number, number, number, number];
  if (Math.max(a, b, c, d) > 255 || parts.some(part => String(Number(part)) !== part)) {
    throw refuse('is not an IPv4 network');
  }
  if (prefix < LEAST_PREFIX || prefix > MOST_PREFIX)
    throw refuse(`has a prefix outside ${LEAST_PREFIX} to ${MOST_PREFIX}`);
  const address = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const isPrivate = PRIVATE.some(([net, bits]) => prefix >= bits && network(address, bits) === net);
  if (!isPrivate) throw refuse('is not private (RFC 1918)');
  if (network(address, prefix) !== address) throw refuse('has bits set behind its prefix');
  return text;
}

function network(address: number, prefix: number): number {
  return (address & (-1 << (32 - prefix))) >>> 0;
}

function refuse(why: string): SiteError {
  return new SiteError(
    400,
    'bad-subnet',
    `This subnet ${why}.`,
    'Use something like 10.128.0.0/16 or 192.168.77.0/24.',
  );
}

/**
 * Prefixes and names that go into commands: checked here, so that nothing else can get in. And the ranges of addresses
 * that are not the Internet.
 */
import { assert } from '@warren/base';
import { parseAddress, printAddress } from '../sockaddr.ts';

/** Prefixes by family, canonical: `10.128.0.0/16`, `fd00::/48`. */
export interface Prefixes {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

/** Addresses that a local network gives to its own (RFC 1918, RFC 3927, RFC 4193, RFC 4291 2.5.6). */
export const PRIVATE: Prefixes = {
  v4: ['10.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  v6: ['fc00::/7', 'fe80::/10'],
};

/** Multicast (RFC 5771, RFC 4291 2.7) and the limited broadcast (RFC 919). */
export const GROUPS: Prefixes = { v4: ['224.0.0.0/4', '255.255.255.255/32'], v6: ['ff00::/8'] };

/**
 * What is not globally reachable by the registries of RFC 6890, carriers' own (RFC 6598) and the local-use prefix of NAT64
 * (RFC 8215) among it: a gateway carries nothing there. 192.0.0.0/24 and such have few uses, all of them local.
 */
export const NOT_INTERNET: Prefixes = {
  v4: [
    ...PRIVATE.v4,
    ...GROUPS.v4,
    '0.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '192.0.0.0/24',
    '198.18.0.0/15',
    '240.0.0.0/4',
  ],
  v6: [...PRIVATE.v6, ...GROUPS.v6, '::/127', '::ffff:0:0/96', '64:ff9b:1::/48', '100::/64', 'fec0::/10'],
};

/** Sorts prefixes by family and masks what is behind them: `10.1.2.3/16` is `10.1.0.0/16`. Throws at what is none. */
export function prefixes(texts: readonly string[]): Prefixes {
  const all = [...new Set(texts.map(canonical))];
  return { v4: all.filter(text => !text.includes(':')), v6: all.filter(text => text.includes(':')) };
}

/** The one address of each family among `texts`. Throws at what is none. */
export function addresses(texts: readonly string[]): {
  readonly v4: string | undefined;
  readonly v6: string | undefined;
} {
  const all = texts.map(text => {
    const address = parseAddress(text);
    assert(address !== undefined, 'an address is IPv4 or IPv6 in text');
    return printAddress(address);
  });
  return { v4: all.find(text => !text.includes(':')), v6: all.find(text => text.includes(':')) };
}

/** The name of one of our Ethernet devices as it was given. Throws when it could be anything else in a command. */
export function deviceName(name: string): string {
  assert(/^[a-z0-9][a-z0-9._-]{0,14}$/.test(name), 'an interface name is 1 to 15 of a-z 0-9 . _ -');
  return name;
}

function canonical(text: string): string {
  const [, head = '', tail = ''] = /^([^/]*)\/([0-9]{1,3})$/.exec(text) ?? [];
  const address = parseAddress(head);
  const bits = Number(tail);
  assert(address !== undefined && tail !== '' && bits <= address.length * 8, 'a prefix is an address and its bits');
  return `${printAddress(address.map((byte, i) => byte & maskByte(bits - i * 8)))}/${bits}`;
}

/** One byte of a mask of which `bits` more are set. */
function maskByte(bits: number): number {
  return (0xff << (8 - Math.min(8, Math.max(0, bits)))) & 0xff;
}

/** STUN servers as `stun:host:port` (RFC 7064), and which of them serves this machine. */
import { isIPv6 } from 'node:net';

/** A server's host (IPv6 without brackets) and port; `undefined` unless the text is `stun:` with both. */
export function parseStunServer(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, name, digits] = /^stun:(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):([1-9]\d{0,4})$/i.exec(text) ?? [];
  const host = bracketed ?? name;
  const port = Number(digits);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/**
 * The first server that a machine with these addresses may reach: an IPv6 address only where it has IPv6. One or none,
 * because libjuice asks a single server and would draw it at random.
 */
export function stunServerFor(servers: readonly string[], localAddresses: readonly string[]): readonly string[] {
  const hasIpv6 = localAddresses.some(address => address.startsWith('['));
  const hasIpv4 = localAddresses.length === 0 || localAddresses.some(address => !address.startsWith('['));
  const found = servers.find(server => {
    const host = parseStunServer(server)?.host;
    if (host === undefined) return false;
    if (isIPv6(host)) return hasIpv6;
    return hasIpv4 || !/^[0-9.]+$/.test(host);
  });
  return found === undefined ? [] : [found];
}

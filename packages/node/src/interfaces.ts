/**
 * The addresses under which others on this network may reach our UDP sockets.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type Endpoint, isLinkLocal, isLoopback, parseAddress, printEndpoint } from './sockaddr.ts';

const IFF_TAP = 2;

/**
 * Endpoints as text, for sockets bound to `bound`. Left out: link-local addresses, loopback unless bound to it,
 * and those of Ethernet devices such as our own, lest the tunnel run through itself.
 */
export function localEndpoints(bound: readonly Endpoint[]): string[] {
  const endpoints = bound.flatMap(local =>
    local.address.every(byte => byte === 0)
      ? reachable(local.address.length).map(address => ({ address, port: local.port }))
      : [local],
  );
  return [...new Set(endpoints.map(printEndpoint))];
}

function reachable(length: number): Uint8Array[] {
  const addresses: Uint8Array[] = [];
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    if (isTap(name)) continue;
    for (const { address: text } of entries ?? []) {
      const address = parseAddress(text);
      if (address?.length === length && !isLinkLocal(address) && !isLoopback(address)) addresses.push(address);
    }
  }
  return addresses;
}

function isTap(name: string): boolean {
  try {
    return (Number(readFileSync(`/sys/class/net/${name}/tun_flags`, 'latin1')) & IFF_TAP) !== 0;
  } catch {
    return false;
  }
}

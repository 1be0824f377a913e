/**
 * The addresses under which others on this network may reach our UDP sockets.
 */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type Endpoint, isLinkLocal, isLoopback, parseAddress, printEndpoint } from './sockaddr.ts';

const IFF_TAP = 2;

/**
 * Endpoints as text, for sockets bound to `bound`. Left out: link-local addresses, loopback unless bound to it,
 * and those of Ethernet devices (`tunnels` by name, and others that the system shows), lest a tunnel run through itself.
 */
export function localEndpoints(bound: readonly Endpoint[], tunnels: ReadonlySet<string>): string[] {
  const endpoints = bound.flatMap(local =>
    local.address.every(byte => byte === 0)
      ? reachable(local.address.length, tunnels).map(address => ({ address, port: local.port }))
      : [local],
  );
  return [...new Set(endpoints.map(printEndpoint))];
}

function reachable(length: number, tunnels: ReadonlySet<string>): Uint8Array[] {
  const addresses: Uint8Array[] = [];
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    if (tunnels.has(name) || isTap(name)) continue;
    for (const { address: text } of entries ?? []) {
      const address = parseAddress(text);
      if (address?.length === length && !isLinkLocal(address) && !isLoopback(address)) addresses.push(address);
    }
  }
  return addresses;
}

/** Shows nothing in a network namespace whose /sys is that of another. */
function isTap(name: string): boolean {
  try {
    return (Number(readFileSync(`/sys/class/net/${name}/tun_flags`, 'latin1')) & IFF_TAP) !== 0;
  } catch {
    return false;
  }
}

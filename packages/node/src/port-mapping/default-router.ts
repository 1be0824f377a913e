/** The router of the default route, from the kernel's table (proc(5), /proc/net/route). Linux, IPv4. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { Router } from './port-mapper.ts';

const RTF_GATEWAY = 2;

/** The router and our address towards it; `undefined` where there is none, or another system. */
export function defaultRouter(): Router | undefined {
  try {
    return routerIn(readFileSync('/proc/net/route', 'latin1'), device => {
      return networkInterfaces()[device]?.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    });
  } catch {
    return undefined;
  }
}

/** The best default route in the kernel's table whose device has an address. */
export function routerIn(table: string, addressOf: (device: string) => string | undefined): Router | undefined {
  const routes = table
    .split('\n')
    .slice(1)
    .map(line => line.split('\t'));
  const ways = routes.filter(
    ([, to, , flags]) => to === '00000000' && (Number.parseInt(flags ?? '', 16) & RTF_GATEWAY) !== 0,
  );
  ways.sort((a, b) => Number(a[6]) - Number(b[6]));
  for (const [device = '', , gateway = ''] of ways) {
    const own = addressOf(device);
    // Host order of a little-endian machine, like all that we run on.
    const bytes =
      gateway
        .match(/../g)
        ?.reverse()
        .map(hex => Number.parseInt(hex, 16)) ?? [];
    if (own !== undefined && bytes.length === 4) return { gateway: bytes.join('.'), own };
  }
  return undefined;
}

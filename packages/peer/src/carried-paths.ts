/** Paths that are no host's: what goes there rides in datagrams of a network of ours, its overlay's or a relay's. */
import { CARRIED_OVERHEAD_BYTES, RELAYED_OVERHEAD_BYTES, UDP_PATH_BYTES } from '@warren/wire';
import type { PathId } from './host.ts';

/** The name of the network that carries a path; `undefined` for paths of the host. */
export function carrierOf(path: PathId): string | undefined {
  return path.startsWith('via/') || path.startsWith('relay/') ? path.split('/')[1] : undefined;
}

/** The largest datagram on such a path, where nothing larger was proven; `undefined` for paths of the host. */
export function carriedMaxBytes(path: PathId): number | undefined {
  if (path.startsWith('via/')) return UDP_PATH_BYTES - CARRIED_OVERHEAD_BYTES;
  return path.startsWith('relay/') ? UDP_PATH_BYTES - RELAYED_OVERHEAD_BYTES : undefined;
}

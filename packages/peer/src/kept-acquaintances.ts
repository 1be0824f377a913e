/** The peers that a network met, on the disk of the host: what a start without bootstrap nodes begins with. */
import type { Host } from './host.ts';

/** Reads what was kept of a network, `public` or a group; nothing when the disk has nothing, or does not answer. */
export async function keptAcquaintances(host: Host, network: string): Promise<{ acquaintances?: Uint8Array }> {
  const acquaintances = await host.storage.get(key(network)).catch(() => undefined);
  return acquaintances === undefined ? {} : { acquaintances };
}

/** Keeps it in place of what was before. Never rejects: a full disk costs a slower start, nothing now. */
export function keepAcquaintances(host: Host, network: string, bytes: Uint8Array): Promise<void> {
  return host.storage.set(key(network), bytes).catch(() => undefined);
}

/** Forgets them, as the membership is forgotten. */
export function dropAcquaintances(host: Host, network: string): Promise<void> {
  return host.storage.delete(key(network));
}

function key(network: string): string {
  return `acquaintances-${network}`;
}

/**
 * The bootstrap node: a public overlay peer that takes WebSockets on the site's
 * port. Not built: starting it says so.
 */
import type { Server } from 'node:http';

/** Attaches the bootstrap node to a listening server. Rejects. */
export async function attachBootstrap(_o: {
  server: Server;
  path: '/bootstrap';
  dataDir: string;
  udp: { host: string; port: number } | undefined;
  log: (line: string) => void;
}): Promise<{ peerId: string; stop(): Promise<void> }> {
  throw new Error('the bootstrap node is not part of this checkout');
}

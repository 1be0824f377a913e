/** From where the WebSockets that a host has accepted come. Not UDP paths, which say so themselves. */
import type { PathEvent, PathId } from './host.ts';

/** As many as a host accepts; the remotes of more are not kept. */
const REMOTES_MAX = 1024;

/** The remote host of each accepted WebSocket that is open. */
export class Remotes {
  private readonly hosts = new Map<PathId, string>();

  /** Looks for what an event of the host says of paths. */
  note(event: PathEvent): void {
    if (event.kind === 'path-down') this.hosts.delete(event.path);
    if (event.kind !== 'path-up' || event.remote === undefined || this.hosts.size >= REMOTES_MAX) return;
    this.hosts.set(event.path, event.remote);
  }

  /** The IP address at the other end of an accepted WebSocket; `undefined` where that is not known. */
  of(path: PathId): string | undefined {
    return this.hosts.get(path);
  }
}

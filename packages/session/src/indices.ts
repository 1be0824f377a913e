/**
 * Session indices of one process. All networks and both scopes (point-to-point
 * and end-to-end) share them, because all share the same sockets.
 */
import { type Instant, type Random, uint32 } from '@warren/base';
import { DATA_HEADER_BYTES, encodeNoSession } from '@warren/wire';

/** At most this many sessions and half-open handshakes in a process. */
const INDICES_MAX = 65_536;
/** One hint per path and second, so that NOSESS is no weapon (session.md 2.5). */
const HINT_EVERY_MS = 1000;
const HINTED_PATHS_MAX = 1024;

/** Who owns which index. */
export class SessionIndices<Owner> {
  private readonly owners = new Map<number, Owner>();
  private readonly hinted = new Map<string, Instant>();
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** A fresh index, never 0; `undefined` when the process has no room. */
  allocate(owner: Owner): number | undefined {
    if (this.owners.size >= INDICES_MAX) return undefined;
    for (;;) {
      const index = uint32(this.random);
      if (index === 0 || this.owners.has(index)) continue;
      this.owners.set(index, owner);
      return index;
    }
  }

  release(index: number): void {
    this.owners.delete(index);
  }

  owner(index: number): Owner | undefined {
    return this.owners.get(index);
  }

  /** The hint for a sealed datagram whose index nobody owns; `undefined` while that path had one lately. */
  hintFor(path: string, datagram: Uint8Array, now: Instant): Uint8Array | undefined {
    if (datagram.length < DATA_HEADER_BYTES) return undefined;
    const last = this.hinted.get(path);
    if (last !== undefined && now - last < HINT_EVERY_MS) return undefined;
    if (this.hinted.size >= HINTED_PATHS_MAX) this.hinted.clear();
    this.hinted.set(path, now);
    return encodeNoSession({ index: readIndex(datagram, 4), counter: 0 });
  }
}

/** The 4-byte index at `at`; 0 where the datagram is too short. */
export function readIndex(datagram: Uint8Array, at: number): number {
  if (datagram.length < at + 4) return 0;
  let index = 0;
  for (let i = 0; i < 4; i++) index = index * 256 + (datagram[at + i] as number);
  return index;
}

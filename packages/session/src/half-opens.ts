/**
 * Handshakes that others began and whose HS3 has not come: bounded in number
 * and time, and a repeated HS1 costs one look-up (session.md 2.4).
 */
import { earliest, type Instant, toHex } from '@warren/base';
import type { Responder } from './handshake.ts';

/** Half-open handshakes: how many, and how long each. */
export const HALF_OPEN_MAX = 256;
export const HALF_OPEN_MS = 10_000;

interface HalfOpen {
  readonly responder: Responder;
  readonly ephemeral: string;
  readonly until: Instant;
}

/** Half-open handshakes of one session table, by our index and by the initiator's ephemeral key. */
export class HalfOpens {
  private readonly byIndex = new Map<number, HalfOpen>();
  private readonly byEphemeral = new Map<string, Responder>();

  get isFull(): boolean {
    return this.byIndex.size >= HALF_OPEN_MAX;
  }

  add(responder: Responder, ephemeral: Uint8Array, now: Instant): void {
    const key = toHex(ephemeral);
    this.byIndex.set(responder.localIndex, { responder, ephemeral: key, until: now + HALF_OPEN_MS });
    this.byEphemeral.set(key, responder);
  }

  /** The handshake that waits for an HS3 with our `index`. */
  at(index: number): Responder | undefined {
    return this.byIndex.get(index)?.responder;
  }

  /** The handshake that an HS1 with this ephemeral key has begun already. */
  repeated(ephemeral: Uint8Array): Responder | undefined {
    return this.byEphemeral.get(toHex(ephemeral));
  }

  delete(index: number): void {
    const half = this.byIndex.get(index);
    if (half === undefined) return;
    this.byIndex.delete(index);
    this.byEphemeral.delete(half.ephemeral);
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.byIndex.values()].map(half => half.until));
  }

  /** Forgets what waited too long; returns it, for its index to be released. */
  tick(now: Instant): Responder[] {
    const over = [...this.byIndex.values()].filter(half => now >= half.until).map(half => half.responder);
    for (const responder of over) this.delete(responder.localIndex);
    return over;
  }
}

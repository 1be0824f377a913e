/**
 * Handshakes that others began and whose HS3 has not come: bounded in number
 * and time, and a repeated HS1 costs one look-up. Whoever has shown a cookie
 * never gives way to one who has not, and under pressure the oldest of the
 * greediest group goes (session.md 2.4). No cryptography here.
 */
import { type Instant, toHex } from '@warren/base';
import type { PathId } from './attempts.ts';
import type { Responder } from './handshake.ts';

/** Half-open handshakes: how many, and how long each. */
export const HALF_OPEN_MAX = 256;
export const HALF_OPEN_MS = 10_000;
/** mac1 of handshakes that came to an end: their HS1 is known to be old. */
const FINISHED_MAX = 1024;

/** Who began a handshake, as far as is known. */
export interface Caller {
  readonly path: PathId;
  /** Whoever shares this shares the blame for a flood. */
  readonly group: string;
  /** Whether a cookie has shown that it receives on its path. */
  readonly isProven: boolean;
}

interface HalfOpen {
  readonly responder: Responder;
  readonly mac1: string;
  readonly until: Instant;
  readonly caller: Caller;
}

/** Half-open handshakes of one session table, by our index and by the mac1 of HS1, which covers index, ephemeral key and payload. */
export class HalfOpens {
  /** In the order in which they end. */
  private readonly byIndex = new Map<number, HalfOpen>();
  private readonly byMac1 = new Map<string, HalfOpen>();
  private readonly finished = new Set<string>();

  get size(): number {
    return this.byIndex.size;
  }

  /**
   * Makes room for one more: `full` where the caller has no claim to any; else what had to go, if anything, for its
   * index to be released.
   */
  makeRoom(caller: Caller): Responder | 'full' | undefined {
    if (this.byIndex.size < HALF_OPEN_MAX) return undefined;
    const victim = caller.isProven ? (this.oldest(half => !half.caller.isProven) ?? this.greediest(caller)) : undefined;
    if (victim === undefined) return 'full';
    this.remove(victim);
    return victim.responder;
  }

  add(responder: Responder, mac1: Uint8Array, caller: Caller, now: Instant): void {
    const half: HalfOpen = { responder, mac1: toHex(mac1), until: now + HALF_OPEN_MS, caller };
    this.byIndex.set(responder.localIndex, half);
    this.byMac1.set(half.mac1, half);
  }

  /** The handshake that waits for an HS3 with our `index`. */
  at(index: number): Responder | undefined {
    return this.byIndex.get(index)?.responder;
  }

  /** The handshake that an HS1 with this mac1 has begun already; `finished` when it came to an end. */
  repeated(mac1: Uint8Array): Responder | 'finished' | undefined {
    const key = toHex(mac1);
    return this.byMac1.get(key)?.responder ?? (this.finished.has(key) ? 'finished' : undefined);
  }

  /** Takes out a handshake whose HS3 has come. */
  finish(index: number): void {
    const half = this.byIndex.get(index);
    if (half === undefined) return;
    this.remove(half);
    const [oldest] = this.finished;
    if (this.finished.size >= FINISHED_MAX && oldest !== undefined) this.finished.delete(oldest);
    this.finished.add(half.mac1);
  }

  get wakeAt(): Instant | undefined {
    const [first] = this.byIndex.values();
    return first?.until;
  }

  /** Forgets what waited too long; returns it, for its index to be released. */
  tick(now: Instant): Responder[] {
    const over: Responder[] = [];
    for (const half of this.byIndex.values()) {
      if (now < half.until) break;
      this.remove(half);
      over.push(half.responder);
    }
    return over;
  }

  private remove({ responder, mac1 }: HalfOpen): void {
    this.byIndex.delete(responder.localIndex);
    this.byMac1.delete(mac1);
  }

  private oldest(isMeant: (half: HalfOpen) => boolean): HalfOpen | undefined {
    for (const half of this.byIndex.values()) if (isMeant(half)) return half;
    return undefined;
  }

  /** The oldest of the group with the most; none where that is the caller's own. */
  private greediest({ group }: Caller): HalfOpen | undefined {
    const counts = new Map<string, number>();
    for (const { caller } of this.byIndex.values()) counts.set(caller.group, (counts.get(caller.group) ?? 0) + 1);
    let worst = group;
    for (const [name, count] of counts) if (count > (counts.get(worst) ?? 0)) worst = name;
    return worst === group ? undefined : this.oldest(half => half.caller.group === worst);
  }
}

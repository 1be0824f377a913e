/**
 * Virtual time and the wires between simulated hosts. One process, one seed,
 * one heap of events; nothing here reads a clock. Every delivery goes into a
 * trace hash, so that two runs of a seed can be compared.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { type Instant, toHex, utf8 } from '@warren/base';
import { EventHeap } from './event-heap.ts';
import { SeededRandom } from './random.ts';

/** 2026-01-01: simulated dates start there. */
export const EPOCH_UNIX_MS = 1_767_225_600_000;

/** What the wires do to datagrams. */
export interface WireOptions {
  /** One way, milliseconds. */
  readonly latencyMs: number;
  /** Added at random, uniform up to this. */
  readonly jitterMs: number;
  /** Share of datagrams lost, 0 to 1. */
  readonly loss: number;
  /** Share of datagrams that arrive twice, 0 to 1; absent: none. Never on reliable wires. */
  readonly duplication?: number;
  /** Share of datagrams that arrive behind later ones, 0 to 1: late by up to five latencies. Absent: none. */
  readonly reordering?: number;
}

/** The simulated world. */
export class World {
  readonly seed: number;
  wire: WireOptions;
  private readonly random: SeededRandom;
  private readonly heap = new EventHeap();
  private time: Instant = 0;
  private trace = sha256.create();
  /** Datagrams handed over so far. */
  delivered = 0;
  events = 0;

  constructor(seed: number, wire: Partial<WireOptions> = {}) {
    this.seed = seed;
    this.random = new SeededRandom(seed, 'world');
    this.wire = { latencyMs: 20, jitterMs: 5, loss: 0, ...wire };
  }

  get now(): Instant {
    return this.time;
  }

  /** Runs `run` at `at`, or now when that is past; returns what cancels it. */
  at(at: Instant, run: () => void): () => void {
    let cancelled = false;
    this.heap.push(Math.max(at, this.time), 0, 0, () => cancelled || run());
    return () => {
      cancelled = true;
    };
  }

  /**
   * Carries something over a wire: late, or never. `reliable` wires (TCP) only delay. Gives the time when it arrives,
   * which is `notBefore` or later; `undefined`: never. `latencyMs`, one way, is that of all wires unless given.
   */
  carry(
    reliable: boolean,
    deliver: () => void,
    notBefore: Instant = 0,
    latencyMs: number = this.wire.latencyMs,
  ): Instant | undefined {
    const isLost = this.random.unit() < this.wire.loss;
    const delay = this.delay(reliable, latencyMs);
    if (isLost && !reliable) return undefined;
    const arrivesAt = Math.max(notBefore, this.time + (isLost ? 3 * delay : delay));
    this.at(arrivesAt, deliver);
    if (!reliable && this.happens(this.wire.duplication)) this.at(this.time + this.delay(false, latencyMs), deliver);
    return arrivesAt;
  }

  private delay(reliable: boolean, latencyMs: number): number {
    const { jitterMs, reordering } = this.wire;
    const delay = latencyMs + jitterMs * this.random.unit();
    return !reliable && this.happens(reordering) ? delay + 5 * latencyMs * this.random.unit() : delay;
  }

  /** Draws only where there is something to decide: a world without such faults runs as it always did. */
  private happens(share = 0): boolean {
    return share > 0 && this.random.unit() < share;
  }

  /** Notes a delivery in the trace. */
  note(to: string, path: string, bytes: Uint8Array): void {
    this.delivered++;
    this.trace.update(utf8(`${this.time.toFixed(3)} ${to} ${path} ${bytes.length}`)).update(bytes);
  }

  /** Runs until `condition` holds or `untilMs` of virtual time have passed; tells whether it held. */
  runUntil(condition: () => boolean, untilMs: number): boolean {
    const end = this.time + untilMs;
    while (!condition()) {
      if (this.heap.nextAt > end) {
        this.time = end;
        return condition();
      }
      this.step();
    }
    return true;
  }

  /** Runs all events of the next `ms` of virtual time. */
  run(ms: number): void {
    this.runUntil(() => false, ms);
  }

  /** SHA-256 of all deliveries so far. */
  get traceHash(): string {
    return toHex(this.trace.clone().digest());
  }

  private step(): void {
    const { heap } = this;
    heap.pop();
    this.time = heap.at;
    this.events++;
    if (typeof heap.what === 'function') heap.what();
  }
}

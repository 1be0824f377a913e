/**
 * Events in order of time, then of making: a heap with four children a place in
 * typed arrays, so that a hundred million events make no garbage of their own.
 */
import type { Instant } from '@warren/base';

/** What happens: bytes arrive, a function runs, or, when `undefined`, a machine wakes. */
export type Happening = Uint8Array | (() => void) | undefined;

/** Where a datagram has been, newest first: what hops and loops are told by. */
export interface Trace {
  readonly peer: number;
  readonly hops: number;
  readonly before: Trace | undefined;
}

/** The event that `pop` took off; its fields hold until the next `pop`. */
export class EventHeap {
  at: Instant = 0;
  /** Whom it concerns. */
  to = 0;
  /** Who caused it. */
  from = 0;
  what: Happening;
  trace: Trace | undefined;
  size = 0;

  private times = new Float64Array(1024);
  private orders = new Float64Array(1024);
  private places = new Int32Array(1024);
  private tos = new Int32Array(1024);
  private froms = new Int32Array(1024);
  private readonly whats: Happening[] = [];
  private readonly traces: (Trace | undefined)[] = [];
  private readonly free: number[] = [];
  private made = 0;

  /** When the next event is; infinite when there is none. */
  get nextAt(): Instant {
    return this.size === 0 ? Number.POSITIVE_INFINITY : (this.times[0] as number);
  }

  push(at: Instant, to: number, from: number, what: Happening, trace?: Trace): void {
    if (this.size === this.times.length) this.grow();
    const place = this.free.pop() ?? this.size;
    this.tos[place] = to;
    this.froms[place] = from;
    this.whats[place] = what;
    this.traces[place] = trace;
    this.rise(this.size++, at, this.made++, place);
  }

  /** Takes the next event off; false when there is none. */
  pop(): boolean {
    if (this.size === 0) return false;
    const place = this.places[0] as number;
    this.at = this.times[0] as number;
    this.to = this.tos[place] as number;
    this.from = this.froms[place] as number;
    this.what = this.whats[place];
    this.trace = this.traces[place];
    this.whats[place] = undefined;
    this.traces[place] = undefined;
    this.free.push(place);
    this.size--;
    this.sink();
    return true;
  }

  private rise(start: number, at: Instant, order: number, place: number): void {
    const { times, orders, places } = this;
    let i = start;
    while (i > 0) {
      const parent = (i - 1) >> 2;
      const parentAt = times[parent] as number;
      // A later order is never before an equal time.
      if (parentAt <= at) break;
      times[i] = parentAt;
      orders[i] = orders[parent] as number;
      places[i] = places[parent] as number;
      i = parent;
    }
    times[i] = at;
    orders[i] = order;
    places[i] = place;
  }

  /** Fills the top from the end. */
  private sink(): void {
    const { times, orders, places, size } = this;
    const [at, order, place] = [times[size] as number, orders[size] as number, places[size] as number];
    let i = 0;
    for (;;) {
      const least = this.leastChild(i, size);
      if (least < 0) break;
      const leastAt = times[least] as number;
      if (leastAt > at || (leastAt === at && (orders[least] as number) > order)) break;
      times[i] = leastAt;
      orders[i] = orders[least] as number;
      places[i] = places[least] as number;
      i = least;
    }
    times[i] = at;
    orders[i] = order;
    places[i] = place;
  }

  private leastChild(i: number, size: number): number {
    const { times, orders } = this;
    const first = 4 * i + 1;
    if (first >= size) return -1;
    const end = Math.min(first + 4, size);
    let least = first;
    for (let child = first + 1; child < end; child++) {
      const [a, b] = [times[child] as number, times[least] as number];
      if (a < b || (a === b && (orders[child] as number) < (orders[least] as number))) least = child;
    }
    return least;
  }

  private grow(): void {
    const length = 2 * this.times.length;
    this.times = copied(new Float64Array(length), this.times);
    this.orders = copied(new Float64Array(length), this.orders);
    this.places = copied(new Int32Array(length), this.places);
    this.tos = copied(new Int32Array(length), this.tos);
    this.froms = copied(new Int32Array(length), this.froms);
  }
}

function copied<T extends Float64Array | Int32Array>(to: T, from: T): T {
  to.set(from);
  return to;
}

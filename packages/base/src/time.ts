/**
 * Time as the core sees it: an argument, never a clock that is read in place.
 * Deadlines are absolute; timers only wake the machine, which then compares.
 */

/** Milliseconds on the host's monotonic clock. Its zero means nothing. */
export type Instant = number;

/** Milliseconds since 1970-01-01 UTC: for dates in certificates and records only. */
export type UnixMs = number;

/** Named deadlines of one state machine. */
export class TimerTable<Name extends string> {
  private readonly deadlines = new Map<Name, Instant>();

  /** Sets or moves the deadline of `name`. */
  set(name: Name, at: Instant): void {
    this.deadlines.set(name, at);
  }

  /** Forgets `name`. */
  clear(name: Name): void {
    this.deadlines.delete(name);
  }

  /** The deadline of `name`; `undefined` when it is not set. */
  at(name: Name): Instant | undefined {
    return this.deadlines.get(name);
  }

  /** The earliest deadline; `undefined` when none is set. */
  get next(): Instant | undefined {
    return earliest(...this.deadlines.values());
  }

  /** Removes and returns all names due at `now`, in the order of their deadlines. */
  due(now: Instant): Name[] {
    const due = [...this.deadlines].filter(([, at]) => at <= now).sort((a, b) => a[1] - b[1]);
    for (const [name] of due) this.deadlines.delete(name);
    return due.map(([name]) => name);
  }
}

/** The smallest of several deadlines, ignoring those that are not set. */
export function earliest(...deadlines: readonly (Instant | undefined)[]): Instant | undefined {
  let least: Instant | undefined;
  for (const at of deadlines) if (at !== undefined && (least === undefined || at < least)) least = at;
  return least;
}

/**
 * The earliest of many deadlines, looked for when somebody asks and kept until one may have come nearer: drivers ask
 * after every datagram. One that has moved away is not told: then it is asked for once too early.
 */
export class NextDeadline {
  private readonly find: () => Instant | undefined;
  private found: Instant | undefined;
  private isFound = false;

  /** `find` looks at them all. */
  constructor(find: () => Instant | undefined) {
    this.find = find;
  }

  /** Never later than the earliest deadline; `undefined` when there was none at all. */
  get at(): Instant | undefined {
    if (!this.isFound) {
      this.found = this.find();
      this.isFound = true;
    }
    return this.found;
  }

  /** Some deadline is new, nearer, or over. */
  moved(): void {
    this.isFound = false;
  }
}

/**
 * The wall clock as the core knows it: an offset to the monotonic clock that
 * the host sets at the start and whenever the two drift apart.
 */
export class WallClock {
  private offsetMs: number;

  constructor(unixMs: UnixMs, now: Instant) {
    this.offsetMs = unixMs - now;
  }

  /** Takes over the host's wall clock. */
  set(unixMs: UnixMs, now: Instant): void {
    this.offsetMs = unixMs - now;
  }

  /** The date at `now`, in whole milliseconds. */
  at(now: Instant): UnixMs {
    return Math.round(now + this.offsetMs);
  }
}

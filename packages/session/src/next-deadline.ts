/**
 * The next deadline of many things, looked for when somebody asks and kept until one may have come nearer: drivers
 * ask after every datagram. One that has moved away is not told: then it is asked for once too early.
 */
import type { Instant } from '@warren/base';

/** The earliest of many deadlines. */
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

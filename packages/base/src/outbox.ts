/**
 * The outgoing side of a state machine: what it asks of the world, in order.
 * Most polls find nothing, so that one is the cheapest; places in the list are
 * used again.
 */

/** A first-in first-out queue that a machine fills and its driver drains. */
export class Outbox<Output> {
  private readonly items: (Output | undefined)[] = [];
  private head = 0;
  private end = 0;

  /** Adds one output. */
  push(output: Output): void {
    this.items[this.end++] = output;
  }

  /** Takes the oldest output; `undefined` when all are taken. */
  poll(): Output | undefined {
    if (this.head === this.end) {
      this.head = 0;
      this.end = 0;
      return undefined;
    }
    const output = this.items[this.head];
    this.items[this.head++] = undefined;
    return output;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.head === this.end;
  }
}

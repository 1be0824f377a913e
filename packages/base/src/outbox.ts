/**
 * The outgoing side of a state machine: what it asks of the world, in order.
 */

/** A first-in first-out queue that a machine fills and its driver drains. */
export class Outbox<Output> {
  private items: Output[] = [];
  private head = 0;

  /** Adds one output. */
  push(output: Output): void {
    this.items.push(output);
  }

  /** Takes the oldest output; `undefined` when all are taken. */
  poll(): Output | undefined {
    const output = this.items[this.head];
    if (output === undefined) {
      this.items.length = 0;
      this.head = 0;
    } else {
      this.items[this.head++] = undefined as Output;
    }
    return output;
  }

  /** Whether anything waits. */
  get isEmpty(): boolean {
    return this.head >= this.items.length;
  }
}

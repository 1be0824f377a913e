/**
 * Frames that wait until the owner of an address is known. Bounded per address and in all; what waits too long goes, and
 * what waits in a crowd for one address gives way to what waits for another.
 */
import type { Instant } from '@warren/base';
import { PENDING_MAX, PENDING_MS, PENDING_PER_ADDRESS } from './constants.ts';

interface Waiting<Item> {
  readonly item: Item;
  readonly until: Instant;
}

/** A waiting room with a queue for each address. */
export class Pending<Item> {
  private readonly queues = new Map<number, Waiting<Item>[]>();
  private waiting = 0;

  /** How many wait in all. */
  get size(): number {
    return this.waiting;
  }

  /** How many addresses are waited for. */
  get addressCount(): number {
    return this.queues.size;
  }

  /** The addresses that are waited for, the one that came first first. */
  addresses(): number[] {
    return [...this.queues.keys()];
  }

  /**
   * Adds an item at the end of its queue. `replaced`: one that waited for another address was thrown out for it, the
   * last of the longest queue; `full`: there is no room, the item is not kept.
   */
  add(address: number, item: Item, now: Instant): 'added' | 'replaced' | 'full' {
    const queue = this.queues.get(address) ?? [];
    if (queue.length >= PENDING_PER_ADDRESS) return 'full';
    const isFull = this.waiting >= PENDING_MAX;
    if (isFull && !this.makeRoom(queue.length)) return 'full';
    queue.push({ item, until: now + PENDING_MS });
    this.queues.set(address, queue);
    this.waiting++;
    return isFull ? 'replaced' : 'added';
  }

  /** Whether something waits for an address. */
  has(address: number): boolean {
    return this.queues.has(address);
  }

  /** Takes out all that waits for an address, oldest first. */
  take(address: number): Item[] {
    const queue = this.queues.get(address) ?? [];
    this.queues.delete(address);
    this.waiting -= queue.length;
    return queue.map(({ item }) => item);
  }

  /** Throws out what waited too long; returns how many. */
  expire(now: Instant): number {
    const before = this.waiting;
    for (const [address, queue] of this.queues) {
      while (queue[0] !== undefined && queue[0].until <= now) {
        queue.shift();
        this.waiting--;
      }
      if (queue.length === 0) this.queues.delete(address);
    }
    return before - this.waiting;
  }

  /** When the oldest has waited too long; `undefined` when nothing waits. */
  get wakeAt(): Instant | undefined {
    let least: Instant | undefined;
    for (const [first] of this.queues.values()) {
      if (first !== undefined && (least === undefined || first.until < least)) least = first.until;
    }
    return least;
  }

  /** Throws out the last of the longest queue, the oldest of equal ones, if it is longer than `mine`. */
  private makeRoom(mine: number): boolean {
    let longest: number | undefined;
    let length = mine;
    for (const [address, queue] of this.queues) {
      if (queue.length <= length) continue;
      longest = address;
      length = queue.length;
    }
    if (longest === undefined) return false;
    this.queues.get(longest)?.pop();
    if (length === 1) this.queues.delete(longest);
    this.waiting--;
    return true;
  }
}

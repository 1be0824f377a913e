/**
 * Links that we ask for: to the true neighbours among all who are known, and
 * to whom others choose. Not here: who those others are (`upkeep.ts`), and how
 * much may be asked for at once (`dials.ts`, `namers.ts`).
 */
import type { Instant, Random } from '@warren/base';
import { type PeerKey, peerKey } from '@warren/wire';
import { Dials } from './dials.ts';
import type { Table } from './table.ts';

export interface WishesOptions {
  readonly table: Table;
  readonly random: Random;
  readonly linkBudget: number;
  /** A link to this peer is wanted. */
  readonly wish: (to: PeerKey) => void;
}

/** The wishes of one overlay. */
export class Wishes {
  readonly dials: Dials;
  private readonly options: WishesOptions;
  private isOver = false;

  constructor(options: WishesOptions) {
    this.options = options;
    this.dials = new Dials(options.random);
  }

  /** Asks for links to the true neighbours, unless they failed lately; on the word of doubted neighbours last. */
  seek(now: Instant): void {
    this.seekNamed(false, now);
    if (this.dials.hasDoubted(now)) this.seekNamed(true, now);
  }

  /** Asks for a link unless it exists, is under way or failed lately; true when it exists or is asked for. */
  connect(key: PeerKey, now: Instant, namers: readonly PeerKey[] = []): boolean {
    if (this.options.table.neighbours.has(key)) return true;
    if (this.isOver || !this.dials.begin(key, now, namers)) return false;
    this.options.wish(key);
    return true;
  }

  /** Whether the budget lets us ask for a link that is no near one. */
  get hasRoom(): boolean {
    return this.options.table.neighbours.size + this.dials.count < this.options.linkBudget;
  }

  /** Asks for nothing from now on. */
  end(): void {
    this.isOver = true;
    this.dials.clear();
  }

  private seekNamed(isDoubted: boolean, now: Instant): void {
    const { table } = this.options;
    const mayReach = (key: PeerKey) => !this.dials.isBackedOff(key, now);
    for (const id of table.wanted(mayReach, namer => this.dials.isDoubted(namer, now) === isDoubted)) {
      const key = peerKey(id);
      if (!table.neighbours.has(key)) this.connect(key, now, table.namersOf(id));
    }
  }
}

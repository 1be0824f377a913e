/**
 * The records that one network holds for others, on the disk of the host: what
 * comes and goes is written in batches, what was there is given back after a
 * start, slice by slice, so that thousands of records never block a tab. A disk
 * that fails costs nothing but that: what was not written waits, bounded, and
 * the shelf is opened again later. No clock of its own; it answers with
 * promises or without, as the shelf does.
 */
import { assert, earliest, type Instant } from '@warren/base';
import type { Shelf, ShelfChange, ShelfEntry } from './host.ts';
import type { StorageView } from './view.ts';

/** Entries on one shelf at most: as many as a network holds. */
export const ENTRIES_MAX = 8192;
/** Bytes of all entries of one shelf. */
export const BYTES_MAX = 32 << 20;
/** Bytes of one entry. */
export const ENTRY_BYTES_MAX = 16_384;
const SLOT_LENGTH_MAX = 128;
/** Entries read from the disk at once, and given back in one slice at most. */
const PAGE = 64;
/** A slice of giving back ends after so long; each record costs up to 4 ms of signature checks in a tab. */
const SLICE_MS = 8;
/** Between slices: four times what the last one took, so that four fifths of the time are for other things. */
const PAUSE_TIMES = 4;
const PAUSE_MS = 10;
/** A shelf that failed is opened again after that. */
const RETRY_MS = 30_000;
/** Changes that wait for a disk that fails; beyond, the oldest are given up. */
const PENDING_MAX = 2 * ENTRIES_MAX;

export interface RecordShelfOptions {
  /** Opens the host's shelf, also again after it failed; throws or rejects with an Error for a person. */
  readonly open: () => Shelf | Promise<Shelf>;
  /** Takes a record back; false when it is worth nothing any more. */
  readonly restore: (bytes: Uint8Array) => boolean;
  /** Called when the disk has lost what was on it: all that the network holds is to be noted once more. */
  readonly lost: () => void;
  /** Called when something was done outside of any call: deadlines may have moved. */
  readonly changed: () => void;
  /** The time now, which goes on while a slice is worked off. */
  readonly clock: () => Instant;
}

type State =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly shelf: Shelf }
  | { readonly kind: 'off'; readonly problem: string; readonly retryAt: Instant }
  | { readonly kind: 'closed' };

/** One network's shelf. */
export class RecordShelf {
  private readonly options: RecordShelfOptions;
  private state: State = { kind: 'opening' };
  /** Changes that are not on the disk yet, by slot. */
  private readonly pending = new Map<string, Uint8Array | undefined>();
  /** Bytes in each slot that is known to be taken. */
  private readonly sizes = new Map<string, number>();
  private total = 0;
  /** Slots emptied while what was there is still being given back: an older read may have them yet. */
  private readonly emptied = new Set<string>();
  /** Closed for good: nothing may stay on the disk. */
  private isCleared = false;
  private isWriting = false;
  private isReading = false;
  private flushAt: Instant | undefined;
  /** The last slot read; `undefined` when all have been. */
  private cursor: string | undefined = '';
  private page: ShelfEntry[] = [];
  private sliceAt: Instant = 0;

  constructor(options: RecordShelfOptions) {
    this.options = options;
  }

  /** Opens it; gives a promise, which never rejects, where the host does. */
  open(): void | Promise<void> {
    this.state = { kind: 'opening' };
    return this.attempt(this.options.open, shelf => this.opened(shelf));
  }

  get view(): StorageView {
    const { state, total: bytes } = this;
    const entries = this.sizes.size;
    if (state.kind === 'off') return { state: 'off', entries, bytes, problem: state.problem };
    return { state: this.cursor === undefined ? 'on' : 'loading', entries, bytes };
  }

  /** Notes what lies in a slot from now on; `undefined` empties it. What does not fit is not kept. */
  note(slot: string, bytes: Uint8Array | undefined, now: Instant): void {
    assert(slot.length > 0 && slot.length <= SLOT_LENGTH_MAX, 'a slot is 1 to 128 characters');
    if (this.state.kind === 'closed') return;
    const kept = bytes !== undefined && this.fits(slot, bytes.length) ? bytes : undefined;
    this.resize(slot, kept?.length);
    this.pending.delete(slot);
    this.pending.set(slot, kept);
    if (kept === undefined && this.isLoading) this.emptied.add(slot);
    else this.emptied.delete(slot);
    for (const slots of [this.pending, this.emptied]) {
      const [oldest] = slots.keys();
      if (slots.size > PENDING_MAX && oldest !== undefined) slots.delete(oldest);
    }
    this.flushAt ??= now + (this.state.kind === 'open' ? this.state.shelf.batchMs : 0);
  }

  /** Writes what waits and may not wait longer. Called before anything is sent that acknowledges it. */
  flush(now: Instant): void {
    if (this.flushAt === undefined || now < this.flushAt || this.state.kind !== 'open' || this.isWriting) return;
    this.write(this.state.shelf);
  }

  get wakeAt(): Instant | undefined {
    switch (this.state.kind) {
      case 'open': {
        const readAt = this.cursor === undefined && this.page.length === 0 ? undefined : this.sliceAt;
        return earliest(this.isWriting ? undefined : this.flushAt, this.isReading ? undefined : readAt);
      }
      case 'off':
        return this.state.retryAt;
      default:
        return undefined;
    }
  }

  tick(now: Instant): void {
    if (this.state.kind === 'off' && now >= this.state.retryAt) void this.open();
    this.flush(now);
    if (this.state.kind === 'open' && !this.isReading && now >= this.sliceAt) this.slice(this.state.shelf);
  }

  /** Empties it for good: whoever left a group keeps nothing of it. One that is being opened is emptied then. */
  clear(): void {
    const { state } = this;
    this.isCleared = true;
    this.pending.clear();
    if (state.kind === 'open') this.empty(state.shelf);
    this.close();
    if (state.kind === 'off') void this.attempt(this.options.open, shelf => this.opened(shelf));
  }

  /** Writes what waits and lets go of the shelf. */
  close(): void {
    const { state } = this;
    if (state.kind === 'open') {
      if (this.pending.size > 0) this.write(state.shelf);
      state.shelf.close();
    }
    this.state = { kind: 'closed' };
  }

  private opened(shelf: Shelf): void {
    if (this.state.kind !== 'closed') this.state = { kind: 'open', shelf };
    else {
      const emptied = this.isCleared ? this.empty(shelf) : undefined;
      if (emptied === undefined) shelf.close();
      else void emptied.then(() => shelf.close());
    }
  }

  private empty(shelf: Shelf): void | Promise<void> {
    return this.attempt(
      () => shelf.clear() ?? undefined,
      () => {},
    );
  }

  private write(shelf: Shelf): void {
    const changes: ShelfChange[] = [...this.pending].map(([slot, bytes]) => ({ slot, bytes }));
    this.pending.clear();
    this.flushAt = undefined;
    this.isWriting = true;
    const over = () => {
      this.isWriting = false;
    };
    this.attempt(
      () => shelf.write(changes) ?? undefined,
      over,
      () => {
        over();
        // Those that came meanwhile are newer.
        for (const { slot, bytes } of changes) if (!this.pending.has(slot)) this.pending.set(slot, bytes);
        this.flushAt = 0;
      },
    );
  }

  /** Gives some records back, and reads more when there are none left. */
  private slice(shelf: Shelf): void {
    const { clock } = this.options;
    const startedAt = clock();
    for (let n = 0; n < PAGE && this.page.length > 0 && clock() - startedAt < SLICE_MS; n++) {
      this.giveBack(this.page.shift() as ShelfEntry);
    }
    if (this.page.length === 0 && this.cursor !== undefined) this.read(shelf, this.cursor);
    if (!this.isLoading) this.emptied.clear();
    const endedAt = clock();
    this.sliceAt = endedAt + Math.max(PAUSE_MS, PAUSE_TIMES * (endedAt - startedAt));
  }

  private read(shelf: Shelf, after: string): void {
    this.isReading = true;
    const over = () => {
      this.isReading = false;
    };
    const take = (entries: readonly ShelfEntry[]) => {
      over();
      this.page.push(...entries);
      this.cursor = entries.length < PAGE ? undefined : entries.at(-1)?.slot;
    };
    this.attempt(() => shelf.load(after, PAGE), take, over);
  }

  private giveBack({ slot, bytes }: ShelfEntry): void {
    // Something newer came since the start.
    if (this.sizes.has(slot) || this.pending.has(slot) || this.emptied.has(slot)) return;
    const { clock, restore } = this.options;
    if (this.fits(slot, bytes.length) && restore(bytes)) this.resize(slot, bytes.length);
    else this.note(slot, undefined, clock());
  }

  /** Whether something that was there may still be given back. */
  private get isLoading(): boolean {
    return this.cursor !== undefined || this.page.length > 0;
  }

  private fits(slot: string, length: number): boolean {
    const before = this.sizes.get(slot);
    const isRoom = before !== undefined || this.sizes.size < ENTRIES_MAX;
    return isRoom && length <= ENTRY_BYTES_MAX && this.total - (before ?? 0) + length <= BYTES_MAX;
  }

  private resize(slot: string, length: number | undefined): void {
    this.total += (length ?? 0) - (this.sizes.get(slot) ?? 0);
    if (length === undefined) this.sizes.delete(slot);
    else this.sizes.set(slot, length);
  }

  /** Does something with the host's disk, now or later; a failure turns the shelf off for a while. */
  private attempt<T>(action: () => T | Promise<T>, done: (result: T) => void, failed = () => {}): void | Promise<void> {
    const fail = (cause: unknown): void => {
      failed();
      this.turnOff(cause);
    };
    try {
      const result = action();
      if (!(result instanceof Promise)) return done(result);
      return result.then(done, fail).then(this.options.changed);
    } catch (cause) {
      fail(cause);
    }
  }

  private turnOff(cause: unknown): void {
    const { state } = this;
    if (state.kind === 'closed') return;
    if (state.kind === 'open') state.shelf.close();
    const problem = cause instanceof Error ? cause.message : 'The disk gave no reason.';
    this.state = { kind: 'off', problem, retryAt: this.options.clock() + RETRY_MS };
    if (cause instanceof Error && 'code' in cause && cause.code === 'damaged') this.beginAnew();
  }

  /** Nothing is left on the disk. */
  private beginAnew(): void {
    this.sizes.clear();
    this.total = 0;
    for (const [slot, bytes] of this.pending) this.resize(slot, bytes?.length);
    this.emptied.clear();
    this.page = [];
    this.cursor = '';
    this.options.lost();
  }
}

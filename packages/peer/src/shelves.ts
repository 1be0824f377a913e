/** The shelves of a participant, one per network: where records that are held for others survive a restart. */
import { earliest, type Instant } from '@warren/base';
import type { Shelf } from './host.ts';
import { RecordShelf } from './record-shelf.ts';
import type { StorageView } from './view.ts';

export interface ShelvesOptions {
  /** Takes a record of a network back; false when it is worth nothing any more. */
  readonly restore: (network: string, bytes: Uint8Array) => boolean;
  /** Called when the disk has lost what was on a network's shelf: all that it holds is to be noted once more. */
  readonly lost: (network: string) => void;
  /** Called when something was done outside of any call: deadlines may have moved. */
  readonly changed: () => void;
  readonly clock: () => Instant;
}

/** All shelves. */
export class Shelves {
  private readonly options: ShelvesOptions;
  private readonly byNetwork = new Map<string, RecordShelf>();
  /** Whether something waits to be written. */
  private isDirty = false;

  constructor(options: ShelvesOptions) {
    this.options = options;
  }

  /** Begins to keep the records of a network. Gives a promise, which never rejects, where the host does. */
  add(network: string, open: () => Shelf | Promise<Shelf>): void | Promise<void> {
    const { restore, lost, ...common } = this.options;
    const own = { restore: (bytes: Uint8Array) => restore(network, bytes), lost: () => lost(network) };
    const shelf = new RecordShelf({ ...common, ...own, open });
    this.byNetwork.set(network, shelf);
    return shelf.open();
  }

  /** Ends that; `isForGood` empties the shelf. */
  remove(network: string, isForGood: boolean): void {
    const shelf = this.byNetwork.get(network);
    this.byNetwork.delete(network);
    if (isForGood) shelf?.clear();
    else shelf?.close();
  }

  /** Notes a record in a slot; `undefined` empties the slot. */
  note(network: string, slot: string, bytes: Uint8Array | undefined): void {
    this.byNetwork.get(network)?.note(slot, bytes, this.options.clock());
    this.isDirty = true;
  }

  /** Writes what was noted, unless the host gathers it; before anything is sent. */
  flush(): void {
    if (!this.isDirty) return;
    this.isDirty = false;
    for (const shelf of this.byNetwork.values()) shelf.flush(this.options.clock());
  }

  /** How a network's records are kept; `undefined` where they are not. */
  view(network: string): StorageView | undefined {
    return this.byNetwork.get(network)?.view;
  }

  get wakeAt(): Instant | undefined {
    return earliest(...[...this.byNetwork.values()].map(shelf => shelf.wakeAt));
  }

  tick(now: Instant): void {
    for (const shelf of this.byNetwork.values()) shelf.tick(now);
  }

  /** Writes what waits and lets go of all. */
  close(): void {
    for (const network of [...this.byNetwork.keys()]) this.remove(network, false);
  }
}

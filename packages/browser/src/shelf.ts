/**
 * Records of others in IndexedDB, through idb-keyval: a database of its own per
 * network, so that its thousands of entries never slow down keys and
 * memberships. A page cannot wait for its disk: what a tab acknowledged in the
 * last moments before it was closed may be lost.
 */
import type { Shelf, ShelfChange, ShelfEntry } from '@warren/peer';
import { clear, createStore, promisifyRequest, type UseStore } from 'idb-keyval';
import { storageError } from './storage.ts';

/** Changes within this time are one transaction: each costs a few milliseconds. */
const BATCH_MS = 500;

/** Opens the shelf of that name, and proves that the browser stores; rejects with an Error for the person. */
export async function openShelf(name: string): Promise<Shelf> {
  const shelf = new BrowserShelf(createStore(`warren-shelf-${name}`, 'entries'));
  await shelf.write([]);
  return shelf;
}

class BrowserShelf implements Shelf {
  readonly batchMs = BATCH_MS;
  private readonly store: UseStore;

  constructor(store: UseStore) {
    this.store = store;
  }

  load(after: string, atMost: number): Promise<ShelfEntry[]> {
    const read = async (entries: IDBObjectStore): Promise<ShelfEntry[]> => {
      const range = IDBKeyRange.lowerBound(after, true);
      const [slots, values] = await Promise.all([
        promisifyRequest(entries.getAllKeys(range, atMost)),
        promisifyRequest<unknown[]>(entries.getAll(range, atMost)),
      ]);
      // What is no bytes was damaged; as empty bytes it is no record, and goes.
      return slots.map((slot, i) => ({ slot: String(slot), bytes: bytesOf(values[i]) }));
    };
    return this.store('readonly', read).catch(cause => Promise.reject(storageError(cause)));
  }

  write(changes: readonly ShelfChange[]): Promise<void> {
    const change = (entries: IDBObjectStore): Promise<void> => {
      for (const { slot, bytes } of changes) {
        if (bytes === undefined) entries.delete(slot);
        // A copy: a view into a larger buffer would be stored with all of that buffer.
        else entries.put(bytes.slice(), slot);
      }
      return promisifyRequest<undefined>(entries.transaction);
    };
    return this.store('readwrite', change).catch(cause => Promise.reject(storageError(cause)));
  }

  clear(): Promise<void> {
    return clear(this.store).catch(cause => Promise.reject(storageError(cause)));
  }

  /** The browser closes it with the page. */
  close(): void {}
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

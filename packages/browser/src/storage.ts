/**
 * Small values in IndexedDB, through idb-keyval. One database, `warren`, holds
 * the values and, under names that no value can have, the identity keys.
 */
import { assert } from '@warren/base';
import type { Storage } from '@warren/peer';
import { createStore, del, get, set, type UseStore } from 'idb-keyval';

const KEY = /^[a-z0-9.-]{1,64}$/;

/** Opens the database of this origin. It is made at first use; nothing fails before that. */
export function openStore(): UseStore {
  return createStore('warren', 'warren');
}

/** Values of this origin and browser profile. */
export function browserStorage(store: UseStore): Storage {
  return {
    async get(key) {
      checkKey(key);
      const value = await get<unknown>(key, store);
      return value instanceof Uint8Array ? value : undefined;
    },
    async set(key, value) {
      checkKey(key);
      // A copy: a view into a larger buffer would be stored with all of that buffer.
      await set(key, value.slice(), store).catch(cause => {
        throw storageError(cause);
      });
    },
    async delete(key) {
      checkKey(key);
      await del(key, store).catch(cause => {
        throw storageError(cause);
      });
    },
  };
}

/**
 * Asks the browser not to evict what this origin stores when the disk runs low.
 * Some browsers ask the person, so call it after a click. False when refused: all works, but keys may go.
 */
export async function keepStorage(): Promise<boolean> {
  return (await navigator.storage?.persist?.().catch(() => false)) ?? false;
}

/** Says in words why the browser did not store something, and what to do. */
export function storageError(cause: unknown): Error {
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : '';
  if (name === 'QuotaExceededError') {
    return new Error('The browser has no space left for this site. Free some disk space, then try again.', { cause });
  }
  return new Error(
    'The browser refuses to store anything for this site. Leave private browsing, or allow this site to store data, then reload.',
    { cause },
  );
}

function checkKey(key: string): void {
  assert(KEY.test(key), 'a storage key is 1 to 64 of a-z 0-9 . -');
}

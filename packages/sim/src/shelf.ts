/** Entries of a simulated disk: written at once, in memory that outlives the host, and none when the disk is full. */
import type { Shelf, ShelfChange, ShelfEntry } from '@warren/peer';

/** A shelf over the entries of one disk. */
export class SimShelf implements Shelf {
  readonly batchMs = 0;
  private readonly entries: Map<string, Uint8Array>;
  private readonly disk: { readonly isFull: boolean };

  constructor(entries: Map<string, Uint8Array>, disk: { readonly isFull: boolean }) {
    this.entries = entries;
    this.disk = disk;
  }

  load(after: string, atMost: number): ShelfEntry[] {
    const slots = [...this.entries.keys()].filter(slot => slot > after).sort();
    return slots.slice(0, atMost).map(slot => ({ slot, bytes: (this.entries.get(slot) as Uint8Array).slice() }));
  }

  write(changes: readonly ShelfChange[]): void {
    if (this.disk.isFull) throw new Error('The simulated disk is full.');
    for (const { slot, bytes } of changes) {
      if (bytes === undefined) this.entries.delete(slot);
      else this.entries.set(slot, bytes.slice());
    }
  }

  clear(): void {
    this.entries.clear();
  }

  close(): void {}
}

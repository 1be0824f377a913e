/** Records on a disk that is good, slow, full, or gone (faults rows 38, 39). */
import type { Instant } from '@warren/base';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Shelf, ShelfChange, ShelfEntry } from './host.ts';
import { BYTES_MAX, ENTRIES_MAX, ENTRY_BYTES_MAX, RecordShelf } from './record-shelf.ts';

/** A disk that does as it is told: at once, or when the test says. */
class Disk {
  readonly entries = new Map<string, Uint8Array>();
  writes = 0;
  reads = 0;
  opened = 0;
  problem: string | undefined;
  /** With the problem: whether the disk says that all is lost. */
  isDamaged = false;
  batchMs = 0;
  /** What is under way, on a slow disk. */
  readonly waiting: (() => void)[] = [];

  shelf = (): Shelf => {
    this.fail();
    this.opened++;
    return {
      batchMs: this.batchMs,
      load: (after, atMost) => this.soon(() => this.load(after, atMost)),
      write: changes => this.soon(() => this.write(changes)),
      clear: () => this.soon(() => this.entries.clear()),
      close: () => {},
    };
  };

  private load(after: string, atMost: number): ShelfEntry[] {
    this.reads++;
    const slots = [...this.entries.keys()].filter(slot => slot > after).sort();
    return slots.slice(0, atMost).map(slot => ({ slot, bytes: this.entries.get(slot) as Uint8Array }));
  }

  private write(changes: readonly ShelfChange[]): void {
    this.writes++;
    for (const { slot, bytes } of changes) {
      if (bytes === undefined) this.entries.delete(slot);
      else this.entries.set(slot, bytes);
    }
  }

  private soon<T>(action: () => T): T | Promise<T> {
    if (this.batchMs === 0) {
      this.fail();
      return action();
    }
    return new Promise((resolve, reject) => {
      this.waiting.push(() => (this.problem === undefined ? resolve(action()) : reject(new Error(this.problem))));
    });
  }

  private fail(): void {
    if (this.problem === undefined) return;
    if (this.isDamaged) this.entries.clear();
    throw Object.assign(new Error(this.problem), this.isDamaged ? { code: 'damaged' } : {});
  }
}

const some = Uint8Array.of(1, 2, 3);
let disk: Disk;
let now: Instant;
/** What a record costs to check, ms. */
let costMs: number;
let restored: Uint8Array[];
let worthless: (bytes: Uint8Array) => boolean;
/** What the network holds when it is asked to have it kept anew. */
let inMemory: Map<string, Uint8Array>;
let shelf: RecordShelf;

beforeEach(() => {
  disk = new Disk();
  now = 1000;
  costMs = 0;
  restored = [];
  inMemory = new Map();
  worthless = () => false;
  start();
});

function start(): void {
  const restore = (bytes: Uint8Array): boolean => {
    now += costMs;
    restored.push(bytes);
    return !worthless(bytes);
  };
  const lost = () => {
    for (const [slot, bytes] of inMemory) shelf.note(slot, bytes, now);
  };
  shelf = new RecordShelf({ open: disk.shelf, restore, lost, changed: () => {}, clock: () => now });
  void shelf.open();
}

/** Lets time pass to the deadlines of the next `ms`. */
function run(ms: number): void {
  const end = now + ms;
  for (let at = shelf.wakeAt; at !== undefined && at <= end; at = shelf.wakeAt) {
    now = Math.max(now, at);
    shelf.tick(now);
  }
  now = Math.max(now, end);
}

/** Does what the slow disk was asked for, and lets promises be heard. */
async function work(): Promise<void> {
  for (const done of disk.waiting.splice(0)) done();
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

function fill(count: number): void {
  for (let i = 0; i < count; i++) disk.entries.set(`slot-${i}`, Uint8Array.of(i & 255, i >> 8));
}

describe('the records of a network on a disk', () => {
  test('are there as soon as they were flushed, and gone when they were dropped', () => {
    run(100);
    shelf.note('a', some, now);
    shelf.note('b', some, now);
    shelf.flush(now);
    expect([...disk.entries.keys()]).toEqual(['a', 'b']);
    expect(disk.writes).toBe(1);
    shelf.note('a', undefined, now);
    shelf.flush(now);
    expect([...disk.entries.keys()]).toEqual(['b']);
    expect(shelf.view).toEqual({ state: 'on', entries: 1, bytes: 3 });
    shelf.flush(now);
    expect(disk.writes).toBe(2);
    expect(shelf.wakeAt).toBeUndefined();
  });

  test('come back in slices that leave four fifths of the time to others, each once', () => {
    fill(1000);
    costMs = 4;
    start();
    expect(shelf.view.state).toBe('loading');
    const startedAt = now;
    shelf.tick(now);
    shelf.tick(now + 1);
    for (let longest = 0; shelf.view.state === 'loading'; ) {
      const before = now;
      now = Math.max(now, shelf.wakeAt ?? now);
      const began = now;
      shelf.tick(now);
      longest = Math.max(longest, now - began);
      expect(longest).toBeLessThanOrEqual(8);
      expect(now).toBeGreaterThan(before);
    }
    run(1000);
    expect(restored).toHaveLength(1000);
    expect(now - startedAt).toBeGreaterThan(4 * 1000 * costMs);
    expect(shelf.view).toEqual({ state: 'on', entries: 1000, bytes: 2000 });
    expect(disk.writes).toBe(0);
  });

  test('that are worth nothing any more leave the disk', () => {
    fill(100);
    worthless = bytes => (bytes[0] as number) % 2 === 1;
    start();
    run(1000);
    expect(restored).toHaveLength(100);
    expect(disk.entries.size).toBe(50);
    expect(shelf.view.entries).toBe(50);
  });

  test('do not come back over newer ones of this run', () => {
    fill(300);
    start();
    shelf.note('slot-299', some, now);
    shelf.note('slot-298', undefined, now);
    shelf.flush(now);
    run(1000);
    expect(restored).toHaveLength(298);
    expect(disk.entries.get('slot-299')).toEqual(some);
    expect(disk.entries.has('slot-298')).toBe(false);
  });

  test('do not come back after they were dropped while the rest was being given back', async () => {
    fill(9);
    costMs = 9;
    start();
    run(1);
    shelf.tick(now);
    expect(restored.length).toBeLessThan(5);
    shelf.note('slot-5', some, now);
    shelf.note('slot-5', undefined, now);
    shelf.note('slot-6', undefined, now);
    shelf.flush(now);
    run(10_000);
    expect(restored).toHaveLength(7);
    expect([...disk.entries.keys()].filter(slot => slot === 'slot-5' || slot === 'slot-6')).toEqual([]);
    expect(shelf.view).toMatchObject({ state: 'on', entries: 7 });
  });

  test('do not come back either when they were dropped while a slow disk was being read', async () => {
    fill(3);
    disk.batchMs = 500;
    start();
    shelf.tick(now);
    const read = disk.waiting.splice(0).map(done => done);
    for (const done of read) done();
    shelf.note('slot-1', undefined, now);
    run(500);
    await work();
    run(10_000);
    await work();
    expect(restored).toHaveLength(2);
    expect([...disk.entries.keys()]).toEqual(['slot-0', 'slot-2']);
  });

  test('are written anew when the disk finds that it has lost them', () => {
    fill(100);
    start();
    run(1000);
    for (const slot of disk.entries.keys()) if (slot !== 'slot-7') inMemory.set(slot, some);
    [disk.problem, disk.isDamaged] = ['It was damaged.', true];
    shelf.note('new', some, now);
    shelf.flush(now);
    expect(shelf.view).toMatchObject({ state: 'off', problem: 'It was damaged.', entries: 100 });
    [disk.problem, disk.isDamaged] = [undefined, false];
    run(31_000);
    expect([...disk.entries.keys()].sort()).toEqual([...inMemory.keys(), 'new'].sort());
    expect(shelf.view).toEqual({ state: 'on', entries: 100, bytes: 300 });
    expect(restored).toHaveLength(100);
  });

  test('are bounded in number, in bytes and each in size', () => {
    run(100);
    for (let i = 0; i < ENTRIES_MAX + 10; i++) shelf.note(`slot-${i}`, some, now);
    shelf.flush(now);
    expect(disk.entries.size).toBe(ENTRIES_MAX);
    shelf.note('slot-0', undefined, now);
    shelf.note('large', new Uint8Array(ENTRY_BYTES_MAX + 1), now);
    shelf.note('fits', new Uint8Array(ENTRY_BYTES_MAX), now);
    for (let i = 1; i < ENTRIES_MAX; i++) shelf.note(`slot-${i}`, new Uint8Array(ENTRY_BYTES_MAX), now);
    shelf.flush(now);
    expect(disk.entries.has('large')).toBe(false);
    expect(shelf.view.bytes).toBeLessThanOrEqual(BYTES_MAX);
    expect([...disk.entries.values()].reduce((sum, bytes) => sum + bytes.length, 0)).toBe(shelf.view.bytes);
  });

  test('of a slow disk are gathered, and newer ones wait for the write under way', async () => {
    disk.batchMs = 500;
    start();
    shelf.tick(now);
    await work();
    shelf.note('a', some, now);
    shelf.flush(now);
    run(400);
    shelf.note('b', some, now);
    expect(disk.waiting).toHaveLength(0);
    run(100);
    expect(disk.waiting).toHaveLength(1);
    shelf.note('a', undefined, now);
    run(1000);
    expect(disk.waiting).toHaveLength(1);
    await work();
    expect([...disk.entries.keys()]).toEqual(['a', 'b']);
    run(0);
    await work();
    expect([...disk.entries.keys()]).toEqual(['b']);
  });

  test('faults #39 wait for a full disk, which is said, and are written once there is room', () => {
    run(100);
    disk.problem = 'No room is left: free some space.';
    shelf.note('a', some, now);
    shelf.flush(now);
    expect(shelf.view).toEqual({ state: 'off', entries: 1, bytes: 3, problem: 'No room is left: free some space.' });
    shelf.note('b', some, now);
    shelf.note('a', Uint8Array.of(9), now);
    shelf.flush(now);
    run(60_000);
    expect(shelf.view.state).toBe('off');
    disk.problem = undefined;
    run(30_000);
    expect(shelf.view.state).toBe('on');
    expect([...disk.entries]).toEqual([
      ['b', some],
      ['a', Uint8Array.of(9)],
    ]);
  });

  test('faults #39 are only in memory where no shelf can be opened, and come back once one can', () => {
    fill(10);
    disk.problem = 'Not allowed here.';
    start();
    expect(shelf.view).toEqual({ state: 'off', entries: 0, bytes: 0, problem: 'Not allowed here.' });
    shelf.note('new', some, now);
    shelf.flush(now);
    disk.problem = undefined;
    run(31_000);
    expect(restored).toHaveLength(10);
    expect(disk.entries.get('new')).toEqual(some);
  });

  test('faults #39 evicted from a tab in the middle of a write wait for the next one', async () => {
    disk.batchMs = 500;
    start();
    shelf.tick(now);
    await work();
    shelf.note('a', some, now);
    run(500);
    disk.problem = 'The browser has no space left for this site.';
    await work();
    expect(shelf.view.state).toBe('off');
    disk.problem = undefined;
    run(30_000);
    await work();
    run(1000);
    await work();
    expect(shelf.view.state).toBe('on');
    expect(disk.entries.get('a')).toEqual(some);
  });

  test('what waits for a disk that fails for good is bounded', () => {
    disk.problem = 'Not allowed here.';
    start();
    for (let i = 0; i < 20_000; i++) {
      shelf.note(`slot-${i}`, some, now);
      shelf.note(`slot-${i - 100}`.replace('--', '-x'), undefined, now);
    }
    disk.problem = undefined;
    run(31_000);
    expect(disk.entries.size).toBeLessThanOrEqual(ENTRIES_MAX);
    expect(disk.writes).toBe(1);
  });

  test('are written when it closes, and none are left when it is cleared', () => {
    run(100);
    shelf.note('a', some, now);
    shelf.close();
    expect(disk.entries.size).toBe(1);
    start();
    run(100);
    shelf.note('b', some, now);
    shelf.clear();
    expect(disk.entries.size).toBe(0);
  });

  test('are cleared also when that is said before the shelf is open, or while the disk fails', async () => {
    fill(3);
    let opened = (): void => {};
    const gate = new Promise<void>(resolve => {
      opened = resolve;
    });
    const open = () => gate.then(disk.shelf);
    const options = { restore: () => true, lost: () => {}, changed: () => {}, clock: () => now };
    const opening = new RecordShelf({ ...options, open });
    const isOpen = opening.open();
    opening.clear();
    opened();
    await isOpen;
    expect(disk.entries.size).toBe(0);
    fill(3);
    disk.problem = 'No room.';
    start();
    expect(shelf.view.state).toBe('off');
    disk.problem = undefined;
    shelf.clear();
    expect(disk.entries.size).toBe(0);
    expect(shelf.wakeAt).toBeUndefined();
  });
});

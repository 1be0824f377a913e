/** What the shelf of Node does where the disk fails it; what it promises otherwise is in `test/contract`. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Shelf, ShelfEntry } from '@warren/peer';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openShelf } from './shelf.ts';
import { StorageError } from './storage.ts';

let folder = '';
let file = '';
const lines: string[] = [];
const opened: Shelf[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warren-shelf-'));
  file = join(folder, 'shelf-a.db');
  lines.length = 0;
});
afterEach(async () => {
  for (const shelf of opened.splice(0)) shelf.close();
  await rm(folder, { recursive: true, force: true });
});

/** The test's shelf. */
function open(): Shelf {
  const shelf = openShelf(file, line => lines.push(line));
  opened.push(shelf);
  return shelf;
}

function load(shelf: Shelf, after: string, atMost: number): readonly ShelfEntry[] {
  return shelf.load(after, atMost) as readonly ShelfEntry[];
}

/** Writes fifty entries, and closes. */
function fillAndClose(): void {
  const shelf = open();
  for (let i = 0; i < 50; i++) shelf.write([{ slot: `slot-${i}`, bytes: new Uint8Array(900).fill(i) }]);
  shelf.close();
}

test('only the owner may read the file', async () => {
  fillAndClose();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('faults #38 what is no shelf is put aside, and an empty one takes its place', async () => {
  for (const garbage of ['no database at all', 'x'.repeat(100_000)]) {
    await writeFile(file, garbage);
    const shelf = open();
    expect(shelf.load('', 10)).toEqual([]);
    shelf.write([{ slot: 'a', bytes: Uint8Array.of(1) }]);
    shelf.close();
    expect(await readFile(`${file}.damaged`, 'utf8')).toBe(garbage);
    expect(lines.splice(0)).toEqual([`${file} is damaged and counts as empty; kept as ${file}.damaged`]);
    expect(open().load('', 10)).toHaveLength(1);
    opened.pop()?.close();
  }
});

test('faults #38 a file that was cut anywhere opens, with whole entries or none', async () => {
  for (const share of [0, 0.01, 0.1, 0.4, 0.7, 0.95, 0.999]) {
    await rm(file, { force: true });
    fillAndClose();
    await truncate(file, Math.floor((await stat(file)).size * share));
    const shelf = open();
    const left = orDamaged(() => load(shelf, '', 100)) ?? [];
    for (const { slot, bytes } of left) expect(bytes).toEqual(new Uint8Array(900).fill(Number(slot.slice(5))));
    shelf.write([{ slot: 'after', bytes: Uint8Array.of(1) }]);
    expect(load(shelf, 'aft', 1)[0]).toEqual({ slot: 'after', bytes: Uint8Array.of(1) });
    shelf.close();
  }
});

test('faults #38 a file with damage anywhere opens, gives no wrong bytes and takes new entries', async () => {
  fillAndClose();
  const whole = await readFile(file);
  for (let place = 8; place < whole.length; place += 3001) {
    const damaged = Buffer.from(whole);
    damaged.fill(0xa5, place, place + 300);
    await writeFile(file, damaged);
    const shelf = open();
    for (const { slot, bytes } of orDamaged(() => load(shelf, '', 100)) ?? []) {
      expect(bytes).toEqual(new Uint8Array(900).fill(Number(slot.slice(5))));
    }
    orDamaged(() => shelf.write([{ slot: 'slot-7', bytes: Uint8Array.of(1) }]));
    shelf.write([{ slot: 'slot-7', bytes: Uint8Array.of(1) }]);
    shelf.close();
  }
});

test('faults #38 damage found while the file is in use is said once, and an empty file takes its place', async () => {
  fillAndClose();
  const damaged = Buffer.from(await readFile(file));
  damaged.fill(0xa5, 3 * 4096);
  await writeFile(file, damaged);
  const shelf = open();
  expect(() => load(shelf, '', 100)).toThrow(expect.objectContaining({ code: 'damaged' }));
  expect(load(shelf, '', 100)).toEqual([]);
  shelf.write([{ slot: 'a', bytes: Uint8Array.of(1) }]);
  shelf.close();
  expect(load(open(), '', 100)).toHaveLength(1);
  expect(lines).toEqual([`${file} is damaged and counts as empty; kept as ${file}.damaged`]);
});

test('a shelf that is emptied leaves no file behind, not even what was damaged, and may be used again', async () => {
  fillAndClose();
  await writeFile(`${file}.damaged`, 'records of before');
  const shelf = open();
  shelf.write([{ slot: 'a', bytes: Uint8Array.of(1) }]);
  shelf.clear();
  expect(await readdir(folder)).toEqual([]);
  expect(load(shelf, '', 1)).toEqual([]);
  shelf.write([{ slot: 'b', bytes: Uint8Array.of(1) }]);
  shelf.close();
  expect(load(open(), '', 2)).toHaveLength(1);
});

test('faults #38 a torn last write is as if it had not begun', async () => {
  const shelf = open();
  for (let i = 0; i < 20; i++) shelf.write([{ slot: `slot-${i}`, bytes: new Uint8Array(3000).fill(i) }]);
  // A copy of file and log as a power cut leaves them: the log ends in the middle of the last write.
  const copy = join(folder, 'copy.db');
  await writeFile(copy, await readFile(file));
  const wal = await readFile(`${file}-wal`);
  await writeFile(`${copy}-wal`, wal.subarray(0, wal.length - 700));
  const after = openShelf(copy, line => lines.push(line));
  opened.push(after);
  const slots = load(after, '', 100).map(({ slot }) => slot);
  expect(slots).toHaveLength(19);
  expect(slots).not.toContain('slot-19');
  expect(lines).toEqual([]);
});

test('a shelf of another version is put aside', () => {
  fillAndClose();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 77');
  database.close();
  expect(open().load('', 1)).toEqual([]);
  expect(lines).toHaveLength(1);
});

test('a second user of an open shelf is refused in words, and the first goes on', () => {
  const first = open();
  expect(() => open()).toThrow(
    new StorageError(
      `${file} is in use by another process: stop that one, or choose another folder.`,
      'busy',
      undefined,
    ),
  );
  first.write([{ slot: 'a', bytes: Uint8Array.of(1) }]);
  first.close();
  expect(open().load('', 2)).toHaveLength(1);
});

test('faults #39 a folder that is gone is told in words', async () => {
  await rm(folder, { recursive: true });
  expect(() => open()).toThrow(StorageError);
});

test('nothing is said on standard error when a shelf is used', () => {
  const program = `const { openShelf } = await import(${JSON.stringify(join(import.meta.dirname, 'shelf.ts'))});
    openShelf(${JSON.stringify(file)}, console.log).write([{ slot: 'a', bytes: Uint8Array.of(1) }])`;
  const output = execFileSync('/bin/sh', ['-c', `"$0" --input-type=module -e "$1" 2>&1`, process.execPath, program]);
  expect(output.toString()).toBe('');
});

const canMount = process.getuid?.() === 0 && process.platform === 'linux' && tryMount();

describe.skipIf(!canMount)(`on a disk of its own${canMount ? '' : ' (skipped: needs root and mount)'}`, () => {
  beforeEach(() => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'warren-test', folder]));
  afterEach(() => {
    for (const shelf of opened.splice(0)) shelf.close();
    execFileSync('umount', [folder]);
  });

  test('faults #39 a full disk is told in words, loses nothing that was there, and takes more once there is room', async () => {
    const shelf = open();
    let written = 0;
    const fill = () => {
      for (; written < 1000; written++) shelf.write([{ slot: `slot-${written}`, bytes: new Uint8Array(900) }]);
    };
    expect(fill).toThrow(new StorageError(`No room is left for ${file}: free some space.`, 'full', undefined));
    expect(written).toBeGreaterThan(20);
    expect(load(shelf, '', 1000)).toHaveLength(written);
    shelf.close();
    // What a restart finds on the full disk is the same, or it says why not.
    const again = () => load(open(), '', 1000).length;
    expect(outcome(again)).toSatisfy((count: unknown) => count === written || /free some space/.test(String(count)));
    opened.pop()?.close();
    execFileSync('mount', ['-o', 'remount,size=4m', folder]);
    const after = open();
    expect(load(after, '', 1000)).toHaveLength(written);
    after.write([{ slot: 'more', bytes: new Uint8Array(900) }]);
    expect(lines).toEqual([]);
  });

  test('faults #39 a read-only disk is told in words', () => {
    const shelf = open();
    shelf.write([{ slot: 'a', bytes: Uint8Array.of(1) }]);
    shelf.close();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    expect(() => open()).toThrow(/cannot be written: make its file system writable, or choose another folder/);
  });
});

/** What it gives; `undefined` when it finds damage. */
function orDamaged<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    expect(error).toMatchObject({ code: 'damaged' });
    return undefined;
  }
}

function outcome(action: () => number): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

function tryMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'warren-test', tmpdir()], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

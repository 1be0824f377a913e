import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStorage, StorageError } from './storage.ts';

let folder = '';
const lines: string[] = [];
const log = (line: string): void => {
  lines.push(line);
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warren-storage-'));
  lines.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const value = Uint8Array.of(1, 2, 3, 4, 5);

test('only the owner may enter the folder and read the files', async () => {
  const inner = join(folder, 'a', 'b');
  const storage = await openStorage(inner, log);
  await storage.set('key', value);
  expect((await stat(inner)).mode & 0o777).toBe(0o700);
  expect((await stat(join(inner, 'key.value'))).mode & 0o777).toBe(0o600);
});

test('any byte changed and any cut makes a value absent, with one line in the log', async () => {
  const storage = await openStorage(folder, log);
  await storage.set('key', value);
  const whole = await readFile(join(folder, 'key.value'));
  await fc.assert(
    fc.asyncProperty(
      fc.nat(whole.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, bits, cut) => {
        const damaged = cut ? whole.subarray(0, at) : whole.map((byte, i) => (i === at ? byte ^ bits : byte));
        await writeFile(join(folder, 'key.value'), damaged);
        expect(await storage.get('key')).toBeUndefined();
      },
    ),
    { numRuns: 60 },
  );
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('key.value is damaged and counts as absent');
});

test('a damaged file is put aside, so that it is not lost when a new value is stored', async () => {
  const storage = await openStorage(folder, log);
  await writeFile(join(folder, 'key.value'), 'no value of ours');
  expect(await storage.get('key')).toBeUndefined();
  await storage.set('key', value);
  expect(await storage.get('key')).toEqual(value);
  expect(await readFile(join(folder, 'key.value.damaged'), 'utf8')).toBe('no value of ours');
});

test('what a crash left half written is swept away at the next start', async () => {
  await writeFile(join(folder, 'key.value.writing'), 'half');
  const storage = await openStorage(folder, log);
  expect(await storage.get('key')).toBeUndefined();
  expect(await readdir(folder)).toEqual([]);
});

test('a key that could leave the folder is a bug of the caller', async () => {
  const storage = await openStorage(folder, log);
  for (const key of ['', '../x', 'a/b', 'A', 'x'.repeat(65)])
    await expect(storage.get(key)).rejects.toThrow('storage keys');
  for (const key of ['.', '..', '-', 'x'.repeat(64)]) {
    await storage.set(key, value);
    expect(await storage.get(key)).toEqual(value);
  }
});

test('a file in place of the folder is told with what to do', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(openStorage(join(folder, 'file'), log)).rejects.toThrow(/is not a folder: move that file away/);
});

const canMount = process.getuid?.() === 0 && process.platform === 'linux' && tryMount();

describe.skipIf(!canMount)(`on a file system of its own${canMount ? '' : ' (skipped: needs root and mount)'}`, () => {
  beforeEach(() => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'warren-test', folder]));
  afterEach(() => execFileSync('umount', [folder]));

  test('a full disk is told with what to do, and keeps the old value', async () => {
    const storage = await openStorage(folder, log);
    await storage.set('key', value);
    const failure = await storage.set('key', new Uint8Array(100_000)).catch(error => error);
    expect(failure).toBeInstanceOf(StorageError);
    expect(failure).toMatchObject({
      code: 'ENOSPC',
      message: `The disk of ${folder} is full: free some space, then try again.`,
    });
    expect(await storage.get('key')).toEqual(value);
    expect(await readdir(folder)).toEqual(['key.value']);
    await storage.set('key', Uint8Array.of(9));
    expect(await storage.get('key')).toEqual(Uint8Array.of(9));
  });

  test('a read-only folder gives its values and refuses new ones, with what to do', async () => {
    await (await openStorage(folder, log)).set('key', value);
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const storage = await openStorage(folder, log);
    expect(await storage.get('key')).toEqual(value);
    await expect(storage.set('key', value)).rejects.toMatchObject({ code: 'EROFS', message: /mount it writable/ });
    await expect(storage.delete('key')).rejects.toMatchObject({ code: 'EROFS' });
    await expect(openStorage(join(folder, 'new'), log)).rejects.toMatchObject({ code: 'EROFS' });
  });
});

function tryMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'warren-test', tmpdir()], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

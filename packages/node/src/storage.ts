/**
 * Small values as files of one folder that only its owner may enter. A value is
 * written to a temporary file, flushed, then renamed over the old one, so that a
 * crash leaves either the old or the new. What a disk damaged all the same is
 * told by its checksum, put aside under `.damaged`, and counts as absent.
 *
 *  0                 8               40
 * +-----------------+---------------+--------
 * | "WARREN1" LF  8 | SHA-256 of  32| value
 * +-----------------+---------------+--------
 */
import { createHash } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert, concat, sameBytes } from '@warren/base';
import type { Storage } from '@warren/peer';

const MAGIC = new TextEncoder().encode('WARREN1\n');
const HEADER_BYTES = MAGIC.length + 32;
const KEY = /^[a-z0-9.-]{1,64}$/;
const SUFFIX = '.value';
const TEMPORARY = '.writing';

/** Why a folder does not give or take a value, and what to do; `code` is the system's, e.g. `ENOSPC`. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: string;

  constructor(message: string, code: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Opens a folder of values and makes it if need be, with the mode 0700. `log` gets a line for each damaged value. */
export async function openStorage(folder: string, log: (line: string) => void): Promise<Storage> {
  try {
    await makeFolder(folder);
    for (const name of await readdir(folder)) if (name.endsWith(TEMPORARY)) await discard(join(folder, name));
  } catch (cause) {
    throw explain(cause, folder);
  }
  // Not ours to change, or read-only: then it stays as it is.
  await chmod(folder, 0o700).catch(() => undefined);
  return new FileStorage(folder, log);
}

class FileStorage implements Storage {
  private readonly folder: string;
  private readonly log: (line: string) => void;
  private readonly reported = new Set<string>();
  /** The last write of each key under way: writes of one key keep their order. */
  private readonly writes = new Map<string, Promise<void>>();

  constructor(folder: string, log: (line: string) => void) {
    this.folder = folder;
    this.log = log;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const file = this.file(key);
    await this.writes.get(key)?.catch(() => undefined);
    let bytes: Uint8Array;
    try {
      bytes = Uint8Array.from(await readFile(file));
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return undefined;
      throw explain(cause, this.folder);
    }
    const value = unwrap(bytes);
    if (value === undefined) await this.putAside(key, file);
    return value;
  }

  set(key: string, value: Uint8Array): Promise<void> {
    const file = this.file(key);
    const bytes = concat(MAGIC, digest(value), value);
    return this.inOrder(key, () => writeWhole(this.folder, file, bytes));
  }

  delete(key: string): Promise<void> {
    const file = this.file(key);
    return this.inOrder(key, async () => {
      await unlink(file).catch(cause => {
        if (codeOf(cause) !== 'ENOENT') throw cause;
      });
    });
  }

  private async inOrder(key: string, write: () => Promise<void>): Promise<void> {
    const before = this.writes.get(key);
    const done = (async () => {
      await before?.catch(() => undefined);
      await write();
    })();
    this.writes.set(key, done);
    try {
      await done;
    } catch (cause) {
      throw explain(cause, this.folder);
    } finally {
      if (this.writes.get(key) === done) this.writes.delete(key);
    }
  }

  private async putAside(key: string, file: string): Promise<void> {
    const kept = await rename(file, `${file}.damaged`).then(
      () => `; kept as ${file}.damaged`,
      () => '',
    );
    if (this.reported.has(key)) return;
    this.reported.add(key);
    this.log(`${file} is damaged and counts as absent${kept}`);
  }

  private file(key: string): string {
    assert(KEY.test(key), 'storage keys are 1 to 64 of a-z 0-9 . -');
    return join(this.folder, key + SUFFIX);
  }
}

/** The value in a file's bytes; `undefined` when they are torn or changed. */
function unwrap(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < HEADER_BYTES || !sameBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return undefined;
  const value = bytes.slice(HEADER_BYTES);
  return sameBytes(bytes.subarray(MAGIC.length, HEADER_BYTES), digest(value)) ? value : undefined;
}

/** Node's own recursive mkdir says ENOENT where the file system is read-only. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') return;
    if (codeOf(cause) !== 'ENOENT' || dirname(folder) === folder) throw cause;
    await makeFolder(dirname(folder));
    await mkdir(folder, { mode: 0o700 });
  }
}

async function writeWhole(folder: string, file: string, bytes: Uint8Array): Promise<void> {
  const temporary = file + TEMPORARY;
  try {
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await discard(temporary);
    throw cause;
  }
  await syncFolder(folder);
}

/** Makes a rename last through a power cut, where the file system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

async function discard(file: string): Promise<void> {
  await unlink(file).catch(() => undefined);
}

function digest(value: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(value).digest());
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}

function explain(cause: unknown, folder: string): StorageError {
  const code = codeOf(cause);
  const why: Readonly<Record<string, string>> = {
    ENOSPC: `The disk of ${folder} is full: free some space, then try again.`,
    EDQUOT: `The disk quota for ${folder} is used up: free some space, then try again.`,
    EROFS: `${folder} is on a read-only file system: mount it writable, or choose another folder.`,
    EACCES: `No permission for ${folder}: run as its owner, or choose another folder.`,
    EPERM: `No permission for ${folder}: run as its owner, or choose another folder.`,
    ENOTDIR: `${folder} is not a folder: move that file away, or choose another folder.`,
    EEXIST: `${folder} is not a folder: move that file away, or choose another folder.`,
  };
  return new StorageError(
    why[code] ?? `${folder} cannot be used (${code}): check the disk, then try again.`,
    code,
    cause,
  );
}

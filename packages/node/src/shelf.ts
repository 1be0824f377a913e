/**
 * Records of others in one SQLite file per network. A write has reached the
 * system when it returns, so that a killed process loses nothing of it; a power
 * cut may cost the last moments, never the whole (WAL, synchronous = NORMAL).
 * Locked as long as it is open, against a second process. A file that a disk
 * damaged is put aside under `.damaged`, and a damaged entry counts as absent:
 * all of it can be had from other holders again. Damage that is found while
 * the file is in use is said, so that what is in memory can be written anew.
 */
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { assert } from '@warren/base';
import type { Shelf, ShelfChange, ShelfEntry } from '@warren/peer';
import { StorageError } from './storage.ts';

/** Of the file's layout; another one is put aside, since records are soft state. */
const VERSION = 1;
/** Pages of 4 KiB: 64 MiB, twice what `peer` keeps of one network. */
const PAGES_MAX = 16_384;
const SLOT_MAX_LENGTH = 128;
/** SQLite's primary result codes. */
const CODES: Readonly<Record<number, string>> = {
  5: 'busy',
  8: 'read-only',
  11: 'damaged',
  13: 'full',
  14: 'no-access',
  26: 'damaged',
};
/** The log beside the file is folded into it at this size, in pages: half a MiB. */
const LOG_PAGES = 128;
const SETTINGS = `PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = ${LOG_PAGES}; PRAGMA journal_size_limit = ${LOG_PAGES * 4096};
  PRAGMA max_page_count = ${PAGES_MAX}; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON`;

/** Opens or makes a shelf in a folder that exists. `log` gets a line when what was there is damaged. Throws a StorageError. */
export function openShelf(file: string, log: (line: string) => void): Shelf {
  return new FileShelf(file, log);
}

class FileShelf implements Shelf {
  readonly batchMs = 0;
  private readonly file: string;
  private readonly log: (line: string) => void;
  /** Absent after it was found damaged, or emptied: made anew at the next use. */
  private database: Database | undefined;

  constructor(file: string, log: (line: string) => void) {
    this.file = file;
    this.log = log;
    try {
      this.database = this.open();
    } catch (cause) {
      throw explain(cause, file);
    }
  }

  load(after: string, atMost: number): ShelfEntry[] {
    return this.attempt(database => database.load(after, atMost));
  }

  write(changes: readonly ShelfChange[]): void {
    this.attempt(database => database.write(changes));
  }

  /** Without a trace: an emptied table would leave the bytes of its rows in the file. */
  clear(): void {
    this.close();
    try {
      for (const suffix of ['', '-wal', '-journal', '.damaged']) rmSync(this.file + suffix, { force: true });
    } catch (cause) {
      throw explain(cause, this.file);
    }
  }

  close(): void {
    this.database?.close();
    this.database = undefined;
  }

  /** Does it. What is found damaged is put aside before that is said, so that the next use has a new file. */
  private attempt<T>(action: (database: Database) => T): T {
    try {
      this.database ??= this.open();
      return action(this.database);
    } catch (cause) {
      if (codeOf(cause) !== 'damaged') throw explain(cause, this.file);
      this.close();
      this.putAside();
      throw explain(cause, this.file);
    }
  }

  private open(): Database {
    try {
      return new Database(this.file);
    } catch (cause) {
      if (codeOf(cause) !== 'damaged') throw cause;
      this.putAside();
      return new Database(this.file);
    }
  }

  private putAside(): void {
    try {
      renameSync(this.file, `${this.file}.damaged`);
      for (const suffix of ['-wal', '-journal']) rmSync(this.file + suffix, { force: true });
    } catch (cause) {
      throw explain(cause, this.file);
    }
    this.log(`${this.file} is damaged and counts as empty; kept as ${this.file}.damaged`);
  }
}

interface Row extends ShelfEntry {
  /** CRC-32 of slot and bytes. */
  readonly sum: number;
}

/** One open file. Throws what SQLite says. */
class Database {
  private readonly sqlite: DatabaseSync;
  private readonly select: StatementSync;
  private readonly put: StatementSync;
  private readonly remove: StatementSync;

  constructor(file: string) {
    // Made here, as SQLite would let others read it.
    closeSync(openSync(file, 'a', 0o600));
    this.sqlite = new DatabaseSync(file, { timeout: 0 });
    try {
      this.prepareFile();
      this.select = this.sqlite.prepare('SELECT slot, bytes, sum FROM entry WHERE slot > ? ORDER BY slot');
      this.put = this.sqlite.prepare('INSERT OR REPLACE INTO entry VALUES (?, ?, ?)');
      this.remove = this.sqlite.prepare('DELETE FROM entry WHERE slot = ?');
    } catch (error) {
      this.sqlite.close();
      throw error;
    }
  }

  load(after: string, atMost: number): ShelfEntry[] {
    const entries: ShelfEntry[] = [];
    for (const row of this.select.iterate(after)) {
      if (entries.length >= atMost) break;
      const { slot, bytes, sum } = row as unknown as Row;
      // SQLite knows whether its pages hang together, not what is in them: a cut file reads as zeros.
      if (sum === checksum(slot, bytes)) entries.push({ slot, bytes: Uint8Array.from(bytes) });
    }
    return entries;
  }

  write(changes: readonly ShelfChange[]): void {
    for (const { slot } of changes) assert(isSlot(slot), 'a slot is 1 to 128 characters of ASCII');
    this.transaction(() => {
      for (const { slot, bytes } of changes) {
        if (bytes === undefined) this.remove.run(slot);
        else this.put.run(slot, bytes, checksum(slot, bytes));
      }
    });
  }

  close(): void {
    if (this.sqlite.isOpen) this.sqlite.close();
  }

  private prepareFile(): void {
    this.sqlite.exec(SETTINGS);
    const { user_version: version } = this.sqlite.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version !== 0 && version !== VERSION) throw Object.assign(new Error('another version'), { errcode: 26 });
    this.transaction(() => {
      const table =
        'CREATE TABLE IF NOT EXISTS entry (slot TEXT PRIMARY KEY, bytes BLOB NOT NULL, sum INTEGER NOT NULL) STRICT';
      if (version === 0) this.sqlite.exec(`${table}; PRAGMA user_version = ${VERSION}`);
      else this.sqlite.exec('SELECT slot, bytes, sum FROM entry LIMIT 0');
    });
  }

  private transaction(action: () => void): void {
    this.sqlite.exec('BEGIN IMMEDIATE');
    try {
      action();
      this.sqlite.exec('COMMIT');
    } catch (error) {
      // SQLite rolls back by itself when the disk fails.
      if (this.sqlite.isTransaction) this.sqlite.exec('ROLLBACK');
      throw error;
    }
  }
}

function checksum(slot: string, bytes: Uint8Array): number {
  return crc32(bytes, crc32(slot));
}

function isSlot(text: string): boolean {
  return text.length > 0 && text.length <= SLOT_MAX_LENGTH && /^[\x21-\x7e]+$/.test(text);
}

/** In one word what went wrong; the system's or SQLite's own code for what is rare. */
function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown';
  if ('errcode' in cause) return CODES[Number(cause.errcode) & 0xff] ?? `sqlite-${Number(cause.errcode)}`;
  return 'code' in cause ? String(cause.code) : 'unknown';
}

function explain(cause: unknown, file: string): unknown {
  const code = codeOf(cause);
  // Not of a disk, but a mistake of ours.
  if (code === 'unknown') return cause;
  const why: Readonly<Record<string, string>> = {
    busy: `${file} is in use by another process: stop that one, or choose another folder.`,
    full: `No room is left for ${file}: free some space.`,
    ENOSPC: `No room is left for ${file}: free some space.`,
    'read-only': `${file} cannot be written: make its file system writable, or choose another folder.`,
    EROFS: `${file} cannot be written: make its file system writable, or choose another folder.`,
    'no-access': `No permission for ${file}: run as its owner, or choose another folder.`,
    EACCES: `No permission for ${file}: run as its owner, or choose another folder.`,
    damaged: `${file} was damaged: a new one takes its place.`,
  };
  return new StorageError(why[code] ?? `${file} cannot be used (${code}): check the disk.`, code, cause);
}

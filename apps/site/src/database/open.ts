/**
 * Opens the one database file: exclusive, durable (WAL, synchronous=FULL),
 * with all migrations applied. A migration and its number are one transaction.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, SqliteDialect } from 'kysely';
import { SiteError } from '../errors.ts';
import { kyselyConnection } from './adapter.ts';
import type { Database, Tables } from './schema.ts';

const MIGRATIONS = join(import.meta.dirname, 'migrations');

/**
 * Opens or makes `site.db` in an existing folder and proves that it can be written.
 * Throws what SQLite says (see `storageFailure`), or a SiteError for a database of a newer version.
 */
export function openDatabase(folder: string): Database {
  const sqlite = new DatabaseSync(join(folder, 'site.db'));
  try {
    // Exclusive locking keeps a second site off the folder, and needs no shared-memory file that a full disk could tear.
    sqlite.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    sqlite.exec('PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 100; PRAGMA journal_size_limit = 1048576');
    migrate(sqlite);
    sqlite.prepare(`INSERT OR REPLACE INTO settings VALUES ('started', ?)`).run(Buffer.from(new Date().toISOString()));
  } catch (error) {
    sqlite.close();
    throw error;
  }
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database: kyselyConnection(sqlite) }) });
}

function migrate(sqlite: DatabaseSync): void {
  const files = readdirSync(MIGRATIONS).sort();
  const { user_version: done } = sqlite.prepare('PRAGMA user_version').get() as { user_version: number };
  if (done > files.length) {
    throw new SiteError(503, 'newer-data', 'This data folder was written by a newer version.', 'Update this one.');
  }
  for (const [index, file] of files.entries()) {
    if (index < done) continue;
    sqlite.exec('BEGIN IMMEDIATE');
    try {
      sqlite.exec(readFileSync(join(MIGRATIONS, file), 'utf8'));
      sqlite.exec(`PRAGMA user_version = ${index + 1}`);
      sqlite.exec('COMMIT');
    } catch (error) {
      if (sqlite.isTransaction) sqlite.exec('ROLLBACK');
      throw error;
    }
  }
}

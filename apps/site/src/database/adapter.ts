/**
 * node:sqlite behind the small interface that Kysely's SqliteDialect asks for.
 * Nothing else in the site knows which driver runs.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { SqliteDatabase } from 'kysely';

/** Lets Kysely use a node:sqlite connection. */
export function kyselyConnection(sqlite: DatabaseSync): SqliteDatabase {
  return {
    close: () => sqlite.close(),
    prepare(sql) {
      // SQLite rolls back by itself when the disk fails; a second rollback would hide that error.
      const statement = sqlite.prepare(sql === 'rollback' && !sqlite.isTransaction ? 'SELECT 1 WHERE 0' : sql);
      return {
        reader: statement.columns().length > 0,
        all: parameters => statement.all(...(parameters as SQLInputValue[])),
        run: parameters => statement.run(...(parameters as SQLInputValue[])),
        iterate: parameters => statement.iterate(...(parameters as SQLInputValue[])),
      };
    },
  };
}

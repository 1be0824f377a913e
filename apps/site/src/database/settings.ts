/**
 * Single values of the whole site, as bytes under a name.
 */
import type { Database } from './schema.ts';

/** Reads a value; `undefined` when it was never set. */
export async function readSetting(db: Database, key: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst();
  return row?.value;
}

/** Sets a value, replacing an earlier one. */
export async function writeSetting(db: Database, key: string, value: Uint8Array): Promise<void> {
  await db
    .insertInto('settings')
    .values({ key, value })
    .onConflict(conflict => conflict.column('key').doUpdateSet({ value }))
    .execute();
}

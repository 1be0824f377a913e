/**
 * The record of who decided what, for administrators. Rows are only added.
 */
import type { Database } from './database/schema.ts';

/** Adds one line; call it in the transaction of the change itself. */
export async function record(
  db: Database,
  entry: { at: number; group?: string; actor: string; action: string; target: string },
): Promise<void> {
  const { group, ...rest } = entry;
  await db
    .insertInto('activity')
    .values({ ...rest, group_id: group ?? null })
    .execute();
}

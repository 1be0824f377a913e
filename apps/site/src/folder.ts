/**
 * Folders of the site: made with access for their owner only, and proved to be
 * writable at the start, because SQLite cannot tell a read-only disk from a broken one.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** More than SQLite's first page, so that an almost full disk shows. */
const PROBE = new Uint8Array(8_192).fill(0x57);

/** Makes a folder where there is none, and writes and removes a file in it. Throws the system's error, such as EROFS. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Recursive mkdir calls a read-only disk "no such file"; the plain one says what is wrong.
    mkdirSync(path, { mode: 0o700 });
  }
  const probe = join(path, '.probe');
  try {
    writeFileSync(probe, PROBE, { flush: true });
  } finally {
    rmSync(probe, { force: true });
  }
}

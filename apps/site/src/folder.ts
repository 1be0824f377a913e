/**
 * Folders of the site: made with access for their owner only, and proved to be
 * writable at the start, because SQLite cannot tell a read-only disk from a broken one.
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** More than SQLite's first page, so that an almost full disk shows. */
const PROBE = new Uint8Array(8_192).fill(0x57);

/** Makes a folder where there is none, and writes and removes a file in it. Throws the system's error, such as EROFS. */
export function makeFolder(path: string): void {
  makeFolders(path);
  const probe = join(path, '.probe');
  try {
    writeFileSync(probe, PROBE, { flush: true });
  } finally {
    rmSync(probe, { force: true });
  }
}

/**
 * Makes a folder (0700) and those above it, as far as they are missing. Throws the system's error. Node's own
 * recursive mkdir takes a read-only disk for a missing folder, and never ends under /proc.
 */
export function makeFolders(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isFolder(path)) return;
    if (code !== 'ENOENT' || dirname(path) === path || isFolder(dirname(path))) throw error;
    makeFolders(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

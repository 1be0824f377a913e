/**
 * Folders, with those above them as far as they are missing. Node's own recursive
 * mkdir takes a read-only disk for a missing folder, and never ends under /proc.
 */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder, and those above it, with `mode`; none when it is there. Rejects with the system's error, such as EROFS. */
export async function makeFolder(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    const above = dirname(folder);
    if (code !== 'ENOENT' || above === folder || (await exists(above))) throw error;
    await makeFolder(above, mode);
    await mkdir(folder, { mode });
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

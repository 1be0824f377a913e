/** A file system of 1 MiB that a test can fill and make read-only; needs root. Root ignores permissions, not these. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class SmallDisk {
  /** Where it is mounted. */
  readonly folder: string = mkdtempSync(join(tmpdir(), 'warren-disk-'));

  constructor() {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'warren-test', this.folder]);
  }

  /** Takes all the room that is left, to the last page. */
  fill(): void {
    try {
      writeFileSync(join(this.folder, 'filler'), new Uint8Array(2 << 20));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
    throw new Error('2 MiB fit on a disk of 1 MiB');
  }

  /** Undoes `fill`. */
  free(): void {
    rmSync(join(this.folder, 'filler'));
  }

  /** Mounts it read-only, or writable again; nobody may have a file of it open for writing. */
  setReadOnly(isReadOnly: boolean): void {
    execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, this.folder]);
  }

  remove(): void {
    execFileSync('umount', ['-l', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

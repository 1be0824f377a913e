/**
 * The key that seals the CA keys of all groups: 32 random bytes in a file of
 * the person who runs the site, away from the data folder, so that a copied
 * data folder cannot sign. Source: decisions.md, "Site and edges".
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { makeFolders } from './folder.ts';

/** Where the key lies: `$XDG_STATE_HOME/warren/ca-key`, else `~/.local/state/warren/ca-key`. */
export function caKeyPath(environment: NodeJS.ProcessEnv): string {
  const home = environment.XDG_STATE_HOME;
  // The XDG base directory specification says that relative paths are to be ignored.
  const state = home !== undefined && isAbsolute(home) ? home : join(homedir(), '.local', 'state');
  return join(state, 'warren', 'ca-key');
}

/** What lies at a path: the 32 bytes, nothing, or something that cannot be used. */
export type KeyFile =
  | { readonly kind: 'key'; readonly key: Uint8Array; readonly openToOthers: boolean }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly reason: string };

/** Reads the key; never throws. */
export function readKeyFile(path: string): KeyFile {
  try {
    const key = new Uint8Array(readFileSync(path));
    if (key.length !== 32) return { kind: 'unusable', reason: `it holds ${key.length} bytes instead of 32` };
    return { kind: 'key', key, openToOthers: (statSync(path).mode & 0o077) !== 0 };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? { kind: 'absent' } : { kind: 'unusable', reason: message };
  }
}

/**
 * Makes the key with mode 0600, durable before it is used, and never over an existing one: where two sites start at
 * once, both read the same key afterwards. Throws when the folder cannot be written.
 */
export function makeKeyFile(path: string): void {
  makeFolders(dirname(path));
  const draft = `${path}.${process.pid}.new`;
  try {
    writeDurably(draft, randomBytes(32));
    linkSync(draft, path);
    syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function writeDurably(path: string, bytes: Uint8Array): void {
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  fsyncSync(folder);
  closeSync(folder);
}

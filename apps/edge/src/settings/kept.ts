/** What `warren set` has stored, in `<state>/settings.json`: texts by name. Nothing else changes them, `up` least of all. */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import { makeFolder } from '../make-folder.ts';
import type { Said, Texts } from './sources.ts';
import { isSetting, readSetting } from './table.ts';

const FILE = 'settings.json';

/** Reads what is stored; a file that is none of ours is an error, since a tunnel may hang on it. */
export async function keptSettings(stateDir: string): Promise<Said> {
  const file = join(stateDir, FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  const texts = checked(text);
  if (texts !== undefined) return { source: 'set', texts };
  const hint = 'Remove the file, and set again what you had set.';
  throw new Failure('bad-settings', `${file} is damaged.`, hint);
}

/** Stores changes; `undefined` takes a setting back. The file is whole at any time, also when the disk is full. */
export async function keepSettings(
  stateDir: string,
  changes: { readonly [N in keyof Texts]?: string | undefined },
): Promise<Said> {
  const { texts } = await keptSettings(stateDir);
  const all = { ...texts, ...changes };
  const kept = Object.fromEntries(Object.entries(all).filter(([, text]) => text !== undefined)) as Texts;
  await makeFolder(stateDir, 0o700);
  const whole = join(stateDir, FILE);
  const part = `${whole}.${randomBytes(4).toString('hex')}`;
  try {
    const file = await open(part, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(kept, undefined, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, whole);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  return { source: 'set', texts: kept };
}

function checked(text: string): Texts | undefined {
  try {
    const texts = JSON.parse(text) as unknown;
    if (typeof texts !== 'object' || texts === null || Array.isArray(texts)) return undefined;
    for (const [name, value] of Object.entries(texts)) {
      // A setting of a later version is kept and passed over.
      if (typeof value !== 'string') return undefined;
      if (isSetting(name)) readSetting(name, value);
    }
    return Object.fromEntries(Object.entries(texts).filter(([name]) => isSetting(name)));
  } catch {
    return undefined;
  }
}

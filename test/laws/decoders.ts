/**
 * Finds the decoders that packages export, and those of them that no law file covers. Law files are
 * `<codec>.laws.test.ts` in a package's `src`; a decoder is whatever `src/index.ts` exports under a name `decode...`.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { collectLaws } from './codec-laws.ts';

/** Names (`package: decodeX`) of decoders without laws among the packages `names` in `folder`. */
export async function decodersWithoutLaws(folder: string, names: readonly string[]): Promise<string[]> {
  const sources = names.map(name => join(folder, name, 'src')).filter(source => existsSync(source));
  const covered = await collectLaws(async () => {
    for (const source of sources) for (const file of lawFiles(source)) await load(file);
  });
  const missing: string[] = [];
  for (const name of names) {
    const index = join(folder, name, 'src', 'index.ts');
    if (!existsSync(index)) continue;
    for (const [key, value] of decodersOf(await load(index))) if (!covered.has(value)) missing.push(`${name}: ${key}`);
  }
  return missing.sort();
}

/** The exports of one module that are decoders. */
export function decodersOf(module: object): [string, unknown][] {
  return Object.entries(module).filter(([key, value]) => /^decode/.test(key) && typeof value === 'function');
}

function lawFiles(source: string): string[] {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' });
  return files.filter(file => file.endsWith('.laws.test.ts')).map(file => join(source, file));
}

function load(file: string): Promise<object> {
  return import(/* @vite-ignore */ pathToFileURL(file).href);
}

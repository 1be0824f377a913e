/**
 * No decoder without laws: everything named `decode...` in the index of a pure package must stand in a
 * `*.laws.test.ts` file. The list of pure packages is that of their compiler settings.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodersOf, decodersWithoutLaws } from './decoders.ts';

const packages = join(import.meta.dirname, '../../packages');

test('every decoder that a pure package exports is under the law suite (faults #100)', async () => {
  const names = purePackages();
  expect(names).toContain('wire');
  expect(await decodersWithoutLaws(packages, names)).toEqual([]);
}, 60_000);

test('a decoder without laws is noticed, one with laws is not', async () => {
  const planted = join(import.meta.dirname, 'planted');
  expect(await decodersWithoutLaws(planted, ['bare', 'covered'])).toEqual(['bare: decodeUnruly']);
});

test('decoders are told from other exports by name and kind', () => {
  const decodeThis = (): undefined => undefined;
  expect(decodersOf({ decodeThis, encodeThis: decodeThis, decodeLimit: 3 })).toEqual([['decodeThis', decodeThis]]);
});

function purePackages(): string[] {
  const settings = JSON.parse(readFileSync(join(packages, 'tsconfig.pure.json'), 'utf8')) as { include: string[] };
  return settings.include.map(path => path.replace(/\/.*/, ''));
}

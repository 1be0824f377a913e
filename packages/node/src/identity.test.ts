import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Storage } from '@warren/peer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IdentityKeys } from './identity.ts';
import { openStorage } from './storage.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warren-identity-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = async (): Promise<IdentityKeys> => new IdentityKeys(await openStorage(folder, () => {}));

test('a key is Ed25519 and the same after a restart', async () => {
  const key = await (await open()).key('public');
  const again = await (await open()).key('public');
  expect(key.algorithm).toBe('ed25519');
  expect(key.spki).toHaveLength(44);
  expect(again.spki).toEqual(key.spki);
  expect(await again.sign(Uint8Array.of(1))).toEqual(await key.sign(Uint8Array.of(1)));
});

test('asked for many times at once, it is made once', async () => {
  const keys = await open();
  const all = await Promise.all(Array.from({ length: 10 }, () => keys.key('public')));
  expect(new Set(all).size).toBe(1);
});

test('the private half cannot be exported', async () => {
  const { keys } = await (await open()).key('public');
  expect(keys.privateKey.extractable).toBe(false);
  await expect(crypto.subtle.exportKey('pkcs8', keys.privateKey)).rejects.toThrow();
});

test('a damaged file gives a new key and stays for rescue', async () => {
  const { spki } = await (await open()).key('public');
  const file = join(folder, 'public.value');
  const torn = (await readFile(file)).subarray(0, 50);
  await writeFile(file, torn);
  expect((await (await open()).key('public')).spki).not.toEqual(spki);
  expect(await readFile(`${file}.damaged`)).toEqual(torn);
});

test('when the key cannot be kept it is not given out, and the next call tries again', async () => {
  const kept = new Map<string, Uint8Array>();
  let full = true;
  const storage: Storage = {
    get: async name => kept.get(name)?.slice(),
    set: async (name, value) => {
      if (full) throw new Error('The disk is full.');
      kept.set(name, value.slice());
    },
    delete: async () => {},
  };
  const keys = new IdentityKeys(storage);
  await expect(keys.key('public')).rejects.toThrow('The disk is full.');
  full = false;
  const { spki } = await keys.key('public');
  expect((await new IdentityKeys(storage).key('public')).spki).toEqual(spki);
});

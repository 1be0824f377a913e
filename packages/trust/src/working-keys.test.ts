import { inspect } from 'node:util';
import { fromHex, type Random, toHex } from '@warren/base';
import { expect, test } from 'vitest';
import { eraseWorkingKeys, newWorkingKeys, signWorking, verifyWorking } from './working-keys.ts';

const random: Random = { bytes: length => new Uint8Array(length).fill(9) };

test('a working key signs as RFC 8032 section 7.1 test 1 has it', () => {
  const secret = fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60') as Uint8Array;
  const publicKey = fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a') as Uint8Array;
  const signature = signWorking(secret, new Uint8Array(0));
  expect(toHex(signature)).toBe(
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  );
  expect(verifyWorking(publicKey, new Uint8Array(0), signature)).toBe(true);
  expect(verifyWorking(publicKey, Uint8Array.of(0), signature)).toBe(false);
});

test('new working keys sign for themselves, and agree by RFC 7748', () => {
  const keys = newWorkingKeys(random);
  const signature = signWorking(keys.signing.secret, Uint8Array.of(1));
  expect(verifyWorking(keys.signing.public, Uint8Array.of(1), signature)).toBe(true);
  expect(keys.noise.public.length).toBe(32);
  expect(keys.noise.public).not.toEqual(keys.signing.public);
});

test('erased working keys are zeros', () => {
  const keys = newWorkingKeys(random);
  const secrets = [keys.noise.secret, keys.signing.secret];
  expect(secrets.flatMap(secret => [...secret])).not.toContain(0);
  eraseWorkingKeys(keys);
  expect(secrets).toEqual([new Uint8Array(32), new Uint8Array(32)]);
});

test('working keys show no secret in JSON and no console', () => {
  const keys = newWorkingKeys(random);
  expect(JSON.stringify(keys)).toBe('{"noise":"WorkingKeyPair","signing":"WorkingKeyPair"}');
  expect(inspect(keys, { depth: 9, showHidden: true })).not.toMatch(/\b9,\s*9\b/);
});

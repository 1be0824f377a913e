import { expect, test } from 'vitest';
import { SignatureCache } from './signature-cache.ts';
import type { PublicKey, Verifier } from './verify.ts';

const KEY: PublicKey = { algorithm: 'ed25519', bytes: new Uint8Array(32).fill(1) };
const GOOD = new Uint8Array(64).fill(7);
const BAD = new Uint8Array(64).fill(8);

test('a valid signature is checked once, an invalid one each time', () => {
  const { cache, checks } = counted();
  for (let i = 0; i < 3; i++) expect(cache.verify(KEY, Uint8Array.of(1), GOOD)).toBe(true);
  expect(checks()).toBe(1);
  for (let i = 0; i < 3; i++) expect(cache.verify(KEY, Uint8Array.of(1), BAD)).toBe(false);
  expect(checks()).toBe(4);
});

test('what was valid says nothing about another message, key or algorithm', () => {
  const { cache, checks } = counted();
  cache.verify(KEY, Uint8Array.of(1), GOOD);
  cache.verify(KEY, Uint8Array.of(2), GOOD);
  cache.verify({ ...KEY, bytes: new Uint8Array(32).fill(2) }, Uint8Array.of(1), GOOD);
  cache.verify({ ...KEY, algorithm: 'p256' }, Uint8Array.of(1), GOOD);
  expect(checks()).toBe(4);
});

test('the signature used longest ago is forgotten first, and refusals push nothing out', () => {
  const { cache, checks } = counted(2);
  const use = (message: number) => cache.verify(KEY, Uint8Array.of(message), GOOD);
  use(1);
  use(2);
  use(1);
  for (let i = 0; i < 9; i++) cache.verify(KEY, Uint8Array.of(i), BAD);
  const before = checks();
  use(3); // pushes 2 out
  use(1);
  expect(checks()).toBe(before + 1);
  use(2);
  expect(checks()).toBe(before + 2);
});

/** Says that whatever is signed with `GOOD` is valid, and counts. */
function counted(capacity?: number): { cache: SignatureCache; checks: () => number } {
  let count = 0;
  const verifier: Verifier = {
    verify(_key, _message, signature) {
      count++;
      return signature === GOOD;
    },
  };
  return { cache: new SignatureCache(verifier, capacity), checks: () => count };
}

import { nobleAead } from '@warren/noise';
import { beforeAll, describe, expect, test } from 'vitest';
import { nodeAead } from './aead.ts';
import { loadEvpAead } from './evp.ts';

const LENGTHS = [0, 1, 15, 16, 17, 63, 64, 65, 1_294, 16_384];

describe('both suites of this host', () => {
  const suites = [nodeAead];
  beforeAll(async () => {
    const evp = await loadEvpAead();
    if (evp !== undefined) suites.push(evp);
  });

  test('both are there on Linux', () => {
    if (process.platform === 'linux') expect(suites).toHaveLength(2);
  });

  test('each seals as the reference does, in turn with opening, without associated data too', () => {
    for (const suite of suites) {
      const [key, reference] = [suite.key(bytes(32, 1)), nobleAead.key(bytes(32, 1))];
      for (const length of LENGTHS) {
        for (const aad of [new Uint8Array(0), bytes(13, 3)]) {
          const nonce = bytes(12, length);
          const [ours, theirs] = [new Uint8Array(length + 16), new Uint8Array(length + 16)];
          key.seal(nonce, aad, bytes(length, 5), ours);
          reference.seal(nonce, aad, bytes(length, 5), theirs);
          expect(ours).toEqual(theirs);
          const opened = new Uint8Array(length);
          expect(key.open(nonce, aad, theirs, opened)).toBe(true);
          expect(opened).toEqual(bytes(length, 5));
        }
      }
    }
  });

  test('each goes on after a datagram that it refused', () => {
    for (const suite of suites) {
      const key = suite.key(bytes(32, 1));
      const sealed = new Uint8Array(116);
      key.seal(bytes(12, 1), bytes(13, 1), bytes(100, 1), sealed);
      const out = new Uint8Array(100);
      expect(key.open(bytes(12, 1), bytes(13, 2), sealed, out)).toBe(false);
      expect(key.open(bytes(12, 2), bytes(13, 1), sealed, out)).toBe(false);
      expect(key.open(bytes(12, 1), bytes(13, 1), sealed.subarray(0, 15), out)).toBe(false);
      expect(key.open(bytes(12, 1), bytes(13, 1), sealed, out)).toBe(true);
    }
  });

  test('an erased key opens nothing, seals nothing and can be erased again', () => {
    for (const suite of suites) {
      const key = suite.key(bytes(32, 1));
      const sealed = new Uint8Array(20);
      key.seal(bytes(12, 1), bytes(0, 1), bytes(4, 1), sealed);
      key.erase();
      key.erase();
      expect(key.open(bytes(12, 1), bytes(0, 1), sealed, new Uint8Array(4))).toBe(false);
      expect(() => key.seal(bytes(12, 1), bytes(0, 1), bytes(4, 1), sealed)).toThrow('erased');
    }
  });
});

test('OpenSSL is never given less room than it needs', async () => {
  const suite = (await loadEvpAead()) ?? nodeAead;
  const key = suite.key(bytes(32, 1));
  expect(() => suite.key(bytes(31, 1))).toThrow();
  expect(() => key.seal(bytes(12, 1), bytes(13, 1), bytes(100, 1), new Uint8Array(115))).toThrow();
  expect(() => key.seal(bytes(11, 1), bytes(13, 1), bytes(100, 1), new Uint8Array(116))).toThrow();
  const sealed = new Uint8Array(116);
  key.seal(bytes(12, 1), bytes(13, 1), bytes(100, 1), sealed);
  expect(() => key.open(bytes(12, 1), bytes(13, 1), sealed, new Uint8Array(99))).toThrow();
});

function bytes(length: number, start: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (start + i) & 255);
}

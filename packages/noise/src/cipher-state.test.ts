import { toHex } from '@warren/base';
import { expect, test } from 'vitest';
import { nobleAead } from './aead.ts';
import { CipherState, noiseNonce } from './cipher-state.ts';

const KEY = new Uint8Array(32).fill(5);
const AD = Uint8Array.of(1, 2);
const TEXT = Uint8Array.of(3, 4, 5);

test('a nonce is four zeros and the counter in little-endian order', () => {
  expect(toHex(noiseNonce(0))).toBe('000000000000000000000000');
  expect(toHex(noiseNonce(0x0102030405))).toBe('000000000504030201000000');
  expect(toHex(noiseNonce(Number.MAX_SAFE_INTEGER))).toBe('00000000ffffffffffff1f00');
  expect(() => noiseNonce(2 ** 53)).toThrow();
  expect(() => noiseNonce(-1)).toThrow();
});

test('without a key text passes through as a copy', () => {
  const state = new CipherState(nobleAead);
  expect(state.encryptWithAd(AD, TEXT)).toEqual(TEXT);
  expect(state.encryptWithAd(AD, TEXT)).not.toBe(TEXT);
  expect(state.decryptWithAd(AD, TEXT)).toEqual(TEXT);
});

test('messages are read in the order in which they were written, once each', () => {
  const [writer, reader] = [new CipherState(nobleAead, KEY), new CipherState(nobleAead, KEY)];
  const [first, second] = [writer.encryptWithAd(AD, TEXT), writer.encryptWithAd(AD, TEXT)];
  expect(first).not.toEqual(second);
  expect(reader.decryptWithAd(AD, second)).toBeUndefined();
  expect(reader.decryptWithAd(AD, first)).toEqual(TEXT);
  expect(reader.decryptWithAd(AD, first)).toBeUndefined();
  expect(reader.decryptWithAd(AD, second)).toEqual(TEXT);
});

test('a failed message leaves the counter where it was', () => {
  const [writer, reader] = [new CipherState(nobleAead, KEY), new CipherState(nobleAead, KEY)];
  const sealed = writer.encryptWithAd(AD, TEXT);
  for (let i = 0; i < 5; i++) expect(reader.decryptWithAd(Uint8Array.of(i + 9), sealed)).toBeUndefined();
  expect(reader.decryptWithAd(AD, sealed.subarray(0, 15))).toBeUndefined();
  expect(reader.decryptWithAd(AD, sealed)).toEqual(TEXT);
});

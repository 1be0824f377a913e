import { fromHex, toHex } from '@warren/base';
import { expect, test } from 'vitest';
import { hkdf, hkdfWithInfo } from './hkdf.ts';
import { nobleSuite } from './suite.ts';

const suite = nobleSuite();
const [IKM, SALT, INFO] = ['0b'.repeat(22), '000102030405060708090a0b0c', 'f0f1f2f3f4f5f6f7f8f9'].map(hex) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

test('derives as in RFC 5869 appendix A.1', () => {
  expect(toHex(hkdfWithInfo(suite, SALT, IKM, INFO, 42) as Uint8Array)).toBe(
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  );
});

test('derives as in RFC 5869 appendix A.3, without salt and info', () => {
  const nothing = new Uint8Array(0);
  expect(toHex(hkdfWithInfo(suite, nothing, IKM, nothing, 42) as Uint8Array)).toBe(
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  );
});

test('gives up to 255 hashes and no more', () => {
  expect(hkdfWithInfo(suite, SALT, IKM, INFO, 8_160)).toHaveLength(8_160);
  expect(hkdfWithInfo(suite, SALT, IKM, INFO, 8_161)).toBeUndefined();
  expect(hkdfWithInfo(suite, SALT, IKM, INFO, 0)).toHaveLength(0);
});

test('of Noise is the same without info, cut into keys, and leaves its input alone', () => {
  const whole = hkdfWithInfo(suite, SALT, IKM, new Uint8Array(0), 96) as Uint8Array;
  expect(hkdf(suite, SALT, IKM, 3).map(toHex)).toEqual([0, 32, 64].map(at => toHex(whole.subarray(at, at + 32))));
  expect(hkdf(suite, SALT, IKM, 2)).toEqual(hkdf(suite, SALT, IKM, 3).slice(0, 2));
  expect(toHex(IKM)).toBe('0b'.repeat(22));
});

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

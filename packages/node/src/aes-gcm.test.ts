import { gcm } from '@noble/ciphers/aes.js';
import { fromHex, toHex } from '@warren/base';
import { expect, test } from 'vitest';
import { nodeAesGcm } from './aead.ts';

test('seals and opens test case 16 of the GCM specification (McGrew and Viega, appendix B)', () => {
  const key = nodeAesGcm.key(hex('feffe9928665731c6d6a8f9467308308'.repeat(2)));
  const nonce = hex('cafebabefacedbaddecaf888');
  const aad = hex('feedfacedeadbeeffeedfacedeadbeefabaddad2');
  const plaintext = hex(
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
  );
  const sealed = new Uint8Array(plaintext.length + 16);
  key.seal(nonce, aad, plaintext, sealed);
  expect(toHex(sealed)).toBe(
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662' +
      '76fc6ece0f4e1768cddf8853bb2d551b',
  );
  const opened = new Uint8Array(plaintext.length);
  expect(key.open(nonce, aad, sealed, opened)).toBe(true);
  expect(opened).toEqual(plaintext);
});

test.each([16, 32])('agrees with noble under keys of %i bytes, and opens nothing that was changed', length => {
  const secret = new Uint8Array(length).fill(7);
  const [nonce, aad, plaintext] = [new Uint8Array(12).fill(1), new Uint8Array(13).fill(2), new Uint8Array(100).fill(3)];
  const key = nodeAesGcm.key(secret);
  const sealed = new Uint8Array(116);
  key.seal(nonce, aad, plaintext, sealed);
  expect(sealed).toEqual(gcm(secret, nonce, aad).encrypt(plaintext));
  for (const at of [0, 99, 100, 115]) {
    const changed = sealed.map((byte, i) => (i === at ? byte ^ 1 : byte));
    expect(key.open(nonce, aad, changed, new Uint8Array(100))).toBe(false);
  }
  expect(() => key.seal(nonce.subarray(1), aad, plaintext, sealed)).toThrow('12 bytes');
  expect(() => nodeAesGcm.key(new Uint8Array(24))).toThrow('16 or 32');
  key.erase();
  expect(() => key.seal(nonce, aad, plaintext, sealed)).toThrow('erased');
});

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

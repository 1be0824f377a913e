import { inspect } from 'node:util';
import { fromHex, toHex, utf8 } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nobleAead, TAG_BYTES } from './aead.ts';

const KEY = fromHex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f') as Uint8Array;
const NONCE = fromHex('070000004041424344454647') as Uint8Array;
const AAD = fromHex('50515253c0c1c2c3c4c5c6c7') as Uint8Array;

describe('ChaCha20-Poly1305 by noble', () => {
  test('seals and opens the example of RFC 8439 section 2.8.2', () => {
    const plaintext = utf8(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    nobleAead.key(KEY).seal(NONCE, AAD, plaintext, sealed);
    expect(toHex(sealed)).toBe(
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b' +
        '1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc' +
        '3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
    );
    const opened = new Uint8Array(plaintext.length);
    expect(nobleAead.key(KEY).open(NONCE, AAD, sealed, opened)).toBe(true);
    expect(opened).toEqual(plaintext);
  });

  test('opens what it sealed, at any offset of a larger buffer, and nothing that was changed', () => {
    const key = nobleAead.key(KEY);
    const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
    fc.assert(
      fc.property(bytes(200), bytes(20), fc.nat(7), fc.nat(), (plaintext, aad, offset, flip) => {
        const room = new Uint8Array(plaintext.length + TAG_BYTES + offset);
        key.seal(NONCE, aad, plaintext, room.subarray(offset));
        const sealed = room.subarray(offset);
        const opened = new Uint8Array(plaintext.length + 3);
        expect(key.open(NONCE, aad, sealed, opened)).toBe(true);
        expect(opened.subarray(0, plaintext.length)).toEqual(plaintext);
        const at = flip % sealed.length;
        sealed[at] = (sealed[at] as number) ^ (1 << (flip % 8));
        expect(key.open(NONCE, aad, sealed, opened)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  test('opens nothing that is shorter than a tag', () => {
    for (let length = 0; length < TAG_BYTES; length++) {
      expect(nobleAead.key(KEY).open(NONCE, AAD, new Uint8Array(length), new Uint8Array(0))).toBe(false);
    }
  });

  test('copies its key, and after erasing neither seals nor opens', () => {
    const bytes = KEY.slice();
    const key = nobleAead.key(bytes);
    const before = new Uint8Array(TAG_BYTES);
    key.seal(NONCE, AAD, new Uint8Array(0), before);
    bytes.fill(0);
    const after = new Uint8Array(TAG_BYTES);
    key.seal(NONCE, AAD, new Uint8Array(0), after);
    expect(after).toEqual(before);
    key.erase();
    expect(() => key.seal(NONCE, AAD, new Uint8Array(0), after)).toThrow('erased');
    expect(key.open(NONCE, AAD, before, new Uint8Array(0))).toBe(false);
  });

  test('shows no key bytes in JSON or in a console', () => {
    const key = nobleAead.key(KEY);
    expect(JSON.stringify({ key })).toBe('{"key":"AeadKey"}');
    expect(inspect(key, { depth: 9, showHidden: true })).not.toContain('128');
  });
});

/** One strict rule: what RFC 8032 and FIPS 186 accept, and nothing that verifiers dispute (faults.md row 54). */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, fromHex, toHex, utf8 } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { encodeDer, Tag } from './der.ts';
import { ecdsaDer, signer } from './odd-certificate.ts';
import { ecdsaFromDer, nobleVerifier, type PublicKey } from './verify.ts';

/** RFC 8032 section 7.1, test 2. */
const ED25519 = {
  key: {
    algorithm: 'ed25519',
    bytes: hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
  } as PublicKey,
  message: hex('72'),
  signature: hex(
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ),
};

/** RFC 6979 section A.2.5, SHA-256, message "sample". */
const P256 = {
  key: {
    algorithm: 'p256',
    bytes: hex(
      '0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299',
    ),
  } as PublicKey,
  message: utf8('sample'),
  signature: hex(
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  ),
};

const ORDER_ED25519 = 2n ** 252n + 27742317777372353535851937790883648493n;
const ORDER_P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

describe.each([
  ['Ed25519', ED25519],
  ['P-256', P256],
])('%s', (_, { key, message, signature }) => {
  test('accepts the published signature', () => {
    expect(nobleVerifier.verify(key, message, signature)).toBe(true);
  });

  test('refuses another message, key or signature, and any other length, without throwing', () => {
    expect(nobleVerifier.verify(key, utf8('other'), signature)).toBe(false);
    for (const at of [0, 31, 32, 63]) expect(nobleVerifier.verify(key, message, flipped(signature, at))).toBe(false);
    for (const at of [0, 1, 20, 31]) {
      expect(nobleVerifier.verify({ ...key, bytes: flipped(key.bytes, at) }, message, signature)).toBe(false);
    }
    for (const length of [0, 32, 63])
      expect(nobleVerifier.verify(key, message, signature.subarray(0, length))).toBe(false);
    expect(nobleVerifier.verify(key, message, Uint8Array.of(...signature, 0))).toBe(false);
    expect(nobleVerifier.verify({ ...key, bytes: key.bytes.subarray(1) }, message, signature)).toBe(false);
    expect(nobleVerifier.verify({ ...key, bytes: new Uint8Array(0) }, message, signature)).toBe(false);
  });
});

describe('Ed25519', () => {
  test('refuses s at or above the group order, as RFC 8032 section 5.1.7 demands', () => {
    const s = littleEndian(ED25519.signature.subarray(32)) + ORDER_ED25519;
    const malleable = Uint8Array.of(...ED25519.signature.subarray(0, 32), ...toLittleEndian(s));
    expect(nobleVerifier.verify(ED25519.key, ED25519.message, malleable)).toBe(false);
  });

  test.each([
    ['the neutral element', `01${'00'.repeat(31)}`],
    ['the point of order two', `ec${'ff'.repeat(30)}7f`],
    ['a point of order four', '00'.repeat(32)],
    ['a point of order eight', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['a non-canonical neutral element', `ee${'ff'.repeat(30)}7f`],
  ])('refuses %s as a key, under which one signature would fit any message', (_, point) => {
    const forged = hex(`01${'00'.repeat(63)}`);
    expect(nobleVerifier.verify({ algorithm: 'ed25519', bytes: hex(point) }, utf8('any'), forged)).toBe(false);
  });

  test('faults #54 refuses what only the cofactored equation accepts: a key with a part of small order', () => {
    const { Point } = ed25519;
    const torsion = Point.fromBytes(hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'));
    const [a, r] = [123_456_789n, 987_654_321n];
    const bytes = Point.BASE.multiply(a).add(torsion).toBytes();
    const R = Point.BASE.multiply(r).toBytes();
    const verdicts = Array.from({ length: 16 }, (_, i) => {
      const message = Uint8Array.of(i);
      const k = Point.Fn.create(littleEndian(sha512(concat(R, bytes, message))));
      const signature = concat(R, toLittleEndian(Point.Fn.create(r + k * a)));
      expect(ed25519.verify(signature, message, bytes, { zip215: false })).toBe(true);
      return nobleVerifier.verify({ algorithm: 'ed25519', bytes }, message, signature) === (k % 8n === 0n);
    });
    expect(verdicts).toEqual(verdicts.map(() => true));
  });

  test('faults #54 refuses an R of small order, which newer OpenSSL refuses too', () => {
    const { Point } = ed25519;
    const bytes = Point.BASE.multiply(7n).toBytes();
    const R = Point.ZERO.toBytes();
    const k = Point.Fn.create(littleEndian(sha512(concat(R, bytes, utf8('any')))));
    const signature = concat(R, toLittleEndian(Point.Fn.create(7n * k)));
    expect(ed25519.verify(signature, utf8('any'), bytes, { zip215: false })).toBe(true);
    expect(nobleVerifier.verify({ algorithm: 'ed25519', bytes }, utf8('any'), signature)).toBe(false);
  });

  test('refuses a non-canonical R', () => {
    const forged = hex(`ee${'ff'.repeat(30)}7f${'00'.repeat(32)}`);
    expect(nobleVerifier.verify(ED25519.key, ED25519.message, forged)).toBe(false);
  });
});

describe('P-256', () => {
  test('accepts a high and a low s alike, because WebCrypto makes both', () => {
    const s = bigEndian(P256.signature.subarray(32));
    const mirrored = Uint8Array.of(...P256.signature.subarray(0, 32), ...toBigEndian(ORDER_P256 - s));
    expect(nobleVerifier.verify(P256.key, P256.message, mirrored)).toBe(true);
  });

  test('refuses a compressed key, which no certificate carries', () => {
    const compressed = Uint8Array.of(2 + ((P256.key.bytes[64] as number) & 1), ...P256.key.bytes.subarray(1, 33));
    expect(nobleVerifier.verify({ ...P256.key, bytes: compressed }, P256.message, P256.signature)).toBe(false);
  });

  test('refuses r or s of zero, of the order or above', () => {
    const [r, s] = [P256.signature.subarray(0, 32), P256.signature.subarray(32)];
    for (const bad of [new Uint8Array(32), toBigEndian(ORDER_P256), new Uint8Array(32).fill(0xff)]) {
      expect(nobleVerifier.verify(P256.key, P256.message, Uint8Array.of(...bad, ...s))).toBe(false);
      expect(nobleVerifier.verify(P256.key, P256.message, Uint8Array.of(...r, ...bad))).toBe(false);
    }
  });
});

describe('an ECDSA signature in DER', () => {
  test('gives r and s, 32 bytes each, also when they are short', () => {
    expect(ecdsaFromDer(ecdsaDer(P256.signature))).toEqual(P256.signature);
    const short = new Uint8Array(64);
    short[31] = 1;
    short[63] = 0x80;
    expect(ecdsaFromDer(hex('3007020101020200 80'.replace(' ', '')))).toEqual(short);
    for (let seed = 1; seed < 20; seed++) {
      const raw = signer('p256', seed).sign(utf8('x'));
      expect(ecdsaFromDer(ecdsaDer(raw))).toEqual(raw);
    }
  });

  test.each([
    ['nothing', ''],
    ['one integer', '3003020101'],
    ['three integers', '3009020101020101020101'],
    ['a padded integer', '300702020001020101'],
    ['a negative integer', '3006020181020101'],
    [
      'an integer of 33 bytes',
      toHex(encodeDer(Tag.sequence, encodeDer(Tag.integer, new Uint8Array(33).fill(1)), hex('020101'))),
    ],
    ['a long length', '308106020101020101'],
    ['something behind', '300602010102010100'],
    ['raw r and s', toHex(P256.signature)],
  ])('with %s is refused', (_, der) => {
    expect(ecdsaFromDer(hex(der))).toBeUndefined();
  });
});

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] as number) ^ 1;
  return changed;
}

function bigEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

function toBigEndian(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0'));
}

function littleEndian(bytes: Uint8Array): bigint {
  return bigEndian(bytes.slice().reverse());
}

function toLittleEndian(value: bigint): Uint8Array {
  return toBigEndian(value).reverse();
}

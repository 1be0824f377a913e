import { inspect } from 'node:util';
import { fromHex, type Random, toHex, utf8 } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { agreementKeys, nobleSuite } from './suite.ts';

const suite = nobleSuite();
const random: Random = { bytes: length => new Uint8Array(length).fill(9) };

describe('the noble suite', () => {
  test('agrees as in RFC 7748 section 5.2', () => {
    const scalar = hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4');
    const u = hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c');
    const shared = suite.agree(scalar, u);
    expect(shared && toHex(shared)).toBe('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552');
  });

  test('agrees as in RFC 7748 section 6.1', () => {
    const bob = agreementKeys(hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'));
    expect(toHex(bob.public)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    const alicePublic = hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
    const shared = suite.agree(bob.secret, alicePublic);
    expect(shared && toHex(shared)).toBe('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
  });

  test.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880',
    '4c9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7',
    'd9ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'daffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'dbffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  ])('refuses or survives the unusual public key %s', publicKey => {
    const shared = suite.agree(suite.generateKeyPair(random).secret, hex(publicKey));
    expect(shared === undefined || shared.some(byte => byte !== 0)).toBe(true);
    const isLowOrder = Number.parseInt(publicKey.slice(-2), 16) < 0x80;
    if (isLowOrder) expect(shared).toBeUndefined();
  });

  test('refuses a public key of another length', () => {
    expect(suite.agree(new Uint8Array(32).fill(1), new Uint8Array(31).fill(9))).toBeUndefined();
    expect(suite.agree(new Uint8Array(32).fill(1), new Uint8Array(33).fill(9))).toBeUndefined();
  });

  test('hashes as in FIPS 180-4 and authenticates as in RFC 4231 case 2', () => {
    expect(toHex(suite.hash(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(toHex(suite.hmac(utf8('Jefe'), utf8('what do ya want for nothing?')))).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  test('makes pairs whose secret shows in no JSON and no console', () => {
    const pair = suite.generateKeyPair(random);
    expect(pair.public).toEqual(suite.publicKey(pair.secret));
    expect(JSON.stringify({ pair })).toBe('{"pair":"KeyPair"}');
    expect(inspect(pair, { depth: 9 })).not.toContain('9, 9');
    expect(`${pair}`).not.toContain('9,9');
  });
});

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

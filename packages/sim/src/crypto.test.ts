/** OpenSSL's functions give the same bytes as noble's, so that a story stands for the real thing. */
import { nobleSuite } from '@warren/noise';
import { nobleVerifier, signWorking } from '@warren/trust';
import { expect, test } from 'vitest';
import { simPublicKey, simSign, simSuite, simVerifier } from './crypto.ts';
import { SeededRandom } from './random.ts';

const random = new SeededRandom(1, 'crypto');
const noble = nobleSuite();

test('agreement, hash and HMAC are those of noble', () => {
  for (let i = 0; i < 20; i++) {
    const [a, b] = [random.bytes(32), random.bytes(32)];
    expect(simSuite.publicKey(a)).toEqual(noble.publicKey(a));
    expect(simSuite.agree(a, noble.publicKey(b))).toEqual(noble.agree(b, simSuite.publicKey(a)));
    expect(simSuite.hash(a)).toEqual(noble.hash(a));
    expect(simSuite.hmac(a, b)).toEqual(noble.hmac(a, b));
    const long = random.bytes(64 + i);
    expect(simSuite.hmac(long, a)).toEqual(noble.hmac(long, a));
  }
});

test('faults #54 keys of low order and of another length agree on nothing', () => {
  const secret = random.bytes(32);
  for (const remote of [new Uint8Array(32), Uint8Array.of(1, ...new Uint8Array(31)), new Uint8Array(31)]) {
    expect(simSuite.agree(secret, remote)).toBeUndefined();
    expect(noble.agree(secret, remote)).toBeUndefined();
  }
});

test('signatures are those of noble, and each accepts the other', () => {
  const verifier = simVerifier();
  for (let i = 0; i < 10; i++) {
    const [secret, message] = [random.bytes(32), random.bytes(i * 20)];
    const signature = simSign(secret, message);
    const key = { algorithm: 'ed25519', bytes: simPublicKey(secret) } as const;
    expect(signature).toEqual(signWorking(secret, message));
    for (const each of [verifier, verifier, nobleVerifier]) expect(each.verify(key, message, signature)).toBe(true);
    const wrong = signature.slice();
    wrong[i] = (wrong[i] as number) ^ 1;
    for (const each of [verifier, verifier, nobleVerifier]) expect(each.verify(key, message, wrong)).toBe(false);
  }
});

test('a key that is no point, and a signature that is too short, are refused without an exception', () => {
  const key = { algorithm: 'ed25519', bytes: new Uint8Array(31) } as const;
  expect(simVerifier().verify(key, new Uint8Array(1), new Uint8Array(64))).toBe(false);
  const good = { algorithm: 'ed25519', bytes: simPublicKey(random.bytes(32)) } as const;
  expect(simVerifier().verify(good, new Uint8Array(1), new Uint8Array(63))).toBe(false);
});

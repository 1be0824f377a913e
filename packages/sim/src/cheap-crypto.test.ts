/** The cheap suite has the sizes and the failures of the real one: machines cannot tell which they run on. */
import { concat, toHex } from '@warren/base';
import { HandshakeState, nobleSuite } from '@warren/noise';
import { describe, expect, test } from 'vitest';
import { cheapAead, cheapSign, cheapSigningKey, cheapSuite, cheapVerifier } from './cheap-crypto.ts';
import { SeededRandom } from './random.ts';

const random = new SeededRandom(1, 'cheap');

describe('agreement', () => {
  test('is the same from both sides, and another for other keys', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const [a, b] = [cheapSuite.generateKeyPair(random), cheapSuite.generateKeyPair(random)];
      expect(a.public).toHaveLength(32);
      expect(cheapSuite.publicKey(a.secret)).toEqual(a.public);
      const shared = cheapSuite.agree(a.secret, b.public) as Uint8Array;
      expect(shared).toHaveLength(32);
      expect(cheapSuite.agree(b.secret, a.public)).toEqual(shared);
      seen.add(toHex(shared)).add(toHex(a.public)).add(toHex(b.public));
    }
    expect(seen.size).toBe(600);
  });

  test('refuses keys that agree on nothing, as X25519 does', () => {
    const { secret } = cheapSuite.generateKeyPair(random);
    const prime = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0x7f : i === 31 ? 0xed : 0xff));
    for (const remote of [new Uint8Array(32), prime, new Uint8Array(31)]) {
      expect(cheapSuite.agree(secret, remote)).toBeUndefined();
    }
  });
});

test('hashes of inputs that differ in one bit, or in length, have about half their bits in common', () => {
  const input = random.bytes(100);
  const whole = cheapSuite.hash(input);
  for (let bit = 0; bit < 800; bit++) {
    const other = input.slice();
    other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(distance(cheapSuite.hash(other), whole)).toBeGreaterThan(70);
  }
  for (let length = 0; length < 100; length++) {
    const zeros = new Uint8Array(length);
    expect(distance(cheapSuite.hash(zeros), cheapSuite.hash(concat(zeros, Uint8Array.of(0))))).toBeGreaterThan(70);
  }
});

test('a keyed hash depends on where the key ends', () => {
  const [a, b] = [random.bytes(32), random.bytes(32)];
  expect(cheapSuite.hmac(a, b)).not.toEqual(cheapSuite.hmac(b, a));
  expect(cheapSuite.hmac(concat(a, b), new Uint8Array(0))).not.toEqual(cheapSuite.hmac(a, b));
});

describe('encryption', () => {
  const key = cheapAead.key(random.bytes(32));
  const [nonce, aad] = [random.bytes(12), random.bytes(13)];

  test.each([0, 1, 3, 4, 5, 63, 1_200])('of %d bytes comes back, in place too', length => {
    const plaintext = random.bytes(length);
    const sealed = new Uint8Array(length + 16);
    key.seal(nonce, aad, plaintext, sealed);
    if (length > 8) expect(sealed.subarray(0, length)).not.toEqual(plaintext);
    expect(key.open(nonce, aad, sealed, sealed.subarray(0, length))).toBe(true);
    expect(sealed.subarray(0, length)).toEqual(plaintext);
  });

  test('opens nothing that was changed, nor with another key, nonce or additional data', () => {
    const sealed = new Uint8Array(66);
    key.seal(nonce, aad, random.bytes(50), sealed);
    const opens = (k: typeof key, n: Uint8Array, a: Uint8Array, s: Uint8Array) => k.open(n, a, s, new Uint8Array(50));
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i] = (changed[i] as number) ^ 0x10;
      expect(opens(key, nonce, aad, changed)).toBe(false);
    }
    expect(opens(cheapAead.key(random.bytes(32)), nonce, aad, sealed)).toBe(false);
    expect(opens(key, random.bytes(12), aad, sealed)).toBe(false);
    expect(opens(key, nonce, random.bytes(13), sealed)).toBe(false);
    expect(opens(key, nonce, aad, sealed.subarray(0, 15))).toBe(false);
    expect(opens(key, nonce, aad, sealed)).toBe(true);
  });
});

test('signatures hold for their key and message alone', () => {
  const [secret, message] = [random.bytes(32), random.bytes(80)];
  const key = { algorithm: 'ed25519', bytes: cheapSigningKey(secret) } as const;
  const signature = cheapSign(secret, message);
  expect(signature).toHaveLength(64);
  expect(cheapVerifier.verify(key, message, signature)).toBe(true);
  expect(cheapVerifier.verify(key, message.subarray(1), signature)).toBe(false);
  expect(cheapVerifier.verify({ ...key, bytes: random.bytes(32) }, message, signature)).toBe(false);
  expect(cheapVerifier.verify(key, message, signature.subarray(0, 63))).toBe(false);
});

test('all messages of Noise XX have the sizes that they have with real cryptography', () => {
  const sizes = (suite: typeof cheapSuite): number[] => {
    const side = (role: 'initiator' | 'responder') =>
      new HandshakeState({ suite, pattern: 'XX', role, prologue: message, s: suite.generateKeyPair(random), random });
    const message = random.bytes(40);
    const [a, b] = [side('initiator'), side('responder')];
    const lengths: number[] = [];
    for (const [from, to] of [
      [a, b],
      [b, a],
      [a, b],
    ] as const) {
      const bytes = from.writeMessage(message) as Uint8Array;
      lengths.push(bytes.length);
      expect(to.readMessage(bytes)).toEqual(message);
    }
    expect(a.split().send).toEqual(b.split().receive);
    return lengths;
  };
  expect(sizes(cheapSuite)).toEqual(sizes(nobleSuite()));
});

function distance(a: Uint8Array, b: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) {
    for (let x = (a[i] as number) ^ (b[i] as number); x !== 0; x &= x - 1) bits++;
  }
  return bits;
}

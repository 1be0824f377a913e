/** OpenSSL and noble: the same bytes and the same verdicts, on hostile input too. */
import { inspect } from 'node:util';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, fromHex, toHex } from '@warren/base';
import { agreementKeys, nobleSuite } from '@warren/noise';
import { type KeyAlgorithm, nobleVerifier, signWorking } from '@warren/trust';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nodeAead } from './aead.ts';
import { nodeSuite, nodeVerifier, signEd25519 } from './crypto.ts';

const [noble, openssl] = [nobleSuite(), nodeSuite(nodeAead)];
const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;
const key32 = () => fc.uint8Array({ minLength: 32, maxLength: 32 });
const bytes = (maxLength = 300) => fc.uint8Array({ maxLength });

describe('the suite of OpenSSL', () => {
  test('hashes and authenticates as noble, with keys of any length', () => {
    fc.assert(
      fc.property(bytes(), bytes(), (key, data) => {
        expect(openssl.hash(data)).toEqual(noble.hash(data));
        expect(openssl.hmac(key, data)).toEqual(noble.hmac(key, data));
      }),
      { numRuns: 400 },
    );
  });

  test('agrees as noble does, with points off the curve and beyond p too', () => {
    fc.assert(
      fc.property(key32(), key32(), (secret, remote) => {
        expect(openssl.agree(secret, remote)).toEqual(noble.agree(secret, remote));
        expect(openssl.publicKey(secret)).toEqual(noble.publicKey(secret));
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
    `${'00'.repeat(31)}80`,
    'ff'.repeat(32),
    '',
    '09'.repeat(31),
    '09'.repeat(33),
  ])('refuses or takes the public key %s as noble does', remote => {
    const secret = new Uint8Array(32).fill(5);
    expect(openssl.agree(secret, hex(remote))).toEqual(noble.agree(secret, hex(remote)));
  });

  test('makes pairs that hide their secret, and forgets a secret that was erased', () => {
    const pair = openssl.generateKeyPair({ bytes: length => new Uint8Array(length).fill(9) });
    const remote = agreementKeys(new Uint8Array(32).fill(3)).public;
    expect(pair.public).toEqual(noble.publicKey(new Uint8Array(32).fill(9)));
    expect(JSON.stringify({ pair }) + inspect(pair, { depth: 9, showHidden: true })).not.toMatch(/\b9,\s*9\b/);
    const before = openssl.agree(pair.secret, remote);
    pair.secret.fill(0);
    expect(openssl.agree(pair.secret, remote)).toEqual(noble.agree(new Uint8Array(32), remote));
    expect(openssl.agree(pair.secret, remote)).not.toEqual(before);
  });
});

describe('Ed25519 by OpenSSL', () => {
  test('signs as noble does, and both accept it', () => {
    fc.assert(
      fc.property(key32(), bytes(), (secret, message) => {
        const signature = signEd25519(secret, message);
        expect(signature).toEqual(signWorking(secret, message));
        expect(verdict('ed25519', ed25519.getPublicKey(secret), message, signature)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('faults #54 judges keys and R of every small-order part as noble does', () => {
    let accepted = 0;
    for (const [i, keyPart] of torsion().entries()) {
      for (const [j, rPart] of torsion().entries()) {
        const { key, message, signature } = crafted(BigInt(8 * i + j + 2), keyPart, rPart);
        if (verdict('ed25519', key, message, signature)) accepted++;
      }
    }
    // Exact for parts that cancel out by chance of k modulo 8; most do not.
    expect(accepted).toBeGreaterThanOrEqual(1);
    expect(accepted).toBeLessThan(32);
  });

  test('faults #54 judges an R of small order as noble does, under keys with and without such a part', () => {
    for (const [i, part] of torsion().entries()) {
      const a = BigInt(i + 7);
      const key = Point.BASE.multiply(a).add(part).toBytes();
      for (const r of torsion()) {
        const message = Uint8Array.of(i);
        const k = Point.Fn.create(bigint(sha512(concat(r.toBytes(), key, message)).reverse()));
        verdict('ed25519', key, message, concat(r.toBytes(), encoded(Point.Fn.create(k * a))));
      }
    }
  });

  test('faults #54 judges points of small order and encodings that are none as noble does', () => {
    const odd = [...torsion().map(point => point.toBytes()), ...nonCanonical()];
    const zeros = new Uint8Array(32);
    const { key, message, signature } = crafted(3n, Point.ZERO, Point.ZERO);
    for (const point of odd) {
      for (const r of odd) expect(verdict('ed25519', point, message, concat(r, zeros))).toBe(false);
      expect(verdict('ed25519', point, message, signature)).toBe(false);
      verdict('ed25519', key, message, concat(point, signature.subarray(32)));
      verdict('ed25519', key, message, concat(point, zeros));
    }
  });

  test('faults #54 judges every form of s as noble does', () => {
    const { key, message, signature } = crafted(5n, Point.ZERO, Point.ZERO);
    const s = bigint(signature.slice(32).reverse());
    expect(verdict('ed25519', key, message, signature)).toBe(true);
    for (let times = 1n; s + times * ORDER < 1n << 256n; times++) {
      expect(verdict('ed25519', key, message, concat(signature.subarray(0, 32), encoded(s + times * ORDER)))).toBe(
        false,
      );
    }
    for (const other of [0n, 1n, ORDER - 1n, ORDER, ORDER - s, (1n << 256n) - 1n])
      expect(verdict('ed25519', key, message, concat(signature.subarray(0, 32), encoded(other)))).toBe(false);
  });

  test('judges whatever was changed, cut or made up as noble does', () => {
    const changes = fc.record({ part: fc.nat(2), at: fc.nat(63), flip: fc.integer({ min: 1, max: 255 }) });
    fc.assert(
      fc.property(key32(), bytes(40), changes, key32(), fc.nat(3), (secret, message, change, random, kind) => {
        const signature = signWorking(secret, message);
        const key = kind === 0 ? random : ed25519.getPublicKey(secret);
        const parts = [key, message, signature] as const;
        const changed = parts.map((part, i) => (i === change.part ? flipped(part, change.at, change.flip) : part));
        verdict('ed25519', ...(changed as [Uint8Array, Uint8Array, Uint8Array]));
      }),
      { numRuns: 80 },
    );
    for (const length of [0, 31, 33, 63, 65]) {
      const filled = new Uint8Array(length).fill(1);
      expect(verdict('ed25519', filled, filled, new Uint8Array(64).fill(1))).toBe(false);
      expect(verdict('ed25519', new Uint8Array(32).fill(1), filled, filled)).toBe(false);
    }
  });
});

describe('P-256 by OpenSSL', () => {
  const secret = new Uint8Array(32).fill(0x31);
  const key = p256.getPublicKey(secret, false);
  const message = Uint8Array.of(1, 2, 3);
  const signature = p256.sign(message, secret, { lowS: true });
  const order = p256.Point.Fn.ORDER;

  test('judges every form of r and s as noble does', () => {
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
    const high = bigEndian(order - bigint(s));
    expect(verdict('p256', key, message, signature)).toBe(true);
    expect(verdict('p256', key, message, concat(r, high))).toBe(true);
    for (const other of [0n, 1n, order - 1n, order, (1n << 256n) - 1n].map(bigEndian)) {
      for (const odd of [concat(r, other), concat(other, s), concat(other, other)])
        expect(verdict('p256', key, message, odd)).toBe(false);
    }
  });

  test('judges every form of a key as noble does', () => {
    const compressed = p256.getPublicKey(secret, true);
    const hybrid = key.slice();
    hybrid[0] = 6 + ((key[64] as number) & 1);
    const beyond = concat(Uint8Array.of(4), new Uint8Array(64).fill(0xff));
    for (const odd of [compressed, hybrid, beyond, key.subarray(1), concat(key, key), Uint8Array.of(0)])
      expect(verdict('p256', odd, message, signature)).toBe(false);
  });

  test('judges whatever was changed as noble does', () => {
    fc.assert(
      fc.property(fc.nat(64), fc.integer({ min: 1, max: 255 }), fc.nat(2), bytes(20), (at, flip, part, other) => {
        verdict(
          'p256',
          part === 0 ? flipped(key, at, flip) : key,
          part === 1 ? other : message,
          part === 2 ? flipped(signature, at, flip) : signature,
        );
      }),
      { numRuns: 80 },
    );
  });
});

/** What both say. */
function verdict(algorithm: KeyAlgorithm, key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const ours = nodeVerifier.verify({ algorithm, bytes: key }, message, signature);
  const shown = [key, message, signature].map(toHex).join(' ');
  expect(nobleVerifier.verify({ algorithm, bytes: key }, message, signature), shown).toBe(ours);
  return ours;
}

/** A signature that the cofactored equation accepts, by a key and with an R that have parts of small order. */
function crafted(seed: bigint, keyPart: InstanceType<typeof Point>, rPart: InstanceType<typeof Point>) {
  const message = encoded(seed);
  const key = Point.BASE.multiply(seed + 1000n)
    .add(keyPart)
    .toBytes();
  const r = Point.BASE.multiply(seed).add(rPart).toBytes();
  const k = Point.Fn.create(bigint(sha512(concat(r, key, message)).reverse()));
  return { key, message, signature: concat(r, encoded(Point.Fn.create(seed + k * (seed + 1000n)))) };
}

/** The eight points of small order. */
function torsion(): InstanceType<typeof Point>[] {
  const generator = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const points = [Point.ZERO];
  for (let i = 1; i < 8; i++) points.push((points[i - 1] as (typeof points)[0]).add(generator));
  return points;
}

/** Encodings of y at or above p, and of x = 0 with a sign. */
function nonCanonical(): Uint8Array[] {
  const beyond = Array.from({ length: 19 }, (_, i) => `${toHex(Uint8Array.of(0xed + i))}${'ff'.repeat(30)}`);
  return [...beyond.flatMap(y => [`${y}7f`, `${y}ff`]), `01${'00'.repeat(30)}80`, `ec${'ff'.repeat(31)}`].map(hex);
}

function encoded(value: bigint): Uint8Array {
  return bigEndian(value).reverse();
}

function bigint(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

function bigEndian(value: bigint): Uint8Array {
  return hex(value.toString(16).padStart(64, '0'));
}

function flipped(from: Uint8Array, at: number, flip: number): Uint8Array {
  const changed = from.slice();
  if (changed.length > 0) changed[at % changed.length] = (changed[at % changed.length] as number) ^ flip;
  return changed;
}

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

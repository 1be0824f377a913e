/** Our vectors in Wycheproof's format pass, and broken implementations do not. */
import { readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import { fromHex } from '@warren/base';
import { type AeadSuite, nobleAead } from '@warren/noise';
import type { Verifier } from '@warren/trust';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Implementation, implementations } from './implementations.ts';
import { FormatError, judged, type Result } from './report.ts';
import { wycheproofVectors } from './wycheproof.ts';

const TOTALS = {
  'aes-gcm': 8,
  'chacha20-poly1305': 7,
  'ecdsa-p256': 18,
  ed25519: 19,
  'hkdf-sha256': 3,
  'hmac-sha256': 8,
  x25519: 8,
  'xchacha20-poly1305': 7,
} as const;

let all: Implementation[];
let noble: Implementation;
beforeAll(async () => {
  all = await implementations();
  noble = all[0] as Implementation;
});

describe('vectors in the format of Wycheproof', () => {
  test.each(Object.entries(TOTALS))('faults #54 of %s agree, by noble and by OpenSSL', (file, total) => {
    const result = run(file, all);
    expect(result.failed).toEqual([]);
    expect(result).toMatchObject({ passed: total, total });
    expect(result.implementations.noble?.total).toBe(total);
    expect(result.implementations.openssl?.total).toBe(file.startsWith('xchacha') ? 0 : total);
  });

  test('say what the product does where both is acceptable', () => {
    expect(run('x25519', all).acceptable).toEqual({ refused: 7 });
  });

  test('are left out with the reason where they are not ours', () => {
    const rsa = { algorithm: 'RSASSA-PSS', testGroups: [{ type: 'RsassaPssVerify', tests: [{ result: 'valid' }] }] };
    expect(judged('wycheproof', 'rsa', wycheproofVectors(rsa), all)).toMatchObject({
      total: 0,
      skipped: { 'RSASSA-PSS (RsassaPssVerify) is not in the product': 1 },
    });
    expect(run('aes-gcm', all).skipped).toEqual({
      'AES-GCM with keys of 192 bits: we have 128 and 256': 1,
      'AES-GCM with other nonces than 96 bits, which the product never makes': 1,
    });
  });

  test.each([null, [], { testGroups: 1 }, { testGroups: [{ type: 'MacTest', tests: [{ result: 'perhaps' }] }] }])(
    'that are %j are refused',
    json => {
      expect(() => wycheproofVectors(json)).toThrow(FormatError);
    },
  );
});

describe('an implementation does not pass that', () => {
  test('refuses all signatures, or accepts all', () => {
    for (const verdict of [true, false]) {
      const broken = { ...noble, verifier: { verify: () => verdict } };
      for (const file of ['ed25519', 'ecdsa-p256']) expect(run(file, [broken]).failed.length).toBeGreaterThan(1);
    }
  });

  test('takes Ed25519 keys as ZIP-215 does, and disagrees with the other', () => {
    const lenient: Verifier = {
      verify: ({ bytes }, message, signature) => ed25519.verify(signature, message, bytes, { zip215: true }),
    };
    const { failed } = run('ed25519', [noble, { ...noble, name: 'lenient', verifier: lenient }]);
    expect(new Set(failed.map(({ implementation }) => implementation))).toEqual(new Set(['lenient']));
    expect(failed.map(({ id }) => id).join()).toContain('small order');
  });

  test('agrees on a secret of zero', () => {
    const agree = (secret: Uint8Array, remote: Uint8Array) => noble.suite.agree(secret, remote) ?? new Uint8Array(32);
    const { failed } = run('x25519', [{ ...noble, suite: { ...noble.suite, agree } }]);
    expect(failed.filter(({ why }) => why === 'the secret is zero').length).toBeGreaterThanOrEqual(7);
  });

  test('forgets the associated data, or opens whatever it is given', () => {
    const withoutAad: AeadSuite = {
      name: 'broken',
      key: bytes => {
        const key = nobleAead.key(bytes);
        const none = new Uint8Array(0);
        return { ...key, open: (n, _, s, o) => key.open(n, none, s, o), seal: (n, _, p, o) => key.seal(n, none, p, o) };
      },
    };
    const gullible: AeadSuite = { ...nobleAead, key: k => ({ ...nobleAead.key(k), seal: () => {}, open: () => true }) };
    for (const aead of [withoutAad, gullible]) {
      expect(run('chacha20-poly1305', [{ ...noble, aeads: [aead] }]).failed.length).toBeGreaterThan(0);
    }
    expect(run('chacha20-poly1305', [{ ...noble, aeads: [nobleAead, gullible] }]).failed[0]?.why).toContain('disagree');
  });

  test('derives other bytes', () => {
    const hmac = (_: Uint8Array, data: Uint8Array) => noble.suite.hash(data);
    const broken = { ...noble, suite: { ...noble.suite, hmac } };
    expect(run('hkdf-sha256', [broken]).failed).toHaveLength(2);
    expect(run('hmac-sha256', [broken]).failed.length).toBeGreaterThan(3);
  });

  test('throws', () => {
    const verifier: Verifier = {
      verify: () => {
        throw new Error('no point');
      },
    };
    expect(run('ed25519', [{ ...noble, verifier }]).failed[0]?.why).toBe('it throws: no point');
  });

  test('differs from the other where both is acceptable', () => {
    const test = { tcId: 1, result: 'acceptable', public: `02${'00'.repeat(31)}`, private: '40'.repeat(32) };
    const agree = noble.suite.agree(fromHex(test.private) as Uint8Array, fromHex(test.public) as Uint8Array);
    const shared = Buffer.from(agree as Uint8Array).toString('hex');
    const json = { testGroups: [{ type: 'XdhComp', curve: 'curve25519', tests: [{ ...test, shared }] }] };
    const shy = { ...noble, name: 'shy', suite: { ...noble.suite, agree: () => undefined } };
    expect(judged('wycheproof', 'twist', wycheproofVectors(json), [noble]).acceptable).toEqual({ accepted: 1 });
    const { failed } = judged('wycheproof', 'twist', wycheproofVectors(json), [noble, shy]);
    expect(failed[0]?.why).toBe('implementations disagree: accepted by noble, refused by shy');
  });
});

function run(file: string, by: readonly Implementation[]): Result {
  const text = readFileSync(new URL(`wycheproof/${file}.json`, import.meta.url), 'utf8');
  return judged('wycheproof', file, wycheproofVectors(JSON.parse(text)), by);
}

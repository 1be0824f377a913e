/**
 * Good certificates, damaged: a bit turned in every byte, every byte removed, doubled or
 * replaced, and random mixtures of that. Nothing throws, and whatever is still
 * accepted says the same under the same signed bytes. `WARREN_MUTATIONS` sets
 * how many random ones; `npm run fuzz` has its own millions.
 */
import { createPublicKey, verify as openssl } from 'node:crypto';
import { concat, sameBytes, toHex } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { parseLeaf, publicKeyFromSpki, readLeaf } from './certificate.ts';
import { altNames, BASIC, extension, GROUP, leaf, PEER_HEX, signer, USAGE } from './odd-certificate.ts';
import * as oids from './oids.ts';
import { encodeRights } from './rights.ts';
import { encodeTeams } from './teams.ts';
import { nobleVerifier } from './verify.ts';

const RANDOM_ONES = Number(process.env.WARREN_MUTATIONS ?? 10_000);

describe.each([
  ['ed25519', 'ed25519'],
  ['ed25519', 'p256'],
  ['p256', 'p256'],
] as const)('a %s leaf by a %s authority', (holderAlgorithm, algorithm) => {
  const ca = signer(algorithm, 1);
  const names = altNames(`urn:warren:${GROUP}:peer:${PEER_HEX}`, `urn:warren:${GROUP}:user:ada`);
  const rights = extension(oids.OID_RIGHTS, false, encodeRights(['relay', 'gateway']));
  const teams = extension(oids.OID_SUBJECT_DIRECTORY_ATTRIBUTES, false, encodeTeams(['ops', 'family']));
  const good = leaf(ca, signer(holderAlgorithm, 3), { extensions: [BASIC, USAGE, names, teams, rights] });
  const original = parseLeaf(good);
  const key = publicKeyFromSpki(ca.spki);
  const opensslKey = createPublicKey({ key: Buffer.from(ca.spki), format: 'der', type: 'spki' });

  /** Whether the damaged certificate would be taken for one of the authority's. */
  function isAccepted(der: Uint8Array): boolean {
    const read = readLeaf(der);
    if (typeof read === 'string' || key === undefined || read.signatureAlgorithm !== algorithm) return false;
    const options = algorithm === 'p256' ? { key: opensslKey, dsaEncoding: 'ieee-p1363' as const } : opensslKey;
    const isValid = openssl(algorithm === 'p256' ? 'sha256' : null, read.tbs, options, read.signature);
    // OpenSSL is fast, noble is what decides: where the one says yes, ask the other.
    return isValid && nobleVerifier.verify(key, read.tbs, read.signature);
  }

  test('is good itself', () => {
    expect(original).toMatchObject({ teams: ['family', 'ops'], rights: ['relay', 'gateway'] });
    expect(isAccepted(good)).toBe(true);
  });

  test('faults #53: with a bit turned in any byte, any byte removed, doubled or inserted it is accepted by nobody', () => {
    for (let at = 0; at < good.length; at++) {
      const [before, rest] = [good.subarray(0, at), good.subarray(at)];
      const damaged: Uint8Array[] = [
        ...[at % 8, (at + 5) % 8].map(bit => {
          const turned = good.slice();
          turned[at] = (turned[at] as number) ^ (1 << bit);
          return turned;
        }),
        concat(before, rest.subarray(1)),
        concat(before, rest.subarray(0, 1), rest),
        concat(before, Uint8Array.of(0), rest),
        concat(before, Uint8Array.of(0x30), rest),
      ];
      for (const der of damaged) {
        if (sameBytes(der, good)) continue;
        expect(isAccepted(der), toHex(der)).toBe(false);
      }
    }
  });

  test('faults #53: damaged at random it throws nowhere, and is accepted only with the same signed bytes', () => {
    const below = chance(holderAlgorithm.length + algorithm.length);
    for (let i = 0; i < RANDOM_ONES / 3; i++) {
      const der = damage(good, below);
      if (!isAccepted(der)) continue;
      expect(toHex(parseLeaf(der)?.tbs ?? der), `damage ${i}`).toBe(toHex(original?.tbs ?? good));
      expect(toHex(der), `damage ${i}`).toBe(toHex(good));
    }
  });
});

/** One to four changes: a byte turned, replaced, removed or inserted, a piece copied elsewhere, the end cut. */
function damage(good: Uint8Array, below: (bound: number) => number): Uint8Array {
  let der: Uint8Array = good.slice();
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(der.length);
    const [before, rest] = [der.subarray(0, at), der.subarray(at)];
    const kind = below(12);
    if (kind < 4) der[at] = (der[at] as number) ^ (1 << below(8));
    else if (kind < 6) der[at] = below(256);
    else if (kind < 8) der = concat(before, rest.subarray(1 + below(3)));
    else if (kind < 10) der = concat(before, Uint8Array.of(below(256)), rest);
    else if (kind === 10) der.set(der.subarray(at, at + below(8)), below(der.length - 8));
    else if (below(20) === 0) der = before.slice();
    if (der.length < 16) return der;
  }
  return der;
}

/** The same numbers in every run (xorshift32). */
function chance(seed: number): (bound: number) => number {
  let state = seed;
  return bound => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % bound;
  };
}

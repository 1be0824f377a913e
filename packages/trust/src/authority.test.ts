/** Who is let in, and each reason for which somebody is not (session.md 2.7; faults.md rows 50 to 55). */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8 } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { Authority, type AuthorityOptions, CLOCK_SKEW_MS, REVOCATIONS_STALE_MS, type Rejection } from './authority.ts';
import { parseLeaf } from './certificate.ts';
import { DerReader, encodeDer, Tag } from './der.ts';
import {
  authorityCertificate,
  DAY_MS,
  ecdsaDer,
  GROUP,
  leaf,
  NOW,
  name,
  type Parts,
  publicLeaf,
  type Signer,
  signer,
  validity,
} from './odd-certificate.ts';
import { type RevocationHead, revocationHeadText, revocationListText } from './revocation.ts';
import { statementText, type WorkingStatement } from './statement.ts';
import { ecdsaFromDer, nobleVerifier, type Verifier } from './verify.ts';
import { newWorkingKeys } from './working-keys.ts';

const CA = signer('ed25519', 1);
const CA_P256 = signer('p256', 2);
const HOLDER = signer('ed25519', 3);
const HOLDER_P256 = signer('p256', 4);
const STRANGER = signer('ed25519', 5);
const KEYS = newWorkingKeys({ bytes: length => new Uint8Array(length).fill(6) });
const NOISE = KEYS.noise.public;
const HOUR_MS = 3_600_000;

describe('an authority', () => {
  test('is named by its group and keyed by its public key', () => {
    const authority = group(CA);
    expect(authority.group).toBe(GROUP);
    expect(authority.networkKey).toEqual(sha256(CA.spki));
    expect(Authority.public().group).toBe('public');
    expect(Authority.public().networkKey).toEqual(sha256(utf8('warren-public/1')));
  });

  test('needs a certificate that signs itself', () => {
    expect(Authority.group(authorityCertificate(CA))).toBeDefined();
    expect(Authority.group(authorityCertificate(CA_P256))).toBeDefined();
    expect(Authority.group(authorityCertificate(STRANGER, { spki: CA.spki }))).toBeUndefined();
    expect(Authority.group(authorityCertificate(CA_P256, { spki: CA.spki }))).toBeUndefined();
    expect(Authority.group(leaf(CA, HOLDER))).toBeUndefined();
    expect(Authority.group(new Uint8Array(0))).toBeUndefined();
  });

  test.each([
    [CA, HOLDER],
    [CA, HOLDER_P256],
    [CA_P256, HOLDER],
    [CA_P256, HOLDER_P256],
  ])('lets in whom it certified', (ca, holder) => {
    const der = leaf(ca, holder);
    const statement = stated(der, holder);
    const result = group(ca).check(der, statement, NOISE, NOW);
    expect(result).toMatchObject({ ok: true, identity: { statement, noiseStatic: NOISE, leaf: { user: 'ada' } } });
  });

  test('lets in nobody who is certified by another authority with the same name', () => {
    const der = leaf(STRANGER, HOLDER);
    expect(reason(group(CA), der, stated(der, HOLDER))).toBe('bad-signature');
    const certifiesItself = leaf(HOLDER, HOLDER);
    expect(reason(group(CA), certifiesItself, stated(certifiesItself, HOLDER))).toBe('bad-signature');
    const otherAlgorithm = leaf(CA_P256, HOLDER);
    expect(reason(group(CA), otherAlgorithm, stated(otherAlgorithm, HOLDER))).toBe('bad-signature');
  });

  test('lets no member of the public overlay into a group, nor the other way', () => {
    const own = publicLeaf(HOLDER, sha256(HOLDER.spki).subarray(0, 20));
    const member = leaf(CA, HOLDER);
    expect(reason(group(CA), own, stated(own, HOLDER))).toBe('wrong-group');
    expect(reason(Authority.public(), member, stated(member, HOLDER))).toBe('wrong-group');
  });

  test('says what is wrong with a certificate outside the profile', () => {
    const der = leaf(CA, HOLDER);
    const statement = stated(der, HOLDER);
    expect(reason(group(CA), der.subarray(1), statement)).toBe('malformed');
    expect(reason(group(CA), new Uint8Array(638), statement)).toBe('too-large');
    expect(reason(group(CA), authorityCertificate(CA), statement)).toBe('bad-dates');
    expect(reason(group(CA), leaf(CA, HOLDER, { subject: name('A') }), statement)).toBe('bad-names');
  });

  test('refuses a certificate with any bit turned', () => {
    const der = leaf(CA, HOLDER);
    const statement = stated(der, HOLDER);
    const authority = group(CA);
    for (let at = 0; at < der.length; at++) {
      const changed = der.slice();
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      expect(authority.check(changed, statement, NOISE, NOW).ok, `byte ${at}`).toBe(false);
    }
    expect(authority.check(der, statement, NOISE, NOW).ok).toBe(true);
  });
});

describe('dates', () => {
  const der = leaf(CA, HOLDER, { validity: validity(NOW - HOUR_MS, NOW + HOUR_MS) });
  const long = { notBefore: NOW - 6 * HOUR_MS, notAfter: NOW + 6 * HOUR_MS };
  test.each([
    [-HOUR_MS - CLOCK_SKEW_MS - 1, 'not-yet-valid'],
    [-HOUR_MS - CLOCK_SKEW_MS, undefined],
    [HOUR_MS + CLOCK_SKEW_MS, undefined],
    [HOUR_MS + CLOCK_SKEW_MS + 1, 'expired'],
    [Number.NaN, 'not-yet-valid'],
  ])('of a certificate hold for clocks that differ by 5 minutes: %i ms', (offset, expected) => {
    expect(reason(group(CA), der, stated(der, HOLDER, long), NOW + offset)).toBe(expected);
  });

  test.each([
    [-HOUR_MS - CLOCK_SKEW_MS - 1, 'statement-not-yet-valid'],
    [-HOUR_MS - CLOCK_SKEW_MS, undefined],
    [HOUR_MS + CLOCK_SKEW_MS, undefined],
    [HOUR_MS + CLOCK_SKEW_MS + 1, 'statement-expired'],
  ])('of a statement too: %i ms', (offset, expected) => {
    const longLeaf = leaf(CA, HOLDER);
    const short = { notBefore: NOW - HOUR_MS, notAfter: NOW + HOUR_MS };
    expect(reason(group(CA), longLeaf, stated(longLeaf, HOLDER, short), NOW + offset)).toBe(expected);
  });

  test('of the authority hold as well', () => {
    const caDer = authorityCertificate(CA, { validity: validity(NOW - HOUR_MS, NOW + HOUR_MS) });
    const authority = Authority.group(caDer) as Authority;
    const longLeaf = leaf(CA, HOLDER);
    const statement = stated(longLeaf, HOLDER, long);
    expect(reason(authority, longLeaf, statement, NOW)).toBeUndefined();
    expect(reason(authority, longLeaf, statement, NOW + 2 * HOUR_MS)).toBe('authority-expired');
    expect(reason(authority, longLeaf, statement, NOW - 2 * HOUR_MS)).toBe('authority-not-yet-valid');
  });
});

describe('a working statement', () => {
  const der = leaf(CA, HOLDER);
  const good = stated(der, HOLDER);

  test('by another key, or for another certificate, Noise key or working key, is refused', () => {
    const otherLeaf = leaf(CA, HOLDER, { serial: encodeDer(Tag.integer, new Uint8Array(16).fill(9)) });
    const authority = group(CA);
    expect(reason(authority, der, stated(der, STRANGER))).toBe('statement-bad-signature');
    expect(reason(authority, der, stated(otherLeaf, HOLDER))).toBe('statement-bad-signature');
    expect(reason(authority, der, { ...good, workingKey: STRANGER.spki.slice(12) })).toBe('statement-bad-signature');
    expect(reason(authority, der, { ...good, notAfter: good.notAfter - 1 })).toBe('statement-bad-signature');
    expect(authority.check(der, good, KEYS.signing.public, NOW)).toEqual({
      ok: false,
      reason: 'statement-bad-signature',
    });
  });

  test('of impossible form is refused', () => {
    const authority = group(CA);
    for (const wrong of [
      { notAfter: good.notBefore + 12 * HOUR_MS + 1 },
      { notAfter: good.notBefore },
      { notBefore: Number.NaN },
      { workingKey: new Uint8Array(31) },
      { signature: new Uint8Array(63) },
      { algorithm: 'p256' as const },
    ]) {
      expect(reason(authority, der, { ...good, ...wrong })).toBe('statement-malformed');
    }
    expect(authority.check(der, good, new Uint8Array(31), NOW)).toEqual({ ok: false, reason: 'statement-malformed' });
  });

  test('signed by the CA itself does not make somebody a member', () => {
    expect(reason(group(CA), der, stated(der, CA))).toBe('statement-bad-signature');
  });
});

describe('revocation', () => {
  test('refuses certificates from before it, and lets in those from after it', () => {
    const authority = group(CA);
    const old = leaf(CA, HOLDER, { validity: validity(NOW - DAY_MS, NOW + DAY_MS) });
    const renewed = leaf(CA, HOLDER, { validity: validity(NOW, NOW + DAY_MS) });
    expect(reason(authority, old, stated(old, HOLDER))).toBeUndefined();
    expect(authority.revocations.learnList(list(1, [{ user: 'ada', before: NOW }]))).toBe(true);
    expect(reason(authority, old, stated(old, HOLDER))).toBe('revoked');
    expect(reason(authority, renewed, stated(renewed, HOLDER))).toBeUndefined();
  });

  test('of somebody else changes nothing', () => {
    const authority = group(CA);
    const der = leaf(CA, HOLDER);
    authority.revocations.learnList(list(1, [{ user: 'bob', before: NOW + DAY_MS }]));
    expect(reason(authority, der, stated(der, HOLDER))).toBeUndefined();
  });

  test('under the strict policy nobody comes in while the newest head is older than 48 hours', () => {
    const der = leaf(CA, HOLDER);
    const statement = stated(der, HOLDER);
    const [open, strict] = [group(CA), group(CA, { staleness: 'strict' })];
    expect(reason(open, der, statement)).toBeUndefined();
    expect(reason(strict, der, statement)).toBe('revocations-stale');
    strict.revocations.learnHead(head(1, NOW - REVOCATIONS_STALE_MS - 1));
    expect(reason(strict, der, statement)).toBe('revocations-stale');
    strict.revocations.learnHead(head(1, NOW - REVOCATIONS_STALE_MS));
    expect(reason(strict, der, statement)).toBeUndefined();
  });
});

describe('the public overlay', () => {
  const ID = sha256(HOLDER.spki).subarray(0, 20);

  test('lets in whoever certifies himself with the key of his id', () => {
    const der = publicLeaf(HOLDER, ID);
    expect(Authority.public().check(der, stated(der, HOLDER), NOISE, NOW)).toMatchObject({
      ok: true,
      identity: { leaf: { peerId: ID.slice(), group: 'public' } },
    });
  });

  test('lets in nobody with the id of another key', () => {
    const stolen = publicLeaf(STRANGER, ID);
    expect(reason(Authority.public(), stolen, stated(stolen, STRANGER))).toBe('bad-names');
    const claimed = publicLeaf(STRANGER, ID, { spki: HOLDER.spki });
    expect(reason(Authority.public(), claimed, stated(claimed, STRANGER))).toBe('bad-signature');
  });

  test('knows no staleness', () => {
    const der = publicLeaf(HOLDER, ID);
    expect(reason(Authority.public({ staleness: 'strict' }), der, stated(der, HOLDER))).toBeUndefined();
  });
});

describe('signatures', () => {
  test('are checked once for any number of handshakes', () => {
    let checks = 0;
    const counting: Verifier = {
      verify(...given) {
        checks++;
        return nobleVerifier.verify(...given);
      },
    };
    const authority = group(CA, { verifier: counting });
    const der = leaf(CA, HOLDER);
    const statement = stated(der, HOLDER);
    checks = 0;
    for (let i = 0; i < 5; i++) expect(reason(authority, der, statement)).toBeUndefined();
    expect(checks).toBe(2);
    expect(reason(authority, der, statement, NOW + DAY_MS)).toBe('statement-expired');
    expect(checks).toBe(2);
  });

  test('rewritten by somebody else change the certificate, but not what identifies it', () => {
    const der = leaf(CA_P256, HOLDER);
    const mirrored = withMirroredSignature(der);
    expect(mirrored).not.toEqual(der);
    expect(parseLeaf(mirrored)?.tbsHash).toEqual(parseLeaf(der)?.tbsHash);
    expect(reason(group(CA_P256), mirrored, stated(der, HOLDER))).toBeUndefined();
  });

  test('count only under the algorithm that the certificate names', () => {
    // r and s of a P-256 signature are 64 bytes, as an Ed25519 signature is.
    const mislabelled: Partial<Parts> = {
      algorithm: CA.identifier,
      signatureField: der => encodeDer(Tag.bitString, Uint8Array.of(0), ecdsaFromDer(der) as Uint8Array),
    };
    const der = leaf(CA_P256, HOLDER, mislabelled);
    expect(parseLeaf(der)?.signatureAlgorithm).toBe('ed25519');
    expect(reason(group(CA_P256), der, stated(der, HOLDER))).toBe('bad-signature');
    expect(Authority.group(authorityCertificate(CA_P256, mislabelled))).toBeUndefined();
  });

  test('are checked by what is injected, so that a simulation can be cheap', () => {
    const authority = group(CA, { verifier: { verify: () => true } });
    const der = leaf(STRANGER, HOLDER);
    expect(reason(authority, der, stated(der, STRANGER))).toBeUndefined();
  });
});

function group(ca: Signer, options: AuthorityOptions = {}): Authority {
  const authority = Authority.group(authorityCertificate(ca), options);
  if (authority === undefined) throw new Error('the CA of this test is good');
  return authority;
}

function reason(authority: Authority, der: Uint8Array, statement: WorkingStatement, now = NOW): Rejection | undefined {
  const result = authority.check(der, statement, NOISE, now);
  return result.ok ? undefined : result.reason;
}

/** A statement for `der` by `by`. */
function stated(der: Uint8Array, by: Signer, dates: Partial<WorkingStatement> = {}): WorkingStatement {
  const tbsHash = parseLeaf(der)?.tbsHash ?? new Uint8Array(32);
  const said = { workingKey: KEYS.signing.public, notBefore: NOW - HOUR_MS, notAfter: NOW + 11 * HOUR_MS, ...dates };
  return { ...said, algorithm: by.algorithm, signature: by.sign(statementText(tbsHash, NOISE, said)) };
}

function head(sequence: number, signedAt = NOW): RevocationHead {
  return { sequence, signedAt, signature: CA.sign(revocationHeadText(GROUP, { sequence, signedAt })) };
}

function list(sequence: number, revoked: { user: string; before: number }[]) {
  const signed = head(sequence);
  return { head: signed, revoked, signature: CA.sign(revocationListText(GROUP, signed, revoked)) };
}

/** The same certificate with (r, n - s) for (r, s), which anybody can compute. */
function withMirroredSignature(der: Uint8Array): Uint8Array {
  const [tbs, algorithm, signature] = new DerReader(der).inside(
    Tag.sequence,
    r => [r.element(Tag.sequence), r.element(Tag.sequence), r.bitString()] as const,
  );
  const raw = ecdsaFromDer(signature) as Uint8Array;
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  let s = order - raw.subarray(32).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const mirrored = raw.slice();
  for (let i = 63; i >= 32; i--, s /= 256n) mirrored[i] = Number(s % 256n);
  return encodeDer(Tag.sequence, tbs, algorithm, encodeDer(Tag.bitString, Uint8Array.of(0), ecdsaDer(mirrored)));
}

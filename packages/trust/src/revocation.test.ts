import { toHex } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { publicKeyFromSpki } from './certificate.ts';
import { GROUP, NOW, OTHER_GROUP, type Signer, signer } from './odd-certificate.ts';
import {
  decodeRevocationList,
  encodeRevocationList,
  NO_REVOCATIONS,
  REVOKED_MAX,
  type Revocation,
  type RevocationHead,
  type RevocationList,
  RevocationSet,
  revocationHeadText,
  revocationListText,
} from './revocation.ts';
import { nobleVerifier, type PublicKey, type Verifier } from './verify.ts';

const CA = signer('ed25519', 1);
const STRANGER = signer('ed25519', 2);

describe.each([CA, signer('p256', 3)])('a revocation set under $algorithm', ca => {
  test('takes over heads of its CA that are newer, and no others', () => {
    const set = newSet(ca);
    expect(set.head).toEqual(NO_REVOCATIONS);
    expect(set.learnHead(head(5, NOW, ca))).toBe(true);
    expect(set.learnHead(head(5, NOW, ca))).toBe(false);
    expect(set.learnHead(head(4, NOW + 1, ca))).toBe(false);
    expect(set.learnHead(head(6, NOW, STRANGER))).toBe(false);
    expect(set.learnHead(head(6, NOW, ca, OTHER_GROUP))).toBe(false);
    expect(set.learnHead({ ...head(6, NOW, ca), sequence: 7 })).toBe(false);
    expect(set.head).toMatchObject({ sequence: 5, signedAt: NOW });
    expect(set.learnHead(head(5, NOW + 1, ca))).toBe(true);
    expect(set.learnHead(head(6, NOW, ca))).toBe(true);
  });

  test('takes over lists of its CA that are newer, whole', () => {
    const set = newSet(ca);
    expect(set.learnList(list(1, [{ user: 'ada', before: NOW }], ca))).toBe(true);
    expect(set.isRevoked(certificate('ada', NOW - 1))).toBe(true);
    expect(set.isRevoked(certificate('ada', NOW))).toBe(false);
    expect(set.isRevoked(certificate('bob', NOW - 1))).toBe(false);
    expect(set.learnList(list(2, [{ user: 'bob', before: NOW }], STRANGER))).toBe(false);
    expect(set.learnList({ ...list(2, [], ca), revoked: [{ user: 'bob', before: NOW }] })).toBe(false);
    expect(set.learnList({ ...list(2, [], ca), head: head(2, NOW, STRANGER) })).toBe(false);
    expect(set.isRevoked(certificate('bob', NOW - 1))).toBe(false);
    expect(set.learnList(list(2, [{ user: 'bob', before: NOW }], ca))).toBe(true);
    expect([set.isRevoked(certificate('ada', NOW - 1)), set.isRevoked(certificate('bob', NOW - 1))]).toEqual([
      false,
      true,
    ]);
    expect(set.learnList(list(1, [], ca))).toBe(false);
    expect(set.head.sequence).toBe(2);
  });

  test('kills one device of a user, and lets the others live', () => {
    const set = newSet(ca);
    const peerId = new Uint8Array(20).fill(7);
    set.learnList(list(1, [{ peerId, before: NOW }], ca));
    expect(set.isRevoked(certificate('ada', NOW - 1, 7))).toBe(true);
    expect(set.isRevoked(certificate('ada', NOW, 7))).toBe(false);
    expect(set.isRevoked(certificate('ada', NOW - 1, 8))).toBe(false);
    set.learnList(
      list(
        2,
        [
          { peerId, before: NOW },
          { user: 'ada', before: NOW - 5 },
        ],
        ca,
      ),
    );
    expect(set.isRevoked(certificate('ada', NOW - 1, 7))).toBe(true);
    expect(set.isRevoked(certificate('ada', NOW - 6, 8))).toBe(true);
    expect(set.isRevoked(certificate('ada', NOW - 5, 8))).toBe(false);
  });

  test('tells which certificates are too old to name their teams, and lets them live', () => {
    const set = newSet(ca);
    expect(set.isOutdated(certificate('ada', 0))).toBe(false);
    set.learnList(list(1, [{ teamsOf: 'ada', before: NOW }], ca));
    const ofAda = [NOW - 1, NOW].map(notBefore => certificate('ada', notBefore));
    expect(ofAda.map(leaf => set.isOutdated(leaf))).toEqual([true, false]);
    expect(ofAda.map(leaf => set.isRevoked(leaf))).toEqual([false, false]);
    expect(set.isOutdated(certificate('bob', NOW - 1))).toBe(false);
  });

  test('knows when it is behind, and does not go back to an older list', () => {
    const set = newSet(ca);
    expect(set.isBehind).toBe(false);
    set.learnHead(head(3, NOW, ca));
    expect(set.isBehind).toBe(true);
    expect(set.learnList(list(2, [], ca))).toBe(false);
    expect(set.learnList(list(3, [], ca))).toBe(true);
    expect(set.isBehind).toBe(false);
    expect(set.list?.head.sequence).toBe(3);
  });
});

test('a head that claims to be no newer costs no signature check', () => {
  let checks = 0;
  const verifier: Verifier = {
    verify(...given) {
      checks++;
      return nobleVerifier.verify(...given);
    },
  };
  const set = new RevocationSet(GROUP, publicKeyOf(CA), verifier);
  for (let i = 0; i < 5; i++) set.learnHead(head(3, NOW, CA));
  set.learnHead(NO_REVOCATIONS);
  expect(checks).toBe(1);
});

test('the age of a head counts from its signature, and of none is infinite', () => {
  const set = newSet(CA);
  expect(set.ageMs(NOW)).toBe(Number.POSITIVE_INFINITY);
  set.learnHead(head(1, NOW, CA));
  expect(set.ageMs(NOW + 500)).toBe(500);
  expect(set.ageMs(NOW - 500)).toBe(0);
});

test('in the public overlay nobody is revoked', () => {
  const set = new RevocationSet('public', undefined, nobleVerifier);
  expect(set.learnHead(head(1, NOW, CA, 'public'))).toBe(false);
  expect(set.learnList(list(1, [{ user: 'ada', before: NOW }], CA))).toBe(false);
  expect(set.isRevoked(certificate('', 0))).toBe(false);
});

describe('a revocation list in bytes', () => {
  test('has its fields where the drawing says', () => {
    const bytes = encodeRevocationList({
      head: { sequence: 258, signedAt: 3, signature: new Uint8Array(64).fill(0xaa) },
      revoked: [{ user: 'ab', before: 4 }],
      signature: new Uint8Array(64).fill(0xbb),
    });
    expect(toHex(bytes)).toBe(
      `0000000001020000000000000003${'aa'.repeat(64)}000102` + `61620000000000000004${'bb'.repeat(64)}`,
    );
    expect(toHex(revocationHeadText('g', { sequence: 258, signedAt: 3 }))).toBe(
      '77617272656e2d7265766f636174696f6e732f31' + '67' + '0000000001020000000000000003',
    );
    expect(toHex(revocationListText('g', { sequence: 258, signedAt: 3 }, [{ user: 'ab', before: 4 }]))).toBe(
      '77617272656e2d7265766f636174696f6e2d6c6973742f31' +
        '67' +
        '0000000001020000000000000003' +
        '0001026162' +
        '0000000000000004',
    );
  });

  test('is read as it was written', () => {
    const user = fc.stringMatching(/^[a-z0-9._-]{1,32}$/);
    const revoked = fc.array(fc.record({ user, before: fc.nat(2 ** 48) }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.nat(2 ** 47), fc.nat(2 ** 48), revoked, (sequence, signedAt, entries) => {
        const signature = new Uint8Array(64).fill(1);
        const given = { head: { sequence, signedAt, signature }, revoked: entries, signature };
        expect(decodeRevocationList(encodeRevocationList(given))).toEqual(given);
      }),
    );
  });

  test('cut short anywhere is refused, and so are impossible names and counts', () => {
    const bytes = encodeRevocationList(list(1, [{ user: 'ada', before: NOW }], CA));
    for (let length = 0; length < bytes.length; length++) {
      expect(decodeRevocationList(bytes.subarray(0, length))).toBeUndefined();
    }
    for (const user of ['', 'Ada', 'x'.repeat(33)]) {
      expect(decodeRevocationList(encodeRevocationList(list(1, [{ user, before: NOW }], CA)))).toBeUndefined();
    }
    const many = Array.from({ length: REVOKED_MAX + 1 }, (_, i) => ({ user: `u${i}`, before: NOW }));
    expect(decodeRevocationList(encodeRevocationList(list(1, many, CA)))).toBeUndefined();
    expect(newSet(CA).learnList(list(1, many, CA))).toBe(false);
  });

  test('of the most entries with the longest names fits 16 KiB', () => {
    const revoked = Array.from({ length: REVOKED_MAX }, (_, i) => ({ user: `${i}`.padStart(32, 'x'), before: NOW }));
    const bytes = encodeRevocationList(list(1, revoked, CA));
    expect(bytes.length).toBeLessThanOrEqual(16_384);
    expect(decodeRevocationList(bytes)?.revoked.length).toBe(REVOKED_MAX);
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => void decodeRevocationList(bytes)));
  });
});

function certificate(user: string, notBefore: number, device = 1) {
  return { user, peerId: new Uint8Array(20).fill(device), notBefore };
}

function newSet(ca: Signer): RevocationSet {
  return new RevocationSet(GROUP, publicKeyOf(ca), nobleVerifier);
}

function publicKeyOf(ca: Signer): PublicKey {
  return publicKeyFromSpki(ca.spki) as PublicKey;
}

function head(sequence: number, signedAt: number, by: Signer, group = GROUP): RevocationHead {
  return { sequence, signedAt, signature: by.sign(revocationHeadText(group, { sequence, signedAt })) };
}

function list(sequence: number, revoked: readonly Revocation[], by: Signer): RevocationList {
  const signed = head(sequence, NOW, by);
  return { head: signed, revoked, signature: by.sign(revocationListText(GROUP, signed, revoked)) };
}

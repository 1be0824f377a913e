/** The profile, case by case in the manner of x509-limbo (faults.md rows 53 and 54), and under random damage. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromHex, sameBytes, toHex, utf8 } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CertificateFault, isGroupId, isLabel, parseLeaf, readAuthority, readLeaf } from './certificate.ts';
import { encodeDer, encodeTime, Tag } from './der.ts';
import {
  altNames,
  attribute,
  authorityCertificate,
  BASIC,
  DAY_MS,
  extension,
  GROUP,
  leaf,
  NOW,
  name,
  OTHER_GROUP,
  type Parts,
  PEER_HEX,
  publicLeaf,
  signer,
  USAGE,
  validity,
} from './odd-certificate.ts';
import * as oids from './oids.ts';

const CA = signer('ed25519', 1);
const CA_P256 = signer('p256', 2);
const HOLDER = signer('ed25519', 3);
const HOLDER_P256 = signer('p256', 4);

const PEER_URI = `urn:warren:${GROUP}:peer:${PEER_HEX}`;
const USER_URI = `urn:warren:${GROUP}:user:ada`;
const NAMES = altNames(PEER_URI, USER_URI);
const SKI = extension(oids.OID_SUBJECT_KEY_ID, false, encodeDer(Tag.octetString, new Uint8Array(20)));
const AKI = extension(oids.OID_AUTHORITY_KEY_ID, false, hex('3016801400112233445566778899aabbccddeeff01234567'));
const UNKNOWN_OID = hex('06032a0304');

describe('a leaf of a group', () => {
  test.each([
    ['Ed25519 by Ed25519', CA, HOLDER],
    ['P-256 by Ed25519', CA, HOLDER_P256],
    ['Ed25519 by P-256', CA_P256, HOLDER],
    ['P-256 by P-256', CA_P256, HOLDER_P256],
  ])('is read: %s', (_, authority, holder) => {
    const der = leaf(authority, holder);
    const read = parseLeaf(der);
    expect(read).toMatchObject({
      group: GROUP,
      user: 'ada',
      device: 'laptop',
      notBefore: NOW - DAY_MS,
      notAfter: NOW + 29 * DAY_MS,
      signatureAlgorithm: authority.algorithm,
      publicKey: { algorithm: holder.algorithm },
    });
    expect(read?.der).toEqual(der);
    expect(read?.spki).toEqual(holder.spki);
    expect(read && toHex(read.peerId)).toBe(PEER_HEX);
    expect(read?.tbsHash).toEqual(sha256(read?.tbs ?? der));
    expect(read?.signature.length).toBe(64);
  });

  test('keeps its own copy of the bytes', () => {
    const der = leaf(CA, HOLDER);
    const read = parseLeaf(der);
    const hash = read?.tbsHash.slice();
    der.fill(0);
    expect(read && sha256(read.tbs)).toEqual(hash);
  });

  test('may carry key identifiers and unknown extensions that are not critical', () => {
    const extensions = [SKI, NAMES, AKI, extension(UNKNOWN_OID, false, utf8('x')), USAGE, BASIC];
    expect(parseLeaf(leaf(CA, HOLDER, { extensions }))).toBeDefined();
  });

  test('with the longest names and key identifiers fits its limit of 637 bytes, and one byte more is refused', () => {
    const label = 'x'.repeat(32);
    const names = altNames(PEER_URI, `urn:warren:${GROUP}:user:${label}`);
    const subject = name(label);
    const der = leaf(CA_P256, HOLDER_P256, { extensions: [BASIC, USAGE, names, SKI], subject });
    expect(der.length).toBeLessThanOrEqual(637);
    expect(parseLeaf(der)).toBeDefined();
    const padding = extension(UNKNOWN_OID, false, new Uint8Array(637));
    expect(readLeaf(leaf(CA, HOLDER, { extensions: [BASIC, USAGE, NAMES, padding] }))).toBe('too-large');
  });

  const cases: [string, CertificateFault, Partial<Parts>][] = [
    ['version 1, which has no version field', 'malformed', { version: new Uint8Array(0) }],
    ['version 2', 'malformed', { version: hex('a003020101') }],
    ['a version of two bytes', 'malformed', { version: hex('a00402020002') }],
    ['a serial of 15 bytes', 'bad-serial', { serial: encodeDer(Tag.integer, new Uint8Array(15).fill(1)) }],
    ['a serial of 17 bytes', 'bad-serial', { serial: encodeDer(Tag.integer, new Uint8Array(17).fill(1)) }],
    ['a serial of 21 bytes', 'bad-serial', { serial: encodeDer(Tag.integer, new Uint8Array(21).fill(1)) }],
    ['a serial of zero', 'bad-serial', { serial: hex('020100') }],
    ['an empty serial', 'malformed', { serial: hex('0200') }],
    ['a negative serial', 'malformed', { serial: encodeDer(Tag.integer, new Uint8Array(16).fill(0x80)) }],
    ['a serial padded with zeros', 'malformed', { serial: hex(`0210000102030405060708090a0b0c0d0e0f`) }],
    [
      'a serial with a high first byte behind a zero',
      'bad-serial',
      { serial: hex('021000ff02030405060708090a0b0c0d0e0f') },
    ],
    ['an issuer in PrintableString', 'bad-names', { issuer: name(GROUP, 0x13) }],
    ['an issuer that is no group id', 'bad-names', { issuer: name('warren') }],
    ['another issuer than in its names', 'bad-names', { issuer: name(OTHER_GROUP) }],
    ['an empty issuer', 'bad-names', { issuer: encodeDer(Tag.sequence) }],
    ['a subject in capitals', 'bad-names', { subject: name('Laptop') }],
    ['a subject of 33 characters', 'bad-names', { subject: name('x'.repeat(33)) }],
    ['an empty subject', 'bad-names', { subject: name('') }],
    ['a subject with a NUL', 'bad-names', { subject: name('lap\0top') }],
    [
      'a subject of two names',
      'bad-names',
      { subject: encodeDer(Tag.sequence, encodeDer(Tag.set, attribute('a')), encodeDer(Tag.set, attribute('b'))) },
    ],
    [
      'a subject of one name with two values',
      'bad-names',
      { subject: encodeDer(Tag.sequence, encodeDer(Tag.set, attribute('a'), attribute('b'))) },
    ],
    ['a life of more than 31 days', 'bad-dates', { validity: validity(NOW, NOW + 31 * DAY_MS + 1_000) }],
    ['no life at all', 'bad-dates', { validity: validity(NOW, NOW) }],
    ['an end before its beginning', 'bad-dates', { validity: validity(NOW, NOW - 1_000) }],
    [
      'a year of two digits in GeneralizedTime',
      'malformed',
      { validity: dates('181132363037303131323030' + '30305a') },
    ],
    [
      'this year in GeneralizedTime',
      'malformed',
      { validity: encodeDer(Tag.sequence, general('20260701120000Z'), general('20260702120000Z')) },
    ],
    ['30 February', 'malformed', { validity: encodeDer(Tag.sequence, utc('260230000000Z'), utc('260301000000Z')) }],
    ['hour 24', 'malformed', { validity: encodeDer(Tag.sequence, utc('260701240000Z'), utc('260703000000Z')) }],
    [
      'a time without seconds',
      'malformed',
      { validity: encodeDer(Tag.sequence, utc('2607011200Z'), utc('2607021200Z')) },
    ],
    [
      'a time with an offset',
      'malformed',
      { validity: encodeDer(Tag.sequence, utc('260701120000+0000'), utc('260702120000+0000')) },
    ],
    [
      'three dates',
      'malformed',
      { validity: encodeDer(Tag.sequence, encodeTime(NOW), encodeTime(NOW), encodeTime(NOW)) },
    ],
    [
      'an RSA key',
      'bad-key',
      { spki: encodeDer(Tag.sequence, hex('300d06092a864886f70d0101010500'), hex('03020000')) },
    ],
    ['an Ed25519 key with NULL parameters', 'bad-key', { spki: hex(`302c300706032b65700500032100${'11'.repeat(32)}`) }],
    ['an Ed25519 key of 31 bytes', 'bad-key', { spki: hex(`3029300506032b6570032000${'11'.repeat(31)}`) }],
    [
      'a compressed P-256 key',
      'bad-key',
      { spki: hex(`3039301306072a8648ce3d020106082a8648ce3d03010703220002${'11'.repeat(32)}`) },
    ],
    ['a P-256 key that starts like none', 'bad-key', { spki: concat(oids.SPKI_P256_HEAD, new Uint8Array(65).fill(5)) }],
    ['no basic constraints', 'bad-extensions', { extensions: [USAGE, NAMES] }],
    [
      'basic constraints that are not critical',
      'bad-extensions',
      { extensions: [extension(oids.OID_BASIC_CONSTRAINTS, false, hex('3000')), USAGE, NAMES] },
    ],
    ['CA:TRUE', 'authority-certificate', { extensions: [basic('30030101ff'), USAGE, NAMES] }],
    ['CA:TRUE with path length', 'authority-certificate', { extensions: [basic('30060101ff020100'), USAGE, NAMES] }],
    ['CA:FALSE spelled out', 'authority-certificate', { extensions: [basic('3003010100'), USAGE, NAMES] }],
    ['basic constraints twice', 'bad-extensions', { extensions: [BASIC, BASIC, USAGE, NAMES] }],
    ['no key usage', 'bad-extensions', { extensions: [BASIC, NAMES] }],
    [
      'key usage that is not critical',
      'bad-extensions',
      { extensions: [BASIC, extension(oids.OID_KEY_USAGE, false, oids.KEY_USAGE_LEAF), NAMES] },
    ],
    ['key usage with key agreement', 'bad-extensions', { extensions: [BASIC, usage('03020388'), NAMES] }],
    ['key usage of an authority', 'bad-extensions', { extensions: [BASIC, usage('03020106'), NAMES] }],
    ['key usage with trailing zero bits', 'bad-extensions', { extensions: [BASIC, usage('03020080'), NAMES] }],
    ['no names', 'bad-names', { extensions: [BASIC, USAGE] }],
    [
      'names that are not critical',
      'bad-extensions',
      { extensions: [BASIC, USAGE, extension(oids.OID_SUBJECT_ALT_NAME, false, uris(PEER_URI, USER_URI))] },
    ],
    ['names twice', 'bad-extensions', { extensions: [BASIC, USAGE, NAMES, NAMES] }],
    ['a peer without a user', 'bad-names', { extensions: [BASIC, USAGE, altNames(PEER_URI)] }],
    ['a user without a peer', 'bad-names', { extensions: [BASIC, USAGE, altNames(USER_URI)] }],
    ['names in the other order', 'bad-names', { extensions: [BASIC, USAGE, altNames(USER_URI, PEER_URI)] }],
    [
      'a second user',
      'bad-names',
      { extensions: [BASIC, USAGE, altNames(PEER_URI, USER_URI, USER_URI.replace('ada', 'bob'))] },
    ],
    ['a second peer', 'bad-names', { extensions: [BASIC, USAGE, altNames(PEER_URI, PEER_URI, USER_URI)] }],
    [
      'a peer of another group',
      'bad-names',
      { extensions: [BASIC, USAGE, altNames(PEER_URI.replace(GROUP, OTHER_GROUP), USER_URI)] },
    ],
    [
      'a user of another group',
      'bad-names',
      { extensions: [BASIC, USAGE, altNames(PEER_URI, USER_URI.replace(GROUP, OTHER_GROUP))] },
    ],
    [
      'a peer of the public overlay',
      'bad-names',
      { extensions: [BASIC, USAGE, altNames(PEER_URI.replace(GROUP, 'public'), USER_URI)] },
    ],
    [
      'a peer id in capitals',
      'bad-names',
      { extensions: [BASIC, USAGE, altNames(`urn:warren:${GROUP}:peer:${PEER_HEX.toUpperCase()}`, USER_URI)] },
    ],
    ['a peer id of 39 digits', 'bad-names', { extensions: [BASIC, USAGE, altNames(PEER_URI.slice(0, -1), USER_URI)] }],
    ['a peer id of 41 digits', 'bad-names', { extensions: [BASIC, USAGE, altNames(`${PEER_URI}0`, USER_URI)] }],
    [
      'a user in capitals',
      'bad-names',
      { extensions: [BASIC, USAGE, altNames(PEER_URI, USER_URI.replace('ada', 'Ada'))] },
    ],
    [
      'a user of 33 characters',
      'bad-names',
      { extensions: [BASIC, USAGE, altNames(PEER_URI, `${USER_URI}${'x'.repeat(30)}`)] },
    ],
    ['a user with a line end', 'bad-names', { extensions: [BASIC, USAGE, altNames(PEER_URI, `${USER_URI}\n`)] }],
    [
      'a DNS name beside',
      'bad-names',
      {
        extensions: [
          BASIC,
          USAGE,
          extension(
            oids.OID_SUBJECT_ALT_NAME,
            true,
            encodeDer(Tag.sequence, uri(PEER_URI), uri(USER_URI), encodeDer(0x82, utf8('a.b'))),
          ),
        ],
      },
    ],
    [
      'something behind its names',
      'bad-names',
      {
        extensions: [
          BASIC,
          USAGE,
          extension(oids.OID_SUBJECT_ALT_NAME, true, concat(uris(PEER_URI, USER_URI), hex('0500'))),
        ],
      },
    ],
    [
      'an unknown critical extension',
      'unknown-critical-extension',
      { extensions: [BASIC, USAGE, NAMES, extension(UNKNOWN_OID, true, utf8('x'))] },
    ],
    [
      'critical name constraints',
      'unknown-critical-extension',
      { extensions: [BASIC, USAGE, NAMES, extension(hex('0603551d1e'), true, hex('3000'))] },
    ],
    [
      'a critical key identifier',
      'unknown-critical-extension',
      { extensions: [BASIC, USAGE, NAMES, extension(oids.OID_SUBJECT_KEY_ID, true, hex('0400'))] },
    ],
    [
      'an unknown extension twice',
      'bad-extensions',
      {
        extensions: [
          BASIC,
          USAGE,
          NAMES,
          extension(UNKNOWN_OID, false, hex('00')),
          extension(UNKNOWN_OID, false, hex('01')),
        ],
      },
    ],
    [
      'nine extensions',
      'malformed',
      {
        extensions: [
          BASIC,
          USAGE,
          NAMES,
          ...Array.from({ length: 6 }, (_, i) => extension(hex(`06032a030${i}`), false, hex('00'))),
        ],
      },
    ],
    [
      'FALSE spelled out',
      'malformed',
      { extensions: [BASIC, USAGE, NAMES, encodeDer(Tag.sequence, UNKNOWN_OID, hex('010100'), hex('0400'))] },
    ],
    [
      'a TRUE of 01',
      'malformed',
      {
        extensions: [encodeDer(Tag.sequence, oids.OID_BASIC_CONSTRAINTS, hex('010101'), hex('04023000')), USAGE, NAMES],
      },
    ],
    ['no extensions', 'malformed', { extensionsField: new Uint8Array(0) }],
    ['an empty list of extensions', 'bad-extensions', { extensions: [] }],
    [
      'a unique id before its extensions',
      'malformed',
      {
        extensionsField: concat(
          hex('810200ff'),
          encodeDer(Tag.explicit3, encodeDer(Tag.sequence, BASIC, USAGE, NAMES)),
        ),
      },
    ],
    [
      'something behind its extensions',
      'malformed',
      { extensionsField: concat(encodeDer(Tag.explicit3, encodeDer(Tag.sequence, BASIC, USAGE, NAMES)), hex('0500')) },
    ],
    ['an RSA signature', 'bad-algorithm', { algorithm: hex('300d06092a864886f70d01010b0500') }],
    ['an algorithm with NULL parameters', 'bad-algorithm', { algorithm: hex('300706032b65700500') }],
    ['another algorithm inside than outside', 'bad-algorithm', { outerAlgorithm: oids.ALGORITHM_ECDSA_SHA256 }],
    [
      'a signature with unused bits',
      'malformed',
      { signatureField: bytes => encodeDer(Tag.bitString, Uint8Array.of(1), bytes) },
    ],
    [
      'a signature of 63 bytes',
      'malformed',
      { signatureField: bytes => encodeDer(Tag.bitString, Uint8Array.of(0), bytes.subarray(1)) },
    ],
    ['an empty signature', 'malformed', { signatureField: () => hex('0300') }],
    [
      'something behind its signature',
      'malformed',
      { signatureField: bytes => concat(encodeDer(Tag.bitString, Uint8Array.of(0), bytes), hex('0500')) },
    ],
  ];

  test.each(cases)('with %s is refused as %s', (_, fault, changes) => {
    expect(readLeaf(leaf(CA, HOLDER, changes))).toBe(fault);
    expect(parseLeaf(leaf(CA, HOLDER, changes))).toBeUndefined();
  });

  test('in BER is refused: long lengths, indefinite lengths, split strings', () => {
    const der = leaf(CA, HOLDER);
    const content = der.subarray(4);
    expect(readLeaf(concat(hex('3083'), hex('00'), der.subarray(2, 4), content))).toBe('malformed');
    expect(readLeaf(concat(hex('3080'), content, hex('0000')))).toBe('malformed');
    const longVersion = leaf(CA, HOLDER, { version: hex('a08103020102') });
    expect(readLeaf(longVersion)).toBe('malformed');
    const longKey = leaf(CA, HOLDER, { spki: concat(hex('30812a'), HOLDER.spki.subarray(2)) });
    expect(readLeaf(longKey)).toBe('malformed');
    const split = leaf(CA, HOLDER, {
      signatureField: bytes => encodeDer(0x23, encodeDer(Tag.bitString, Uint8Array.of(0), bytes)),
    });
    expect(readLeaf(split)).toBe('malformed');
  });

  test('cut short or with something behind it is refused', () => {
    for (const authority of [CA, CA_P256]) {
      const der = leaf(authority, HOLDER);
      for (let length = 0; length < der.length; length++) expect(readLeaf(der.subarray(0, length))).toBe('malformed');
      expect(readLeaf(concat(der, hex('00')))).toBe('malformed');
    }
  });

  test('with any bit turned is refused, or differs in what is signed or in the signature', () => {
    const der = leaf(CA, HOLDER_P256);
    const original = parseLeaf(der);
    for (let bit = 0; bit < der.length * 8; bit++) {
      const changed = der.slice();
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      const read = parseLeaf(changed);
      if (read === undefined || original === undefined) continue;
      const isSame = sameBytes(read.tbsHash, original.tbsHash) && sameBytes(read.signature, original.signature);
      expect(isSame, `bit ${bit}`).toBe(false);
    }
  });

  test('never throws, whatever the bytes', () => {
    const der = leaf(CA_P256, HOLDER);
    const damage = fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(der.length), (changes, cut) => {
        const changed = der.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        readLeaf(changed);
        readAuthority(changed);
        readLeaf(concat(changed.subarray(0, cut), changed.subarray(cut + 1)));
      }),
      { numRuns: 2_000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), bytes => parseLeaf(bytes) === undefined));
  });
});

describe('a leaf of the public overlay', () => {
  const ID = sha256(HOLDER.spki).subarray(0, 20);

  test('carries the peer id that its key gives', () => {
    expect(parseLeaf(publicLeaf(HOLDER, ID))).toMatchObject({
      group: 'public',
      user: '',
      device: '',
      peerId: ID.slice(),
    });
    expect(readLeaf(publicLeaf(HOLDER, new Uint8Array(20)))).toBe('bad-names');
  });

  test.each([
    ['another subject', 'bad-names', { subject: name('laptop') }],
    ['another issuer', 'bad-names', { issuer: name(GROUP) }],
    ['a user', 'bad-names', { extensions: [BASIC, USAGE, altNames(`urn:warren:public:peer:${toHex(ID)}`, USER_URI)] }],
    [
      'the peer id of a group',
      'bad-names',
      { extensions: [BASIC, USAGE, altNames(`urn:warren:${GROUP}:peer:${toHex(ID)}`)] },
    ],
    [
      'CA:TRUE',
      'authority-certificate',
      { extensions: [basic('30030101ff'), USAGE, altNames(`urn:warren:public:peer:${toHex(ID)}`)] },
    ],
    ['more than 31 days', 'bad-dates', { validity: validity(NOW, NOW + 32 * DAY_MS) }],
  ] satisfies [string, CertificateFault, Partial<Parts>][])('with %s is refused as %s', (_, fault, changes) => {
    expect(readLeaf(publicLeaf(HOLDER, ID, changes))).toBe(fault);
  });
});

describe('the certificate of an authority', () => {
  test('is read', () => {
    for (const authority of [CA, CA_P256]) {
      expect(readAuthority(authorityCertificate(authority))).toMatchObject({ group: GROUP, spki: authority.spki });
    }
  });

  const AUTHORITY_BASIC = basic('30060101ff020100');
  const AUTHORITY_USAGE = usage('03020106');
  test.each([
    ['another subject', 'bad-names', { subject: name(OTHER_GROUP) }],
    ['a name that is no group id', 'bad-names', { issuer: name('warren'), subject: name('warren') }],
    ['no basic constraints', 'bad-extensions', { extensions: [AUTHORITY_USAGE] }],
    ['CA:FALSE', 'bad-extensions', { extensions: [BASIC, AUTHORITY_USAGE] }],
    ['no path length', 'bad-extensions', { extensions: [basic('30030101ff'), AUTHORITY_USAGE] }],
    ['path length 1', 'bad-extensions', { extensions: [basic('30060101ff020101'), AUTHORITY_USAGE] }],
    ['key usage of a leaf', 'bad-extensions', { extensions: [AUTHORITY_BASIC, USAGE] }],
    ['only certificate signing', 'bad-extensions', { extensions: [AUTHORITY_BASIC, usage('03020204')] }],
    ['names', 'bad-names', { extensions: [AUTHORITY_BASIC, AUTHORITY_USAGE, NAMES] }],
    ['an end before its beginning', 'bad-dates', { validity: validity(NOW, NOW - 1_000) }],
    [
      'more than 1,024 bytes',
      'too-large',
      { extensions: [AUTHORITY_BASIC, AUTHORITY_USAGE, extension(UNKNOWN_OID, false, new Uint8Array(1_024))] },
    ],
  ] satisfies [string, CertificateFault, Partial<Parts>][])('with %s is refused as %s', (_, fault, changes) => {
    expect(readAuthority(authorityCertificate(CA, changes))).toBe(fault);
  });

  test('is no leaf, and a leaf is no authority', () => {
    expect(readLeaf(authorityCertificate(CA))).toBe('bad-dates');
    expect(readLeaf(authorityCertificate(CA, { validity: validity(NOW, NOW + DAY_MS) }))).toBe('authority-certificate');
    expect(readAuthority(leaf(CA, HOLDER))).toBe('bad-extensions');
  });
});

test('group ids and labels are what the profile says', () => {
  expect([GROUP, OTHER_GROUP].every(isGroupId)).toBe(true);
  expect(['public', GROUP.toUpperCase(), `${GROUP}a`, `${GROUP.slice(1)}1`, ''].some(isGroupId)).toBe(false);
  expect(['ada', 'a-b_c.d', '0', 'x'.repeat(32)].every(isLabel)).toBe(true);
  expect(['', 'Ada', 'a b', 'ä', 'x'.repeat(33), 'a\n'].some(isLabel)).toBe(false);
});

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

function basic(value: string): Uint8Array {
  return extension(oids.OID_BASIC_CONSTRAINTS, true, hex(value));
}

function usage(value: string): Uint8Array {
  return extension(oids.OID_KEY_USAGE, true, hex(value));
}

function uri(text: string): Uint8Array {
  return encodeDer(Tag.uri, utf8(text));
}

function uris(...texts: string[]): Uint8Array {
  return encodeDer(Tag.sequence, ...texts.map(uri));
}

function utc(text: string): Uint8Array {
  return encodeDer(Tag.utcTime, utf8(text));
}

function general(text: string): Uint8Array {
  return encodeDer(Tag.generalizedTime, utf8(text));
}

function dates(element: string): Uint8Array {
  return encodeDer(Tag.sequence, hex(element), hex(element));
}

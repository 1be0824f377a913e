/** Teams in leaves: the one encoding that DER has for each set of them, and nothing else. */
import { X509Certificate } from 'node:crypto';
import { fromHex, toHex, utf8 } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { Authority } from './authority.ts';
import { parseLeaf, readAuthority, readLeaf } from './certificate.ts';
import { encodeDer, Tag } from './der.ts';
import {
  altNames,
  authorityCertificate,
  BASIC,
  extension,
  GROUP,
  leaf,
  NOW,
  PEER_HEX,
  publicLeaf,
  signer,
  USAGE,
} from './odd-certificate.ts';
import * as oids from './oids.ts';
import { areTeams, encodeTeams, isTeam, readTeams } from './teams.ts';

const CA = signer('ed25519', 1);
const HOLDER = signer('ed25519', 3);
const NAMES = altNames(`urn:warren:${GROUP}:peer:${PEER_HEX}`, `urn:warren:${GROUP}:user:ada`);
const OPS = '300e300c060355040b31050c036f7073';

describe('teams in a leaf', () => {
  test.each<[string, readonly string[]]>([
    [OPS, ['ops']],
    ['3011300f060355040b31080c01620c03616263', ['abc', 'b']],
    ['30193017060355040b31100c0161' + '0c0162' + '0c0163' + '0c056b6964732d', ['a', 'b', 'c', 'kids-']],
  ])('are %s for %j, whatever their order', (hex, teams) => {
    expect(toHex(encodeTeams([...teams].reverse()))).toBe(hex);
    expect(readTeams(bytes(hex))).toEqual(teams);
    expect(parseLeaf(withTeams(bytes(hex)))?.teams).toEqual(teams);
  });

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['no attribute', bytes('3000')],
    ['an attribute without values', attribute()],
    ['five teams', attribute(...['a', 'b', 'c', 'd', 'e'].map(value))],
    ['25 characters', attribute(value('a'.repeat(9)), value('b'.repeat(16)))],
    ['a name of 17 characters', attribute(value('a'.repeat(17)))],
    ['an empty name', attribute(value(''))],
    ['a capital', attribute(value('Ops'))],
    ['a blank', attribute(value('o s'))],
    ['a leading hyphen', attribute(value('-ops'))],
    ['a line break at the end', attribute(value('ops\n'))],
    ['a letter that only looks like one of ours', attribute(value('оps'))],
    ['UTF-8 of more bytes than needed', attribute(encodeDer(Tag.utf8String, bytes('c1afc1b0')))],
    ['PrintableString', attribute(encodeDer(0x13, utf8('ops')))],
    ['the same twice', attribute(value('ops'), value('ops'))],
    ['another order than that of DER', attribute(value('ops'), value('b'))],
    ['another attribute', encodeDer(Tag.sequence, named(oids.OID_COMMON_NAME, value('ops')))],
    [
      'two attributes',
      encodeDer(Tag.sequence, ...['b', 'ops'].map(team => named(oids.OID_ORGANIZATIONAL_UNIT, value(team)))),
    ],
    ['a sequence in place of the set', bytes(OPS.replace('31050c', '30050c'))],
    ['a length of two bytes', bytes('30810e300c060355040b31050c036f7073')],
    ['something behind', bytes(`${OPS}00`)],
    ['something inside behind the values', bytes('3010300e060355040b31050c036f70730500')],
    ['less than it says', bytes(OPS.slice(0, -2))],
  ])('in any other encoding make a certificate unusable: %s', (_, hostile) => {
    expect(readTeams(hostile)).toBeUndefined();
    expect(readLeaf(withTeams(hostile))).toBe('bad-extensions');
  });

  test('are none without the extension, and must not be critical or given twice', () => {
    expect(parseLeaf(leaf(CA, HOLDER))?.teams).toEqual([]);
    const [plain, critical] = [false, true].map(isCritical => teamsExtension(bytes(OPS), isCritical));
    for (const odd of [[critical], [plain, plain]]) {
      expect(readLeaf(leaf(CA, HOLDER, { extensions: [BASIC, USAGE, NAMES, ...(odd as Uint8Array[])] }))).toBe(
        'bad-extensions',
      );
    }
  });

  test('are not for the public overlay, nor for an authority', () => {
    const id = parseLeaf(leaf(CA, HOLDER))?.tbsHash.subarray(0, 20) as Uint8Array;
    const names = altNames(`urn:warren:public:peer:${toHex(id)}`);
    const teams = teamsExtension(bytes(OPS));
    expect(readLeaf(publicLeaf(HOLDER, id, { extensions: [BASIC, USAGE, names, teams] }))).toBe('bad-extensions');
    const basics = [
      extension(oids.OID_BASIC_CONSTRAINTS, true, oids.BASIC_CONSTRAINTS_AUTHORITY),
      extension(oids.OID_KEY_USAGE, true, oids.KEY_USAGE_AUTHORITY),
    ];
    expect(readAuthority(authorityCertificate(CA, { extensions: [...basics, teams] }))).toBe('bad-extensions');
  });

  test('count as the group CA signed them: who writes its own certificate is refused', () => {
    const authority = Authority.group(authorityCertificate(CA)) as Authority;
    const certifies = (by: typeof CA) => {
      const read = parseLeaf(leaf(by, HOLDER, { extensions: [BASIC, USAGE, NAMES, teamsExtension(bytes(OPS))] }));
      return read !== undefined && authority.certifies(read, NOW);
    };
    expect([certifies(CA), certifies(HOLDER)]).toEqual([true, false]);
  });

  test('are an extension that OpenSSL reads past', () => {
    const der = leaf(CA, HOLDER, { extensions: [BASIC, USAGE, NAMES, teamsExtension(bytes(OPS))] });
    expect(new X509Certificate(der).subject).toBe('CN=laptop');
  });
});

test('a user may be in four teams of 24 characters together', () => {
  for (const good of [[], ['a'], ['a', 'b', 'c', 'd'], ['a'.repeat(16), 'b'.repeat(8)]]) {
    expect(areTeams(good), good.join()).toBe(true);
  }
  for (const bad of [['a', 'b', 'c', 'd', 'e'], ['a'.repeat(16), 'b'.repeat(9)], ['a', 'a'], ['A']]) {
    expect(areTeams(bad), bad.join()).toBe(false);
  }
  expect(['x', '0', 'a-b-', 'a'.repeat(16)].every(isTeam)).toBe(true);
  expect(['', '-', 'a.b', 'a_b', 'a'.repeat(17)].some(isTeam)).toBe(false);
});

function withTeams(content: Uint8Array): Uint8Array {
  return leaf(CA, HOLDER, { extensions: [BASIC, USAGE, NAMES, teamsExtension(content)] });
}

function teamsExtension(content: Uint8Array, isCritical = false): Uint8Array {
  return extension(oids.OID_SUBJECT_DIRECTORY_ATTRIBUTES, isCritical, content);
}

/** The extension's value with these values, right or not. */
function attribute(...values: readonly Uint8Array[]): Uint8Array {
  return encodeDer(Tag.sequence, named(oids.OID_ORGANIZATIONAL_UNIT, ...values));
}

function named(oid: Uint8Array, ...values: readonly Uint8Array[]): Uint8Array {
  return encodeDer(Tag.sequence, oid, encodeDer(Tag.set, ...values));
}

function value(team: string): Uint8Array {
  return encodeDer(Tag.utf8String, utf8(team));
}

function bytes(hex: string): Uint8Array {
  return fromHex(hex) as Uint8Array;
}

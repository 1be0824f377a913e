/** Rights in leaves: every encoding that DER allows, and none that it does not. */
import { fromHex, toHex } from '@warren/base';
import { describe, expect, test } from 'vitest';
import { parseLeaf, readAuthority, readLeaf } from './certificate.ts';
import { encodeLeaf, encodeLeafText, type LeafText } from './leaf-writer.ts';
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
import { encodeRights, RIGHTS, type Right, readRights } from './rights.ts';
import { TEAMS_CHARACTERS_MAX } from './teams.ts';

const CA = signer('ed25519', 1);
const HOLDER = signer('ed25519', 3);
const NAMES = altNames(`urn:warren:${GROUP}:peer:${PEER_HEX}`, `urn:warren:${GROUP}:user:ada`);

describe('rights', () => {
  test.each<[string, readonly Right[]]>([
    ['030100', []],
    ['03020780', ['relay']],
    ['03020640', ['gateway']],
    ['03020520', ['router']],
    ['030206c0', ['relay', 'gateway']],
    ['030205a0', ['relay', 'router']],
    ['03020560', ['gateway', 'router']],
    ['030205e0', ['relay', 'gateway', 'router']],
  ])('are %s for %j', (hex, rights) => {
    expect(toHex(encodeRights(rights))).toBe(hex);
    expect(readRights(bytes(hex))).toEqual(rights);
    expect(parseLeaf(withRights(hex))?.rights).toEqual(rights);
  });

  test('in any other encoding make a certificate unusable: every value of up to two bytes in a BIT STRING', () => {
    const good = new Set(
      Array.from({ length: 8 }, (_, set) => toHex(encodeRights(RIGHTS.filter((_r, i) => set & (1 << i))))),
    );
    for (let unused = 0; unused < 9; unused++) {
      for (let bits = 0; bits < 256; bits++) {
        const hex = toHex(Uint8Array.of(3, 2, unused, bits));
        expect(readRights(bytes(hex)) !== undefined, hex).toBe(good.has(hex));
      }
    }
    for (const hex of [
      '',
      '03',
      '0300',
      '030107',
      '0303058000',
      '03810205e0',
      '0302078000',
      '04020780',
      '2303030205e0',
    ]) {
      expect(readLeaf(withRights(hex)), hex).toBe('bad-extensions');
    }
  });

  test('are none without the extension, and must not be critical or given twice', () => {
    expect(parseLeaf(leaf(CA, HOLDER))?.rights).toEqual([]);
    const relay = extension(oids.OID_RIGHTS, false, bytes('03020780'));
    const critical = extension(oids.OID_RIGHTS, true, bytes('03020780'));
    expect(readLeaf(leaf(CA, HOLDER, { extensions: [BASIC, USAGE, NAMES, critical] }))).toBe('bad-extensions');
    expect(readLeaf(leaf(CA, HOLDER, { extensions: [BASIC, USAGE, NAMES, relay, relay] }))).toBe('bad-extensions');
  });

  test('are not for the public overlay, nor for an authority', () => {
    const relay = extension(oids.OID_RIGHTS, false, bytes('03020780'));
    const id = parseLeaf(leaf(CA, HOLDER))?.tbsHash.subarray(0, 20) as Uint8Array;
    const names = altNames(`urn:warren:public:peer:${toHex(id)}`);
    expect(readLeaf(publicLeaf(HOLDER, id, { extensions: [BASIC, USAGE, names, relay] }))).toBe('bad-extensions');
    const basics = [
      extension(oids.OID_BASIC_CONSTRAINTS, true, oids.BASIC_CONSTRAINTS_AUTHORITY),
      extension(oids.OID_KEY_USAGE, true, oids.KEY_USAGE_AUTHORITY),
    ];
    expect(readAuthority(authorityCertificate(CA, { extensions: [...basics, relay] }))).toBe('bad-extensions');
  });
});

test('the largest leaf, P-256 by P-256 with names of 32 characters, all rights and four teams, fits 637 bytes', () => {
  const [ca, holder] = [signer('p256', 2), signer('p256', 4)];
  const label = 'x'.repeat(32);
  const teams = ['all', 'ops', 'remote', 'contractors1'];
  expect(teams.join('').length).toBe(TEAMS_CHARACTERS_MAX);
  const most = { user: label, device: label, spki: holder.spki, teams, rights: RIGHTS };
  const text = encodeLeafText({ ...TEXT, ...most }, 'p256');
  const high = new Uint8Array(64).fill(0xff);
  expect(encodeLeaf(text, 'p256', high).length).toBe(636);
  const der = encodeLeaf(text, 'p256', ca.sign(text));
  expect(parseLeaf(der)).toMatchObject({ user: label, device: label, teams: [...teams].sort(), rights: RIGHTS });
});

test('what is written is what is read', () => {
  for (const algorithm of ['ed25519', 'p256'] as const) {
    const ca = signer(algorithm, 5);
    const text = encodeLeafText({ ...TEXT, teams: ['ops', 'b'], rights: ['relay', 'router'] }, algorithm);
    const { serial: _, ...expected } = TEXT;
    expect(parseLeaf(encodeLeaf(text, algorithm, ca.sign(text)))).toMatchObject({
      ...expected,
      teams: ['b', 'ops'],
      rights: ['relay', 'router'],
      signatureAlgorithm: algorithm,
    });
  }
});

const TEXT: LeafText = {
  serial: new Uint8Array(16).fill(0x42),
  group: GROUP,
  user: 'ada',
  device: 'laptop',
  peerId: bytes(PEER_HEX),
  spki: HOLDER.spki,
  notBefore: NOW,
  notAfter: NOW + 30 * 86_400_000,
  teams: [],
  rights: [],
};

function withRights(hex: string): Uint8Array {
  const rights = extension(oids.OID_RIGHTS, false, bytes(hex));
  return leaf(CA, HOLDER, { extensions: [BASIC, USAGE, NAMES, rights] });
}

function bytes(hex: string): Uint8Array {
  return fromHex(hex) as Uint8Array;
}

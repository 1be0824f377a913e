/**
 * Writes `warren.json`: certificates of our profile in the format of
 * x509-limbo, so that refusing everything does not pass. Leaves that must be
 * accepted come from three makers: the site's own code, the `openssl` command,
 * and the writer of odd certificates in the tests of `trust`, which makes the
 * bad ones too, each wrong in one part. Keys are thrown away.
 *
 *   node apps/edge/bin/run.js test/vectors/x509/make.ts
 */
import { writeFileSync } from 'node:fs';
import { concat, toHex, utf8 } from '@warren/base';
import { issueCertificateAuthority, issueLeaf } from '@warren/peer';
import { encodeDer, Tag } from '../../../packages/trust/src/der.ts';
import * as odd from '../../../packages/trust/src/odd-certificate.ts';
import * as oids from '../../../packages/trust/src/oids.ts';
import { type Issued, issue, type Wish } from './openssl-ca.ts';

const { GROUP, OTHER_GROUP, PEER_HEX, NOW, DAY_MS } = odd;
const PEER_URI = `urn:warren:${GROUP}:peer:${PEER_HEX}`;
const USER_URI = `urn:warren:${GROUP}:user:ada`;
const OTHER_USER = `urn:warren:${OTHER_GROUP}:user:ada`;
const CA_TRUE = 'basicConstraints=critical,CA:TRUE';
const ALGORITHMS = { ed25519: { name: 'Ed25519' }, p256: { name: 'ECDSA', namedCurve: 'P-256' } } as const;
const ORDER_P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

interface Case {
  readonly id: string;
  readonly description: string;
  readonly ca: string;
  readonly leaf: string;
  readonly intermediates?: readonly string[];
  readonly at?: number;
  readonly success?: boolean;
}

const cases: Case[] = [...(await productCases()), ...opensslCases(), ...datedCases(), ...craftedCases()];
const text = {
  version: 1,
  source: 'made by make.ts of this folder; format: C2SP/x509-limbo, limbo-schema.json',
  testcases: cases.map(limbo),
};
writeFileSync(new URL('warren.json', import.meta.url), `${JSON.stringify(text, undefined, 2)}\n`);
process.stdout.write(`${cases.length} cases, ${cases.filter(({ success }) => success).length} of them to accept\n`);

function limbo({ id, description, ca, leaf, intermediates = [], at = NOW, success = false }: Case) {
  return {
    id: `warren::${id}`,
    conflicts_with: [],
    features: ['warren-profile'],
    importance: 'high',
    description,
    validation_kind: 'CLIENT',
    trusted_certs: [ca],
    untrusted_intermediates: intermediates,
    peer_certificate: leaf,
    peer_certificate_key: null,
    validation_time: new Date(at).toISOString(),
    signature_algorithms: [],
    key_usage: [],
    extended_key_usage: [],
    expected_result: success ? 'SUCCESS' : 'FAILURE',
    expected_peer_name: null,
    expected_peer_names: [],
    max_chain_depth: null,
  };
}

/** By the code that sites run. */
async function productCases(): Promise<Case[]> {
  const made: Case[] = [];
  for (const [caName, ca] of Object.entries(ALGORITHMS)) {
    const keys = (await crypto.subtle.generateKey(ca, true, ['sign', 'verify'])) as CryptoKeyPair;
    const der = await issueCertificateAuthority(keys, GROUP, NOW - DAY_MS, random(16));
    for (const [leafName, algorithm] of Object.entries(ALGORITHMS)) {
      const { publicKey } = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
      const spki = new Uint8Array(await crypto.subtle.exportKey('spki', publicKey));
      const who = { group: GROUP, user: 'ada', device: 'laptop', peerId: random(20), spki };
      const leaf = await issueLeaf({ authority: keys, ...who, now: NOW, serial: random(16) });
      const description = `A leaf with ${leafName}, by a CA with ${caName}, as the site issues it.`;
      made.push({ id: `site::${leafName}-by-${caName}`, description, ca: pem(der), leaf: pem(leaf), success: true });
    }
  }
  return made;
}

/** By the openssl command. */
function opensslCases(): Case[] {
  const at = Math.floor(Date.now() / 1000) * 1000 + DAY_MS;
  const caWish: Wish = {
    name: GROUP,
    key: 'ed25519',
    days: 3_650,
    extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign,cRLSign'],
  };
  const [ca, caP256] = [issue(caWish), issue({ ...caWish, key: 'p256' })];
  const basics = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature'];
  const names = `subjectAltName=critical,URI:${PEER_URI},URI:${USER_URI}`;
  const wish: Wish = { name: 'laptop', key: 'ed25519', days: 30, extensions: [...basics, names], issuer: ca };
  const good = (id: string, description: string, by: Issued, more: Partial<Wish> = {}): Case => ({
    ...{ id: `openssl::${id}`, description, ca: by.pem, at, success: true },
    leaf: issue({ ...wish, issuer: by, ...more }).pem,
  });
  const bad = (id: string, description: string, more: Partial<Wish>): Case => ({
    ...{ id: `openssl::${id}`, description, ca: ca.pem, at, leaf: issue({ ...wish, ...more }).pem },
  });
  const middle = issue({ ...caWish, issuer: issue({ ...caWish, extensions: ['basicConstraints=critical,CA:TRUE'] }) });
  return [
    good('ed25519-by-ed25519', 'An Ed25519 leaf by an Ed25519 CA.', ca),
    good('p256-by-p256', 'A P-256 leaf by a P-256 CA.', caP256, { key: 'p256' }),
    good('ed25519-by-p256', 'An Ed25519 leaf by a P-256 CA.', caP256),
    good('key-identifiers', 'With key identifiers, which are not critical and ignored.', ca, {
      extensions: [...wish.extensions, 'subjectKeyIdentifier=hash'],
    }),
    bad('ca-true', 'The leaf is a CA itself.', { extensions: [CA_TRUE, basics[1] as string, names] }),
    bad('key-usage', 'keyEncipherment in place of digitalSignature.', {
      extensions: [basics[0] as string, 'keyUsage=critical,keyEncipherment', names],
    }),
    bad('key-usage-absent', 'No keyUsage.', { extensions: [basics[0] as string, names] }),
    bad('extra-dns', 'A DNS name beside the two URIs.', { extensions: [...basics, `${names},DNS:example.org`] }),
    bad('extra-uri', 'A third URI.', { extensions: [...basics, `${names},URI:${USER_URI}2`] }),
    bad('no-names', 'No subjectAltName.', { extensions: basics }),
    bad('critical-eku', 'A critical extension that the profile does not know.', {
      extensions: [...wish.extensions, 'extendedKeyUsage=critical,clientAuth'],
    }),
    bad('too-long', 'Good for 32 days.', { days: 32 }),
    bad('rsa-key', 'An RSA key.', { key: 'rsa' }),
    bad('self-signed', 'Signed by its own key.', { issuer: undefined as unknown as Issued, name: GROUP }),
    bad('other-ca', 'By another CA of the same name.', { issuer: issue(caWish) }),
    { ...bad('sha384', 'ECDSA with SHA-384.', { issuer: caP256, digest: 'sha384' }), ca: caP256.pem },
    {
      ...bad('chain-of-two', 'By an intermediate CA that the trusted one signed.', { issuer: middle }),
      ...{ ca: ca.pem, intermediates: [middle.pem] },
    },
  ];
}

/** One good leaf at other times, and under others' CAs. */
function datedCases(): Case[] {
  const [authority, holder] = [odd.signer('ed25519', 1), odd.signer('ed25519', 2)];
  const old = { validity: odd.validity(NOW - 99 * DAY_MS, NOW + 999 * DAY_MS) };
  const [ca, leaf] = [pem(odd.authorityCertificate(authority, old)), pem(odd.leaf(authority, holder))];
  const other = odd.authorityCertificate(authority, { issuer: odd.name(OTHER_GROUP), subject: odd.name(OTHER_GROUP) });
  const short = odd.authorityCertificate(authority, { validity: odd.validity(NOW - 9 * DAY_MS, NOW - 8 * DAY_MS) });
  const young = odd.authorityCertificate(authority, { validity: odd.validity(NOW + DAY_MS, NOW + 9 * DAY_MS) });
  const minute = 60_000;
  const [begin, end] = [NOW - DAY_MS, NOW + 29 * DAY_MS];
  const at = (id: string, description: string, time: number, success = false): Case => ({
    ...{ id: `time::${id}`, description, ca, leaf, at: time, success },
  });
  const under = (id: string, description: string, der: Uint8Array): Case => ({
    ...{ id: `authority::${id}`, description, ca: pem(der), leaf },
  });
  return [
    at('within', 'In the middle of its life.', NOW, true),
    at('skew-before', 'Four minutes early: clocks may differ by five.', begin - 4 * minute, true),
    at('skew-after', 'Four minutes late.', end + 4 * minute, true),
    at('not-yet-valid', 'Six minutes early.', begin - 6 * minute),
    at('expired', 'Six minutes late.', end + 6 * minute),
    under('other-group', 'The CA is that of another group, with the same key.', other),
    under('expired', 'The CA has expired.', short),
    under('not-yet-valid', 'The CA begins later.', young),
    under('leaf-as-authority', 'A leaf is trusted in place of a CA.', odd.leaf(authority, authority)),
    under('no-pathlen', 'A CA without pathLenConstraint.', withConstraints(authority, '30030101ff')),
    under('pathlen-1', 'A CA that allows another below it.', withConstraints(authority, '30060101ff020101')),
  ];
}

function withConstraints(authority: odd.Signer, value: string): Uint8Array {
  return odd.authorityCertificate(authority, {
    extensions: [
      odd.extension(oids.OID_BASIC_CONSTRAINTS, true, Buffer.from(value, 'hex')),
      odd.extension(oids.OID_KEY_USAGE, true, oids.KEY_USAGE_AUTHORITY),
    ],
  });
}

/** Each wrong in one part. */
function craftedCases(): Case[] {
  const [authority, holder] = [odd.signer('ed25519', 1), odd.signer('ed25519', 2)];
  const [p256, stranger] = [odd.signer('p256', 3), odd.signer('ed25519', 9)];
  const ca = pem(odd.authorityCertificate(authority));
  const names = odd.altNames(PEER_URI, USER_URI);
  const extensions = (...list: Uint8Array[]) => ({ extensions: list });
  const { BASIC, USAGE } = odd;
  const unknown = odd.extension(Buffer.from('060a2b0601040182e31b0101', 'hex'), true, Uint8Array.of(5, 0));
  const known = odd.extension(Buffer.from('060a2b0601040182e31b0101', 'hex'), false, Uint8Array.of(5, 0));
  const changes: [id: string, description: string, changes: Partial<odd.Parts>][] = [
    ['unknown-critical', 'An unknown critical extension.', extensions(BASIC, USAGE, names, unknown)],
    ['duplicate-extension', 'keyUsage twice.', extensions(BASIC, USAGE, USAGE, names)],
    ['names-not-critical', 'A subjectAltName that is not critical.', extensions(BASIC, USAGE, lax(names))],
    ['one-uri', 'No user.', extensions(BASIC, USAGE, odd.altNames(PEER_URI))],
    ['swapped-uris', 'User before peer.', extensions(BASIC, USAGE, odd.altNames(USER_URI, PEER_URI))],
    ['other-group-user', 'A user of another group.', extensions(BASIC, USAGE, odd.altNames(PEER_URI, OTHER_USER))],
    [
      'short-peer-id',
      'A peer id of 19 bytes.',
      extensions(BASIC, USAGE, odd.altNames(PEER_URI.slice(0, -2), USER_URI)),
    ],
    ['upper-case-id', 'A peer id in capitals.', extensions(BASIC, USAGE, odd.altNames(upper(PEER_URI), USER_URI))],
    ['odd-user', 'A user with a blank.', extensions(BASIC, USAGE, odd.altNames(PEER_URI, `${USER_URI} b`))],
    ['nul-in-name', 'A user with a NUL.', extensions(BASIC, USAGE, odd.altNames(PEER_URI, `${USER_URI}\0b`))],
    ['printable-string', 'A subject as PrintableString.', { subject: odd.name('laptop', 0x13) }],
    ['two-names', 'A subject of two attributes.', { subject: two('laptop', 'desktop') }],
    ['long-life', 'Good for 32 days.', { validity: odd.validity(NOW - DAY_MS, NOW + 31 * DAY_MS) }],
    ['backwards', 'Ends before it begins.', { validity: odd.validity(NOW, NOW - DAY_MS) }],
    ['short-serial', 'A serial of 8 bytes.', { serial: serial(8) }],
    ['negative-serial', 'A negative serial.', { serial: encodeDer(Tag.integer, new Uint8Array(16).fill(0xff)) }],
    ['version-1', 'Version 1.', { version: encodeDer(Tag.explicit0, encodeDer(Tag.integer, Uint8Array.of(0))) }],
    ['other-algorithm', 'Another algorithm outside than inside.', { outerAlgorithm: oids.ALGORITHM_ECDSA_SHA256 }],
    ['no-extensions', 'No extensions.', { extensionsField: new Uint8Array(0) }],
    ['cut-signature', 'A signature of 63 bytes.', { signatureField: s => bits(s.subarray(1)) }],
    ['zero-signature', 'A signature of zeros.', { signatureField: () => bits(new Uint8Array(64)) }],
    ['malleable-s', 'Ed25519 with s above the group order.', { signatureField: s => bits(withLargeS(s)) }],
    ['compressed-key', 'A compressed P-256 key.', { spki: compressed(p256) }],
  ];
  const list = changes.map(
    ([id, description, change]): Case => ({
      ...{ id: `leaf::${id}`, description, ca, leaf: pem(odd.leaf(authority, holder, change)) },
    }),
  );
  const good = odd.leaf(authority, holder);
  const raw = (id: string, description: string, der: Uint8Array): Case => ({
    ...{ id: `der::${id}`, description, ca, leaf: pem(der) },
  });
  const tolerated = odd.leaf(authority, holder, extensions(BASIC, USAGE, names, known));
  return [
    { id: 'leaf::unknown-not-critical', description: 'It is ignored.', ca, leaf: pem(tolerated), success: true },
    ...list,
    raw('trailing', 'A byte behind the certificate.', concat(good, Uint8Array.of(0))),
    raw('truncated', 'Without its last byte.', good.subarray(0, -1)),
    raw('indefinite-length', 'BER with an indefinite length.', indefinite(good)),
    raw('long-length', 'BER with a length in three bytes.', longLength(good)),
    raw('bit-flip', 'One bit of the subject is another.', flipped(good)),
    raw('stranger', 'Signed by a stranger under the name of the CA.', odd.leaf(stranger, holder)),
    ...ecdsaCases(p256, holder),
  ];
}

/** Signatures of one P-256 CA. */
function ecdsaCases(authority: odd.Signer, holder: odd.Signer): Case[] {
  const ca = pem(odd.authorityCertificate(authority));
  const leaf = (signatureField?: odd.Parts['signatureField']) =>
    pem(odd.leaf(authority, holder, signatureField === undefined ? {} : { signatureField }));
  const one = (id: string, description: string, field: odd.Parts['signatureField'], success = false): Case => ({
    ...{ id: `ecdsa::${id}`, description, ca, leaf: leaf(field), success },
  });
  return [
    one('good', 'As it should be.', undefined, true),
    one(
      'other-s',
      'The mirrored s: as good, so a certificate is known by what is signed.',
      s => bits(mirrored(s)),
      true,
    ),
    one('ber', 'r with a needless leading zero.', s => bits(padded(s))),
    one('raw', 'r and s without DER.', () => bits(new Uint8Array(64).fill(1))),
    one('zero', 'r and s of zero.', () => bits(Buffer.from('3006020100020100', 'hex'))),
    one('trailing', 'A byte behind the signature.', s => bits(concat(s, Uint8Array.of(0)))),
  ];
}

function lax(extension: Uint8Array): Uint8Array {
  // Cuts out BOOLEAN TRUE behind the object identifier.
  const at = extension.findIndex((byte, i) => byte === 1 && extension[i + 1] === 1 && extension[i + 2] === 0xff);
  return encodeDer(Tag.sequence, extension.subarray(extension[1] === 0x81 ? 3 : 2, at), extension.subarray(at + 3));
}

function upper(uri: string): string {
  return `${uri.slice(0, -40)}${uri.slice(-40).toUpperCase()}`;
}

function two(first: string, second: string): Uint8Array {
  return encodeDer(Tag.sequence, encodeDer(Tag.set, odd.attribute(first)), encodeDer(Tag.set, odd.attribute(second)));
}

function serial(length: number): Uint8Array {
  return encodeDer(Tag.integer, new Uint8Array(length).fill(0x42));
}

function bits(signature: Uint8Array): Uint8Array {
  return encodeDer(Tag.bitString, Uint8Array.of(0), signature);
}

function withLargeS(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + order;
  return concat(signature.subarray(0, 32), bigEndian(s).reverse());
}

function mirrored(der: Uint8Array): Uint8Array {
  const [r, s] = integers(der);
  return odd.ecdsaDer(concat(bigEndian(r), bigEndian(ORDER_P256 - s)));
}

function padded(der: Uint8Array): Uint8Array {
  const [r, s] = integers(der).map(bigEndian) as [Uint8Array, Uint8Array];
  const integer = (bytes: Uint8Array) => encodeDer(Tag.integer, new Uint8Array(2), bytes);
  return encodeDer(Tag.sequence, integer(r), integer(s));
}

function integers(der: Uint8Array): [bigint, bigint] {
  const length = der[3] as number;
  const value = (bytes: Uint8Array) => BigInt(`0x${toHex(bytes)}`);
  return [value(der.subarray(4, 4 + length)), value(der.subarray(6 + length))];
}

function bigEndian(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'));
}

function compressed(signer: odd.Signer): Uint8Array {
  const point = signer.spki.subarray(-65);
  const key = encodeDer(Tag.bitString, Uint8Array.of(0, 2 + ((point[64] as number) & 1)), point.subarray(1, 33));
  return encodeDer(Tag.sequence, Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex'), key);
}

/** The outermost length as 80 ... 00 00. */
function indefinite(der: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x30, 0x80), der.subarray(4), new Uint8Array(2));
}

/** The outermost length 82 xx xx as 83 00 xx xx. */
function longLength(der: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(0x30, 0x83, 0), der.subarray(2));
}

function flipped(der: Uint8Array): Uint8Array {
  const at = Buffer.from(der).indexOf(utf8('laptop'));
  return der.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

function random(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

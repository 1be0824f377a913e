/** What is made here is what `trust` accepts: with both kinds of key, in both roles. */
import 'reflect-metadata';
import { X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type Random, sameBytes, toHex } from '@warren/base';
import {
  Authority,
  decodeStatement,
  encodeStatement,
  type KeyAlgorithm,
  newWorkingKeys,
  parseLeaf,
  readAuthority,
  readLeaf,
} from '@warren/trust';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  enrolmentChallenge,
  issueCertificateAuthority,
  issueLeaf,
  makeRequest,
  makeStatement,
  readRequest,
  selfSignedPublicLeaf,
} from './certificates.ts';
import type { IdentityKey } from './host.ts';

const NOW = Date.UTC(2026, 6, 1, 12, 0, 0, 123);
const DAY = 86_400_000;
const GROUP = 'abcdefghijklmnopqrstuvwxyz';
const random: Random = { bytes: length => crypto.getRandomValues(new Uint8Array(length)) };

const algorithms: KeyAlgorithm[] = ['ed25519', 'p256'];

describe.each(algorithms)('a CA with %s', caAlgorithm => {
  let ca: IdentityKey;
  let caDer: Uint8Array;
  let authority: Authority;

  beforeAll(async () => {
    ca = await newIdentity(caAlgorithm);
    caDer = await issueCertificateAuthority(ca.keys, GROUP, NOW, random.bytes(16));
    authority = Authority.group(caDer) as Authority;
  });

  test('is accepted as an authority of its group for ten years', () => {
    const certificate = readAuthority(caDer);
    expect(certificate).toMatchObject({ group: GROUP, notAfter: floorSecond(NOW + 3_650 * DAY) });
    expect(authority.group).toBe(GROUP);
  });

  test.each(algorithms)('certifies a %s device from its request to its first handshake', async algorithm => {
    const key = await newIdentity(algorithm);
    const request = await readRequest(await makeRequest(key, 'laptop', new Uint8Array(16).fill(7)));
    expect(request?.challenge).toBe(enrolmentChallenge(new Uint8Array(16).fill(7)));
    const peerId = random.bytes(20);
    const wish = { authority: ca.keys, group: GROUP, user: 'ada', device: request?.device ?? '', peerId };
    const leafDer = await issueLeaf({ ...wish, spki: request?.spki ?? key.spki, now: NOW, serial: random.bytes(16) });
    expect(leafDer.length).toBeLessThanOrEqual(637);
    const leaf = readLeaf(leafDer);
    expect(leaf).toMatchObject({
      group: GROUP,
      user: 'ada',
      device: 'laptop',
      peerId,
      notAfter: floorSecond(NOW + 30 * DAY),
    });
    expect(leaf).toMatchObject({ publicKey: { algorithm }, spki: key.spki });

    const keys = newWorkingKeys(random);
    const tbsHash = parseLeaf(leafDer)?.tbsHash as Uint8Array;
    const made = await makeStatement(key, tbsHash, keys.noise.public, keys.signing.public, NOW);
    const statement = decodeStatement(encodeStatement(made));
    expect(statement).toEqual(made);
    expect(authority.check(leafDer, made, keys.noise.public, NOW)).toMatchObject({ ok: true });
    expect(authority.check(leafDer, made, keys.signing.public, NOW)).toEqual({
      ok: false,
      reason: 'statement-bad-signature',
    });
    expect(authority.check(leafDer, made, keys.noise.public, NOW + DAY)).toEqual({
      ok: false,
      reason: 'statement-expired',
    });
  });

  test('signs what OpenSSL verifies too', async () => {
    const { spki } = await newIdentity('p256');
    const wish = { authority: ca.keys, group: GROUP, user: 'ada', device: 'laptop', peerId: random.bytes(20), spki };
    const leaf = new X509Certificate(await issueLeaf({ ...wish, now: NOW, serial: random.bytes(16) }));
    const issuer = new X509Certificate(caDer);
    expect(issuer.verify(issuer.publicKey)).toBe(true);
    expect(leaf.verify(issuer.publicKey)).toBe(true);
    expect(leaf.checkIssued(issuer)).toBe(true);
    expect([issuer.ca, leaf.ca]).toEqual([true, false]);
  });

  test('faults #53: with teams and rights, is read alike by us, by OpenSSL and by @peculiar/x509', async () => {
    for (const algorithm of algorithms) {
      const { spki } = await newIdentity(algorithm);
      const wish = { authority: ca.keys, group: GROUP, user: 'ada', device: 'laptop', peerId: random.bytes(20), spki };
      const said = { teams: ['ops', 'b'], rights: ['relay', 'gateway'] } as const;
      const der = await issueLeaf({ ...wish, now: NOW, serial: random.bytes(16), ...said });
      const ours = parseLeaf(der);
      expect(ours).toMatchObject({ teams: ['b', 'ops'], rights: ['relay', 'gateway'] });
      const openssl = new X509Certificate(der);
      expect(openssl.verify(new X509Certificate(caDer).publicKey)).toBe(true);
      expect(openssl.subjectAltName).toContain(`URI:urn:warren:${GROUP}:user:ada`);
      expect(Date.parse(openssl.validFrom)).toBe(ours?.notBefore);
      expect(Date.parse(openssl.validTo)).toBe(ours?.notAfter);
      const peculiar = new x509.X509Certificate(der.slice());
      expect(await peculiar.verify({ publicKey: ca.keys.publicKey, signatureOnly: true })).toBe(true);
      expect([peculiar.notBefore.getTime(), peculiar.notAfter.getTime()]).toEqual([ours?.notBefore, ours?.notAfter]);
      expect(peculiar.extensions.map(({ critical }) => critical)).toEqual([true, true, true, false, false]);
      expect(peculiar.getExtension(x509.KeyUsagesExtension)?.usages).toBe(x509.KeyUsageFlags.digitalSignature);
    }
  });

  test('faults #75: begins no earlier than it is told, which outlives a removal', async () => {
    const { spki } = await newIdentity('ed25519');
    const wish = { authority: ca.keys, group: GROUP, user: 'ada', device: 'laptop', peerId: random.bytes(20), spki };
    const given = { ...wish, now: NOW, serial: random.bytes(16) };
    expect(parseLeaf(await issueLeaf(given))?.notBefore).toBe(floorSecond(NOW) - 300_000);
    const notBefore = floorSecond(NOW) - 1_000;
    expect(parseLeaf(await issueLeaf({ ...given, notBefore }))?.notBefore).toBe(notBefore);
    expect(parseLeaf(await issueLeaf({ ...given, notBefore: NOW - DAY }))?.notBefore).toBe(floorSecond(NOW) - 300_000);
  });

  test('refuses to issue what no device would accept', async () => {
    const { spki } = await newIdentity('ed25519');
    const wish = {
      authority: ca.keys,
      group: GROUP,
      peerId: random.bytes(20),
      spki,
      now: NOW,
      serial: random.bytes(16),
    };
    await expect(issueLeaf({ ...wish, user: 'Ada', device: 'laptop' })).rejects.toThrow('outside the profile');
    await expect(issueLeaf({ ...wish, user: 'ada', device: 'x'.repeat(33) })).rejects.toThrow('outside the profile');
    await expect(issueLeaf({ ...wish, user: 'ada', device: 'x', days: 32 })).rejects.toThrow('outside the profile');
    await expect(issueLeaf({ ...wish, user: 'ada', device: 'x', days: 31 })).rejects.toThrow('outside the profile');
  });
});

test.each(algorithms)('a public peer certifies itself with %s, and its id is made of its key', async algorithm => {
  const key = await newIdentity(algorithm);
  const leafDer = await selfSignedPublicLeaf(key, NOW, random);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', key.spki.slice()));
  const leaf = parseLeaf(leafDer);
  expect(leaf && toHex(leaf.peerId)).toBe(toHex(digest.subarray(0, 20)));
  expect(leaf).toMatchObject({ group: 'public', user: '', device: '' });
  const keys = newWorkingKeys(random);
  const tbsHash = leaf?.tbsHash as Uint8Array;
  const statement = await makeStatement(key, tbsHash, keys.noise.public, keys.signing.public, NOW);
  expect(Authority.public().check(leafDer, statement, keys.noise.public, NOW)).toMatchObject({ ok: true });
});

test('a certificate starts with a serial of 16 bytes that is positive whatever was drawn', async () => {
  const key = await newIdentity('ed25519');
  for (const first of [0x00, 0x7e, 0x7f, 0x80, 0xff]) {
    const leaf = await selfSignedPublicLeaf(key, NOW, { bytes: length => new Uint8Array(length).fill(first) });
    expect(readLeaf(leaf)).toMatchObject({ group: 'public' });
  }
});

describe('a certificate request', () => {
  test('without an enrolment secret is a renewal', async () => {
    const key = await newIdentity('ed25519');
    expect(await readRequest(await makeRequest(key, 'laptop'))).toEqual({
      spki: key.spki,
      device: 'laptop',
      challenge: undefined,
    });
  });

  test('says nothing else when any byte of it was changed', async () => {
    const request = await makeRequest(await newIdentity('ed25519'), 'laptop', new Uint8Array(16));
    const original = await readRequest(request);
    let refused = 0;
    for (let at = 0; at < request.length; at++) {
      const changed = request.slice();
      changed[at] = (changed[at] as number) ^ 0x01;
      const read = await readRequest(changed);
      // @peculiar/x509 overlooks an outer length and the outer algorithm, which is why devices do not use it to judge.
      if (read === undefined) refused++;
      else expect(read, `byte ${at}`).toEqual(original);
    }
    expect(refused).toBeGreaterThan(request.length - 10);
  });

  test('is refused with another kind of key, a bad device name, or as garbage', async () => {
    const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, true, [
      'sign',
      'verify',
    ]);
    const p384 = { ...(await newIdentity('p256')), keys: { privateKey, publicKey } };
    expect(await readRequest(await makeRequest(p384, 'laptop'))).toBeUndefined();
    expect(await readRequest(await makeRequest(await newIdentity('p256'), 'My Laptop'))).toBeUndefined();
    expect(await readRequest(random.bytes(300))).toBeUndefined();
    expect(await readRequest(new Uint8Array(0))).toBeUndefined();
  });

  test('never carries the secret itself', async () => {
    const secret = random.bytes(16);
    const request = await makeRequest(await newIdentity('ed25519'), 'laptop', secret);
    for (let at = 0; at + 16 <= request.length; at++)
      expect(sameBytes(request.subarray(at, at + 16), secret)).toBe(false);
  });
});

/** As a tab makes them: the private half cannot be exported. */
async function newIdentity(algorithm: KeyAlgorithm): Promise<IdentityKey> {
  const parameters =
    algorithm === 'ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await crypto.subtle.generateKey(parameters, false, ['sign', 'verify'])) as CryptoKeyPair;
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey));
  const sign = async (message: Uint8Array) =>
    new Uint8Array(await crypto.subtle.sign(parameters, keys.privateKey, message.slice()));
  return { algorithm, spki, keys, sign };
}

function floorSecond(unixMs: number): number {
  return Math.floor(unixMs / 1_000) * 1_000;
}

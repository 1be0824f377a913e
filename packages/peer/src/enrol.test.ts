/** Enrolment and renewal against a site that checks what the real one checks. */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromBase64Url, type Random, sameBytes, toBase64Url, toHex, utf8 } from '@warren/base';
import { type GroupFile, printGroupFile } from '@warren/group';
import { nobleVerifier, parseLeaf } from '@warren/trust';
import { Writer } from '@warren/wire';
import { beforeEach, expect, test } from 'vitest';
import { enrolmentChallenge, issueCertificateAuthority, issueLeaf, readRequest } from './certificates.ts';
import { enrol, type Fetch, isRenewalDue, loadMemberships, renew } from './enrol.ts';
import { PeerError } from './error.ts';
import type { Host, IdentityKey } from './host.ts';

const DAY = 86_400_000;
const GROUP = 'abcdefghijklmnopqrstuvwxyz';
const PEER_ID = new Uint8Array(20).fill(5);
const SECRET = new Uint8Array(16).fill(9);
const random: Random = { bytes: length => crypto.getRandomValues(new Uint8Array(length)) };

let today: number;
let host: Host;
let file: GroupFile;
let ca: CryptoKeyPair;
/** Requests by path. */
let asked: string[];

beforeEach(async () => {
  today = Date.UTC(2026, 6, 1);
  asked = [];
  host = await fakeHost();
  ca = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const der = await issueCertificateAuthority(ca, GROUP, today, random.bytes(16));
  file = JSON.parse(
    printGroupFile({
      warren: 1,
      group: GROUP,
      name: 'Home',
      site: 'https://site.example',
      bootstraps: ['wss://site.example/bootstrap'],
      ca: toBase64Url(der),
      rendezvous: toBase64Url(new Uint8Array(32)),
      subnet: '10.128.0.0/16',
      user: 'ada',
      device: 'laptop',
      enrolment: toBase64Url(SECRET),
      expires: new Date(today + DAY).toISOString(),
    }),
  ) as GroupFile;
});

test('a renewed certificate has the same key and peer id, and is kept in place of the old one', async () => {
  const first = await enrol(host, file, { fetch: site });
  today += 21 * DAY;
  const second = await renew(host, first, { fetch: site });
  expect(asked).toEqual(['/api/enrol', '/api/renew']);
  expect(second.leaf.notAfter - first.leaf.notAfter).toBe(21 * DAY);
  expect(sameBytes(second.leaf.spki, first.leaf.spki)).toBe(true);
  expect(toHex(second.leaf.peerId)).toBe(toHex(PEER_ID));
  const kept = await loadMemberships(host);
  expect(kept.map(({ leaf }) => toHex(leaf.tbsHash))).toEqual([toHex(second.leaf.tbsHash)]);
});

test('a membership follows the policy that the site names, and keeps its own where it names none', async () => {
  const naming =
    (postQuantum: unknown): Fetch =>
    async (url, init) =>
      new Response(JSON.stringify({ ...(await (await site(url, init)).json()), postQuantum }));
  const first = await enrol(host, file, { fetch: naming('required') });
  expect(first.file.postQuantum).toBe('required');
  const second = await renew(host, first, { fetch: site });
  expect(second.file.postQuantum).toBe('required');
  const third = await renew(host, second, { fetch: naming('nonsense') });
  expect(third.file.postQuantum).toBe('required');
  await renew(host, third, { fetch: naming('off') });
  expect((await loadMemberships(host)).map(kept => kept.file.postQuantum)).toEqual(['off']);
});

test('renewal is due after 20 of 30 days', async () => {
  const { leaf } = await enrol(host, file, { fetch: site });
  expect(isRenewalDue(leaf, today + 19.9 * DAY)).toBe(false);
  expect(isRenewalDue(leaf, today + 20.1 * DAY)).toBe(true);
});

test('a refused renewal keeps the certificate', async () => {
  const first = await enrol(host, file, { fetch: site });
  const refuse: Fetch = async () =>
    new Response(JSON.stringify({ error: { code: 'quota', message: 'No.', hint: 'Wait.' } }), { status: 429 });
  await expect(renew(host, first, { fetch: refuse })).rejects.toMatchObject({
    code: 'quota',
    message: 'No.',
    hint: 'Wait.',
  });
  expect((await loadMemberships(host))[0]?.leaf.notAfter).toBe(first.leaf.notAfter);
});

test('a certificate for another peer id is not taken', async () => {
  const first = await enrol(host, file, { fetch: site });
  const elsewhere: Fetch = (url, init) => answer(url, init, new Uint8Array(20).fill(6));
  await expect(renew(host, first, { fetch: elsewhere })).rejects.toMatchObject({ code: 'wrong-leaf' });
});

test('what fetch itself says in words is passed on, anything else means that the site cannot be reached', async () => {
  const wrongKey: Fetch = () => Promise.reject(new PeerError('wrong-site-key', 'Another key.'));
  await expect(enrol(host, file, { fetch: wrongKey })).rejects.toMatchObject({ code: 'wrong-site-key' });
  const away: Fetch = () => Promise.reject(new TypeError('fetch failed'));
  await expect(enrol(host, file, { fetch: away })).rejects.toMatchObject({ code: 'site-unreachable' });
  expect(await loadMemberships(host)).toEqual([]);
});

test.each(['null', '[]', '7', '"leaf"', 'true', '<html>', ''])('a site that answers %j is told by name', async body => {
  for (const status of [200, 500]) {
    const odd: Fetch = async () => new Response(body, { status });
    const failure = await enrol(host, file, { fetch: odd }).catch(error => error);
    expect(failure).toBeInstanceOf(PeerError);
    expect(failure).toMatchObject({ code: 'site-error', message: expect.stringContaining('https://site.example') });
  }
});

test('of a refusal only short texts without control characters are passed on', async () => {
  const odd = [null, 7, 'no', [], { code: 7, message: {}, hint: [] }, { code: 'A b', message: '\u001b[2J', hint: '' }];
  for (const error of [...odd, { code: 'x'.repeat(65), message: 'x'.repeat(501), hint: 'x'.repeat(501) }]) {
    const refuse: Fetch = async () => new Response(JSON.stringify({ error }), { status: 403 });
    const failure = await enrol(host, file, { fetch: refuse }).catch(thrown => thrown);
    expect(failure).toMatchObject({ code: 'site-error', message: expect.stringContaining('answered 403') });
    expect(failure.hint).toMatch(/^Check /);
  }
});

test('an answer that breaks off means that the site cannot be reached', async () => {
  const stream = () => new ReadableStream({ start: controller => controller.error(new TypeError('terminated')) });
  const broken: Fetch = async () => new Response(stream());
  await expect(enrol(host, file, { fetch: broken })).rejects.toMatchObject({ code: 'site-unreachable' });
});

const site: Fetch = (url, init) => answer(url, init, PEER_ID);

async function answer(url: string, init: Parameters<Fetch>[1], peerId: Uint8Array): Promise<Response> {
  const { pathname } = new URL(url);
  asked.push(pathname);
  const body = JSON.parse(init.body ?? '') as { csr: string; leaf: string; at: number; signature: string };
  const csr = fromBase64Url(body.csr) as Uint8Array;
  const request = await readRequest(csr);
  if (request === undefined || request.device !== 'laptop') return new Response('{}', { status: 400 });
  if (pathname === '/api/enrol' && request.challenge !== enrolmentChallenge(SECRET))
    return new Response('{}', { status: 403 });
  if (pathname === '/api/renew') {
    const old = parseLeaf(fromBase64Url(body.leaf) as Uint8Array);
    const signed = old && concat(utf8('warren-renew/1'), old.tbsHash, new Writer(8).u64(body.at).done(), sha256(csr));
    const signature = fromBase64Url(body.signature) as Uint8Array;
    const isSigned = old && signed && nobleVerifier.verify(old.publicKey, signed, signature);
    if (!isSigned || body.at !== today) return new Response('{}', { status: 403 });
  }
  const who = { group: GROUP, user: 'ada', device: 'laptop', peerId, spki: request.spki };
  const leaf = await issueLeaf({ authority: ca, ...who, now: today, serial: random.bytes(16) });
  return new Response(JSON.stringify({ leaf: toBase64Url(leaf), peerId: toHex(peerId) }));
}

async function fakeHost(): Promise<Host> {
  const keys = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const identity: IdentityKey = {
    algorithm: 'ed25519',
    spki: new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey)),
    keys,
    sign: async message => new Uint8Array(await crypto.subtle.sign('Ed25519', keys.privateKey, message.slice())),
  };
  const values = new Map<string, Uint8Array>();
  return {
    kind: 'edge',
    random,
    clock: { now: () => 0, unixMs: () => today, setAlarm: () => {} },
    storage: {
      get: async key => values.get(key),
      set: async (key, value) => void values.set(key, value),
      delete: async key => void values.delete(key),
    },
    identity: async () => identity,
  } as Partial<Host> as Host;
}

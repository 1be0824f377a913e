/**
 * What a debugger's console, an error tracker or a log line would show of a
 * participant at work: everything but its secrets. Every secret that passes
 * through the cryptography of two connected members is noted, and then looked
 * for in what their objects print as.
 */
import { inspect } from 'node:util';
import { toBase64Url, toHex } from '@warren/base';
import { nodeAead, nodeCrypto } from '@warren/node';
import { type AeadSuite, hiddenKeyPair, nobleAead } from '@warren/noise';
import { startPeer } from '@warren/peer';
import { mlKem768 } from '@warren/session';
import {
  realCrypto,
  SeededRandom,
  type SimCrypto,
  SimHost,
  SimInternet,
  simAuthority,
  simCredentials,
  simMember,
  Village,
  World,
} from '@warren/sim';
import { Authority, newWorkingKeys } from '@warren/trust';
import { PacketType } from '@warren/wire';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type End, TESTBED_UNIX_MS, Testbed } from '../../packages/session/src/testbed.ts';

/** Secrets by what they are, then by their bytes in hexadecimal. */
type Secrets = Map<string, Map<string, Uint8Array>>;

const BASES: Readonly<Record<string, (bytes: Uint8Array) => string>> = {
  hexadecimal: toHex,
  base64: bytes => Buffer.from(bytes).toString('base64').slice(0, 40),
  base64url: bytes => toBase64Url(bytes).slice(0, 40),
  decimal: bytes => [...bytes].join(', '),
  json: bytes => [...bytes].map((byte, i) => `"${i}":${byte}`).join(),
  array: bytes => [...bytes].join(),
};

describe('two members at work', () => {
  let secrets: Secrets;
  let shown: string;
  beforeAll(async () => {
    secrets = new Map();
    const village = new Village(3, {}, spying(secrets, (await nodeCrypto()).suite.aead));
    const members = [village.bootstrap('well'), village.edge('ada'), village.edge('bob')];
    note(secrets, 'rendezvous secret', village.rendezvousSecret);
    for (const member of members.slice(1)) member.join();
    for (let ms = 0; ms < 60_000 && members[1]?.friends.length !== 1; ms += 100) village.world.run(100);
    expect(members[1]?.friends).toEqual(['bob']);
    shown = texts(members[1]?.peer);
  });

  test('compute with secrets of every kind', () => {
    const kinds = ['agreement secret', 'shared secret', 'packet key', 'signing secret', 'rendezvous secret', 'mac key'];
    for (const kind of kinds) expect(secrets.get(kind)?.size ?? 0, kind).toBeGreaterThan(0);
    expect(shown.length).toBeGreaterThan(10_000);
  });

  test('faults #103 print as much as one wants, and none of their secrets', () => {
    expect(found(shown, secrets)).toEqual([]);
  });
});

test('faults #103 sessions in the middle of an upgrade print neither its keys nor those of the handshake', () => {
  const secrets: Secrets = new Map();
  const bed = new Testbed();
  // Handshakes pass, halves of the upgrade do not: both sides wait with all they have.
  bed.fate = ({ bytes }) => (bytes[0] === PacketType.DATA && bytes.length > 100 ? [] : [10]);
  const crypto = spying(secrets, nobleAead);
  const ca = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS, crypto);
  const [a, b] = ['a', 'b'].map(user => {
    const random = new SeededRandom(3, user);
    const member = simMember(ca, { user, device: user }, random, TESTBED_UNIX_MS);
    const authority = Authority.group(ca.der) as Authority;
    const credentials = simCredentials(member, random, TESTBED_UNIX_MS);
    const { suite, kem } = crypto;
    return bed.add(user, { suite, authority, credentials, random, postQuantum: 'required', kem });
  }) as [End, End];
  bed.connect(a, b, 'b/1');
  bed.run(200);
  expect(secrets.get('decapsulation key')?.size).toBe(1);
  for (const { sessions } of [a, b]) expect(found(texts(sessions), secrets)).toEqual([]);
});

describe('the search', () => {
  test('finds a secret in every form that JavaScript prints', () => {
    const secret = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
    const secrets: Secrets = new Map([['planted', new Map([['', secret]])]]);
    const holders = [{ secret }, { secret: Buffer.from(secret) }, new Map([['secret', { secret }]]), [secret]];
    for (const holder of [...holders, toHex(secret), { text: toBase64Url(secret) }, new Error(toHex(secret))])
      expect(found(texts(holder), secrets), inspect(holder)).not.toEqual([]);
    expect(found(texts({ secret: secret.slice().reverse() }), secrets)).toEqual([]);
  });
});

test('faults #103 keys of every kind say what they are, and erased ones too', async () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => 200 - 3 * i);
  const secrets: Secrets = new Map([['key', new Map([['', bytes]])]]);
  const { suite } = await nodeCrypto();
  const random = { bytes: () => bytes.slice() };
  const pairs = [suite.generateKeyPair(random), realSuitePair(bytes), newWorkingKeys(random)];
  const keys = [nobleAead, nodeAead, suite.aead].map(aead => aead.key(bytes));
  for (const holder of [...pairs, ...keys]) expect(found(texts({ holder }), secrets)).toEqual([]);
  for (const key of keys) key.erase();
  const errors = keys.map(key => errorOf(() => key.seal(bytes.subarray(12), bytes, bytes, bytes)));
  for (const error of errors) expect(found(texts(error), secrets)).toEqual([]);
});

test('a participant that has stopped has forgotten the keys of its run', async () => {
  const host = new SimHost({
    internet: new SimInternet(new World(5)),
    kind: 'edge',
    name: 'ada',
    address: '192.0.2.1:4000',
  });
  const drawn = vi.spyOn(host.random, 'bytes');
  const peer = await startPeer(host, { bootstraps: [] });
  const drawn32 = drawn.mock.results.map(({ value }) => value as Uint8Array).filter(({ length }) => length === 32);
  const isZero = (bytes: Uint8Array) => bytes.every(byte => byte === 0);
  const before = drawn32.filter(isZero).length;
  await peer.stop();
  expect([before, drawn32.filter(isZero).length >= 2]).toEqual([0, true]);
});

/** Cryptography that notes what is secret. */
function spying(secrets: Secrets, aead: AeadSuite): SimCrypto {
  const { suite, sign } = realCrypto;
  return {
    ...realCrypto,
    kem: {
      ...mlKem768,
      generate: seed => {
        const keys = mlKem768.generate(seed);
        note(secrets, 'decapsulation key', keys.decapsulationKey);
        return keys;
      },
    },
    sign: (secret, message) => sign(note(secrets, 'signing secret', secret), message),
    suite: {
      ...suite,
      generateKeyPair: random => {
        const { secret, public: publicKey } = suite.generateKeyPair(random);
        return hiddenKeyPair(secret, publicKey);
      },
      agree: (secret, remote) => {
        const shared = suite.agree(note(secrets, 'agreement secret', secret), remote);
        return shared && note(secrets, 'shared secret', shared);
      },
      hmac: (key, data) => suite.hmac(note(secrets, 'mac key', key), data),
      aead: { name: aead.name, key: key => aead.key(note(secrets, 'packet key', key)) },
    },
  };
}

/** Keeps one copy; the original is erased in time. */
function note(secrets: Secrets, kind: string, secret: Uint8Array): Uint8Array {
  const known = secrets.get(kind) ?? new Map();
  secrets.set(kind, known);
  if (secret.length >= 16 && secret.some(byte => byte !== 0)) known.set(toHex(secret), secret.slice());
  return secret;
}

/** What an object prints as, in every way, on one line. */
function texts(holder: unknown): string {
  const shallow = { depth: 10, maxArrayLength: null, maxStringLength: null, breakLength: Number.POSITIVE_INFINITY };
  return [inspect(holder, { ...shallow, showHidden: true }), json(holder), `${holder}`].join('\n').replace(/\s+/g, ' ');
}

/** JSON of anything: maps and sets as lists, what was there before as a mark. */
function json(holder: unknown): string {
  const seen = new Set<unknown>();
  return JSON.stringify(holder, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return '(again)';
    seen.add(value);
    if (value instanceof Error) return `${value.message} ${value.stack}`;
    return value instanceof Map || value instanceof Set ? [...value] : value;
  });
}

/** Which secrets a text shows, by kind and form. */
function found(text: string, secrets: Secrets): string[] {
  return [...secrets].flatMap(([kind, list]) =>
    Object.entries(BASES).flatMap(([base, print]) =>
      [...list.values()].some(secret => text.includes(print(secret))) ? [`${kind} in ${base}`] : [],
    ),
  );
}

function realSuitePair(secret: Uint8Array) {
  return hiddenKeyPair(secret.slice(), realCrypto.suite.publicKey(secret));
}

function errorOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

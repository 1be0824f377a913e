/** What one pair of keys may do (session.md 2.5; faults rows 56, 62). */
import { assert, utf8 } from '@warren/base';
import { type AeadKey, nobleSuite } from '@warren/noise';
import { SeededRandom, simAuthority, simCredentials, simMember, simSuite, simVerifier } from '@warren/sim';
import { Authority } from '@warren/trust';
import { PacketType } from '@warren/wire';
import { beforeEach, expect, test } from 'vitest';
import { KEY_LIMITS } from './limits.ts';
import { type End, TESTBED_UNIX_MS, Testbed } from './testbed.ts';
import { Transport } from './transport.ts';

const verifier = simVerifier();
const CA = simAuthority(new SeededRandom(1, 'limits'), TESTBED_UNIX_MS);
const HELLO = utf8('hello');

let bed: Testbed;
let a: End;
let b: End;
let sequence = 0;

beforeEach(() => {
  bed = new Testbed();
  a = bed.add('a', options('a'));
  b = bed.add('b', options('b'));
  bed.connect(a, b, 'b/1');
  bed.run(100);
});

test('faults #56 a key that has sealed enough is replaced once, and nothing is lost meanwhile', () => {
  for (let i = 0; i < 150; i++) {
    bed.say(a, b, 'b/1', HELLO);
    bed.run(1);
  }
  bed.run(100);
  expect([a.established.length, b.established.length]).toEqual([2, 2]);
  expect(bed.heard(b, a)).toHaveLength(150);
});

test('faults #56 a rekey that comes to nothing is tried again once a minute, however much is sealed', () => {
  bed.fate = ({ bytes }) => (bytes[0] === PacketType.HS1 ? [] : [10]);
  for (let i = 0; i < 1200; i++) {
    bed.say(a, b, 'b/1', HELLO);
    bed.run(100);
  }
  const calls = a.sent.filter(({ bytes }) => bytes[0] === PacketType.HS1).map(({ bytes }) => bytes.slice(8, 40).join());
  expect(new Set(calls).size).toBe(3);
  expect(bed.heard(b, a)).toHaveLength(1200);
});

test('faults #62 wrong tags end a session only when there were too many, and another takes its place', () => {
  const good = a.sessions.seal(b.peer, PacketType.DATA, 0, HELLO, bed.now) as Uint8Array;
  const forged = (i: number) => good.map((byte, at) => (at === 20 ? byte ^ (1 + (i & 63)) : byte));
  for (let i = 0; i < 49; i++) b.sessions.receive('a/1', forged(i), bed.now);
  bed.say(a, b, 'b/1', HELLO);
  bed.run(50);
  expect(bed.heard(b, a)).toEqual([HELLO]);
  b.sessions.receive('a/1', forged(49), bed.now);
  expect(b.sessions.seal(a.peer, PacketType.DATA, 0, HELLO, bed.now)).toBeUndefined();
  expect(b.sessions.stats.forgedTooOften).toBe(1);
  bed.run(1000);
  expect([a.established.length, b.established.length]).toEqual([2, 2]);
  bed.say(b, a, 'a/1', HELLO);
  bed.run(50);
  expect(bed.heard(a, b)).toEqual([HELLO]);
});

test('the limits are those of the specification where nobody says otherwise', () => {
  expect(KEY_LIMITS).toEqual({ rekeyAfterMessages: 2 ** 32, closeAfterForged: 2 ** 36 });
});

test('faults #56 no nonce is used twice, not even after sealing has failed', () => {
  const nonces: string[] = [];
  let failing = false;
  const key: AeadKey = {
    seal: nonce => {
      nonces.push(nonce.join());
      assert(!failing, 'the platform seals');
    },
    open: () => false,
    erase: () => {},
  };
  const suite = { ...nobleSuite(), aead: { name: 'recorder', key: () => key } };
  const keys = { send: new Uint8Array(32), receive: new Uint8Array(32), localIndex: 1, remoteIndex: 2 };
  const transport = new Transport({ suite, ...keys });
  for (let i = 0; i < 1000; i++) {
    failing = i % 3 === 0;
    const seal = () => transport.seal(PacketType.DATA, 0, HELLO);
    if (failing) expect(seal).toThrow();
    else seal();
  }
  expect(nonces).toHaveLength(1000);
  expect(new Set(nonces).size).toBe(1000);
});

function options(name: string) {
  const identity = simMember(CA, { user: name, device: name }, new SeededRandom(7, name), TESTBED_UNIX_MS);
  return {
    suite: simSuite,
    authority: Authority.group(CA.der, { verifier }) as Authority,
    credentials: simCredentials(identity, new SeededRandom(8, name), TESTBED_UNIX_MS),
    random: new SeededRandom(9, `${name} ${sequence++}`),
    limits: { rekeyAfterMessages: 100, closeAfterForged: 50 },
  };
}

/** The end of a session table: nothing is left of it, in memory or in the process's indices. */
import { utf8 } from '@warren/base';
import type { AeadKey, NoiseSuite } from '@warren/noise';
import { cheapCrypto, SeededRandom, simAuthority, simParty } from '@warren/sim';
import { PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { readIndex } from './index.ts';
import { type End, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const random = new SeededRandom(1, 'closing');
const CA = simAuthority(random, TESTBED_UNIX_MS, cheapCrypto);

let bed: Testbed;
let a: End;
let b: End;
let keysInUse: number;
let bytesOfKeys: Uint8Array[];
const counting: NoiseSuite = {
  ...cheapCrypto.suite,
  aead: {
    ...cheapCrypto.suite.aead,
    key(bytes: Uint8Array): AeadKey {
      keysInUse++;
      bytesOfKeys.push(bytes);
      const key = cheapCrypto.suite.aead.key(bytes);
      const erase = () => {
        keysInUse--;
        key.erase();
      };
      return { seal: key.seal.bind(key), open: key.open.bind(key), erase };
    },
  },
};

beforeEach(() => {
  keysInUse = 0;
  bytesOfKeys = [];
  bed = new Testbed();
  a = bed.add('a', options('a', counting));
  b = bed.add('b', options('b', cheapCrypto.suite));
});

describe('a closed table', () => {
  test('has erased its sessions, calls and half-open handshakes, and given back their indices', () => {
    const c = bed.add('c', options('c', cheapCrypto.suite));
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    expect(keysInUse).toBeGreaterThan(0);
    bed.fate = ({ to }) => (to === 'c' ? [] : [10]);
    bed.connect(a, c, 'c/1');
    bed.connect(c, a, 'a/2');
    bed.run(1000);
    const indices = a.sent
      .filter(({ bytes }) => bytes[0] !== PacketType.DATA)
      .map(({ bytes }) => readIndex(bytes, 4))
      .filter(index => a.indices.owner(index) !== undefined);
    expect(new Set(indices).size, 'a session, a call, a half-open handshake').toBe(3);
    a.sessions.close();
    expect(indices.filter(index => a.indices.owner(index) !== undefined)).toEqual([]);
    expect(keysInUse).toBe(0);
    expect(a.sessions.wakeAt).toBeUndefined();
  });

  test('neither sends nor takes anything', () => {
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    a.sessions.close();
    const [sent, opened] = [a.sent.length, a.opened.length];
    bed.say(b, a, 'a/1', utf8('hello'));
    bed.connect(b, a, 'a/1');
    bed.connect(a, b, 'b/1');
    a.sessions.resume(bed.now);
    expect(bed.say(a, b, 'b/1', utf8('hello'))).toBe(false);
    bed.run(60_000);
    const hints = a.sent.slice(sent).filter(({ bytes }) => bytes[0] === PacketType.NOSESS).length;
    expect([a.sent.length - hints, a.opened.length, a.failed]).toEqual([sent, opened, []]);
    expect([...a.sessions.identities()]).toEqual([]);
    expect(a.sessions.wakeAt).toBeUndefined();
  });
});

test('faults #51 keys are handed on and their bytes erased, those of the handshake and those of the upgrade', () => {
  for (const postQuantum of ['off', 'required'] as const) {
    bytesOfKeys = [];
    const upgraded = { postQuantum, kem: cheapCrypto.kem };
    a = bed.add('a', { ...options('a', counting), ...upgraded });
    b = bed.add('b', { ...options('b', counting), ...upgraded });
    bed.connect(a, b, 'b/1');
    bed.run(3000);
    expect([a.established.length, b.established.length]).toEqual([1, 1]);
    expect(bytesOfKeys.length).toBeGreaterThan(4);
    a.sessions.close();
    b.sessions.close();
    expect(bytesOfKeys.filter(bytes => bytes.some(byte => byte !== 0))).toEqual([]);
  }
});

function options(name: string, suite: NoiseSuite) {
  return { ...simParty(CA, name, new SeededRandom(2, name), TESTBED_UNIX_MS), suite };
}

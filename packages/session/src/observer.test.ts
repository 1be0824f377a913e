/**
 * Somebody who sees our datagrams and answers faster than the other side: forged copies and answers delay no handshake
 * and end no session (session.md 2.4, 2.5; faults rows 46, 48, 55).
 */
import { utf8, WallClock } from '@warren/base';
import { cheapCrypto, SeededRandom, simAuthority, simParty } from '@warren/sim';
import { decodeHs1, HS1_MAC1_OFFSET, type Hs1, PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { mac1, prologue, Responder } from './index.ts';
import { type End, type EndOptions, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const random = new SeededRandom(1, 'observer');
const CA = simAuthority(random, TESTBED_UNIX_MS, cheapCrypto);
const { networkKey: NETWORK_KEY } = options('a').authority;
const HELLO = utf8('hello');

let bed: Testbed;
let a: End;
let b: End;

beforeEach(() => {
  bed = new Testbed();
  a = bed.add('a', options('a'));
  b = bed.add('b', options('b'));
});

describe('whoever sends our first message back to us', () => {
  test('faults #48 prevents no rekey, so that the session goes on', () => {
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    answerFirst(letter => letter.bytes);
    expectTalkFor(1200);
    expect(a.sessions.stats.reflectedHs1 + b.sessions.stats.reflectedHs1).toBeGreaterThan(3);
    expect([...a.failed, ...b.failed]).toEqual([]);
  });

  test('faults #48 over another path prevents no rekey either', () => {
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    answerFirst(letter => letter.bytes, 'x');
    expectTalkFor(1200);
    expect([...a.failed, ...b.failed]).toEqual([]);
  });
});

describe('whoever sends a copy of our first message with another index', () => {
  test('faults #48 first, spoils neither that handshake nor the next', () => {
    const forged = (bytes: Uint8Array) => {
      const copy = bytes.slice();
      copy[4] = (copy[4] as number) ^ 1;
      copy.set(mac1(NETWORK_KEY, copy), HS1_MAC1_OFFSET);
      return copy;
    };
    bed.fate = letter => {
      const isCopied = letter.bytes[0] === PacketType.HS1 && letter.from === 'a';
      if (isCopied) bed.at(bed.now + 5, () => bed.deliver({ ...letter, from: 'x', bytes: forged(letter.bytes) }));
      return [10];
    };
    bed.connect(a, b, 'b/1');
    bed.run(100);
    expect([a.established.length, b.established.length]).toEqual([1, 1]);
    expectTalkFor(10);
  });
});

describe('whoever answers our first message in place of another', () => {
  test('faults #48 as another member, prevents no rekey, so that the session goes on', () => {
    const mallory = options('mallory');
    const context = { ...mallory, wallClock: new WallClock(TESTBED_UNIX_MS, 0) };
    const bound = prologue(NETWORK_KEY, []);
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    let answered = 0;
    answerFirst(({ bytes }) => {
      answered++;
      return (Responder.answer(context, bound, decodeHs1(bytes) as Hs1, 99, bed.now) as Responder).hs2;
    });
    expectTalkFor(1200);
    expect(answered).toBeGreaterThan(3);
    expect([...a.failed, ...b.failed]).toEqual([]);
  });

  test('faults #48 as the same member with its public certificate alone, delays no handshake', () => {
    const thief = options('mallory');
    const stolen = { ...thief, credentials: { ...thief.credentials, leaf: options('b').credentials.leaf } };
    const context = { ...stolen, wallClock: new WallClock(TESTBED_UNIX_MS, 0) };
    const bound = prologue(NETWORK_KEY, []);
    answerFirst(({ bytes }) => {
      return (Responder.answer(context, bound, decodeHs1(bytes) as Hs1, 99, bed.now) as Responder).hs2;
    });
    bed.connect(a, b, 'b/1');
    bed.run(100);
    expect([a.established.length, b.established.length]).toEqual([1, 1]);
    expect(a.failed).toEqual([]);
  });
});

/** Makes something of each HS1, which is with its sender, or whoever is at `path`, before any answer. */
function answerFirst(make: (letter: Letter) => Uint8Array, from?: string): void {
  bed.fate = letter => {
    const { to, wire } = letter;
    if (letter.bytes[0] !== PacketType.HS1) return [10];
    const bytes = make(letter);
    bed.at(bed.now + 5, () => bed.deliver({ from: from ?? to, to: letter.from, wire, bytes, nth: 0 }));
    return [10];
  };
}

/** Both say something every second, and all of it arrives. */
function expectTalkFor(seconds: number): void {
  const before = [bed.heard(a, b).length, bed.heard(b, a).length] as const;
  for (let second = 0; second < seconds; second++) {
    bed.say(a, b, 'b/1', HELLO);
    bed.say(b, a, 'a/1', HELLO);
    bed.run(1000);
  }
  expect([bed.heard(a, b).length - before[0], bed.heard(b, a).length - before[1]]).toEqual([seconds, seconds]);
}

function options(name: string): EndOptions {
  return simParty(CA, name, new SeededRandom(2, name), TESTBED_UNIX_MS);
}

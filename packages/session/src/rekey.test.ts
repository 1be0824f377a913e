/** Keys over time: rekeying, refusal of old keys, late and repeated datagrams (session.md 2.5; faults rows 47, 51, 56, 73). */
import { utf8 } from '@warren/base';
import {
  SeededRandom,
  type SimIdentity,
  simAuthority,
  simCredentials,
  simMember,
  simSign,
  simSuite,
  simVerifier,
} from '@warren/sim';
import { Authority, revocationHeadText, revocationListText } from '@warren/trust';
import { PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { PREVIOUS_KEPT_MS, REJECT_AFTER_MS, REKEY_AFTER_MS } from './index.ts';
import { type End, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const verifier = simVerifier();
const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const [ADA, BOB] = [member('ada'), member('bob')];

let bed: Testbed;
let a: End;
let b: End;
let authorities: Record<'a' | 'b', Authority>;

beforeEach(() => {
  bed = new Testbed();
  authorities = { a: authority(), b: authority() };
  a = bed.add('a', options('a', ADA));
  b = bed.add('b', options('b', BOB));
  bed.connect(a, b, 'b/1');
  bed.run(100);
});

describe('a session', () => {
  test('faults #56 is rekeyed after 300 s +- 10 % by its initiator, once, without losing a datagram', () => {
    bed.fate = ({ nth }) => [10 + (nth % 5)];
    const numbers = talk(700, 100);
    expect(numbers.filter(n => !has(b, a, n))).toEqual([]);
    expect(numbers.filter(n => !has(a, b, n))).toEqual([]);
    expect(a.established.length).toBe(3);
    const [first = 0, second = 0] = handshakeTimes;
    expect(first).toBeGreaterThan(REKEY_AFTER_MS * 0.9);
    expect(first).toBeLessThan(REKEY_AFTER_MS * 1.1 + 1000);
    expect(second - first).toBeGreaterThan(REKEY_AFTER_MS * 0.9);
    expect(kinds(b)).not.toContain(PacketType.HS1);
  });

  test('faults #32 is rekeyed at 20 % loss, and no more is lost than the wire loses', () => {
    const chance = new SeededRandom(5, 'loss');
    const lost = new Set<string>();
    bed.fate = ({ bytes }) => {
      if (chance.unit() >= 0.2) return [10];
      lost.add(Buffer.from(bytes).toString('hex'));
      return [];
    };
    let arrived = 0;
    let sent = 0;
    for (let i = 0; i < 4000; i++) {
      const before = [lost.size, bed.heard(b, a).length] as const;
      if (bed.say(a, b, 'b/1', utf8(`n${i}`))) sent++;
      bed.run(100);
      arrived += bed.heard(b, a).length - before[1];
      b.opened.length = 0;
    }
    expect(sent).toBe(4000);
    expect(a.established.length).toBeGreaterThanOrEqual(2);
    expect(arrived / sent).toBeGreaterThan(0.78);
  });

  test('is rekeyed by its responder when the initiator does not', () => {
    const tick = a.sessions.tick.bind(a.sessions);
    a.sessions.tick = now => (now < REKEY_AFTER_MS * 1.4 ? undefined : tick(now));
    Object.defineProperty(a.sessions, 'wakeAt', { get: () => undefined });
    bed.run(REKEY_AFTER_MS * 1.1 + 61_000);
    expect(kinds(b)).toContain(PacketType.HS1);
    expect(a.established).toHaveLength(2);
  });

  test('faults #73 that cannot be rekeyed seals and opens nothing after 540 s, and its keys are erased', () => {
    const late = a.sessions.seal(b.peer, PacketType.DATA, 0, utf8('late'), bed.now) as Uint8Array;
    bed.fate = ({ bytes }) => (bytes[0] === PacketType.DATA ? [10] : []);
    bed.run(REJECT_AFTER_MS - 200);
    expect(bed.say(a, b, 'b/1', utf8('in time'))).toBe(true);
    bed.run(100);
    expect(texts(b, a)).toEqual(['in time']);
    bed.run(100);
    expect(bed.say(a, b, 'b/1', utf8('too late'))).toBe(false);
    bed.post(a, 'b/1', late);
    bed.run(60_000);
    expect(texts(b, a)).toEqual(['in time']);
    expect([a.sessions.identity(b.peer), b.sessions.identity(a.peer)]).toEqual([undefined, undefined]);
  });

  test('faults #73 is not renewed with somebody revoked meanwhile', () => {
    const signedAt = TESTBED_UNIX_MS;
    const revoked = [{ user: 'ada', before: TESTBED_UNIX_MS + 1 }];
    const bare = { sequence: 1, signedAt };
    const head = { ...bare, signature: simSign(CA.secret, revocationHeadText(CA.group, bare)) };
    const signature = simSign(CA.secret, revocationListText(CA.group, bare, revoked));
    expect(authorities.b.revocations.learnList({ head, revoked, signature })).toBe(true);
    bed.run(REJECT_AFTER_MS + 1000);
    expect(b.sessions.identity(a.peer)).toBeUndefined();
    expect(a.sessions.identity(b.peer)).toBeUndefined();
    // The head told in HS2 makes the revoked peer, and everybody else, ask for the list.
    expect(authorities.a.revocations.isBehind).toBe(true);
  });
});

describe('a datagram', () => {
  test('faults #47 is opened once, however often and in whatever order it comes', () => {
    bed.fate = ({ nth }) => [10 + ((nth * 7919) % 300), 30 + ((nth * 104_729) % 500), 900];
    for (let i = 0; i < 500; i++) {
      bed.say(a, b, 'b/1', utf8(`n${i}`));
      bed.run(1);
    }
    bed.run(2000);
    const heard = texts(b, a);
    expect(heard).toHaveLength(500);
    expect(new Set(heard).size).toBe(500);
    for (const letter of a.sent) bed.deliver(letter);
    expect(texts(b, a)).toHaveLength(500);
  });

  test('faults #47 under the previous key is opened until nothing has come under it for a minute', () => {
    const old = ['early', 'late'].map(
      text => a.sessions.seal(b.peer, PacketType.DATA, 0, utf8(text), bed.now) as Uint8Array,
    );
    bed.runUntil(() => b.established.length === 2, 400_000);
    bed.run(PREVIOUS_KEPT_MS - 1000);
    bed.post(a, 'b/1', old[0] as Uint8Array);
    bed.run(PREVIOUS_KEPT_MS + 1000);
    bed.post(a, 'b/1', old[1] as Uint8Array);
    bed.run(100);
    expect(texts(b, a)).toEqual(['early']);
  });

  test('faults #47 of somebody else is not opened under our index', () => {
    const sealed = a.sessions.seal(b.peer, PacketType.DATA, 0, utf8('mine'), bed.now) as Uint8Array;
    const c = bed.add('c', options('c', member('cyd')));
    bed.connect(c, b, 'b/1');
    bed.run(100);
    const other = c.sessions.seal(b.peer, PacketType.DATA, 0, utf8('theirs'), bed.now) as Uint8Array;
    const mixed = sealed.slice();
    mixed.set(other.subarray(4, 8), 4);
    bed.post(c, 'b/1', mixed);
    bed.run(100);
    expect(b.opened.filter(({ plaintext }) => plaintext.length > 1)).toEqual([]);
  });

  test('from a new path is taken, and the next rekey goes there', () => {
    bed.say(b, a, 'a/2', utf8('roaming'));
    bed.run(20);
    bed.runUntil(() => a.established.length === 2, 400_000);
    expect(a.sent.filter(({ bytes, nth }) => bytes[0] === PacketType.HS1 && nth === 1)).toMatchObject([{ wire: '2' }]);
  });
});

/** Times of handshakes after the first, as `talk` saw them. */
let handshakeTimes: number[] = [];

/** Both sides send a numbered datagram every `everyMs` for `seconds`. */
function talk(seconds: number, everyMs: number): number[] {
  const numbers: number[] = [];
  handshakeTimes = [];
  let before = a.established.length;
  for (let n = 0; n * everyMs < seconds * 1000; n++) {
    bed.say(a, b, 'b/1', utf8(`n${n}`));
    bed.say(b, a, 'a/1', utf8(`n${n}`));
    numbers.push(n);
    bed.run(everyMs);
    if (a.established.length > before) handshakeTimes.push(bed.now);
    before = a.established.length;
  }
  heardBy.clear();
  return numbers;
}

const heardBy = new Map<End, Set<string>>();
function has(to: End, from: End, n: number): boolean {
  if (!heardBy.has(to)) heardBy.set(to, new Set(texts(to, from)));
  return heardBy.get(to)?.has(`n${n}`) ?? false;
}

function texts(to: End, from: End): string[] {
  return bed.heard(to, from).map(bytes => new TextDecoder().decode(bytes));
}

function kinds(end: End): (number | undefined)[] {
  return end.sent.map(({ bytes }) => bytes[0]);
}

function member(user: string): SimIdentity {
  return simMember(CA, { user, device: 'laptop' }, new SeededRandom(2, user), TESTBED_UNIX_MS);
}

function authority(): Authority {
  return Authority.group(CA.der, { verifier }) as Authority;
}

function options(name: string, identity: SimIdentity) {
  const random = new SeededRandom(3, name);
  const credentials = simCredentials(identity, random, TESTBED_UNIX_MS);
  return { suite: simSuite, authority: authorities[name as 'a'] ?? authority(), credentials, random };
}

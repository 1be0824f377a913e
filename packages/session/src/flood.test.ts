/** Floods of first messages, and what forged answers cost (session.md 2.4; faults rows 46, 48, 102). */
import { type Random, utf8 } from '@warren/base';
import type { NoiseSuite } from '@warren/noise';
import { SeededRandom, simAuthority, simCredentials, simMember, simSuite, simVerifier } from '@warren/sim';
import { Authority } from '@warren/trust';
import { type Cookie, decodeCookie, encodeCookie, encodeHs1, PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { COOKIES_TAKEN_MAX, WRONG_HS2_MAX } from './attempts.ts';
import { CookieJar } from './cookies.ts';
import { GROUP_RATE, HALF_OPEN_LOAD, HALF_OPEN_MAX, HALF_OPEN_MS, PROVEN_RATE, UNPROVEN_RATE } from './index.ts';
import { mac1Key } from './macs.ts';
import { type End, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const random = new SeededRandom(1, 'flood');
const verifier = simVerifier();
const CA = simAuthority(random, TESTBED_UNIX_MS);
const AUTHORITY = Authority.group(CA.der, { verifier }) as Authority;
const MAC1 = mac1Key(AUTHORITY.networkKey);
const HELLO = utf8('hello');

let bed: Testbed;
let a: End;
let b: End;
let agreements: number;
let sequence = 0;
const counting: NoiseSuite = {
  ...simSuite,
  agree: (secret, remotePublic) => {
    agreements++;
    return simSuite.agree(secret, remotePublic);
  },
};

beforeEach(() => {
  bed = new Testbed();
  agreements = 0;
  a = bed.add('a', options('a'));
  b = bed.add('b', options('b'));
});

describe('a flood of HS1 with the right mac1', () => {
  test('faults #48 20,000 a second from forged addresses: whoever is honest gets in on the first two HS1', () => {
    const honest = Array.from({ length: 6 }, (_, i) => bed.add(`h${i}`, options(`h${i}`)));
    const before = agreements;
    let [flooded, answered] = [0, 0];
    for (let ms = 0; ms < 350; ms++) {
      for (let i = 0; i < 20; i++) answered += flood(`x/${flooded++}`).length;
      const [joining] = ms % 50 === 20 ? honest.splice(0, 1) : [];
      if (joining !== undefined) bed.connect(joining, b, 'b/1');
      bed.run(1);
    }
    bed.run(1000);
    const joined = [...bed.ends.values()].filter(end => end.name.startsWith('h'));
    expect(joined.map(end => end.established.length)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(joined.map(end => kinds(end))).toEqual(joined.map(() => ['HS1', 'HS1', 'HS3']));
    // Two at the responder and two at the initiator for HS1 and HS2, one at each for HS3: the flood had HALF_OPEN_LOAD at most.
    expect(agreements - before).toBeLessThanOrEqual(joined.length * 6 + 2 * (HALF_OPEN_LOAD + 1));
    expect(b.sessions.stats).toMatchObject({ handshakes: 6, halfOpenFull: 0 });
    expect(answered).toBeLessThanOrEqual(64 * flooded + HALF_OPEN_LOAD * 3 * 320);
    expect(indicesOf(b)).toBeLessThanOrEqual(HALF_OPEN_LOAD + 6);
  });

  test('faults #48 leaves running sessions, and rekeys of members, alone', () => {
    bed.connect(a, b, 'b/1');
    bed.run(100);
    for (let i = 0; i < 500; i++) flood(`x/${i}`);
    bed.connect(a, b, 'b/1');
    bed.run(100);
    expect(a.established).toHaveLength(2);
    bed.say(a, b, 'b/1', HELLO);
    bed.run(50);
    expect(bed.heard(b, a)).toEqual([HELLO]);
  });

  test('faults #48 ends with the load: HS1 needs no cookie then', () => {
    for (let i = 0; i < 500; i++) flood(`x/${i}`);
    bed.run(HALF_OPEN_MS + 2000);
    expect(indicesOf(b)).toBe(0);
    bed.connect(a, b, 'b/1');
    bed.run(100);
    expect(kinds(a)).toEqual(['HS1', 'HS3']);
  });

  test('faults #48 from many true addresses fills the table, and who comes later has room all the same', () => {
    // Each shows its cookie and never sends HS3.
    const hold = (path: string) => {
      const hs1 = forgedHs1();
      const [cookie] = answersTo(path, hs1);
      const shown = cookie?.[0] === PacketType.COOKIE ? shows(cookie, hs1) : undefined;
      if (shown !== undefined) answersTo(path, shown);
    };
    for (let ms = 0; ms < 1500; ms += 10) {
      for (let i = 0; i < 3; i++) hold(`x${ms % 400}/${i}`);
      bed.run(10);
    }
    expect(indicesOf(b)).toBe(HALF_OPEN_MAX);
    expect(b.sessions.stats.evicted).toBeGreaterThan(100);
    bed.connect(a, b, 'b/1');
    bed.run(300);
    expect(a.established).toHaveLength(1);
    expect(b.established).toHaveLength(1);
    expect(indicesOf(b)).toBeLessThanOrEqual(HALF_OPEN_MAX);
  });

  test('faults #48 from one true address gets its share of handshakes and no more', () => {
    for (let i = 0; i < HALF_OPEN_LOAD; i++) flood(`y/${i}`);
    let answered = 0;
    for (let ms = 0; ms < 1000; ms++) {
      const hs1 = forgedHs1();
      const [cookie] = answersTo('x/1', hs1);
      const [answer] = answersTo('x/1', shows(cookie as Uint8Array, hs1));
      if (answer?.[0] === PacketType.HS2) answered++;
      bed.run(1);
    }
    expect(answered).toBeGreaterThanOrEqual(GROUP_RATE.perSecond);
    expect(answered).toBeLessThanOrEqual(GROUP_RATE.perSecond + GROUP_RATE.burst);
    expect(b.sessions.stats.tooFast).toBe(1000 - answered);
  });

  test('faults #48 from a thousand true addresses at once is answered no faster than is affordable', () => {
    for (let i = 0; i < HALF_OPEN_LOAD; i++) flood(`y/${i}`);
    let answered = 0;
    for (let i = 0; i < 1000; i++) {
      const hs1 = forgedHs1();
      const [cookie] = answersTo(`x${i}/1`, hs1);
      if (answersTo(`x${i}/1`, shows(cookie as Uint8Array, hs1)).length > 0) answered++;
    }
    expect(answered).toBe(PROVEN_RATE.burst);
  });

  test('whoever finishes what it begins needs a cookie too, beyond 32 at once', () => {
    bed.fate = () => [0];
    for (let i = 0; i < 40; i++) {
      bed.connect(bed.add(`c${i}`, options(`c${i}`)), b, 'b/1');
      bed.run(0);
    }
    expect(b.established).toHaveLength(40);
    expect(b.sessions.stats.cookiesSent).toBe(40 - UNPROVEN_RATE.burst);
  });

  test('30 behind one address who begin at once are all in after their third HS1', () => {
    b = bed.add('b', { ...options('b'), groupOf: () => 'one address' });
    for (let i = 0; i < HALF_OPEN_LOAD; i++) flood(`y/${i}`);
    const behind = Array.from({ length: 30 }, (_, i) => bed.add(`m${i}`, options(`m${i}`)));
    for (const end of behind) bed.connect(end, b, 'b/1');
    expect(bed.runUntil(() => behind.every(end => end.established.length === 1), 2000)).toBe(true);
  });
});

describe('a forged answer', () => {
  test('faults #48 HS1 goes out again only for a cookie that opens, at most four times for each of ours', () => {
    bed.connect(a, b, 'b/1');
    const [hs1] = a.sent.map(letter => letter.bytes) as [Uint8Array];
    const receiverIndex = new DataView(hs1.buffer).getUint32(4);
    const junk = encodeCookie({ receiverIndex, nonce: random.bytes(24), sealed: random.bytes(32) });
    for (let i = 0; i < 50; i++) bed.deliver(letterToA('b', junk));
    // Whoever knows the network key and has seen mac1 can make one that opens.
    const forger = bed.add('f', options('f'));
    for (let i = 0; i < HALF_OPEN_LOAD; i++) flood(`y/${i}`, forger);
    const [forged] = answersTo('a/1', hs1, forger);
    for (let i = 0; i < 50; i++) bed.deliver(letterToA('b', forged as Uint8Array));
    for (let i = 0; i < 50; i++) bed.deliver(letterToA('elsewhere', forged as Uint8Array));
    bed.run(15);
    expect(kinds(a).filter(kind => kind === 'HS1')).toHaveLength(1 + COOKIES_TAKEN_MAX);
    expect(a.sessions.stats).toMatchObject({
      cookiesAccepted: COOKIES_TAKEN_MAX,
      cookiesRefused: 150 - COOKIES_TAKEN_MAX,
    });
    bed.run(1000);
    expect([a.established.length, b.established.length]).toEqual([1, 1]);
  });

  test('faults #46 at most eight wrong HS2 are looked at between two HS1, and the handshake still succeeds', () => {
    bed.fate = ({ bytes }) => (bytes[0] === PacketType.HS2 ? [] : [10]);
    bed.connect(a, b, 'b/1');
    bed.run(50);
    const [good] = b.sent.map(letter => letter.bytes) as [Uint8Array];
    const before = agreements;
    for (let i = 0; i < 100; i++) {
      const wrong = good.slice();
      wrong.set(random.bytes(32), 12);
      a.sessions.receive('b/1', wrong, bed.now);
    }
    expect(agreements - before).toBe(WRONG_HS2_MAX);
    expect(a.sessions.stats).toMatchObject({ badHandshake: WRONG_HS2_MAX, ignoredHs2: 100 - WRONG_HS2_MAX });
    bed.fate = () => [10];
    bed.run(1000);
    expect([a.established.length, b.established.length]).toEqual([1, 1]);
  });

  test('faults #49 something like HS2 after the good one does not make us send HS3 to where it seems to come from', () => {
    bed.fate = ({ bytes, from }) => (from === 'b' && bytes[0] === PacketType.DATA ? [] : [10]);
    bed.connect(a, b, 'b/1');
    bed.run(25);
    const good = (b.sent[0] as Letter).bytes;
    const mark = a.sent.length;
    for (const wrong of [good.slice(0, 108), good.map((byte, i) => (i === 200 ? byte ^ 1 : byte))]) {
      bed.deliver({ from: 'victim', to: 'a', wire: '1', nth: 0, bytes: wrong });
    }
    expect(a.sent.length).toBe(mark);
    bed.deliver({ from: 'b', to: 'a', wire: '1', nth: 0, bytes: good });
    expect(kinds(a).slice(mark)).toEqual(['HS3']);
  });

  test('faults #48 calls from where we are calling, forged without end, hold our own back for some seconds only', () => {
    bed.fate = ({ from }) => (from === 'b' ? [] : [10]);
    bed.connect(a, b, 'b/1');
    for (let i = 0; i < 100; i++) {
      const hs1 = forgedHs1(new Uint8Array(48).fill(0, 1).fill(i, 20, 32));
      a.sessions.receive('b/1', hs1, bed.now);
      bed.run(100);
    }
    expect(kinds(a).filter(kind => kind === 'HS1').length).toBeGreaterThanOrEqual(3);
  });
});

test.each([0, HALF_OPEN_LOAD])(
  'faults #49 no datagram of a stranger is answered by more than three times its bytes (%i half-open)',
  halfOpen => {
    for (let i = 0; i < halfOpen; i++) flood(`y/${i}`);
    bed.connect(a, b, 'b/1');
    bed.run(100);
    const [hs1] = a.sent as [Letter];
    const strangers = [...a.sent, ...b.sent].map(({ bytes }) => bytes).filter(bytes => bytes !== hs1.bytes);
    for (const type of Object.values(PacketType)) {
      for (let length = 4; length < 1300; length += 31) {
        strangers.push(Uint8Array.of(type, 1, 0, 0, ...random.bytes(length)));
      }
    }
    for (let i = 0; i < 20; i++) strangers.push(forgedHs1());
    for (const [i, bytes] of strangers.entries()) {
      const sent = answersTo(`x${i}/1`, bytes.slice()).reduce((sum, answer) => sum + answer.length, 0);
      expect(sent, `type ${bytes[0]?.toString(16)}, ${bytes.length} bytes`).toBeLessThanOrEqual(3 * bytes.length);
    }
  },
);

describe('a replay', () => {
  test('faults #46 of HS1, HS2 or HS3 costs no agreement of keys, and gives no session', () => {
    bed.connect(a, b, 'b/1');
    bed.run(500);
    const before = agreements;
    const mark = b.sent.length;
    for (const letter of [...a.sent, ...b.sent].filter(({ bytes }) => bytes[0] !== PacketType.DATA)) {
      for (let i = 0; i < 20; i++) bed.deliver(letter);
    }
    bed.run(20_000);
    expect(agreements).toBe(before);
    expect(b.sessions.stats.replayedHs1).toBe(20);
    expect(kinds(b).slice(mark)).toEqual(Array.from({ length: 20 }, () => 'DATA'));
    expect([a.established.length, b.established.length]).toEqual([1, 1]);
  });

  test('faults #46 of HS1 while its handshake is half-open costs none either, by whatever path it comes', () => {
    bed.fate = ({ bytes }) => (bytes[0] === PacketType.HS2 ? [] : [10]);
    bed.connect(a, b, 'b/1');
    bed.run(15);
    const before = agreements;
    const [hs1] = a.sent as [Letter];
    for (let i = 0; i < 50; i++) bed.deliver({ ...hs1, from: 'elsewhere' });
    expect(agreements).toBe(before);
    expect(indicesOf(b)).toBe(1);
  });
});

/** Hands a forged HS1 over; the answers to it, which go nowhere. */
function flood(path: string, to = b): Uint8Array {
  return (answersTo(path, forgedHs1(), to)[0] ?? new Uint8Array(0)) as Uint8Array;
}

/** What `to` answers to bytes on a path of no end; what it sends elsewhere goes its way. */
function answersTo(path: string, bytes: Uint8Array, to = b): Uint8Array[] {
  to.sessions.receive(path, bytes, bed.now);
  const answers: Uint8Array[] = [];
  for (let out = to.sessions.poll(); out !== undefined; out = to.sessions.poll()) {
    if (out.kind === 'send' && out.path === path) answers.push(out.bytes);
  }
  return answers;
}

/** HS1 of nobody, with the right mac1. */
function forgedHs1(noise = random.bytes(48)): Uint8Array {
  const zeros = new Uint8Array(16);
  const hs1 = encodeHs1({ senderIndex: 7, noise, mac1: zeros, mac2: zeros });
  hs1.set(MAC1.mac(hs1.subarray(0, 288)), 288);
  return hs1;
}

/** HS1 with the cookie that it got. */
function shows(cookie: Uint8Array, hs1: Uint8Array): Uint8Array {
  const jar = new CookieJar(AUTHORITY.networkKey);
  jar.keep('there', decodeCookie(cookie) as Cookie, hs1, bed.now);
  return jar.show('there', hs1, bed.now);
}

function letterToA(from: string, bytes: Uint8Array): Letter {
  return { from, to: 'a', wire: '1', nth: 0, bytes };
}

function indicesOf(end: End): number {
  return (end.indices as unknown as { owners: Map<number, unknown> }).owners.size;
}

function kinds(end: End): string[] {
  const names = new Map<number, string>(Object.entries(PacketType).map(([name, byte]) => [byte, name]));
  return end.sent.map(({ bytes }) => names.get(bytes[0] as number) ?? '?');
}

function options(name: string) {
  const chance: Random = new SeededRandom(9, `${name} ${sequence++}`);
  const identity = simMember(CA, { user: name, device: name }, new SeededRandom(7, name), TESTBED_UNIX_MS);
  const credentials = simCredentials(identity, new SeededRandom(8, name), TESTBED_UNIX_MS);
  return { suite: counting, authority: AUTHORITY, credentials, random: chance };
}

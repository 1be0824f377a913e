/** Handshakes between two session tables, and what disturbs them (session.md 2.2-2.7; faults rows 3, 32, 43, 46, 53, 55, 62, 100). */
import { type Random, utf8 } from '@warren/base';
import { HandshakeState, nobleSuite } from '@warren/noise';
import {
  cheapCrypto,
  SeededRandom,
  type SimAuthority,
  simAuthority,
  simCredentials,
  simMember,
  simVerifier,
} from '@warren/sim';
import { Authority, type Credentials } from '@warren/trust';
import { PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { HANDSHAKE_TIMEOUT_MS, mac1, prologue, REKEY_AFTER_MS } from './index.ts';
import { type End, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const random = new SeededRandom(1, 'sessions');
const verifier = simVerifier();
const CA = simAuthority(random, TESTBED_UNIX_MS);
const OTHER_CA = simAuthority(random, TESTBED_UNIX_MS);
/** For tests of a thousand handshakes, where order matters and cryptography does not. */
const CHEAP_CA = simAuthority(random, TESTBED_UNIX_MS, cheapCrypto);
const HELLO = utf8('hello');
const DAY_MS = 86_400_000;

let bed: Testbed;
let a: End;
let b: End;

beforeEach(() => {
  bed = new Testbed();
  a = bed.add('a', options('a'));
  b = bed.add('b', options('b'));
});

describe('a handshake', () => {
  test('gives both sides a session in one and a half round trips, with proved identities', () => {
    bed.connect(a, b, 'b/1');
    bed.run(15);
    expect([a.established.length, b.established.length]).toEqual([0, 0]);
    bed.run(10);
    expect(a.established).toMatchObject([{ peer: b.peer, path: 'b/1' }]);
    bed.run(10);
    expect(b.established).toMatchObject([{ peer: a.peer, path: 'a/1' }]);
    expect(b.sessions.identity(a.peer)?.leaf).toMatchObject({ user: 'a', device: 'a', group: CA.group });
    expectTalk();
  });

  test('takes four datagrams, and none follows on a good wire', () => {
    bed.connect(a, b, 'b/1');
    bed.run(60_000);
    expect(kinds(a)).toEqual(['HS1', 'HS3']);
    expect(kinds(b)).toEqual(['HS2', 'DATA']);
  });

  test('finds whoever answers when nobody in particular is wanted', () => {
    bed.connect(a, undefined, 'b/1');
    bed.run(100);
    expect(a.established).toMatchObject([{ peer: b.peer }]);
  });

  test('goes over all paths at once and keeps to the one that answers', () => {
    bed.fate = ({ wire }) => (wire === '2' ? [10] : []);
    bed.connect(a, b, 'b/1', 'b/2', 'b/3');
    bed.run(100);
    expect(a.established).toMatchObject([{ path: 'b/2' }]);
    expect(b.established).toMatchObject([{ path: 'a/2' }]);
  });

  test('in progress takes new paths over instead of starting again', () => {
    bed.fate = ({ wire }) => (wire === '2' ? [10] : []);
    bed.connect(a, b, 'b/1');
    bed.connect(a, b, 'b/2');
    bed.run(100);
    expect([a.sessions.stats.handshakes, b.sessions.stats.handshakes]).toEqual([1, 1]);
    expectTalk('2');
  });

  test('is given up after 45 s, with the reason', () => {
    bed.fate = () => [];
    bed.connect(a, b, 'b/1');
    bed.run(HANDSHAKE_TIMEOUT_MS - 1);
    expect(a.failed).toEqual([]);
    expect(kinds(a).length).toBeGreaterThanOrEqual(7);
    bed.run(1);
    expect(a.failed).toEqual([{ kind: 'failed', to: b.peer, reason: 'timed-out' }]);
    expect(a.sessions.wakeAt).toBeUndefined();
  });

  test('whose HS3 never arrives leaves no session behind', () => {
    bed.fate = ({ bytes }) => (bytes[0] === PacketType.HS3 ? [] : [10]);
    bed.connect(a, b, 'b/1');
    bed.run(HANDSHAKE_TIMEOUT_MS);
    expect(a.failed).toMatchObject([{ reason: 'timed-out' }]);
    expect(a.sessions.identity(b.peer)).toBeUndefined();
    expect(b.established).toEqual([]);
  });

  test('without a path to go over is none', () => {
    for (let i = 0; i < 70_000; i++) a.sessions.connect(b.peer, [], 0);
    bed.connect(a, b, 'b/1');
    bed.run(100);
    expectTalk();
  });

  test.each(['HS1', 'HS2', 'HS3'] as const)('faults #43 survives the loss of the first %s', kind => {
    bed.fate = ({ bytes, nth }) => (bytes[0] === PacketType[kind] && nth === 0 ? [] : [10]);
    bed.connect(a, b, 'b/1');
    expect(bed.runUntil(() => a.established.length + b.established.length === 2, 2000)).toBe(true);
    bed.run(1000);
    expectTalk();
    expect([a.sessions.stats.handshakes, b.sessions.stats.handshakes]).toEqual([1, 1]);
  });

  test('faults #43 survives the loss of the confirmation, without data the other way', () => {
    let lost = 0;
    bed.fate = ({ bytes, from }) => (from === 'b' && bytes[0] === PacketType.DATA && lost++ < 3 ? [] : [10]);
    bed.connect(a, b, 'b/1');
    bed.run(100);
    for (let i = 0; i < 60; i++) {
      bed.say(a, b, 'b/1', HELLO);
      bed.run(1000);
    }
    expect(bed.heard(b, a)).toHaveLength(60);
    expect(a.failed).toEqual([]);
    expect(kinds(a).filter(kind => kind === 'HS3')).toHaveLength(4);
  });

  test('faults #32 is not disturbed by duplicates', () => {
    bed.fate = () => [10, 11, 30, 700];
    bed.connect(a, b, 'b/1');
    bed.run(5000);
    expect([a.established.length, b.established.length]).toEqual([1, 1]);
    expectTalk();
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'faults #32 succeeds within 10 s at 20 % loss with jitter and duplicates (seed %i)',
    seed => {
      const chance = new SeededRandom(seed, 'wire');
      bed.fate = () => {
        const copies = chance.unit() < 0.2 ? 0 : chance.unit() < 0.1 ? 2 : 1;
        return Array.from({ length: copies }, () => 5 + 200 * chance.unit());
      };
      bed.connect(a, b, 'b/1');
      expect(
        bed.runUntil(() => a.established.length > 0 && b.established.length > 0, 10_000),
        `seed ${seed}`,
      ).toBe(true);
      bed.fate = () => [10];
      bed.run(1000);
      expectTalk();
    },
  );

  test('faults #100 of data that overtakes HS3 leaves the handshake whole', () => {
    bed.fate = ({ bytes }) => [bytes[0] === PacketType.HS3 ? 50 : 10];
    bed.connect(a, b, 'b/1');
    bed.runUntil(() => a.established.length === 1, 100);
    bed.say(a, b, 'b/1', HELLO);
    bed.run(100);
    expect(bed.heard(b, a)).toEqual([]);
    expectTalk();
  });
});

describe('both sides beginning at once', () => {
  test('faults #43 end with one pair of keys, or two that both receive until the next rekey, whatever the order', () => {
    for (const order of permutations([0, 1, 2, 3, 4])) {
      const bench = new Testbed();
      const [x, y] = [bench.add('a', options('a', CHEAP_CA)), bench.add('b', options('b', CHEAP_CA))];
      let sent = 0;
      // The first five datagrams arrive in this order, all later ones after them.
      bench.fate = () => [10 + (order[sent++] ?? 10) * 7];
      bench.connect(x, y, 'b/1');
      bench.connect(y, x, 'a/1');
      const done = bench.runUntil(() => x.established.length > 0 && y.established.length > 0, 10_000);
      bench.fate = () => [10];
      bench.run(1000);
      expect(done, `order ${order}`).toBe(true);
      for (const ms of [100, 59_000, 1000, 5000]) {
        bench.say(x, y, 'b/1', HELLO);
        bench.say(y, x, 'a/1', HELLO);
        bench.run(ms);
      }
      expect([bench.heard(x, y).length, bench.heard(y, x).length], `order ${order}`).toEqual([4, 4]);
      bench.run(REKEY_AFTER_MS);
      expectOneSession(bench, x, y, `order ${order}`);
      expect([...x.failed, ...y.failed], `order ${order}`).toEqual([]);
    }
  });

  test('faults #43 end with one pair of keys, whichever of the first five datagrams are lost', () => {
    for (let mask = 0; mask < 32; mask++) {
      const bench = new Testbed();
      const [x, y] = [bench.add('a', options('a')), bench.add('b', options('b'))];
      let sent = 0;
      bench.fate = () => ((mask >> sent++) & 1 && sent <= 5 ? [] : [10]);
      bench.connect(x, y, 'b/1');
      bench.connect(y, x, 'a/1');
      const done = bench.runUntil(() => x.established.length > 0 && y.established.length > 0, 10_000);
      bench.fate = () => [10];
      bench.run(50_000);
      expect(done, `mask ${mask}`).toBe(true);
      expectOneSession(bench, x, y, `mask ${mask}`);
    }
  });

  test('faults #43 is settled when one side has forgotten the session that the other still has', () => {
    for (const [x, y] of [[a, b] as const, [b, a] as const]) {
      const mark = x.established.length;
      bed.connect(x, y, x === a ? 'b/1' : 'a/1');
      bed.run(1000);
      y.sessions.forget(x.peer);
      bed.say(x, y, x === a ? 'b/1' : 'a/1', HELLO);
      bed.run(100);
      expect(x.established.length).toBe(mark + 2);
      expectTalk();
      bed.run(70_000);
      expectTalk();
    }
  });

  test('faults #43 take a second once one hears the other, however long the other waits to call again', () => {
    for (let nth = 0; nth < 8; nth++) {
      const bench = new Testbed();
      const [x, y] = [bench.add('a', options('a')), bench.add('b', options('b'))];
      bench.fate = () => [];
      bench.connect(x, y, 'b/1');
      bench.run(8500);
      bench.fate = () => [10];
      bench.connect(y, x, 'a/1');
      const done = bench.runUntil(() => x.established.length > 0 && y.established.length > 0, 1000);
      expect(done, `try ${nth}`).toBe(true);
    }
  });

  test('faults #43 over different paths end with one pair of keys, or two that both sides receive', () => {
    for (const slow of [5, 10, 15, 25, 40]) {
      const bench = new Testbed();
      const [x, y] = [bench.add('a', options('a')), bench.add('b', options('b'))];
      bench.fate = ({ wire }) => [wire === '1' ? 10 : slow];
      bench.connect(x, y, 'b/1');
      bench.connect(y, x, 'a/2');
      const texts = Array.from({ length: 700 }, (_, i) => utf8(`n${i}`));
      bench.run(1000);
      for (const text of texts) {
        bench.say(x, y, 'b/1', text);
        bench.say(y, x, 'a/1', text);
        bench.run(1000);
      }
      expect([bench.heard(x, y).length, bench.heard(y, x).length], `other path ${slow} ms`).toEqual([700, 700]);
      // A rekey has come since.
      expectOneSession(bench, x, y, `other path ${slow} ms`);
    }
  });
});

describe('nobody gets a session who', () => {
  test('faults #53 is of another network: HS1 is not even answered', () => {
    const stranger = bed.add('c', options('c', OTHER_CA));
    bed.connect(stranger, undefined, 'b/1');
    bed.run(1000);
    expect(b.sent).toEqual([]);
    expect(b.sessions.stats.badMac).toBeGreaterThan(0);
  });

  test("faults #53 has another group's certificate", () => {
    const impostor = bed.add('c', { ...options('c'), credentials: credentials('c', OTHER_CA) });
    bed.connect(impostor, b, 'b/1');
    bed.run(100);
    expect(b.established).toEqual([]);
    expect(b.sessions.stats.rejected).toBe(1);
    bed.connect(a, undefined, 'c/1');
    bed.run(100);
    expect(a.failed).toMatchObject([{ reason: 'wrong-group' }]);
  });

  test('faults #53 has an expired certificate', () => {
    const late = bed.add('c', { ...options('c'), credentials: credentials('c', CA, TESTBED_UNIX_MS - 40 * DAY_MS) });
    bed.connect(late, b, 'b/1');
    bed.connect(a, undefined, 'c/1');
    bed.run(100);
    expect(b.established).toEqual([]);
    expect(a.failed).toMatchObject([{ reason: 'expired' }]);
  });

  test('faults #51 has the certificate of another, without the key that it was made for', () => {
    const thief = { ...credentials('c'), leaf: credentials('a').leaf };
    bed.connect(bed.add('c', { ...options('c'), credentials: thief }), b, 'b/1');
    bed.run(100);
    expect(b.established).toEqual([]);
    expect(b.sessions.stats.rejected).toBe(1);
  });

  test('faults #3 is not the peer that was dialled', () => {
    const c = bed.add('c', options('c'));
    bed.connect(a, b, 'c/1');
    bed.run(HANDSHAKE_TIMEOUT_MS);
    expect(a.failed).toEqual([{ kind: 'failed', to: b.peer, reason: 'wrong-peer' }]);
    expect(a.established).toEqual([]);
    expect(c.established).toEqual([]);
  });

  test('is oneself, over a path that leads back', () => {
    bed.connect(a, undefined, 'a/1');
    bed.run(100);
    expect(a.failed).toMatchObject([{ reason: 'own-identity' }]);
    expect(a.established).toEqual([]);
  });

  test('faults #42 is a second run of oneself', () => {
    const twin = bed.add('c', options('a'));
    bed.connect(a, undefined, 'c/1');
    bed.connect(twin, undefined, 'a/2');
    bed.run(100);
    expect([...a.established, ...twin.established]).toEqual([]);
    expect([a.failed[0]?.reason, twin.failed[0]?.reason]).toEqual(['own-identity', 'own-identity']);
  });

  test('faults #55 speaks another version', () => {
    bed.fate = ({ bytes }) => {
      bytes[1] = 2;
      return [10];
    };
    bed.connect(a, b, 'b/1');
    bed.run(60_000);
    expect([a.established, b.established]).toEqual([[], []]);
  });
});

describe('hostile datagrams', () => {
  test('faults #46 an HS1 played again while it is half-open costs no agreement and gets the same answer', () => {
    bed.connect(a, b, 'b/1');
    bed.run(12);
    const [hs1] = a.sent as [Letter];
    for (let i = 0; i < 50; i++) bed.deliver(hs1);
    const answers = b.sent.map(({ bytes }) => bytes);
    expect(answers).toHaveLength(51);
    expect(answers.every(bytes => Buffer.compare(bytes, answers[0] as Uint8Array) === 0)).toBe(true);
    bed.run(1000);
    expect(b.sessions.stats.handshakes).toBe(1);
  });

  test('faults #46 HS1, HS2 and HS3 played again later give no session', () => {
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    for (const letter of [...a.sent, ...b.sent].filter(({ bytes }) => bytes[0] !== PacketType.DATA)) {
      for (let i = 0; i < 3; i++) bed.deliver(letter);
    }
    bed.run(60_000);
    expect([a.established.length, b.established.length]).toEqual([1, 1]);
    expectTalk();
  });

  test.each(['initiator', 'responder'] as const)(
    'faults #100 a payload that is no payload ends the handshake of an %s, and bytes after it do nothing',
    role => {
      const { networkKey } = authority(CA);
      const suite = nobleSuite();
      const state = new HandshakeState({
        suite,
        pattern: 'XX',
        role: role === 'initiator' ? 'responder' : 'initiator',
        prologue: prologue(networkKey, []),
        s: suite.generateKeyPair(random),
        random,
      });
      const attacker = { name: 'x', sent: [] as Letter[] };
      if (role === 'initiator') {
        bed.connect(a, undefined, 'x/1');
        const hs1 = (a.sent[0] as Letter).bytes;
        state.readMessage(hs1.slice(8, 8 + 32 + 16));
        const noise = state.writeMessage(new Uint8Array(230)) as Uint8Array;
        for (let i = 0; i < 3; i++) bed.post(attacker, 'a/1', reply(PacketType.HS2, 7, hs1.slice(4, 8), noise));
        bed.run(1000);
        expect(a.failed).toMatchObject([{ reason: 'malformed' }]);
      } else {
        const noise = state.writeMessage(new Uint8Array(16)) as Uint8Array;
        bed.post(attacker, 'b/1', hs1Of(noise, networkKey));
        bed.run(12);
        const hs2 = (b.sent[0] as Letter).bytes;
        expect(state.readMessage(hs2.slice(12))).toBeDefined();
        const last = state.writeMessage(new Uint8Array(230)) as Uint8Array;
        for (let i = 0; i < 3; i++) bed.post(attacker, 'b/1', reply(PacketType.HS3, 7, hs2.slice(4, 8), last));
        bed.run(1000);
        expect(b.sessions.stats.rejected).toBe(1);
      }
      expect([a.established, b.established]).toEqual([[], []]);
    },
  );

  test('faults #100 every bit of every handshake message flipped, and every truncation, gives no session and no exception', () => {
    const good = record(() => bed.connect(a, b, 'b/1'));
    for (const [index, { bytes }] of good.entries()) {
      // The last 16 bytes of HS1 show a cookie, and none is asked for without load.
      const checked = index === 0 ? bytes.length - 16 : bytes.length;
      for (let bit = 0; bit < checked * 8; bit += 43) {
        if (bit >> 4 === 1) continue; // reserved, for later versions
        expectNoSession(index, changed => flip(changed, bit), `message ${index} bit ${bit}`);
      }
      for (let length = 0; length < bytes.length; length += 67) {
        expectNoSession(index, changed => changed.slice(0, length), `message ${index} cut to ${length}`);
      }
    }
  });

  test('faults #100 random bytes behind every first byte do nothing', () => {
    bed.connect(a, b, 'b/1');
    bed.run(100);
    for (let i = 0; i < 3000; i++) {
      const bytes = random.bytes(i % 400);
      bytes[0] = 0xe0 + (i % 9);
      if (i % 3 === 0 && bytes.length > 8) bytes.set((a.sent[1] as Letter).bytes.slice(4, 8), 4);
      a.sessions.receive('b/1', bytes, bed.now);
      b.sessions.receive('a/1', bytes, bed.now);
    }
    expectTalk();
  });

  test('faults #62 a hint only starts a handshake, at most every 5 s, towards where the peer was heard', () => {
    bed.connect(a, b, 'b/1');
    bed.run(100);
    const index = a.sessions.seal(b.peer, PacketType.DATA, 0, HELLO, bed.now)?.slice(4, 8) as Uint8Array;
    const hint = new Uint8Array(16);
    hint.set([PacketType.NOSESS, 1, 0, 0, ...index]);
    const before = a.sent.length;
    bed.deliver({ from: 'x', to: 'a', wire: '9', nth: 0, bytes: hint });
    bed.run(1);
    expect(a.sent.length).toBe(before);
    for (let i = 0; i < 100; i++) bed.deliver({ from: 'b', to: 'a', wire: '1', nth: 0, bytes: hint });
    bed.run(2000);
    expect(kinds(a).slice(before)).toEqual(['HS1', 'HS3']);
    expectTalk();
    expect([a.failed, b.failed]).toEqual([[], []]);
  });

  test('faults #43 a restarted peer is back within two round trips of the first datagram', () => {
    bed.connect(a, b, 'b/1');
    bed.run(1000);
    b = bed.add('b', options('b', CA, 'second run', 60_000));
    bed.say(a, b, 'b/1', HELLO);
    bed.run(60);
    expect(b.established).toHaveLength(1);
    expectTalk();
  });

  test('faults #42 of two runs of one identity the later one keeps the session while it is alive', () => {
    bed.connect(b, a, 'a/1');
    bed.run(100);
    const later = bed.add('c', options('b', CA, 'second run', 60_000));
    bed.connect(later, a, 'a/2');
    bed.run(100);
    expect(a.established).toHaveLength(2);
    bed.connect(b, a, 'a/1');
    bed.run(100);
    expect(a.established).toHaveLength(2);
    bed.say(a, later, 'c/2', HELLO);
    bed.run(100);
    expect(bed.heard(later, a)).toEqual([HELLO]);
    bed.ends.delete('c');
    bed.run(40_000);
    bed.connect(b, a, 'a/1');
    bed.run(1000);
    expect(a.established).toHaveLength(3);
  });
});

describe('indices', () => {
  test('faults #102 are all given back after a thousand handshakes, good and bad', () => {
    bed = new Testbed();
    a = bed.add('a', options('a', CHEAP_CA));
    b = bed.add('b', options('b', CHEAP_CA));
    const owners = () => [a, b].map(end => (end.indices as unknown as { owners: Map<number, unknown> }).owners.size);
    const chance = new SeededRandom(3, 'wire');
    bed.fate = () => (chance.unit() < 0.3 ? [] : [10]);
    for (let i = 0; i < 1000; i++) {
      bed.connect(a, i % 5 === 0 ? a : b, 'b/1');
      if (i % 3 === 0) bed.connect(b, a, 'a/1');
      bed.run(2000);
      if (i % 2 === 0) a.sessions.forget(b.peer);
      if (i % 7 === 0) b.sessions.forget(a.peer);
    }
    bed.run(100_000);
    a.sessions.forget(b.peer);
    b.sessions.forget(a.peer);
    expect(owners()).toEqual([0, 0]);
    expect([a.sessions.wakeAt, b.sessions.wakeAt]).toEqual([undefined, undefined]);
  });
});

describe('an opened datagram', () => {
  test('says from whom it is: one unchanging origin for each session', () => {
    bed.connect(a, b, 'b/1');
    bed.run(100);
    expectTalk();
    expectTalk();
    const origins = b.opened.map(({ origin }) => origin);
    expect(origins).toHaveLength(2);
    expect(origins[1]).toBe(origins[0]);
    const { leaf } = credentials('a');
    expect(origins[0]).toMatchObject({ peer: a.peer, identity: { leaf: { user: 'a', tbsHash: leaf.tbsHash } } });
    expect(b.indices.owner(origins[0]?.sessionId as number)).toBe(b.sessions);
    bed.connect(a, b, 'b/1');
    bed.run(100);
    expectTalk();
    expect(b.opened.at(-1)?.origin.sessionId).not.toBe(origins[0]?.sessionId);
  });
});

function authority(ca: SimAuthority): Authority {
  return Authority.group(ca.der, { verifier: ca === CHEAP_CA ? cheapCrypto.verifier() : verifier }) as Authority;
}

function credentials(name: string, ca = CA, now = TESTBED_UNIX_MS, run = name, runAt = now): Credentials {
  const identity = simMember(ca, { user: name, device: name }, new SeededRandom(7, name), now);
  return simCredentials(identity, new SeededRandom(8, run), runAt);
}

function options(name: string, ca = CA, run = name, startedMs = 0) {
  const chance: Random = new SeededRandom(9, `${run} ${sequence++}`);
  const runAt = TESTBED_UNIX_MS + startedMs;
  return {
    suite: ca.crypto.suite,
    authority: authority(ca),
    credentials: credentials(name, ca, TESTBED_UNIX_MS, run, runAt),
    random: chance,
  };
}
let sequence = 0;

function kinds(end: End): string[] {
  const names = new Map<number, string>(Object.entries(PacketType).map(([name, byte]) => [byte, name]));
  return end.sent.map(({ bytes }) => names.get(bytes[0] as number) ?? '?');
}

function expectTalk(wire = '1'): void {
  const before = [bed.heard(a, b).length, bed.heard(b, a).length] as const;
  bed.say(a, b, `b/${wire}`, HELLO);
  bed.say(b, a, `a/${wire}`, HELLO);
  bed.run(100);
  expect([bed.heard(a, b).length - before[0], bed.heard(b, a).length - before[1]]).toEqual([1, 1]);
}

/** Both send under the same pair of keys, and what they send arrives; also after the previous keys are gone. */
function expectOneSession(bench: Testbed, x: End, y: End, why: string): void {
  const current = (end: End, other: End) =>
    (
      end.sessions as unknown as {
        keyring: { peers: Map<string, { current: { transport: { localIndex: number; remoteIndex: number } } }> };
      }
    ).keyring.peers.get(other.peer)?.current.transport;
  expect(current(x, y)?.localIndex, why).toBe(current(y, x)?.remoteIndex);
  expect(current(x, y)?.remoteIndex, why).toBe(current(y, x)?.localIndex);
  bench.run(70_000);
  const handshakes = x.established.length;
  const before = [bench.heard(x, y).length, bench.heard(y, x).length] as const;
  for (let i = 0; i < 3; i++) {
    bench.say(x, y, 'b/1', HELLO);
    bench.say(y, x, 'a/1', HELLO);
    bench.run(100);
  }
  const heard = [bench.heard(x, y).length - before[0], bench.heard(y, x).length - before[1]];
  expect([...heard, x.established.length], why).toEqual([3, 3, handshakes]);
}

/** All orders of a few things. */
function permutations(items: readonly number[]): number[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map(rest => [item, ...rest]));
}

/** The datagrams of an undisturbed run. */
function record(start: () => void): Letter[] {
  start();
  bed.run(100);
  return [...a.sent, ...b.sent].filter(({ bytes }) => bytes[0] !== PacketType.DATA);
}

/** Runs a handshake in which the `index`-th kind of message arrives changed, and only so. */
function expectNoSession(index: number, change: (bytes: Uint8Array) => Uint8Array, why: string): void {
  const bench = new Testbed();
  const [x, y] = [bench.add('a', options('a')), bench.add('b', options('b'))];
  const kind = [PacketType.HS1, PacketType.HS3, PacketType.HS2][index];
  bench.fate = letter => {
    if (letter.bytes[0] !== kind) return [10];
    const { from, to, wire, nth } = letter;
    const bytes = change(letter.bytes);
    bench.at(bench.now + 10, () => bench.deliver({ from, to, wire, nth, bytes }));
    return [];
  };
  bench.connect(x, y, 'b/1');
  bench.run(30);
  const established = kind === PacketType.HS3 ? y.established : [...x.established, ...y.established];
  expect(established.length, why).toBe(0);
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
  return changed;
}

function reply(type: number, senderIndex: number, receiverIndex: Uint8Array, noise: Uint8Array): Uint8Array {
  return Uint8Array.of(type, 1, 0, 0, 0, 0, 0, senderIndex, ...receiverIndex, ...noise);
}

function hs1Of(noise: Uint8Array, networkKey: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(320);
  bytes.set([PacketType.HS1, 1, 0, 0, 0, 0, 0, 7]);
  bytes.set(noise, 8);
  bytes.set(mac1(networkKey, bytes), 288);
  return bytes;
}

/** Ways through a third peer, on link tables in virtual time (P2 4.3; faults rows 21, 23, 29, 76). */
import { utf8 } from '@warren/base';
import { SeededRandom, simAuthority, simCredentials, simMember, simSuite, simVerifier } from '@warren/sim';
import { Authority, type Right } from '@warren/trust';
import {
  decodeRelayed,
  encodeRelayed,
  Inner,
  peerKey,
  RELAYED_OVERHEAD_BYTES,
  SEAL_OVERHEAD_BYTES,
  type Willingness,
} from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { relayPath } from './relay-paths.ts';
import { CIRCUIT_BYTES } from './relay-quotas.ts';
import { type End, type EndOptions, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const verifier = simVerifier();
const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const NOTHING_DIRECT = { udp: false, webrtc: false };

describe('faults #21 #23 two neighbours with no direct way', () => {
  test('go through the neighbour that both have, who cannot read it', () => {
    const { bed, a, b, c } = triangle();
    const seen = spy(c);
    meet(bed, a, b);
    expect([kind(a, b), kind(b, a)]).toEqual(['relay', 'relay']);
    expect(a.links.info(b.peer)?.via).toBe(c.peer);
    talk(bed, a, b, 'the marker');
    expect(c.links.stats.relays.datagrams).toBeGreaterThan(10);
    expect(seen.some(bytes => bytes[0] === Inner.RELAYED)).toBe(true);
    expect(seen.some(bytes => includes(bytes, utf8('the marker')))).toBe(false);
  });

  test('try the direct way for a second first, and not at all where there can be none', () => {
    const slow = triangle();
    meet(slow.bed, slow.a, slow.b);
    expect(upAt(slow.a, slow.b)).toBeGreaterThan(1000);
    expect(upAt(slow.a, slow.b)).toBeLessThan(1500);
    const fast = triangle({ a: { can: NOTHING_DIRECT }, b: { can: NOTHING_DIRECT } });
    meet(fast.bed, fast.a, fast.b);
    expect(upAt(fast.a, fast.b)).toBeLessThan(400);
  });

  test('are direct as soon as that is possible, without losing a datagram', () => {
    const { bed, a, b } = triangle();
    meet(bed, a, b);
    bed.fate = () => [10];
    const sent = Array.from({ length: 1500 }, (_, i) => `n${i}`);
    for (const text of sent) {
      bed.say(a, b, text);
      bed.run(10);
    }
    expect(kind(a, b)).toBe('udp');
    expect(bed.heard(b, a)).toEqual(sent);
    bed.run(90_000);
    expect(relayPaths(bed, a, b)).toBe(0);
  });

  test('need no fragments for what two whole datagrams of the Internet hold', () => {
    const { bed, a, b } = triangle();
    meet(bed, a, b);
    const send = () => bed.act(a, links => links.sendFrame(b.peer, new Uint8Array(1294).fill(7), bed.now));
    send();
    bed.run(1000);
    const before = b.received.length;
    const sent = a.sent.length;
    send();
    bed.run(100);
    const whole = 1294 + SEAL_OVERHEAD_BYTES + RELAYED_OVERHEAD_BYTES;
    expect(a.sent.slice(sent).filter(({ bytes }) => bytes.length === whole)).toHaveLength(1);
    expect(b.received.slice(before).map(({ message }) => message.bytes.length)).toEqual([1294]);
  });
});

describe('faults #29 a relay that is lost', () => {
  test('gives way to another within two seconds', () => {
    const { bed, a, b } = quad();
    cut(bed, 'ab', via(bed, a, b).name);
    expect(gap(bed, a, b)).toBeLessThan(2000);
  });

  test('gives way to another at once where it says goodbye', () => {
    const { bed, a, b } = quad();
    bed.act(via(bed, a, b), links => links.stop(bed.now));
    expect(gap(bed, a, b)).toBeLessThan(200);
  });

  test('gives way to another at once where it says that it has no link there', () => {
    const { bed, a, b } = quad();
    const relay = via(bed, a, b);
    bed.act(relay, links => links.drop(b.peer, bed.now));
    expect(gap(bed, a, b)).toBeLessThan(200);
    expect(via(bed, a, b)).not.toBe(relay);
    expect(relay.links.stats.relays.refused['no-link']).toBeGreaterThan(0);
  });
});

describe('faults #77 a relay that was fast', () => {
  test.each<[string, (letter: Letter) => readonly number[]]>([
    ['and then delays what it passes on', () => [210]],
    ['and then drops a third of it', ({ bytes }) => ((bytes[20] ?? 0) % 3 === 0 ? [] : [10])],
  ])('%s, is left for another within half a minute', (_, fate) => {
    const { bed, a, b, c, d } = quad({}, letter => [[letter.from, letter.to].includes('d') ? 15 : 10]);
    expect(via(bed, a, b)).toBe(c);
    cut(bed, 'ab', undefined, letter => ([letter.from, letter.to].includes('c') ? fate(letter) : [15]));
    for (let i = 0; i < 300; i++) {
      bed.say(a, b, 'x');
      bed.say(b, a, 'y');
      bed.run(100);
    }
    expect([via(bed, a, b), via(bed, b, a)]).toEqual([d, d]);
  });
});

describe('who relays', () => {
  test('faults #76 nobody whose certificate does not say so: it is not asked, refuses, and is not listened to', () => {
    const { bed, a, b, c } = triangle({ c: { rights: [] } });
    meet(bed, a, b);
    expect(kind(a, b)).toBeUndefined();
    bed.act(a, links => links.sendOn(relayPath('group', c.peer, b.peer), Uint8Array.of(0xe5, 1, 2, 3), bed.now));
    bed.run(100);
    expect(c.links.stats.relays).toMatchObject({ datagrams: 0, refused: { 'no-right': 1 } });
  });

  test('faults #77 under one name: whom it says to relay for makes no other path', () => {
    const { bed, a, b, c } = triangle();
    const { receive } = c.sessions;
    let sender = 0;
    // What b has passed on to a seems to come from somebody else each time, and is answered there.
    c.sessions.receive = (...args) => {
      const opened = receive.apply(c.sessions, args);
      const relayed = opened?.plaintext[0] === Inner.RELAYED ? decodeRelayed(opened.plaintext.subarray(1)) : undefined;
      if (opened?.peer === b.peer && relayed?.direction === 'onward') {
        const peer = new Uint8Array(20).fill(++sender);
        c.links.send(a.peer, Inner.RELAYED, encodeRelayed({ ...relayed, direction: 'delivered', peer }), bed.now);
      }
      return opened;
    };
    meet(bed, a, b);
    bed.run(3000);
    expect(sender).toBeGreaterThan(5);
    const names = Array.from({ length: sender }, (_, i) => peerKey(new Uint8Array(20).fill(i + 1)));
    expect(names.filter(name => a.links.uses(relayPath('group', c.peer, name)))).toEqual([]);
    expect(relayPaths(bed, a, b)).toBe(1);
  });

  test('faults #76 nobody through a relay: the second relay refuses', () => {
    const { bed, a, b, c } = triangle();
    meet(bed, a, b);
    // b reaches a through c only; c asks b to pass something on to a.
    bed.act(c, links => links.sendOn(relayPath('group', b.peer, a.peer), Uint8Array.of(0xe5, 1, 2, 3), bed.now));
    bed.run(100);
    expect(b.links.stats.relays).toMatchObject({ datagrams: 0, refused: { 'no-link': 1 } });
  });

  test.each<[Willingness, Willingness, string]>([
    ['never', 'last-resort', 'd'],
    ['last-resort', 'on-failure', 'd'],
    ['on-failure', 'always', 'd'],
    ['always', 'last-resort', 'c'],
  ])('the more willing: %s or %s', (first, second, expected) => {
    const { bed, a, b } = quad({ c: { relays: { willingness: first } }, d: { relays: { willingness: second } } });
    expect(via(bed, a, b).name).toBe(expected);
    expect(via(bed, b, a).name).toBe(expected);
  });

  test('a tab that goes to the background is left for another, and refuses nobody', () => {
    const { bed, a, b } = quad();
    const first = via(bed, a, b);
    bed.act(first, links => links.setResting(true, bed.now));
    bed.run(5000);
    expect(via(bed, a, b)).not.toBe(first);
    expect(first.links.stats.relays.refused.unwilling).toBe(0);
  });

  test('the fastest by what we measure, whatever is said, or the one that has been there longest', () => {
    const slow = (name: string) => (letter: Letter) => [[letter.from, letter.to].includes(name) ? 60 : 10];
    const fast = quad({}, slow('c'));
    expect(via(fast.bed, fast.a, fast.b).name).toBe('d');
    const old = quad(
      { a: { relays: { relayChoice: 'stability' } }, b: { relays: { relayChoice: 'stability' } } },
      slow('c'),
    );
    expect(via(old.bed, old.a, old.b).name).toBe('c');
    old.bed.act(old.a, links => links.relays.prefer(old.b.peer, 'latency', old.bed.now));
    old.bed.run(15_000);
    expect(via(old.bed, old.a, old.b).name).toBe('d');
  });

  test('among many, two who choose differently do not bring back what the other lets go', () => {
    const bed = new Testbed();
    const [a, b] = ['a', 'b'].map(name => bed.add(name, options(name))) as [End, End];
    cut(bed, 'ab');
    for (let i = 0; i < 10; i++) {
      const relay = bed.add(`r${i}`, options(`r${i}`));
      for (const end of [a, b]) bed.connect(end, relay, `ws/${relay.name}`);
    }
    bed.run(2000);
    meet(bed, a, b);
    bed.run(30_000);
    let letters = 0;
    cut(bed, 'ab', undefined, () => {
      letters++;
      return [10];
    });
    bed.run(10_000);
    expect(kind(a, b)).toBe('relay');
    expect(letters).toBeLessThan(300);
  });

  test('somebody whom only one of the two knows is wanted by the other', () => {
    const { bed, a, b, c } = triangle({}, ['a', 'c']);
    meet(bed, a, b);
    const wanted = a.log.flatMap(({ out }) => (out.kind === 'wanted' ? [out.peer] : []));
    expect(wanted).toContain(c.peer);
    bed.connect(a, c, `via/group/${c.peer}`);
    bed.run(1000);
    expect(kind(a, b)).toBe('relay');
  });

  test('faults #76 strangers get so much, and then a refusal that is smaller than what they sent', () => {
    const strangers = { a: { strangers: true }, b: { strangers: true }, c: { strangers: true } };
    const { bed, a, b, c } = triangle(strangers);
    meet(bed, a, b);
    expect(kind(a, b)).toBe('relay');
    const path = relayPath('group', c.peer, b.peer);
    for (let i = 0; i < 300; i++) {
      bed.act(a, links => links.sendOn(path, new Uint8Array(1000).fill(0xe5), bed.now));
      bed.run(10);
    }
    const { bytes, refused } = c.links.stats.relays;
    expect(refused.quota).toBeGreaterThan(150);
    expect(bytes).toBeLessThan(2 * CIRCUIT_BYTES);
    const told = c.sent.filter(letter => letter.to === 'a' && letter.at > bed.now - 2000);
    expect(told.length).toBeLessThan(20);
    expect(kind(a, b)).not.toBe('relay');
  });
});

/** `a` and `b`, whom nothing but carried datagrams joins, and `c`, whom both are linked to. */
function triangle(o: Ends = {}, without: readonly string[] = []) {
  const bed = new Testbed();
  const [a, b, c] = ['a', 'b', 'c'].map(name => bed.add(name, options(name, o[name]))) as [End, End, End];
  cut(bed, 'ab');
  for (const [x, y] of [
    [a, c],
    [b, c],
  ] as const) {
    if (without.includes(x.name) && without.includes(y.name)) continue;
    bed.connect(x, y, `ws/${y.name}`);
  }
  bed.run(2000);
  return { bed, a, b, c };
}

/** The same with two relays, `c` the older. */
function quad(o: Ends = {}, fate: (letter: Letter) => readonly number[] = () => [10]) {
  const bed = new Testbed();
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(name => bed.add(name, options(name, o[name]))) as [End, End, End, End];
  cut(bed, 'ab', undefined, fate);
  for (const relay of [c, d]) {
    for (const end of [a, b]) bed.connect(end, relay, `ws/${relay.name}`);
    bed.run(2000);
  }
  meet(bed, a, b);
  bed.run(10_000);
  return { bed, a, b, c, d };
}

interface EndChanges extends Partial<Pick<EndOptions, 'can' | 'strangers' | 'relays'>> {
  readonly rights?: readonly Right[];
}
type Ends = Readonly<Record<string, EndChanges>>;

function options(name: string, { rights = ['relay'], ...o }: EndChanges = {}): EndOptions {
  const member = { user: name, device: name, rights };
  const identity = simMember(CA, member, new SeededRandom(2, name), TESTBED_UNIX_MS);
  const random = new SeededRandom(3, name);
  const authority = Authority.group(CA.der, { verifier }) as Authority;
  const credentials = simCredentials(identity, random, TESTBED_UNIX_MS);
  return { suite: simSuite, authority, credentials, random, ...o };
}

/** Lets nothing pass between two ends but what an overlay carries, and nothing at all to or from `dead`. */
function cut(
  bed: Testbed,
  pair: string,
  dead?: string,
  fate: (letter: Letter) => readonly number[] = () => [10],
): void {
  bed.fate = letter => {
    const { from, to, path } = letter;
    if (from === dead || to === dead) return [];
    return pair.includes(from) && pair.includes(to) && !path.startsWith('via/') ? [] : fate(letter);
  };
}

function meet(bed: Testbed, a: End, b: End): void {
  const from = bed.now;
  bed.connect(a, b, `via/group/${b.peer}`);
  bed.run(3000);
  met.set(a, from);
}

const met = new WeakMap<End, number>();

/** How long after they met. */
function upAt(a: End, b: End): number {
  const at = a.log.find(({ out }) => out.kind === 'up' && out.peer === b.peer)?.at ?? Number.POSITIVE_INFINITY;
  return at - (met.get(a) ?? 0);
}

function talk(bed: Testbed, a: End, b: End, text: string): void {
  const [there, back] = [bed.heard(b, a).length, bed.heard(a, b).length];
  for (let i = 0; i < 10; i++) {
    bed.say(a, b, text);
    bed.say(b, a, text);
    bed.run(50);
  }
  expect([bed.heard(b, a).length - there, bed.heard(a, b).length - back]).toEqual([10, 10]);
}

/** The longest time without a message at either end, while both talk for four seconds. */
function gap(bed: Testbed, a: End, b: End): number {
  const from = bed.now;
  for (let i = 0; i < 80; i++) {
    bed.say(a, b, 'x');
    bed.say(b, a, 'x');
    bed.run(50);
  }
  const gaps = [a, b].map(end => {
    const times = [from, ...end.received.map(({ at }) => at).filter(at => at >= from), bed.now];
    return Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? 0)));
  });
  return Math.max(...gaps);
}

function kind(end: End, other: End): string | undefined {
  return end.links.info(other.peer)?.kind;
}

/** Who relays from `a` to `b`. */
function via(bed: Testbed, a: End, b: End): End {
  const key = a.links.info(b.peer)?.via;
  return [...bed.ends.values()].find(({ peer }) => peer === key) as End;
}

function relayPaths(bed: Testbed, a: End, b: End): number {
  return [...bed.ends.values()].filter(({ peer }) => a.links.uses(relayPath('group', peer, b.peer))).length;
}

/** All plaintexts that an end opens from now on, as they were then. */
function spy({ sessions }: End): Uint8Array[] {
  const seen: Uint8Array[] = [];
  const receive = sessions.receive.bind(sessions);
  sessions.receive = (...args) => {
    const opened = receive(...args);
    if (opened !== undefined) seen.push(opened.plaintext.slice());
    return opened;
  };
  return seen;
}

function includes(bytes: Uint8Array, part: Uint8Array): boolean {
  return bytes.some((_, at) => part.every((byte, i) => bytes[at + i] === byte));
}

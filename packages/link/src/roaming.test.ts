/** A neighbour whose address changes, and others who only pretend (session.md 2.5 "Roaming"; faults rows 25, 36, 58). */
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { ASK_EVERY_MS, MOVE_EVERY_MS } from './roaming.ts';
import { addressOf, type End, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const ONE_WAY_MS = 10;
const MALLORY = 'udp/203.0.113.66:6';

let bed: Testbed;
let a: End;
let b: End;

beforeEach(() => {
  bed = new Testbed();
  a = bed.add('a', simParty(CA, 'a', new SeededRandom(2, 'a'), TESTBED_UNIX_MS));
  b = bed.add('b', simParty(CA, 'b', new SeededRandom(2, 'b'), TESTBED_UNIX_MS));
  bed.connect(a, b, `udp/${addressOf('b')}`);
  bed.run(2500);
});

describe('a neighbour', () => {
  test('faults #36 whose address changes under traffic is followed within two round trips, in the same session', () => {
    const [handshakes, before] = [a.sent.length, b.sent.length];
    const sent = chatter(300, 2);
    bed.moved.set('a', '192.0.2.99:1234');
    const movedAt = bed.now;
    sent.push(...chatter(300, 2));
    const missing = sent.filter(text => !bed.heard(a, b).includes(text)).map(Number);
    expect(sent.filter(text => !bed.heard(b, a).includes(text))).toEqual([]);
    expect(missing.every(at => at >= movedAt - ONE_WAY_MS)).toBe(true);
    const gapMs = Math.max(...missing) - Math.min(...missing);
    // What is under way, until the first word from the new address is there, and a challenge and its answer.
    expect(gapMs).toBeLessThanOrEqual(4 * ONE_WAY_MS + 4);
    const types = [...a.sent.slice(handshakes), ...b.sent.slice(before)].map(({ bytes }) => bytes[0]);
    expect(new Set(types)).toEqual(new Set([PacketType.DATA]));
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
  });

  test('faults #25 whose address changes while it only listens is found again within 9 s', () => {
    bed.run(20_000);
    bed.moved.set('a', '192.0.2.99:1234');
    const movedAt = bed.now;
    let backAt = 0;
    for (let i = 0; i < 1500 && backAt === 0; i++) {
      const count = a.received.length;
      bed.say(b, a, `${bed.now}`);
      bed.run(10);
      if (a.received.length > count) backAt = bed.now;
    }
    expect(backAt - movedAt).toBeLessThanOrEqual(9000);
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
  });

  test('faults #36 whose address flips all the time makes traffic move at most once in two seconds', () => {
    for (let i = 0; i < 200; i++) {
      bed.moved.set('a', `192.0.2.${i % 2}:1234`);
      chatter(100, 10, false);
    }
    const targets = b.sent.filter(({ bytes }) => bytes.length === SAID_BYTES).map(({ path, at }) => ({ path, at }));
    const moves = targets.filter(({ path }, i) => i > 0 && path !== targets[i - 1]?.path).map(({ at }) => at);
    expect(moves.length).toBeGreaterThan(2);
    expect(moves.length).toBeLessThanOrEqual(Math.ceil(20_000 / MOVE_EVERY_MS) + 1);
  });

  test('that speaks on another of two living ways is asked once a second, and both end on one', () => {
    const [home, away] = [addressOf('a'), '192.0.2.99:1234'];
    // Both addresses of a lead to it.
    bed.fate = letter => {
      if (letter.from === 'b' && letter.path === `udp/${away}`)
        bed.at(bed.now + ONE_WAY_MS, () => deliverTo(a, letter));
      return [ONE_WAY_MS];
    };
    const asked = b.sent.length;
    for (let i = 0; i < 1000; i++) {
      bed.say(a, b, 'x');
      bed.moved.set('a', i % 2 === 0 ? away : home);
      bed.say(b, a, 'y');
      bed.run(10);
    }
    const challenges = b.sent.slice(asked).filter(({ bytes }) => bytes.length === CHALLENGE_BYTES);
    expect(challenges.length).toBeLessThanOrEqual((2 * 10_000) / ASK_EVERY_MS + 40);
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
  });
});

describe('faults #58 somebody who captures datagrams', () => {
  test('and plays them back first from another address gets no traffic, and three times his bytes at most', () => {
    const mallory = { sent: 0, got: 0, data: 0 };
    bed.fate = letter => {
      if (letter.path === MALLORY) {
        mallory.got += letter.bytes.length;
        if (letter.bytes.length === SAID_BYTES) mallory.data++;
        return [];
      }
      if (letter.from !== 'a') return [ONE_WAY_MS];
      mallory.sent += letter.bytes.length;
      bed.at(bed.now + 1, () => b.links.receive(MALLORY, letter.bytes.slice(), bed.now));
      return [ONE_WAY_MS];
    };
    const sent = chatter(20_000, 50);
    expect(sent.filter(text => !bed.heard(a, b).includes(text))).toEqual([]);
    expect(mallory.data).toBe(0);
    expect(mallory.got).toBeGreaterThan(0);
    expect(mallory.got).toBeLessThanOrEqual(3 * mallory.sent);
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
  });

  test('and plays one back from each of many addresses gets a challenge each, and hides no change of address', () => {
    const perAddress = new Map<string, number>();
    let nth = 0;
    let copied = 0;
    bed.fate = letter => {
      if (letter.path.startsWith('udp/203.0.113.')) {
        perAddress.set(letter.path, (perAddress.get(letter.path) ?? 0) + letter.bytes.length);
        return [];
      }
      if (letter.from === 'a' && nth < 130) {
        const from = `udp/203.0.113.${nth++}:6`;
        copied = Math.max(copied, letter.bytes.length);
        bed.at(bed.now + 1, () => b.links.receive(from, letter.bytes.slice(), bed.now));
      }
      return [ONE_WAY_MS];
    };
    chatter(2000, 20);
    bed.moved.set('a', '192.0.2.99:1234');
    const movedAt = bed.now;
    const sent = chatter(10_000, 40);
    const missing = sent.filter(text => !bed.heard(a, b).includes(text)).map(Number);
    expect(Math.max(...missing, movedAt) - movedAt).toBeLessThanOrEqual(9000);
    expect(Math.max(...perAddress.values())).toBeLessThanOrEqual(3 * copied);
    expect(outs(b, 'down')).toBe(0);
  });

  test('and forwards both ways, then nothing, loses the traffic within 4 s', () => {
    let forwards = true;
    const through: Letter[] = [];
    bed.fate = letter => {
      if (letter.path === MALLORY) {
        if (!forwards) return [];
        through.push(letter);
        bed.at(bed.now + 1, () => deliverTo(a, letter));
        return [];
      }
      if (letter.from === 'a' && forwards) {
        bed.at(bed.now + 1, () => {
          b.links.receive(MALLORY, letter.bytes.slice(), bed.now);
        });
      }
      return [ONE_WAY_MS];
    };
    chatter(4000, 20);
    expect(through.length).toBeGreaterThan(0);
    forwards = false;
    const stoppedAt = bed.now;
    const sent = chatter(6000, 20);
    const missing = sent.filter(text => !bed.heard(a, b).includes(text)).map(Number);
    expect(Math.max(...missing, stoppedAt) - stoppedAt).toBeLessThanOrEqual(4000);
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
  });
});

/** Header, inner byte, text of 8 digits, tag. */
const SAID_BYTES = 32 + 1 + 8;
const CHALLENGE_BYTES = 32 + 1 + 8 + 32 + 1;

/** Both say the time in 8 digits, every few milliseconds; returns what was said. */
function chatter(ms: number, everyMs: number, settles = true): string[] {
  const sent: string[] = [];
  for (let i = 0; i * everyMs < ms; i++) {
    const text = String(bed.now).padStart(8, '0');
    if (bed.say(a, b, text) && bed.say(b, a, text)) sent.push(text);
    bed.run(everyMs);
  }
  if (settles) bed.run(100);
  return sent;
}

function deliverTo(end: End, letter: Letter): void {
  const message = end.links.receive(`udp/${addressOf('b')}`, letter.bytes.slice(), bed.now);
  if (message !== undefined) end.received.push({ at: bed.now, message });
  bed.act(end, () => {});
}

function outs(end: End, kind: 'down' | 'up'): number {
  return end.log.filter(({ out }) => out.kind === kind).length;
}

test('the constants of this file fit the messages', () => {
  const before = a.sent.length;
  bed.say(a, b, '00000000');
  expect(a.sent.slice(before).map(({ bytes, path }) => [bytes.length, path])).toEqual([
    [SAID_BYTES, `udp/${addressOf('b')}`],
  ]);
});

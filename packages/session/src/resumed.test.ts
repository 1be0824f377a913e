/** Handshakes after sleep: everybody is called, a few at a time (session.md 2.5; faults row 34). */
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { PacketType } from '@warren/wire';
import { expect, test } from 'vitest';
import { RESUMED_AT_ONCE, resumedAt } from './resumed.ts';
import { type End, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);

test('many peers are called in an order without a crowd', () => {
  const random = new SeededRandom(34, 'order');
  const times = Array.from({ length: 256 }, (_, nth) => resumedAt(nth, random, 1000)).toSorted((x, y) => x - y);
  expect(times.filter(at => at === 1000).length).toBe(RESUMED_AT_ONCE);
  expect(times.at(-1)).toBeLessThan(1000 + 10_000);
  const crowds = times.map(at => times.filter(other => other >= at && other < at + 100).length);
  expect(Math.max(...crowds)).toBeLessThanOrEqual(3 * RESUMED_AT_ONCE);
});

test('faults #34 a session is rekeyed at once after sleep, and no datagram is lost by it', () => {
  const { bed, a, b } = pair();
  bed.connect(a, b, 'b/1');
  bed.run(1000);
  const before = [a.sessions.stats.handshakes, b.sessions.stats.handshakes];
  for (const end of [a, b]) end.sessions.resume(bed.now);
  let sent = 0;
  for (let i = 0; i < 100; i++) {
    if (bed.say(a, b, 'b/1', Uint8Array.of(9, i)) && bed.say(b, a, 'a/1', Uint8Array.of(9, i))) sent++;
    bed.run(20);
  }
  expect(a.sessions.stats.handshakes).toBeGreaterThan(before[0] as number);
  expect(b.sessions.stats.handshakes).toBeGreaterThan(before[1] as number);
  const said = (end: End) => end.opened.filter(({ plaintext }) => plaintext[0] === 9).length;
  expect([said(a), said(b), sent]).toEqual([100, 100, 100]);
});

test('faults #36 a rekey whose path is dead goes on over the one that is chosen meanwhile', () => {
  const { bed, a, b } = pair();
  bed.connect(a, b, 'b/1');
  bed.run(1000);
  const before = b.sessions.stats.handshakes;
  bed.fate = ({ wire }) => (wire === '1' ? [] : [10]);
  a.sessions.resume(bed.now);
  bed.run(5000);
  expect(b.sessions.stats.handshakes).toBe(before);
  a.sessions.usePath(b.peer, 'b/2', bed.now);
  // Whatever comes makes the bed look what there is to send.
  bed.deliver({ from: 'b', to: 'a', wire: '2', bytes: new Uint8Array(1), nth: 0 });
  bed.run(100);
  expect(b.sessions.stats.handshakes).toBe(before + 1);
});

test('an HS3 that comes after ten seconds is too late, though no timer has fired', () => {
  for (const [waitMs, isTaken] of [
    [9000, true],
    [11_000, false],
  ] as const) {
    const { bed, a, b } = pair();
    const held: Letter[] = [];
    bed.fate = letter => {
      if (letter.bytes[0] !== PacketType.HS3) return [10];
      held.push(letter);
      return [];
    };
    bed.connect(a, b, 'b/1');
    bed.run(100);
    bed.now += waitMs;
    bed.deliver(held[0] as Letter);
    expect(b.sessions.identity(a.peer) !== undefined, `${waitMs} ms`).toBe(isTaken);
  }
});

function pair(): { bed: Testbed; a: End; b: End } {
  const bed = new Testbed();
  const add = (name: string) => bed.add(name, simParty(CA, name, new SeededRandom(2, name), TESTBED_UNIX_MS));
  return { bed, a: add('a'), b: add('b') };
}

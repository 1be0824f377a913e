/** What ends a link and what does not: nobody's word but the neighbour's, and time (session.md 2.5; faults row 62). */
import { concat } from '@warren/base';
import { REJECT_AFTER_MS } from '@warren/session';
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { encodeNoSession, Inner, PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { addressOf, type End, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const TO_B = `udp/${addressOf('b')}`;
const FROM_A = `udp/${addressOf('a')}`;

let bed: Testbed;
let a: End;
let b: End;

beforeEach(() => {
  bed = new Testbed();
  a = bed.add('a', simParty(CA, 'a', new SeededRandom(2, 'a'), TESTBED_UNIX_MS));
  b = bed.add('b', simParty(CA, 'b', new SeededRandom(2, 'b'), TESTBED_UNIX_MS));
  bed.connect(a, b, TO_B);
  bed.run(2500);
});

describe('faults #62 a link', () => {
  test('outlives forged goodbyes, hints and handshakes in masses, on its own address and on others', () => {
    const random = new SeededRandom(62, 'forger');
    const seen = [...a.sent, ...b.sent].map(({ bytes }) => bytes);
    const last = a.sent.at(-1) as Letter;
    const [toA, toB] = [indexIn(b.sent.at(-1) as Letter), indexIn(last)];
    const handshakes = b.sessions.stats.handshakes;
    for (let i = 0; i < 3000; i++) {
      const from = i % 2 === 0 ? FROM_A : `udp/203.0.113.${i % 250}:9`;
      for (const bytes of [
        encodeNoSession({ index: i % 3 === 0 ? toA : toB, counter: i }),
        concat(Uint8Array.of(PacketType.HS3, 0, 0, 0), random.bytes(4), u32(toB), random.bytes(600)),
        concat(Uint8Array.of(PacketType.HS2, 0, 0, 0), random.bytes(4), u32(toB), random.bytes(640)),
        concat(
          Uint8Array.of(PacketType.DATA, 0, 0, 0),
          u32(toB),
          random.bytes(8),
          Uint8Array.of(Inner.CLOSE, 0),
          random.bytes(16),
        ),
        flipped(last.bytes, i),
        (seen[i % seen.length] as Uint8Array).slice(),
      ]) {
        b.links.receive(from, bytes, bed.now);
      }
      bed.act(b, () => {});
      if (i % 100 === 0) bed.run(100);
    }
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
    // A hint in five seconds is worth a handshake, which both sides count.
    expect(b.sessions.stats.handshakes - handshakes).toBeLessThanOrEqual(2);
    expectTalk();
  });

  test('outlives the goodbye of the link before it', () => {
    const mark = a.sent.length;
    bed.act(a, links => links.disconnect(b.peer, bed.now));
    bed.run(100);
    const goodbyes = a.sent.slice(mark);
    expect(outs(b, 'down')).toBe(1);
    bed.connect(a, b, TO_B);
    bed.run(2500);
    for (const goodbye of goodbyes) bed.deliver(goodbye);
    bed.run(1000);
    expect(goodbyes.length).toBeGreaterThan(0);
    expect(outs(b, 'down')).toBe(1);
    expectTalk();
  });

  test('that is told of strays answers one a second to an address', () => {
    const mark = b.sent.length;
    const stray = concat(Uint8Array.of(PacketType.DATA, 0, 0, 0), u32(7), new Uint8Array(40));
    for (let i = 0; i < 500; i++) {
      bed.deliver({ from: 'a', to: 'b', path: TO_B, bytes: stray, at: bed.now });
      bed.run(10);
    }
    const hints = b.sent.slice(mark).filter(({ bytes }) => bytes[0] === PacketType.NOSESS);
    expect(hints.length).toBeGreaterThanOrEqual(4);
    expect(hints.length).toBeLessThanOrEqual(6);
  });
});

test('keys that are too old neither seal nor open, though no timer has fired', () => {
  const early = a.sessions.seal(b.peer, PacketType.DATA, 0, Uint8Array.of(Inner.OVERLAY, 1), bed.now) as Uint8Array;
  const later = bed.now + REJECT_AFTER_MS;
  expect(a.sessions.seal(b.peer, PacketType.DATA, 0, Uint8Array.of(Inner.OVERLAY, 1), later)).toBe(undefined);
  expect(a.links.sendFrame(b.peer, new Uint8Array(60), later)).toBe(false);
  expect(b.links.receive(FROM_A, early.slice(), later)).toBe(undefined);
  expect(b.links.receive(FROM_A, early.slice(), bed.now)?.origin.peer).toBe(a.peer);
});

function indexIn({ bytes }: Letter): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(4);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function flipped(bytes: Uint8Array, nth: number): Uint8Array {
  const copy = bytes.slice();
  const at = nth % (8 * copy.length);
  copy[at >> 3] = (copy[at >> 3] as number) ^ (1 << (at & 7));
  return copy;
}

function expectTalk(): void {
  const before = [bed.heard(a, b).length, bed.heard(b, a).length] as const;
  bed.say(a, b, 'hello');
  bed.say(b, a, 'hello');
  bed.run(100);
  expect([bed.heard(a, b).length - before[0], bed.heard(b, a).length - before[1]]).toEqual([1, 1]);
}

function outs(end: End, kind: 'down' | 'up'): number {
  return end.log.filter(({ out }) => out.kind === kind).length;
}

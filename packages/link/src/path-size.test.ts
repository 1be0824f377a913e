/** What a path carries, when that changes without a word (faults row 41; RFC 8899). */
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { PacketType } from '@warren/wire';
import { beforeEach, describe, expect, test } from 'vitest';
import { RAISE_EVERY_MS } from './path-size.ts';
import { addressOf, type End, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
/** Ethernet header and an IP packet of 1,280 bytes: one datagram where 1,360 pass, else two. */
const FRAME_BYTES = 1294;

let bed: Testbed;
let a: End;
let b: End;
/** Larger datagrams vanish. */
let limit: number;

beforeEach(() => {
  limit = 1500;
  bed = new Testbed();
  bed.fate = ({ bytes }) => (bytes.length > limit ? [] : [10]);
  [a, b] = ['a', 'b'].map(name => {
    const can = { udp: true, webrtc: false };
    return bed.add(name, { ...simParty(CA, name, new SeededRandom(2, name), TESTBED_UNIX_MS), can });
  }) as [End, End];
  bed.connect(a, b, `udp/${addressOf('b')}`);
  bed.run(2000);
});

describe('faults #41 a black hole for large datagrams', () => {
  test('that begins under traffic costs 7 s, and no ICMP is needed', () => {
    stream(10_000);
    limit = 1200;
    const beganAt = bed.now;
    const missing = stream(20_000);
    expect(missing.length).toBeGreaterThan(0);
    expect(Math.max(...missing) - beganAt).toBeLessThanOrEqual(7000);
    expect(partsOfLast()).toBe(2);
    expect(b.log.filter(({ out }) => out.kind === 'down')).toEqual([]);
  });

  test('that leaves enough for a frame costs nothing', () => {
    stream(10_000);
    limit = 1399;
    expect(stream(20_000)).toEqual([]);
    expect(partsOfLast()).toBe(1);
  });

  test('that began while nobody spoke costs the first 2 s of a stream', () => {
    stream(1000);
    bed.run(60_000);
    limit = 1200;
    bed.run(60_000);
    const beganAt = bed.now;
    expect(Math.max(...stream(10_000)) - beganAt).toBeLessThanOrEqual(2500);
  });

  test('that ends is noticed within a minute or so of traffic', () => {
    limit = 1200;
    stream(20_000);
    expect(partsOfLast()).toBe(2);
    limit = 1500;
    expect(stream(RAISE_EVERY_MS + 15_000)).toEqual([]);
    expect(partsOfLast()).toBe(1);
  });

  test('in one direction does not bother the other', () => {
    bed.fate = ({ from, bytes }) => (from === 'a' && bytes.length > 1200 ? [] : [10]);
    stream(12_000);
    expect(partsOfLast(a)).toBe(2);
    expect(partsOfLast(b)).toBe(1);
  });
});

test('losses of three in ten leave the size as it is, nearly all of the time', () => {
  const random = new SeededRandom(7, 'loss');
  bed.fate = () => (random.unit() < 0.3 ? [] : [10]);
  let [whole, all] = [0, 0];
  for (let i = 0; i < 120; i++) {
    stream(1000);
    all++;
    if (partsOfLast() === 1) whole++;
  }
  expect(whole / all).toBeGreaterThan(0.8);
});

test('a path that carries nothing large is not asked', () => {
  const from = bed.now;
  bed.run(600_000);
  const large = [...a.sent, ...b.sent].filter(({ at, bytes }) => at > from && bytes.length > 1000);
  expect(large.length).toBe(0);
});

test('nor is one that carries nothing but what passes everywhere', () => {
  stream(1000);
  bed.run(30_000);
  const from = bed.now;
  for (let i = 0; i < 120; i++) {
    bed.say(a, b, 'x'.repeat(900));
    bed.run(1000);
  }
  const large = a.sent.filter(({ at, bytes }) => at > from && bytes.length > 1200);
  expect(large.length).toBe(0);
});

/** Frames both ways each 20 ms; returns when those left that did not reach b. */
function stream(ms: number): number[] {
  const sent: number[] = [];
  const from = bed.now;
  for (let i = 0; i * 20 < ms; i++) {
    const frame = new Uint8Array(FRAME_BYTES);
    new DataView(frame.buffer).setUint32(0, bed.now);
    sent.push(bed.now);
    bed.act(a, links => links.sendFrame(b.peer, frame, bed.now));
    bed.act(b, links => links.sendFrame(a.peer, new Uint8Array(FRAME_BYTES), bed.now));
    bed.run(20);
  }
  const heard = b.received.filter(({ at, message }) => at >= from && message.kind === 'frame');
  const came = new Set(
    heard.map(({ message: { bytes } }) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)),
  );
  return sent.filter(at => !came.has(at));
}

/** In how many datagrams the last frame went. */
function partsOfLast(end: End = a): number {
  const frames = end.sent.filter(({ bytes }) => bytes[0] === PacketType.FRAME);
  const at = frames.at(-1)?.at;
  return frames.filter(frame => frame.at === at).length;
}

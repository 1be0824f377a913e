/** A link on which nothing comes back: who hears of it before it is lost, and what takes over (faults rows 21, 31). */
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { beforeEach, describe, expect, test } from 'vitest';
import { addressOf, type End, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);

let bed: Testbed;
let a: End;
let b: End;

describe('faults #21 a link on which nothing comes back', () => {
  beforeEach(() => link({ hasCarrier: false }));

  test('is in doubt a second after something was sent, and lost two seconds later', () => {
    bed.run(4000);
    bed.fate = () => [];
    const cutAt = bed.now;
    talk(4000);
    expect(doubts(a)[0]).toMatchObject({ isDoubtful: true });
    expect((doubts(a)[0]?.at ?? 0) - cutAt).toBeLessThanOrEqual(2100);
    expect((at(a, 'down') ?? 0) - (doubts(a)[0]?.at ?? 0)).toBeCloseTo(2000, -2);
  });

  test('is not in doubt for one lost probe', () => {
    for (let i = 0; i < 20; i++) {
      talk(3000 + 50 * i);
      bed.fate = () => [];
      talk(450);
      bed.fate = () => [10];
    }
    expect(doubts(a)).toEqual([]);
  });

  test('is seldom in doubt for losses: with a fifth of all datagrams lost at most three times in five minutes', () => {
    const random = new SeededRandom(9, 'loss');
    bed.fate = () => (random.unit() < 0.2 ? [] : [20]);
    talk(300_000);
    expect(doubts(a).filter(({ isDoubtful }) => isDoubtful).length).toBeLessThanOrEqual(3);
    expect(at(a, 'down')).toBeUndefined();
  });

  test('is not in doubt for being slow, once that is known: 1.2 s there and back', () => {
    bed.fate = () => [600];
    talk(15_000);
    const before = doubts(a).length;
    talk(60_000);
    bed.run(60_000);
    expect(doubts(a)).toHaveLength(before);
    expect(at(a, 'down')).toBeUndefined();
  });

  test('is lost for good where it is slow, too', () => {
    bed.fate = () => [600];
    talk(30_000);
    bed.fate = () => [];
    const cutAt = bed.now;
    talk(10_000);
    expect((at(a, 'down') ?? Number.POSITIVE_INFINITY) - cutAt).toBeLessThanOrEqual(7000);
  });

  test('is in doubt no more once anything comes', () => {
    bed.fate = () => [];
    talk(1500);
    expect(a.links.isDoubtful(b.peer)).toBe(true);
    bed.fate = () => [10];
    talk(1100);
    expect(a.links.isDoubtful(b.peer)).toBe(false);
    expect(doubts(a).map(({ isDoubtful }) => isDoubtful)).toEqual([true, false]);
    expect(at(a, 'down')).toBeUndefined();
  });

  test('is in doubt at once for whoever hears the neighbour end to end, unless it answers', () => {
    bed.run(2000);
    bed.act(a, links => links.heardRound(b.peer, bed.now));
    expect(a.links.isDoubtful(b.peer)).toBe(true);
    bed.run(30);
    expect(a.links.isDoubtful(b.peer)).toBe(false);
    bed.act(a, links => links.heardRound(b.peer, bed.now));
    expect(a.links.isDoubtful(b.peer)).toBe(false);
  });
});

describe('faults #21 another path of the link that answers', () => {
  beforeEach(() => link({ hasCarrier: true }));

  test('takes over from a silent one within 4 s, and gives way once that passes again', () => {
    bed.run(20_000);
    expect(a.links.info(b.peer)?.kind).toBe('udp');
    bed.fate = ({ path }) => (path.startsWith('udp/') ? [] : [30]);
    const cutAt = bed.now;
    const isCarried = () => a.links.info(b.peer)?.kind === 'overlay';
    while (!isCarried() && bed.now < cutAt + 10_000) talk(100);
    expect(bed.now - cutAt).toBeLessThanOrEqual(4000);
    bed.fate = ({ path }) => (path.startsWith('udp/') ? [10] : [30]);
    talk(15_000);
    expect(a.links.info(b.peer)?.kind).toBe('udp');
    expect(at(a, 'down')).toBeUndefined();
  });
});

/** Links a and b over UDP; with or without another overlay between them. */
function link({ hasCarrier }: { readonly hasCarrier: boolean }): void {
  bed = new Testbed();
  [a, b] = ['a', 'b'].map(name => {
    const publicId = hasCarrier ? { publicId: new Uint8Array(20).fill(name.charCodeAt(0)) } : {};
    return bed.add(name, { ...simParty(CA, name, new SeededRandom(2, name), TESTBED_UNIX_MS), ...publicId });
  }) as [End, End];
  bed.connect(a, b, `udp/${addressOf('b')}`);
  bed.run(2000);
}

function talk(ms: number): void {
  for (let left = ms; left > 0; left -= 100) {
    bed.say(a, b, 'x');
    bed.run(100);
  }
}

function doubts(end: End): { at: number; isDoubtful: boolean }[] {
  return end.log.flatMap(({ at: when, out }) =>
    out.kind === 'doubt' ? [{ at: when, isDoubtful: out.isDoubtful }] : [],
  );
}

function at(end: End, kind: 'down'): number | undefined {
  return end.log.find(({ out }) => out.kind === kind)?.at;
}

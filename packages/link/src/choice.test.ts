/** Which of several direct paths carries, and how often a resting host asks (faults row 22). */
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { beforeEach, describe, expect, test } from 'vitest';
import { addressOf, type End, type EndOptions, type Letter, TESTBED_UNIX_MS, Testbed } from './testbed.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const V4 = `udp/${addressOf('b')}`;
const V6 = 'udp/[2001:db8::b]:4000';
const BACK = 'udp/[2001:db8::a]:4000';

let bed: Testbed;
let a: End;
let b: End;
/** One way over each family. */
let delays: { v4: number; v6: number };

beforeEach(() => {
  bed = new Testbed();
});

describe('of IPv4 and IPv6', () => {
  test.each([
    [20, 20, V6],
    [20, 21, V6],
    [20, 25, V4],
    [25, 20, V6],
    [1, 1.5, V6],
    [1, 9, V4],
  ])('%d ms and %d ms one way, %s carries', (v4, v6, expected) => {
    both({ v4, v6 });
    bed.run(2000);
    expect(a.links.info(b.peer)?.path).toBe(expected);
  });

  test('that are equal but for jitter one carries all the time', () => {
    both({ v4: 20, v6: 20 });
    const random = new SeededRandom(3, 'jitter');
    bed.run(2000);
    const moves = new Set<string | undefined>();
    for (let i = 0; i < 600; i++) {
      delays = { v4: 20 + 5 * random.unit(), v6: 20 + 5 * random.unit() };
      bed.say(a, b, 'x');
      bed.say(b, a, 'y');
      bed.run(500);
      moves.add(a.links.info(b.peer)?.path);
    }
    expect([...moves]).toEqual([V6]);
  });
});

describe('a link on which nobody speaks', () => {
  test.each([
    ['is asked each five seconds', false, 110, 250],
    ['is asked seldom while one side rests', true, 1, 90],
  ])('%s', (_, isResting, least, most) => {
    pair({ udp: true, webrtc: false });
    bed.connect(a, b, V4);
    bed.run(3000);
    bed.act(a, links => links.setResting(isResting, bed.now));
    bed.run(10_000);
    const from = bed.now;
    bed.run(600_000);
    const sent = [...a.sent, ...b.sent].filter(({ at }) => at > from).length / 2;
    expect(sent).toBeGreaterThanOrEqual(least);
    expect(sent).toBeLessThanOrEqual(most);
  });

  test('of a resting host is found lost all the same within 4 s of speaking', () => {
    pair({ udp: true, webrtc: false });
    bed.connect(a, b, V4);
    bed.run(3000);
    bed.act(a, links => links.setResting(true, bed.now));
    bed.run(60_000);
    bed.fate = () => [];
    const cutAt = bed.now;
    for (let i = 0; i < 40 && a.links.usable().length > 0; i++) {
      bed.say(a, b, 'x');
      bed.run(100);
    }
    expect(bed.now - cutAt).toBeLessThanOrEqual(4200);
  });
});

/** b is reached over both families. */
function both(ofWays: { v4: number; v6: number }): void {
  delays = ofWays;
  pair(
    { udp: true, webrtc: false },
    [V4, V6].map(path => path.slice('udp/'.length)),
  );
  bed.fate = letter => {
    if (letter.path === V6) return overV6(letter, b, BACK);
    return letter.path === BACK ? overV6(letter, a, V6) : [letter.path.startsWith('udp/') ? delays.v4 : 50];
  };
  bed.connect(a, b, V4);
}

function overV6({ bytes }: Letter, to: End, from: string): readonly number[] {
  bed.at(bed.now + delays.v6, () => {
    to.links.receive(from, bytes.slice(), bed.now);
    bed.act(to, () => {});
  });
  return [];
}

function pair(can: EndOptions['can'] & object, addresses: string[] = [addressOf('b')]): void {
  const party = (name: string) => simParty(CA, name, new SeededRandom(2, name), TESTBED_UNIX_MS);
  a = bed.add('a', { ...party('a'), can, addresses: [] });
  b = bed.add('b', { ...party('b'), can, addresses });
}

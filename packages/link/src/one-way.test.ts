/** A link that carries one way only (faults row 31; P3 1.1.1), and one whose NAT forgets or changes it (rows 25, 36). */
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { beforeEach, describe, expect, test } from 'vitest';
import { addressOf, type End, TESTBED_UNIX_MS, Testbed } from './testbed.ts';
import { NatBox } from './testbed-nat.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const ONE_WAY_MS = 10;

let bed: Testbed;
let a: End;
let b: End;

beforeEach(() => {
  bed = new Testbed();
});

describe.each([
  ['that is silent', () => {}],
  ['on which only the side speaks that is heard', () => bed.say(b, a, 'x')],
  ['on which only the side speaks that is not heard', () => bed.say(a, b, 'x')],
  ['on which both speak', () => [bed.say(a, b, 'x'), bed.say(b, a, 'x')]],
])('faults #31 a link %s, and that carries from b to a only,', (_, talk) => {
  function pass(ms: number, until: () => boolean = () => false): void {
    for (let i = 0; i < ms / 200 && !until(); i++) {
      talk();
      bed.run(200);
    }
  }

  test('is declared bad in both directions within 9 s where there is no other way', () => {
    begin(`udp/${addressOf('b')}`);
    pass(5000);
    bed.fate = ({ from }) => (from === 'a' ? [] : [ONE_WAY_MS]);
    const cutAt = bed.now;
    pass(20_000, () => a.links.usable().length + b.links.usable().length === 0);
    expect([a.links.usable(), b.links.usable()]).toEqual([[], []]);
    expect(bed.now - cutAt).toBeLessThanOrEqual(9000);
  });

  test('goes another way in both directions within 9 s, and does not come back to it', () => {
    begin('ws/b');
    pass(5000);
    expect(kinds()).toEqual(['udp', 'udp']);
    bed.fate = ({ from, path }) => (from === 'a' && path.startsWith('udp/') ? [] : [ONE_WAY_MS]);
    const cutAt = bed.now;
    pass(20_000, () => kinds().join() === 'websocket,websocket');
    expect(kinds()).toEqual(['websocket', 'websocket']);
    expect(bed.now - cutAt).toBeLessThanOrEqual(9000);
    for (let i = 0; i < 60; i++) {
      pass(1000);
      expect(kinds()).toEqual(['websocket', 'websocket']);
    }
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
  });
});

describe('faults #25 a NAT', () => {
  test('that forgets after 20 s of silence is kept awake', () => {
    const nats = natted(20_000);
    begin(`udp/203.0.113.2:5000`);
    bed.run(5000);
    const made = nats.map(nat => nat.made);
    bed.run(600_000);
    expect(kinds()).toEqual(['udp', 'udp']);
    expect(nats.map(nat => nat.made)).toEqual(made);
  });

  test('that is restarted under traffic costs one way of it half a second, and no session', () => {
    const [nat] = natted(120_000) as [NatBox];
    begin(`udp/203.0.113.2:5000`);
    bed.run(5000);
    chatter(1000);
    nat.restart();
    const restartedAt = bed.now;
    const sent = chatter(5000);
    const missing = sent.filter(text => !bed.heard(a, b).includes(text)).map(Number);
    expect(sent.filter(text => !bed.heard(b, a).includes(text))).toEqual([]);
    expect(Math.max(...missing, restartedAt) - restartedAt).toBeLessThanOrEqual(500);
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
  });

  test('that is restarted while nobody speaks is found again within 9 s', () => {
    const [nat] = natted(120_000) as [NatBox];
    begin(`udp/203.0.113.2:5000`);
    bed.run(30_000);
    nat.restart();
    bed.run(9000);
    const before = bed.heard(a, b).length;
    bed.say(b, a, 'x');
    bed.run(100);
    expect(bed.heard(a, b).length - before).toBe(1);
    expect([outs(a, 'down'), outs(b, 'down')]).toEqual([0, 0]);
  });

  test('in front of a path in reserve is asked ever more rarely, up to every two minutes', () => {
    const asked = reserve(Number.POSITIVE_INFINITY);
    expect(asked.length).toBeGreaterThan(30);
    expect(asked.length).toBeLessThanOrEqual(40);
  });

  test('that closes such a path after 40 s of silence is found out, and asked in time from then on', () => {
    const asked = reserve(40_000);
    const gaps = asked.slice(1).map((at, i) => at - (asked[i] as number));
    expect(gaps.filter(gap => gap > 40_000).length).toBeLessThanOrEqual(3);
    expect(gaps.filter(gap => gap > 25_000).length).toBeGreaterThan(100);
  });

  /** When a asks on its second path, in an hour, which is closed for 10 s after so much silence; b offers it each minute. */
  function reserve(lifetimeMs: number): number[] {
    const spare = '198.51.100.98:4001';
    begin(`udp/${addressOf('b')}`, { addresses: [addressOf('b'), spare] });
    bed.run(3000);
    let [usedAt, closedUntil] = [bed.now, 0];
    bed.fate = letter => {
      if (letter.path !== `udp/${spare}`) return [ONE_WAY_MS];
      if (bed.now >= usedAt + lifetimeMs) closedUntil = bed.now + 10_000;
      usedAt = bed.now;
      if (bed.now >= closedUntil) bed.at(bed.now + ONE_WAY_MS, () => bed.deliver({ ...letter, to: 'b' }));
      return [];
    };
    const from = bed.now;
    for (let i = 0; i < 60; i++) {
      bed.run(60_000);
      bed.act(b, links => links.addressesChanged(bed.now));
    }
    return a.sent.filter(({ path, at }) => at > from && path === `udp/${spare}`).map(({ at }) => at);
  }
});

function natted(lifetimeMs: number): NatBox[] {
  return ['a', 'b'].map((name, i) => {
    let port = 4999;
    const box = new NatBox({
      host: `203.0.113.${i + 1}`,
      mapping: 'endpoint',
      filtering: 'endpoint',
      nextPort: () => ++port,
      lifetimeMs,
    });
    box.out(0, '192.0.2.200:1', 0);
    bed.nats.set(name, box);
    return box;
  });
}

function begin(path: string, ofB: { addresses?: string[] } = {}): void {
  const can = { udp: true, webrtc: false };
  a = bed.add('a', { ...simParty(CA, 'a', new SeededRandom(2, 'a'), TESTBED_UNIX_MS), can });
  b = bed.add('b', { ...simParty(CA, 'b', new SeededRandom(2, 'b'), TESTBED_UNIX_MS), can, ...ofB });
  bed.connect(a, b, path);
}

/** Both say the time, every 10 ms; returns what was said. */
function chatter(ms: number): string[] {
  const sent: string[] = [];
  for (let i = 0; i * 10 < ms; i++) {
    const text = String(bed.now);
    if (bed.say(a, b, text) && bed.say(b, a, text)) sent.push(text);
    bed.run(10);
  }
  bed.run(100);
  return sent;
}

function kinds(): (string | undefined)[] {
  return [a.links.info(b.peer)?.kind, b.links.info(a.peer)?.kind];
}

function outs(end: End, kind: 'down' | 'up'): number {
  return end.log.filter(({ out }) => out.kind === kind).length;
}

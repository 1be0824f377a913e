/** Meeting where one side's NAT gives every destination another port (faults rows 22, 23). */
import { SeededRandom, simAuthority, simParty } from '@warren/sim';
import { beforeEach, describe, expect, test } from 'vitest';
import type { NatBehaviour } from './nat.ts';
import { PUNCH_AFTER_MS, PUNCH_AGAIN_MS, PUNCH_PORTS, PUNCH_SOCKETS } from './punch.ts';
import { type End, type EndOptions, TESTBED_UNIX_MS, Testbed } from './testbed.ts';
import { type Dependence, NatBox } from './testbed-nat.ts';

const CA = simAuthority(new SeededRandom(1, 'ca'), TESTBED_UNIX_MS);
const OBSERVER = '198.51.100.200:1';
const EASY: NatBehaviour = { mapping: 'endpoint-independent', portStep: 0 };
const HARD: NatBehaviour = { mapping: 'endpoint-dependent', portStep: 0 };
const SOCKETS = { udp: true, sockets: true, webrtc: false };

let bed: Testbed;
let a: End;
let b: End;

beforeEach(() => {
  bed = new Testbed();
});

describe('a pair of which one side is behind a hard NAT', () => {
  test.each<Dependence>(['address', 'port'])(
    'meets by its second birthday if ports are by chance, filtering by %s',
    filtering => {
      let met = 0;
      for (let run = 0; run < 20; run++) {
        bed = new Testbed();
        a = behind('a', HARD, hard(run));
        b = behind('b', EASY, easy(filtering));
        begin();
        bed.run(PUNCH_AFTER_MS + 8000);
        if (kinds().join() === 'udp,udp') met++;
        else expect(kinds()).toEqual(['websocket', 'websocket']);
      }
      expect(met).toBeGreaterThanOrEqual(18);
    },
  );

  test.each([1, 2, -1])('meets at once if its NAT counts in steps of %i', portStep => {
    let port = 30_000;
    const count = () => (port += portStep);
    a = behind('a', { ...HARD, portStep }, box('203.0.113.1', 'port', 'port', count));
    b = behind('b', EASY, easy('port'));
    begin();
    expect(bed.runUntil(() => kinds().join() === 'udp,udp', PUNCH_AFTER_MS + 3000)).toBe(true);
    // What runs over it stays there, and nothing is sent blindly any more.
    bed.run(60_000);
    const sent = a.sent.length + b.sent.length;
    bed.run(20_000);
    expect(kinds()).toEqual(['udp', 'udp']);
    expect(a.sent.length + b.sent.length - sent).toBeLessThan(40);
  });

  test('that begins with what is told later meets as well', () => {
    const nats: Record<string, NatBehaviour> = { a: { mapping: 'unknown', portStep: 0 }, b: EASY };
    let port = 30_000;
    const count = () => (port += 1);
    a = behind('a', () => nats.a as NatBehaviour, box('203.0.113.1', 'port', 'port', count));
    b = behind('b', EASY, easy('port'));
    begin();
    bed.run(6000);
    expect(kinds()).toEqual(['websocket', 'websocket']);
    nats.a = { ...HARD, portStep: 1 };
    bed.act(a, links => links.addressesChanged(bed.now));
    expect(bed.runUntil(() => kinds().join() === 'udp,udp', PUNCH_AFTER_MS + 3000)).toBe(true);
  });

  test('sends at most so many datagrams, so fast, once in five minutes', () => {
    bed.fate = ({ path }) => (path.startsWith('udp/') ? [] : [10]);
    a = behind('a', HARD, hard(1));
    b = behind('b', EASY, easy('port'));
    begin();
    const blind = (end: End) => end.sent.filter(({ path, bytes }) => path.startsWith('udp/') && bytes.length < 120);
    bed.run(PUNCH_AGAIN_MS);
    const targets = (end: End) => new Set(blind(end).map(({ path }) => path));
    expect(targets(a).size).toBeLessThanOrEqual(PUNCH_SOCKETS + 1);
    expect(targets(a).size).toBeGreaterThanOrEqual(PUNCH_SOCKETS);
    expect(targets(b).size).toBeLessThanOrEqual(PUNCH_PORTS);
    expect(targets(b).size).toBeGreaterThan(0.98 * PUNCH_PORTS);
    for (const end of [a, b]) {
      const times = blind(end).map(({ at }) => at);
      for (const at of times)
        expect(times.filter(each => each >= at && each < at + 1000).length).toBeLessThanOrEqual(216);
    }
    const before = targets(b).size;
    bed.run(PUNCH_AFTER_MS + 10_000);
    expect(targets(b).size).toBeGreaterThan(before);
  });

  test('faults #49 sends no more to a neighbour that links anew all the time, nor all at once after sleep', () => {
    bed.fate = ({ path }) => (path.startsWith('udp/') ? [] : [10]);
    a = behind('a', HARD, hard(1));
    b = behind('b', EASY, easy('port'));
    const targets = () => new Set(b.sent.map(({ path }) => path).filter(path => path.startsWith('udp/')));
    begin();
    bed.run(PUNCH_AFTER_MS + 1000);
    const before = b.sent.length;
    bed.now += 30_000;
    bed.act(b, links => links.tick(bed.now));
    expect(b.sent.length - before).toBeLessThan(30);
    for (let i = 0; i < 8; i++) {
      bed.act(a, links => links.stop(bed.now));
      bed.run(500);
      begin();
      bed.run(PUNCH_AFTER_MS + 8000);
    }
    expect(targets().size).toBeLessThanOrEqual(3 * PUNCH_PORTS);
  });
});

describe('nothing is sent blindly', () => {
  test.each<[string, NatBehaviour, NatBehaviour, Partial<EndOptions>]>([
    ['where both NATs are hard', HARD, HARD, {}],
    ['where none is', EASY, EASY, {}],
    ['among strangers', HARD, EASY, { strangers: true }],
  ])('%s', (_, ofA, ofB, more) => {
    bed.fate = ({ path }) => (path.startsWith('udp/') ? [] : [10]);
    a = behind('a', ofA, hard(1), more);
    b = behind('b', ofB, easy('port'), more);
    begin();
    bed.run(60_000);
    const targets = new Set([...a.sent, ...b.sent].map(({ path }) => path).filter(path => path.startsWith('udp/')));
    expect(targets.size).toBeLessThanOrEqual(2);
  });

  test.each(['224.0.0.1', '255.255.255.255', '127.0.0.1', '169.254.1.1', '0.0.0.0'])(
    'faults #49 to %s, where no router can be',
    host => {
      a = behind('a', HARD, hard(1), { addresses: [`${host}:4000`] });
      b = behind('b', EASY, easy('port'));
      begin();
      bed.run(60_000);
      const ports = new Set(b.sent.map(({ path }) => path).filter(path => path.startsWith(`udp/${host}:`)));
      expect(ports.size).toBeLessThanOrEqual(1);
    },
  );

  test('from sockets that the host has not', () => {
    bed.fate = ({ path }) => (path.startsWith('udp/') ? [] : [10]);
    a = behind('a', HARD, hard(1), { can: { udp: true, webrtc: false } });
    b = behind('b', EASY, easy('port'));
    begin();
    bed.run(60_000);
    expect(a.sent.filter(({ path }) => path.includes('~'))).toEqual([]);
  });
});

function easy(filtering: Dependence): NatBox {
  let port = 4999;
  return box('203.0.113.2', 'endpoint', filtering, () => ++port);
}

function hard(seed: number): NatBox {
  const random = new SeededRandom(seed, 'ports');
  return box('203.0.113.1', 'port', 'port', () => 1024 + Math.floor(random.unit() * 64_512));
}

function box(host: string, mapping: Dependence, filtering: Dependence, nextPort: () => number): NatBox {
  return new NatBox({ host, mapping, filtering, nextPort });
}

/** An end behind a NAT, which tells where an observer sees it. */
function behind(
  name: string,
  nat: NatBehaviour | (() => NatBehaviour),
  natBox: NatBox,
  more: Partial<EndOptions> = {},
): End {
  bed.nats.set(name, natBox);
  const addresses = [natBox.out(0, OBSERVER, bed.now)];
  const party = simParty(CA, name, new SeededRandom(2, name), TESTBED_UNIX_MS);
  return bed.add(name, { ...party, can: SOCKETS, nat, addresses, ...more });
}

function begin(): void {
  bed.connect(a, b);
}

function kinds(): (string | undefined)[] {
  return [a.links.info(b.peer)?.kind, b.links.info(a.peer)?.kind];
}

/**
 * Members behind routers in whom something changes: tables are emptied, mappings run out, a laptop is carried from one
 * network to another. What they say to each other goes on. Boxes are those of RFC 4787 (packages/sim).
 */
import { ACCESS_KINDS, type AccessName, cheapCrypto, NATS, nat, type Resident, router, Village } from '@warren/sim';
import { describe, expect, test } from 'vitest';

const PING_MS = 20;
const MINUTE_MS = 60_000;

type Kind = 'edge' | 'browser';
interface Spot {
  readonly kind: Kind;
  readonly access: AccessName;
}

describe('faults #25 a router forgets all its mappings', () => {
  test.each<{ a: Spot; b: Spot; mostMs: number }>([
    { a: { kind: 'edge', access: 'port-restricted' }, b: { kind: 'edge', access: 'port-restricted' }, mostMs: 1000 },
    { a: { kind: 'edge', access: 'symmetric-random' }, b: { kind: 'edge', access: 'restricted' }, mostMs: 1000 },
    { a: { kind: 'edge', access: 'cgnat-hard' }, b: { kind: 'edge', access: 'open' }, mostMs: 1000 },
    { a: { kind: 'edge', access: 'symmetric-random' }, b: { kind: 'edge', access: 'symmetric-random' }, mostMs: 3000 },
    { a: { kind: 'browser', access: 'port-restricted' }, b: { kind: 'edge', access: 'restricted' }, mostMs: 6000 },
  ])('$a.kind $a.access and $b.kind $b.access go on without a new login', ({ a, b, mostMs }) => {
    const { village, one, other } = meet(251, a, b);
    const before = handshakes(one);
    const flush = (): void => {
      for (const each of one.datagrams.where.network.routersAbove) each.flush();
    };
    const { gapMs, lost } = steadily(village, one, other, 20_000, flush);
    console.log(`${name(a)} and ${name(b)}: silent for ${gapMs} ms, ${lost} of 1000 echo requests lost`);
    expect(gapMs).toBeLessThanOrEqual(mostMs);
    expect(handshakes(one), 'the same sessions').toBe(before);
  });
});

describe('faults #25 routers with short memories', () => {
  test('keep the paths of members who are silent for ten minutes, for 60 s and for 30 s', () => {
    for (const ms of [60_000, 30_000]) {
      const timeouts = { unrepliedMs: ms, repliedMs: ms };
      const home = [router(nat('endpoint-independent', 'address-and-port-dependent', { timeouts }))];
      const village = new Village(252, {}, cheapCrypto);
      const [one, other] = people(village, (kind, i) => village[kind](`${kind}${i}`, village.access(home)));
      village.world.run(10 * MINUTE_MS);
      const { now } = village.world;
      const pongs = one.pongs.length;
      one.ping(other);
      expect(village.world.runUntil(() => one.pongs.length > pongs, 2000)).toBe(true);
      console.log(
        `mappings of ${ms / 1000} s: an echo after ten silent minutes took ${Math.round(village.world.now - now)} ms`,
      );
      expect([one.linkKind(other), other.linkKind(one)]).toEqual(['udp', 'udp']);
    }
  });
});

describe('faults #36 a laptop is carried', () => {
  test.each<{ from: AccessName; to: AccessName; direct: boolean }>([
    { from: 'port-restricted', to: 'cgnat-easy', direct: true },
    { from: 'open', to: 'cgnat-hard', direct: true },
    { from: 'cgnat-hard', to: 'open', direct: true },
    { from: 'restricted', to: 'udp-blocked', direct: false },
  ])('from $from to $to, and goes on', ({ from, to, direct }) => {
    const b: Spot = { kind: 'edge', access: 'restricted' };
    const { village, one, other } = meet(361, { kind: 'edge', access: from }, b);
    const { gapMs } = steadily(village, one, other, 40_000, () => {
      const network = village.access(ACCESS_KINDS[to]);
      const { v4, v6 } = network.newHost();
      one.datagrams.move({ network, addresses: [v4, v6].flatMap(ip => (ip === undefined ? [] : [`${ip}:4000`])) });
    });
    console.log(`from ${from} to ${to}: silent for ${gapMs} ms, then ${one.linkKind(other)}`);
    expect(gapMs).toBeLessThanOrEqual(direct ? 6000 : 15_000);
    expect(isDirect(one, other)).toBe(direct);
  });
});

test('faults #24 a member whose network lets no UDP pass talks with edges and tabs', () => {
  for (const kinds of [
    ['edge', 'edge'],
    ['edge', 'browser'],
    ['browser', 'browser'],
  ] as const) {
    const [blocked, free] = kinds;
    const { village, one, other } = meet(
      241,
      { kind: blocked, access: 'udp-blocked' },
      { kind: free, access: 'restricted' },
    );
    const { lost } = steadily(village, one, other, 10_000, () => {});
    console.log(`${kinds.join(' and ')}: ${one.linkKind(other)}, ${lost} of 500 echo requests lost`);
    expect(lost).toBeLessThanOrEqual(5);
  }
});

test('two in one home whose router does not hairpin meet in their LAN, also when the Internet is away', () => {
  const village = new Village(221, {}, cheapCrypto);
  const home = village.access([router(NATS.symmetricRandom)]);
  const [one, other] = people(village, (kind, i) => village[kind](`${kind}${i}`, home));
  village.world.runUntil(() => isDirect(one, other), MINUTE_MS);
  for (const each of ['well', 'helper']) for (const member of [one, other]) village.internet.cut(member.name, each);
  const { lost } = steadily(village, one, other, 30_000, () => {});
  expect(isDirect(one, other)).toBe(true);
  expect(lost).toBeLessThanOrEqual(5);
});

function name({ kind, access }: Spot): string {
  return `${kind} (${access})`;
}

/** Two members who know each other, and a third who could relay. */
function meet(seed: number, a: Spot, b: Spot): { village: Village; one: Resident; other: Resident } {
  const village = new Village(seed, {}, cheapCrypto);
  const spots = [a, b];
  const make = (_: Kind, i: number): Resident => {
    const { kind, access } = spots[i] as Spot;
    return village[kind](`${kind}${i}`, village.access(ACCESS_KINDS[access]));
  };
  const [one, other] = people(village, make);
  return { village, one, other };
}

/** A bootstrap node, a member with public addresses, and two more, who have talked for a while. */
function people(village: Village, make: (kind: Kind, i: number) => Resident): [Resident, Resident] {
  village.isDualStack = true;
  village.bootstrap('well');
  const helper = village.edge('helper');
  const [one, other] = [make('edge', 0), make('edge', 1)];
  village.world.run(5000);
  for (const each of [helper, one, other]) each.join();
  const ready = (): boolean => [one, other].every(({ view }) => view.self.address) && one.linkKind(other) !== undefined;
  expect(village.world.runUntil(ready, MINUTE_MS), `seed ${village.world.seed} settles`).toBe(true);
  steadily(village, one, other, 20_000, () => {});
  return [one, other];
}

/** Pings every 20 ms; after a second `event`. Tells how many were lost, and for how long nothing came back. */
function steadily(village: Village, from: Resident, to: Resident, ms: number, event: () => void) {
  const { world } = village;
  const before = from.pongs.length;
  let [pongs, lastPongAt, gapMs, sent] = [before, world.now, 0, 0];
  for (let i = 0; i * PING_MS < ms; i++) {
    if (i === 50) event();
    if (from.ping(to)) sent++;
    world.run(PING_MS);
    const count = from.pongs.length;
    gapMs = Math.max(gapMs, world.now - lastPongAt);
    if (count > pongs) [pongs, lastPongAt] = [count, world.now];
  }
  world.run(1000);
  return { lost: sent - (from.pongs.length - before), gapMs: Math.round(gapMs) };
}

function isDirect(one: Resident, other: Resident): boolean {
  return [one.linkKind(other), other.linkKind(one)].every(kind => kind === 'udp' || kind === 'webrtc');
}

function handshakes(of: Resident): number {
  return of.group.network.stats.handshakes;
}

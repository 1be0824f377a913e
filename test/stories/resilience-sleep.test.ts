/**
 * Machines that sleep, move and get other addresses, in virtual time: nobody
 * does anything about it, and the group goes on (session.md 2.5). A failing
 * story names its seed.
 */
import { type Resident, Village } from '@warren/sim';
import { describe, expect, test } from 'vitest';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('a laptop that slept', () => {
  test('faults #34 pings again within seconds, after a minute or a week', () => {
    const table: string[] = [];
    for (const [name, ms] of [
      ['10 s', 10_000],
      ['1 min', MINUTE_MS],
      ['12 min', 12 * MINUTE_MS],
      ['13 h', 13 * HOUR_MS],
      ['7 days', 168 * HOUR_MS],
    ] as const) {
      const row = (['edge', 'browser'] as const).map(kind => {
        const { village, members } = meet(301, [kind, 'edge', 'browser']);
        const [a, b] = members as [Resident, Resident];
        asleepFor(village, a, ms);
        const tookMs = firstPong(village, a, b);
        within(village, 30_000, 'a whole mesh', () => isWhole(members));
        return tookMs;
      });
      table.push(`${name.padEnd(7)} | ${row.map(took => `${(took / 1000).toFixed(1)} s`.padStart(7)).join(' | ')}`);
      expect(Math.max(...row), `${name}, seed 301`).toBeLessThanOrEqual(12_000);
    }
    console.log(['slept   |    edge |     tab', ...table].join('\n'));
  });
});

describe('a machine with a new address', () => {
  test('faults #36 #25 goes on with its sessions to edges, whether a NAT forgot it or it is in another network', () => {
    for (const how of ['rebind', 'move'] as const) {
      const { village, members } = meet(302, ['edge', 'edge']);
      const [a, b] = members as [Resident, Resident];
      village.world.run(15_000);
      const sessions = handshakes(a);
      const { lost, gapMs } = steadily(village, a, b, 10_000, () => a.datagrams[how]('203.0.113.200:4000'));
      console.log(`${how}: ${lost} echo requests of one each 20 ms lost, nothing came back for ${gapMs} ms`);
      expect(gapMs, 'seed 302').toBeLessThanOrEqual(300);
      expect(handshakes(a), 'the same sessions').toBe(sessions);
      expect([a.friends, b.friends]).toEqual([[b.name], [a.name]]);
    }
  });

  test('faults #36 that has no UDP is linked again within a minute: its streams end with the network', () => {
    const { village, members } = meet(303, ['browser', 'edge', 'edge']);
    const [a, b] = members as [Resident, Resident];
    village.world.run(15_000);
    a.datagrams.move('203.0.113.200:4000');
    const tookMs = firstPong(village, a, b);
    console.log(`a tab in another network: the first echo reply after ${tookMs} ms`);
    within(village, 60_000, 'a whole mesh', () => isWhole(members));
  });
});

/** One sleeps; for the others only the first and the last minute of a long time pass. */
function asleepFor(village: Village, sleeper: Resident, ms: number): void {
  sleeper.sleep();
  const awakeMs = Math.min(ms / 2, MINUTE_MS);
  village.world.run(awakeMs);
  for (const other of everybody(village)) other.sleep();
  village.world.run(ms - 2 * awakeMs);
  for (const other of everybody(village)) if (other !== sleeper) other.wake();
  village.world.run(awakeMs);
  sleeper.wake();
}

/** How long until a ping is answered, one each 100 ms. */
function firstPong(village: Village, from: Resident, to: Resident): number {
  const { now } = village.world;
  const before = from.pongs.length;
  for (let i = 0; i < 300 && from.pongs.length === before; i++) {
    from.ping(to);
    village.world.run(100);
  }
  expect(from.pongs.length, `seed ${village.world.seed}: a pong`).toBeGreaterThan(before);
  return village.world.now - now;
}

/** Pings every 20 ms; after a second `event`. Tells how many were lost, and for how long nothing came back. */
function steadily(village: Village, from: Resident, to: Resident, ms: number, event: () => void) {
  let sent = 0;
  let lastPongAt = village.world.now;
  let gapMs = 0;
  const before = from.pongs.length;
  for (let pongs = before; sent * 20 < ms; ) {
    if (sent === 50) event();
    if (from.ping(to)) sent++;
    village.world.run(20);
    if (from.pongs.length > pongs) {
      gapMs = Math.max(gapMs, village.world.now - lastPongAt);
      lastPongAt = village.world.now;
    }
    pongs = from.pongs.length;
  }
  village.world.run(1000);
  return { lost: sent - (from.pongs.length - before), gapMs };
}

function handshakes(of: Resident): number {
  return of.group.network.stats.handshakes;
}

function everybody(village: Village): Resident[] {
  return [...village.residents.values()];
}

/** A village whose members have met: names are kinds with numbers. */
function meet(seed: number, kinds: readonly ('edge' | 'browser')[]) {
  const village = new Village(seed);
  village.bootstrap('well');
  const members = kinds.map((kind, i) => village[kind](`${kind}${i}`));
  for (const member of members) member.join();
  within(village, 20_000, 'a whole mesh', () => isWhole(members));
  return { village, members };
}

/** Whether everybody has a direct link to everybody else there, who have addresses. */
function isWhole(members: readonly Resident[]): boolean {
  return members.every(member => {
    const others = member.view.members.filter(other => !other.self && other.online);
    const direct = others.filter(
      other => ['udp', 'webrtc'].includes(other.link?.kind ?? '') && other.address !== undefined,
    );
    return others.length === members.length - 1 && direct.length === others.length;
  });
}

/** Runs until `condition` holds; the failure tells seed and time. */
function within(village: Village, ms: number, what: string, condition: () => boolean): void {
  const until = village.world.now + ms;
  while (!condition() && village.world.now < until) village.world.run(100);
  expect(condition(), `seed ${village.world.seed}: ${what} within ${ms} ms`).toBe(true);
}

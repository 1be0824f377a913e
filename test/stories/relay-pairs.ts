/** Pairs of members who cannot meet, as stories about relays need them, and what is measured of them. */
import { percentile } from '@warren/lab';
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { expect } from 'vitest';

/** What is allowed from joining to a relay in use: in half of the worlds, and in 95 of 100. */
const SOON_BAR_MS = { p50: 2500, p95: 4000 };
/** What is allowed for a relay that is lost, in 95 of 100 worlds. */
const GAP_BAR_MS = 2000;

export type Kind = 'edge' | 'browser';

/** Two residents who cannot meet, and others. Nobody has joined. */
export function apart(seed: number, count: number, ends: Kind, relays: Kind = 'edge') {
  const village = new Village(seed, {}, cheapCrypto);
  village.bootstrap('well');
  const [a, b] = [village[ends]('a'), village[ends]('b')];
  const others = Array.from({ length: count }, (_, i) => village[relays](`r${i}`));
  village.internet.cut('a', 'b');
  village.world.run(1000);
  return { village, a, b, others };
}

/** The same, joined, addressed, and linked through one of the others. */
export function linked(seed: number, count: number) {
  const all = apart(seed, count, 'edge');
  const { village, a, b, others } = all;
  for (const member of [a, b, ...others]) member.join();
  const isReady = () => [a, b].every(({ view }) => view.self.address !== undefined);
  const isLinked = () => isRelayed(a, b);
  within(village, 30_000, () => isReady() && isLinked());
  return all;
}

/** Two join where others are already, and how long it took until they reached each other through a relay. */
export function relayAfterJoining(seed: number) {
  const { village, a, b, others } = apart(seed, 4, 'edge');
  for (const other of others) other.join();
  within(village, 30_000, () => others.every(({ friends }) => friends.length === others.length - 1));
  const from = village.world.now;
  for (const member of [a, b]) member.join();
  within(village, 20_000, () => isRelayed(a, b));
  return { village, a, b, tookMs: village.world.now - from };
}

/** Prints how soon relays were in use, and expects it to be soon enough. */
export function expectSoon(times: readonly number[]): void {
  print('relay after joining', times);
  expect(percentile(times, 0.5)).toBeLessThan(SOON_BAR_MS.p50);
  expect(percentile(times, 0.95)).toBeLessThan(SOON_BAR_MS.p95);
}

/** The longest time without an answer after the relay in use vanishes. */
export function gapWithoutRelay(seed: number): number {
  const { village, a, b, others } = linked(seed, 4);
  village.world.run(10_000);
  talk(village, a, b, 1000);
  const relay = others.find(({ peerId }) => peerId === a.group.network.links.info(b.peerId)?.via);
  relay?.kill();
  return talk(village, a, b, 6000);
}

/** Prints for how long nothing passed, and expects it to be short enough. */
export function expectShort(gaps: readonly number[]): void {
  print('gap when a relay vanishes', gaps);
  expect(percentile(gaps, 0.95)).toBeLessThanOrEqual(GAP_BAR_MS);
}

/** The longest time without an answer, while an echo request goes out each 50 ms. */
function talk(village: Village, from: Resident, to: Resident, ms: number): number {
  let [gap, last, known] = [0, village.world.now, from.heard.length];
  for (let i = 0; i * 50 < ms; i++) {
    from.ping(to);
    for (let n = 0; n < 5; n++) {
      village.world.run(10);
      const news = from.heard.slice(known);
      known = from.heard.length;
      if (!news.some(out => out.kind === 'group' && out.out.kind === 'pong')) continue;
      gap = Math.max(gap, village.world.now - last);
      last = village.world.now;
    }
  }
  return Math.max(gap, village.world.now - last);
}

/** Members in the order of their ring. */
export function ringOf(members: readonly Resident[]): Resident[] {
  return members.toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1));
}

/** Whether both reach each other through a relay. */
export function isRelayed(a: Resident, b: Resident): boolean {
  const kinds = [a.group.network.links.info(b.peerId)?.kind, b.group.network.links.info(a.peerId)?.kind];
  return kinds.every(kind => kind === 'relay');
}

export function within(village: Village, ms: number, condition: () => boolean): void {
  const until = village.world.now + ms;
  while (!condition() && village.world.now < until) village.world.run(20);
  expect(condition(), `seed ${village.world.seed}, within ${ms} ms`).toBe(true);
}

export function seeds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => 1000 + i);
}

function print(what: string, values: readonly number[]): void {
  const at = (share: number) => Math.round(percentile(values, share));
  console.log(`${what}: p50 ${at(0.5)}, p95 ${at(0.95)}, worst ${at(1)} ms of ${values.length}`);
}

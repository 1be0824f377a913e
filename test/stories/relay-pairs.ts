/** Pairs of members who cannot meet, as stories about relays need them, and what is measured of them. */
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { expect } from 'vitest';

/** What is allowed for a relay that is lost. */
export const GAP_BAR_MS = 2000;

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

/** The longest time without an answer, while an echo request goes out each 50 ms. */
export function talk(village: Village, from: Resident, to: Resident, ms: number): number {
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

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.POSITIVE_INFINITY;
}

export function print(what: string, values: readonly number[]): void {
  const at = (share: number) => Math.round(quantile(values, share));
  console.log(`${what}: p50 ${at(0.5)}, p95 ${at(0.95)}, worst ${at(1)} ms of ${values.length}`);
}

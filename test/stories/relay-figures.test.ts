/** Relays over many worlds: how soon, for how long nothing passes, and who is chosen (P2 4.3; faults rows 23, 29, 77). */
import { cheapCrypto, type Resident, SeededRandom, Village } from '@warren/sim';
import { type Neighbour, peerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import {
  expectShort,
  expectSoon,
  gapWithoutRelay,
  isRelayed,
  relayAfterJoining,
  ringOf,
  seeds,
  within,
} from './relay-pairs.ts';

test('faults #23 in 100 worlds a relay is in use soon after both have joined', () => {
  expectSoon(seeds(100).map(seed => relayAfterJoining(seed).tookMs));
});

test('faults #29 in 95 of 100 worlds another relay takes over within two seconds', () => {
  expectShort(seeds(100).map(gapWithoutRelay));
});

describe('faults #77 malicious relays, for which everybody is told the best of numbers', () => {
  test.each(['latency', 'stability'] as const)('are not chosen more often than others: by %s', choice => {
    const WORLDS = 24;
    const MEMBERS = 12;
    const LIARS = 3;
    const PAIRS = 4;
    let chosen = 0;
    let all = 0;
    for (const seed of seeds(WORLDS)) {
      const village = new Village(seed, {}, cheapCrypto);
      const random = new SeededRandom(seed, 'latency');
      const distance = new Map<string, number>();
      village.internet.latencyMs = (from, to) => {
        const pair = [from, to].toSorted().join();
        if (!distance.has(pair)) distance.set(pair, 5 + 80 * random.unit());
        return distance.get(pair) as number;
      };
      village.bootstrap('well');
      const members = Array.from({ length: MEMBERS }, (_, i) => village.edge(`e${i}`));
      village.world.run(1000);
      for (const member of members) {
        member.join();
        village.world.run(300);
      }
      const liars = new Set(drawn(members, LIARS, random).map(({ peerId }) => peerId));
      // Neighbours on the ring have to be linked, and every second of them cannot meet the next.
      const honest = ringOf(members.filter(({ peerId }) => !liars.has(peerId)));
      const pairs = Array.from({ length: PAIRS }, (_, i) => [honest[2 * i], honest[2 * i + 1]] as [Resident, Resident]);
      for (const [a, b] of pairs) {
        village.internet.cut(a.name, b.name);
        flatter(a, b, liars, choice);
        flatter(b, a, liars, choice);
      }
      within(village, 60_000, () => pairs.every(([a, b]) => isRelayed(a, b)));
      village.world.run(20_000);
      for (const [a, b] of pairs.flatMap(
        ([a, b]) =>
          [
            [a, b],
            [b, a],
          ] as const,
      )) {
        const via = a.group.network.links.info(b.peerId)?.via;
        if (via !== undefined) all++;
        if (via !== undefined && liars.has(via)) chosen++;
      }
    }
    const share = LIARS / (MEMBERS - 2);
    console.log(
      `${choice}: ${chosen} of ${all} relays in use are malicious, ${(100 * share).toFixed(1)} % of those who could be`,
    );
    expect(all).toBe(WORLDS * 2 * PAIRS);
    expect(chosen / all).toBeLessThanOrEqual(share + 0.05);
  });
});

function drawn(members: readonly Resident[], count: number, random: SeededRandom): Resident[] {
  const order = new Map(members.map(member => [member, random.unit()]));
  return members.toSorted((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0)).slice(0, count);
}

/** From now on its neighbours' lists tell it that each liar is at hand for ages, and it chooses as told. */
function flatter(member: Resident, other: Resident, liars: ReadonlySet<string>, choice: 'latency' | 'stability'): void {
  const { relays } = member.group.network.links;
  const heard = relays.heard.bind(relays);
  const praised = (each: Neighbour) => (liars.has(peerKey(each.peer)) ? { ...each, rttMs: 0, ageS: 1_000_000 } : each);
  relays.heard = (link, neighbours, now) => heard(link, neighbours.map(praised), now);
  member.driver.act(now => relays.prefer(other.peerId, choice, now));
}

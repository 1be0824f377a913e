/**
 * Two members whose direct path dies at any moment, with a neighbour in common and the only bootstrap node gone at the
 * same time: how long until an echo request is answered, in the worst of many worlds.
 */
import { cheapCrypto, type Resident, SeededRandom, Village } from '@warren/sim';
import { describe, expect, test } from 'vitest';

const PING_MS = 100;
/** What decisions.md allows for finding a link lost is 3 to 8 s; round it there is a way before that. */
const BAR_MS = 6000;
/** Where nobody else is, the bootstrap node carries: then both networks have to find their own links lost. */
const PAIR_BAR_MS = 8000;

type Kind = 'edge' | 'browser';
interface Story {
  readonly kinds: readonly Kind[];
  readonly end: 'kill' | 'leave' | 'stay';
  /** Whether the two talk when the cut comes. */
  readonly isBusy: boolean;
}

describe('faults #21 #30 when the direct path of two members dies', () => {
  test.each<Story & { readonly what: string }>([
    { what: 'three edges, the bootstrap node dead', kinds: ['edge', 'edge', 'edge'], end: 'kill', isBusy: false },
    { what: 'three edges, the bootstrap node gone', kinds: ['edge', 'edge', 'edge'], end: 'leave', isBusy: false },
    { what: 'three edges, in the middle of talk', kinds: ['edge', 'edge', 'edge'], end: 'kill', isBusy: true },
    { what: 'an edge and two tabs', kinds: ['edge', 'browser', 'browser'], end: 'kill', isBusy: false },
  ])('their neighbour takes over within six seconds, and nothing stops again: $what', story => {
    const told = Array.from({ length: 8 }, (_, i) => tell(100 + i, story));
    expect(worst(told), 'to the first answer').toBeLessThan(BAR_MS);
    // A path in reserve that works in one direction only is found out in less than a second; one world of forty has it.
    expect(Math.max(...told.map(({ lost }) => lost)), 'of fifty after it').toBeLessThanOrEqual(8);
  });

  test('alone beside a bootstrap node, an edge and a tab go on through that', () => {
    const told = Array.from({ length: 8 }, (_, i) =>
      tell(200 + i, { kinds: ['edge', 'browser'], end: 'stay', isBusy: false }),
    );
    expect(worst(told), 'to the first answer').toBeLessThan(PAIR_BAR_MS);
  });
});

/** One world: gives the time from the cut to the first answer, and how many of the next fifty were lost. */
function tell(seed: number, { kinds, end, isBusy }: Story): { readonly seed: number; took: number; lost: number } {
  const village = new Village(seed, {}, cheapCrypto);
  const random = new SeededRandom(seed, 'story');
  const well = village.bootstrap('well');
  const members = kinds.map((kind, i) => (kind === 'edge' ? village.edge(`e${i}`) : village.browser(`b${i}`)));
  const [from, to] = [members[0], members.at(-1)] as [Resident, Resident];
  village.world.run(1000);
  for (const member of members) member.join();
  const direct = () => ['udp', 'webrtc'].includes(from.linkKind(to) ?? '');
  const settled = () => members.every(({ view, friends }) => view.self.address && friends.length === kinds.length - 1);
  expect(
    village.world.runUntil(() => settled() && direct(), 60_000),
    `seed ${seed} settles`,
  ).toBe(true);
  village.world.run(1000 + random.unit() * 20_000);
  if (isBusy) ping(village, from, to, 20);
  village.internet.cut(from.name, to.name);
  if (end !== 'stay') well[end]();
  const cutAt = village.world.now;
  if (!isBusy) village.world.run(random.unit() * 2000);
  const before = from.pongs.length;
  while (from.pongs.length === before && village.world.now - cutAt < 60_000) ping(village, from, to, 1);
  const took = village.world.now - cutAt;
  const answered = from.pongs.length;
  ping(village, from, to, 50);
  village.world.run(1000);
  return { seed, took, lost: 50 - (from.pongs.length - answered) };
}

function ping(village: Village, from: Resident, to: Resident, times: number): void {
  for (let i = 0; i < times; i++) {
    from.ping(to);
    village.world.run(PING_MS);
  }
}

/** The longest time, with its seed in what a failure shows. */
function worst(told: readonly { readonly seed: number; readonly took: number }[]): number {
  const [last] = [...told].sort((a, b) => b.took - a.took);
  if (last !== undefined && last.took > BAR_MS) console.log(`seed ${last.seed}: ${last.took} ms`);
  return last?.took ?? Number.POSITIVE_INFINITY;
}

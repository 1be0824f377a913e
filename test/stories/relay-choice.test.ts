/** Which of three relays is in use where machines and lines are busy: what waits in a queue says nothing of a way (P2 4.3). */
import { cheapCrypto, type Resident, SeededRandom, Village } from '@warren/sim';
import { expect, test } from 'vitest';

/** One way on the line of each relay, ms; the oldest is the farthest. */
const LINES_MS: Readonly<Record<string, number>> = { far: 20, near: 5, nearest: 1 };
/** Waiting in queues, ms on average: mostly little, at times much. */
const QUEUES_MS = { often: 5, seldom: 60, seldomShare: 0.3 } as const;
const SEEDS = [1, 2, 3, 4, 5, 6] as const;
const MEASURED_S = 25;

test('the nearest relay is in use four fifths of the time, though queues are longer than lines', () => {
  const used = new Map<string, number>();
  for (const seed of SEEDS) {
    const { village, a, b, relays } = apart(seed);
    for (const member of [a, b]) member.join();
    village.world.run(5_000);
    for (let second = 0; second < MEASURED_S; second++) {
      village.world.run(1_000);
      const via = a.view.links.find(({ peerId }) => peerId === b.peerId)?.via;
      const name = relays.find(({ peerId }) => peerId === via)?.name ?? 'none';
      used.set(name, (used.get(name) ?? 0) + 1);
    }
  }
  const seconds = SEEDS.length * MEASURED_S;
  console.log(`seconds of ${seconds}: ${JSON.stringify(Object.fromEntries(used))}`);
  expect((used.get('nearest') ?? 0) / seconds).toBeGreaterThan(0.8);
}, 120_000);

/** Two who cannot meet, and three in a group who relay. */
function apart(seed: number): { village: Village; a: Resident; b: Resident; relays: readonly Resident[] } {
  const village = new Village(seed, { jitterMs: 0 }, cheapCrypto);
  const random = new SeededRandom(seed, 'queues');
  const queue = (): number => {
    const mean = random.unit() < QUEUES_MS.seldomShare ? QUEUES_MS.seldom : QUEUES_MS.often;
    return -mean * Math.log(1 - random.unit());
  };
  village.internet.latencyMs = (from, to) => (LINES_MS[from] ?? 0) + (LINES_MS[to] ?? 0) + queue();
  village.bootstrap('well');
  const relays = Object.keys(LINES_MS).map(name => village.edge(name));
  const [a, b] = [village.edge('a'), village.edge('b')];
  village.internet.cut('a', 'b');
  for (const relay of relays) {
    relay.join();
    village.world.run(3_000);
  }
  return { village, a, b, relays };
}

/** Pairs who cannot meet, and the members who relay between them. */
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { describe, expect, test } from 'vitest';

describe('faults #21 #23 two members who cannot meet', () => {
  test('are linked through a third within seconds', () => {
    const { village, members } = settled(1, 3);
    const [a, b] = members as [Resident, Resident, Resident];
    expect(a.linkKind(b)).toBe('relay');
    expect(b.linkKind(a)).toBe('relay');
    a.ping(b);
    village.world.run(500);
    expect(a.pongs.length).toBe(1);
  });
});

/** A bootstrap node and edges in one group, of whom the first two cannot meet. */
function settled(seed: number, count: number): { readonly village: Village; readonly members: readonly Resident[] } {
  const village = new Village(seed, {}, cheapCrypto);
  village.bootstrap('well');
  const members = Array.from({ length: count }, (_, i) => village.edge(`e${i}`));
  village.internet.cut('e0', 'e1');
  village.world.run(1000);
  for (const member of members) member.join();
  const isLinked = () => members.every(({ view, friends }) => view.self.address && friends.length === count - 1);
  const isUp = () => members[0]?.linkKind(members[1] as Resident) === 'relay';
  expect(village.world.runUntil(() => isLinked() && isUp(), 20_000), `seed ${seed} settles`).toBe(true);
  return { village, members };
}

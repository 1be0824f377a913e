/** The first ten echo requests to a member that came to its address just now, one each 50 ms. */
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { expect, test } from 'vitest';

test.each(['edge', 'browser'] as const)(
  'of ten pings to an %s right after both have started none is lost, and the first takes little more than a second at most',
  kind => {
    for (let seed = 8; seed < 14; seed++) {
      const village = new Village(seed, {}, cheapCrypto);
      village.bootstrap('well');
      const [from, to] = [village.edge('from'), kind === 'edge' ? village.edge('to') : village.browser('to')];
      const others = ['x', 'y', 'z'].map(name => village.edge(name));
      village.world.run(500);
      for (const other of others) other.join();
      village.world.run(3000);
      for (const each of [from, to]) each.join();
      const hasAddress = ({ group }: Resident) => group.vpn.address !== undefined;
      expect(
        village.world.runUntil(() => hasAddress(from) && hasAddress(to), 60_000),
        `seed ${seed}`,
      ).toBe(true);
      const startedAt = village.world.now;
      for (let i = 0; i < 10; i++) {
        from.ping(to);
        village.world.run(50);
      }
      // Who asks in the moment of a claim hears of nobody, and asks again after 0.4 s, in one world of ten twice.
      village.world.runUntil(() => from.pongs.length > 0, 600);
      expect(from.pongs.length, `seed ${seed}: answers within 1.1 s`).toBeGreaterThan(0);
      village.world.runUntil(() => from.pongs.length === 10, 2000);
      expect(from.pongs.length, `seed ${seed}: answers within ${village.world.now - startedAt} ms`).toBe(10);
    }
  },
);

/** Two members who cannot meet and share no neighbour: they make one who relays between them (P2 4.3; faults row 23). */
import { cheapCrypto, type Resident, Village } from '@warren/sim';
import { expect, test } from 'vitest';
import { isRelayed, within } from './relay-pairs.ts';

/** So many that not everybody is linked to everybody. */
const MEMBERS = 26;
const PING_MS = 100;

test.each([23, 24, 26])('faults #23 a neighbour in common is made for those who talk: seed %i', seed => {
  const village = new Village(seed, {}, cheapCrypto);
  village.bootstrap('well');
  const members = Array.from({ length: MEMBERS }, (_, i) => village.edge(`e${i}`));
  village.world.run(1000);
  for (const member of members) member.join();
  within(village, 30_000, () => members.every(({ view }) => view.self.address !== undefined));
  village.world.run(10_000);
  const [a, b] = unlinked(members);
  village.internet.cut(a.name, b.name);
  // Whoever both have a link to cannot be met by one of them any more, by each in turn, until nobody is left: were it
  // always the same one, it could meet nobody in the end.
  const common = () => members.filter(each => isDirect(a, each) && isDirect(b, each));
  for (let left = common(); left.length > 0; left = common()) {
    for (const [i, each] of left.entries()) village.internet.cut((i % 2 === 0 ? a : b).name, each.name);
    village.world.run(10_000);
  }
  expect(linkKind(a, b)).toBeUndefined();
  const from = village.world.now;
  within(village, 30_000, () => pingAndLook(village, a, b));
  console.log(
    `seed ${seed}: a relay ${Math.round(village.world.now - from)} ms after the first ping, through a new link`,
  );
  expect(village.world.now - from).toBeLessThan(10_000);
  for (let i = 0; i < 200; i++) pingAndLook(village, a, b);
  expect(isRelayed(a, b)).toBe(true);
  const before = a.pongs.length;
  for (let i = 0; i < 10; i++) pingAndLook(village, a, b);
  village.world.run(1000);
  expect(a.pongs.length - before).toBeGreaterThanOrEqual(10);
});

/** Sends one echo request, and says whether a relay is in use a little later. */
function pingAndLook(village: Village, from: Resident, to: Resident): boolean {
  from.ping(to);
  village.world.run(PING_MS);
  return isRelayed(from, to);
}

/** Two members without a link to each other. */
function unlinked(members: readonly Resident[]): [Resident, Resident] {
  for (const a of members) for (const b of members) if (a !== b && linkKind(a, b) === undefined) return [a, b];
  throw new Error('of so many two have no link');
}

function isDirect(a: Resident, b: Resident): boolean {
  return linkKind(a, b) === 'udp';
}

function linkKind(a: Resident, b: Resident): string | undefined {
  return a.group.network.links.info(b.peerId)?.kind;
}

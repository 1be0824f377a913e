/**
 * What peers in between can read of others' traffic, seen from inside them: after their own link's encryption is taken
 * off. The same seen on the wire is `test/netns/capture.test.ts`.
 */
import { fromUtf8, toHex, utf8 } from '@warren/base';
import { type Resident, Village } from '@warren/sim';
import { expect, test } from 'vitest';

const SECRET = 'the well is behind the old oak';

test('faults #15 #61 peers that route for two others pass the text on and never see it', () => {
  const { village, members } = settled(112);
  const opened = members.map(member => spy(member));
  const [from, to] = apart(members);
  const middle = members.filter(member => member !== from && member !== to);
  from.tell(to, SECRET);
  expect(within(village, 5_000, () => to.texts.includes(`${from.name}: ${SECRET}`))).toBe(true);
  const passed = middle.flatMap(member => opened[members.indexOf(member)] ?? []);
  const ends = [from.peerId, to.peerId];
  const ofTheTwo = passed.filter(bytes => ends.every(end => toHex(bytes).includes(end)));
  expect(ofTheTwo.length, 'datagrams between the two that others passed on').toBeGreaterThan(3);
  for (const bytes of passed) expect(text(bytes)).not.toContain(SECRET);

  // The spy would have seen it: what a neighbour is told comes out of the link's own encryption.
  const [neighbour, near] = linked(members);
  neighbour.group.network.links.send(near.group.self, 1, utf8(SECRET), village.world.now);
  neighbour.driver.act(() => {});
  village.world.run(1_000);
  expect((opened[members.indexOf(near)] ?? []).some(bytes => text(bytes).includes(SECRET))).toBe(true);
});

/** Twenty members: more than a link budget of near neighbours, so that some pairs have no link. */
function settled(seed: number): { village: Village; members: Resident[] } {
  const village = new Village(seed);
  village.bootstrap('well');
  const members = Array.from({ length: 20 }, (_, i) => village.edge(`e${i}`));
  for (const member of members) member.join();
  expect(within(village, 30_000, () => members.every(({ view }) => view.self.address !== undefined))).toBe(true);
  village.world.run(5_000);
  return { village, members };
}

/** Keeps what a member's overlay gets from its links. */
function spy(member: Resident): Uint8Array[] {
  const { overlay } = member.group.network;
  const kept: Uint8Array[] = [];
  const receive = overlay.receive.bind(overlay);
  overlay.receive = (from, bytes, now) => {
    kept.push(bytes.slice());
    receive(from, bytes, now);
  };
  return kept;
}

function apart(members: readonly Resident[]): [Resident, Resident] {
  for (const a of members) for (const b of members) if (a !== b && a.linkKind(b) === undefined) return [a, b];
  throw new Error('all members are linked');
}

function linked(members: readonly Resident[]): [Resident, Resident] {
  for (const a of members) for (const b of members) if (a !== b && a.linkKind(b) === 'udp') return [a, b];
  throw new Error('no members are linked');
}

function within(village: Village, ms: number, condition: () => boolean): boolean {
  for (let left = ms; left > 0 && !condition(); left -= 100) village.world.run(100);
  return condition();
}

/** Bytes as text; what is no UTF-8 stands for nothing. */
function text(bytes: Uint8Array): string {
  return fromUtf8(bytes) ?? String.fromCharCode(...bytes);
}

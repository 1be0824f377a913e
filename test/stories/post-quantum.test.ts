/**
 * Post-quantum keys in whole groups under virtual time (session.md 2.8; faults rows 32, 55, 59): sessions through
 * other members where the policy is on, links too where it is required, and members whose policies do not fit.
 */
import type { PostQuantumPolicy } from '@warren/group';
import type { Sessions } from '@warren/session';
import { cheapCrypto, type Resident, Village, type WireOptions } from '@warren/sim';
import { expect, test } from 'vitest';

test('faults #59 with the policy on, every session through others is upgraded, links are not, and every text arrives', () => {
  const { village, members } = settled(111, 20, 'on');
  const pairs = apart(members);
  expect(pairs.length).toBeGreaterThan(1);
  for (const [from, to] of pairs) from.tell(to, 'across');
  village.world.run(5000);
  for (const [from, to] of pairs) expect(to.texts).toContain(`${from.name}: across`);
  // Some of them have a link by now: members who talk get one.
  const stillApart = apart(members).filter(pair => pairs.some(([from, to]) => pair[0] === from && pair[1] === to));
  expect(stillApart.length).toBeGreaterThan(1);
  const sessions = stillApart.flatMap(([from, to]) => [keys(from, to), keys(to, from)]);
  const upgraded = sessions.filter(Boolean).length;
  expect(`${upgraded} of ${sessions.length} upgraded`).toBe(`${sessions.length} of ${sessions.length} upgraded`);
  expect(members.flatMap(({ view }) => view.links).filter(({ pq }) => pq)).toEqual([]);
  expect(members[0]?.view.postQuantum).toBe('on');
});

test('faults #59 with the policy required, links are upgraded too, before anything goes over them', () => {
  const { village, members } = settled(113, 14, 'required');
  for (const [from, to] of apart(members)) from.tell(to, 'across');
  village.world.run(5000);
  for (const [from, to] of apart(members)) {
    expect(to.texts).toContain(`${from.name}: across`);
    expect([keys(from, to), keys(to, from)]).toEqual([true, true]);
  }
  const links = members.flatMap(({ view }) => view.links);
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter(({ pq }) => !pq)).toEqual([]);
});

test('faults #32 with the policy required, a group comes up at 20 % loss and every text arrives', () => {
  const { village, members } = settled(114, 4, 'required', { loss: 0.2 });
  for (const from of members) for (const to of members) if (from !== to) from.tell(to, 'through');
  const told = () => members.every(to => to.texts.length === members.length - 1);
  expect(within(village, 30_000, told)).toBe(true);
  expect(members.flatMap(({ view }) => view.links).every(({ pq }) => pq)).toBe(true);
});

test('members who require meet those who have it on: whoever requires decides', () => {
  const { members } = settled(115, 3, 'on', {}, 'required');
  const [first, second, strict] = members as [Resident, Resident, Resident];
  expect([keys(first, strict), keys(strict, second)]).toEqual([true, true]);
  expect(keys(first, second)).toBe(false);
});

test('faults #55 members who require and members set to off do not meet, both say why, and they leave each other alone', () => {
  const village = new Village(116, {}, cheapCrypto);
  village.bootstrap('well');
  const [strict, plain] = [village.edge('strict'), village.edge('plain')];
  strict.join(undefined, 'required');
  plain.join(undefined, 'off');
  village.world.run(30_000);
  expect([strict.friends, plain.friends]).toEqual([[], []]);
  const reasons = () => [strict, plain].map(member => member.group.network.disagreement(other(member).peerId));
  const other = (member: Resident) => (member === strict ? plain : strict);
  expect(reasons()).toEqual(['peer-lacks-post-quantum', 'peer-requires-post-quantum']);
  const before = [strict, plain].map(member => handshakes(member));
  village.world.run(240_000);
  expect([strict, plain].map(member => handshakes(member))).toEqual(before);
});

/** Members who have joined, know their addresses and have had time for links; the last one perhaps with a policy of its own. */
function settled(
  seed: number,
  count: number,
  policy: PostQuantumPolicy,
  wire: Partial<WireOptions> = {},
  lastPolicy = policy,
): { village: Village; members: Resident[] } {
  const village = new Village(seed, wire, cheapCrypto);
  village.bootstrap('well');
  const members = Array.from({ length: count }, (_, i) => village.edge(`e${i}`));
  for (const member of members) member.join(undefined, member === members.at(-1) ? lastPolicy : policy);
  expect(within(village, 60_000, () => members.every(({ view }) => view.self.address !== undefined))).toBe(true);
  village.world.run(5000);
  return { village, members };
}

/** Pairs of members without a link. */
function apart(members: readonly Resident[]): [Resident, Resident][] {
  const pairs = members.flatMap((a, i) => members.slice(i + 1).map(b => [a, b] as [Resident, Resident]));
  return pairs.filter(([a, b]) => a.linkKind(b) === undefined && b.linkKind(a) === undefined);
}

/** Whether what goes from one to the other goes under post-quantum keys. */
function keys(from: Resident, to: Resident): boolean | undefined {
  return from.group.network.isPostQuantum(to.peerId);
}

/** Handshakes that a member refused, finished or could not finish in its group. */
function handshakes(member: Resident): number {
  const { pointToPoint } = member.group.network as unknown as { pointToPoint: Sessions };
  const { handshakes, rejected } = pointToPoint.stats;
  return handshakes + rejected;
}

function within(village: Village, ms: number, condition: () => boolean): boolean {
  const end = village.world.now + ms;
  while (!condition() && village.world.now < end) village.world.run(100);
  return condition();
}

/** A member that lets in one team only, while others come into that team, leave it, or claim it: whole participants. */
import { cheapCrypto, type Resident, SeededRandom, simMember, simRevocations, Village } from '@warren/sim';
import type { Revocation } from '@warren/trust';
import { expect, test } from 'vitest';
import { MINUTE_MS, SECOND_MS, tell, within } from './removals.ts';

/** Certificates are dated back by so much. */
const BACKDATED_MS = 5 * MINUTE_MS;

test('packets of the team pass, those of others are dropped and counted, both ways', () => {
  const { village, guard, ann, bob } = met(701);
  expect(passes(village, ann, guard)).toBe(true);
  expect(passes(village, guard, ann)).toBe(true);
  expect([passes(village, bob, guard), drops(guard)]).toEqual([false, [1, 0]]);
  expect([passes(village, guard, bob), drops(guard)]).toEqual([false, [1, 1]]);
  expect(passes(village, ann, bob)).toBe(true);
  const teams = bob.view.members.map(({ user, teams }) => [user, teams]);
  expect(teams).toEqual([
    ['ann', ['ops']],
    ['bob', []],
    ['guard', []],
  ]);
});

test('a team that is taken away stops counting as soon as the list is known, and no link is lost for it', () => {
  const { village, guard, ann, bob } = met(702);
  changeTeams(village, 1, bob, ['ann']);
  within(village, SECOND_MS, 'everybody knows', () => [guard, ann].every(isNewsTo));
  expect(ann.group.members.isOutdated).toBe(true);
  expect(guard.view.members.find(({ user }) => user === 'ann')).not.toHaveProperty('teams');
  expect([passes(village, ann, guard), drops(guard)]).toEqual([false, [1, 0]]);
  expect(passes(village, ann, bob)).toBe(true);
  expect(ann.friends).toEqual(['bob', 'guard']);

  ann.teams = [];
  ann.renew(ann.certificate(30));
  expect(ann.group.members.isOutdated).toBe(false);
  const seen = () => guard.view.members.find(({ user }) => user === 'ann')?.teams;
  within(village, 5 * SECOND_MS, 'the new certificate is known', () => seen()?.length === 0);
  expect(passes(village, ann, guard)).toBe(false);
});

test('who comes into the team is let in with the next certificate, not before', () => {
  const { village, guard, bob } = met(703);
  changeTeams(village, 1, guard, ['bob']);
  village.world.run(SECOND_MS);
  expect(passes(village, bob, guard)).toBe(false);
  bob.teams = ['ops', 'staff'];
  bob.renew(bob.certificate(30));
  const seen = () => guard.view.members.find(({ user }) => user === 'bob')?.teams;
  within(village, 5 * SECOND_MS, 'the new certificate is known', () => seen()?.length === 2);
  expect(passes(village, bob, guard)).toBe(true);
});

test('who writes a team into its own certificate gets no link to anybody', () => {
  const { village, guard, ann, bob } = met(704);
  const mallory = village.edge('mallory');
  const forged = { ...village.authority, secret: new Uint8Array(32).fill(7) };
  const who = { user: 'mallory', device: 'mallory', teams: ['ops'] };
  mallory.place.disk.member = simMember(forged, who, new SeededRandom(7), village.unixMs);
  mallory.join();
  village.world.run(30 * SECOND_MS);
  expect(mallory.friends).toEqual([]);
  expect([guard, ann, bob].some(member => member.view.members.some(({ user }) => user === 'mallory'))).toBe(false);
});

/** The guard lets in the team ops only, in which ann is. All see each other, and some seconds are over. */
function met(seed: number): { village: Village; guard: Resident; ann: Resident; bob: Resident } {
  const village = new Village(seed, {}, cheapCrypto);
  village.bootstrap('well');
  const [guard, ann, bob] = ['guard', 'ann', 'bob'].map(name => village.edge(name)) as [Resident, Resident, Resident];
  guard.access = { onlyTeams: ['ops'] };
  ann.teams = ['ops'];
  const all = [guard, ann, bob];
  for (const member of all) member.join();
  const isThere = (member: Resident) => member.online.length === 2 && member.view.self.address !== undefined;
  within(village, MINUTE_MS, 'everybody meets', () => all.every(isThere));
  village.world.run(40 * SECOND_MS);
  return { village, guard, ann, bob };
}

/** The site changed the teams of these users: whoever hears first tells the others. */
function changeTeams(village: Village, sequence: number, first: Resident, users: readonly string[]): void {
  const signedAt = village.unixMs;
  const revoked: Revocation[] = users.map(teamsOf => ({ teamsOf, before: signedAt - BACKDATED_MS }));
  expect(tell(first, simRevocations(village.authority, { sequence, signedAt, revoked }))).toBe(true);
  // Certificates hold whole seconds: those from now on begin later.
  village.world.run(SECOND_MS / 2);
}

function isNewsTo(member: Resident): boolean {
  return member.view.members.some(({ teams }) => teams === undefined);
}

/** Whether an echo request to the other is answered. */
function passes(village: Village, from: Resident, to: Resident): boolean {
  const before = from.pongs.length;
  expect(from.ping(to)).toBe(true);
  village.world.run(2 * SECOND_MS);
  return from.pongs.length > before;
}

/** What rules of the member dropped: from peers, to peers. */
function drops({ group: { vpn } }: Resident): [number, number] {
  return [vpn.stats.inboundDrops.refused, vpn.stats.outboundDrops.refused];
}

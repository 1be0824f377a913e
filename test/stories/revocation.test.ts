/** A removed member, in virtual time, in a small group; thirty members are in `resilience-revocation.test.ts`. */
import { cheapCrypto, type Resident, SeededRandom, simAuthority, simMember, simRevocations } from '@warren/sim';
import { describe, expect, test } from 'vitest';
import { knowledge, knows, lie, meet, removal, SECOND_MS, tell, within } from './removals.ts';

describe('a removed member', () => {
  test('faults #9 #51 #73: is cut off by all within a second of one being told, says so, and comes back with a new certificate', () => {
    const { village, members } = meet(501, 4, cheapCrypto);
    const [bob, ...others] = members as [Resident, ...Resident[]];
    const { peerId } = bob;
    expect(others.every(member => knows(member, peerId))).toBe(true);
    expect(tell(others[1] as Resident, removal(village, 1, [bob]))).toBe(true);
    within(village, SECOND_MS, 'nobody knows the removed one', () => others.every(member => !knows(member, peerId)));
    within(village, SECOND_MS, 'the removed one is told', () => bob.view.problem === 'removed');
    expect(bob.view).toMatchObject({ state: 'stopped', links: [] });
    expect(bob.view.members.map(member => member.device)).toEqual(['edge0']);
    village.world.run(30 * SECOND_MS);
    expect(others.every(member => !knows(member, peerId) && member.online.length === 2)).toBe(true);
    expect(others.every(member => knowledge(member).head.sequence === 1)).toBe(true);

    const { disk } = bob.place;
    bob.kill();
    const names = { user: bob.name, device: bob.name, secret: disk.member?.secret as Uint8Array };
    const peer = { peerId: others[0]?.group.network.self.slice().fill(9) as Uint8Array };
    // Dated five minutes back, as certificates are, it begins with the removal.
    disk.member = simMember(village.authority, { ...names, ...peer }, new SeededRandom(1), village.unixMs + 300_000);
    const again = village.restart(bob);
    again.join();
    within(village, 30 * SECOND_MS, 'the new one is in', () => others.every(member => knows(member, again.peerId)));
  });

  test('faults #73: that will not hear of it is refused by everybody, also by who was away and learns it late', () => {
    const { village, members } = meet(502, 4, cheapCrypto);
    const [bob, away, ...others] = members as [Resident, Resident, Resident, Resident];
    const { peerId } = bob;
    lie(bob);
    away.kill();
    tell(others[0] as Resident, removal(village, 1, [bob]));
    within(village, SECOND_MS, 'those who are there cut it off', () => others.every(member => !knows(member, peerId)));
    expect(bob.view.problem).toBeUndefined();
    village.world.run(60 * SECOND_MS);
    expect(bob.friends).toEqual([]);
    const back = village.restart(away);
    back.join();
    within(village, 30 * SECOND_MS, 'who was away is back', () => back.friends.length === 2);
    within(village, 3 * SECOND_MS, 'and knows the list', () => knowledge(back).list?.head.sequence === 1);
    village.world.run(30 * SECOND_MS);
    expect([knows(back, peerId), bob.friends]).toEqual([false, []]);
  });

  test('faults #75: is nobody whom a forged, older or replayed list names', () => {
    const { village, members } = meet(503, 3);
    const [bob, ...others] = members as [Resident, Resident, Resident];
    const impostor = { ...simAuthority(new SeededRandom(9), village.unixMs), group: village.authority.group };
    const revoked = [{ user: bob.name, before: village.unixMs }];
    const forged = simRevocations(impostor, { sequence: 9, signedAt: village.unixMs, revoked });
    const old = removal(village, 1, [bob]);
    const newest = removal(village, 2, []);
    expect(members.map(member => tell(member, forged))).toEqual([false, false, false]);
    expect(tell(others[0] as Resident, newest)).toBe(true);
    village.world.run(2 * SECOND_MS);
    expect(members.map(member => tell(member, old))).toEqual([false, false, false]);
    expect(members.map(member => tell(member, newest))).toEqual([false, false, false]);
    expect(members.every(member => member.friends.length === 2)).toBe(true);
  });
});

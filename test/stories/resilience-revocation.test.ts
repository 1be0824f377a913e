/**
 * Thirty members, of whom one is removed: how soon everybody has cut it off, told and untold; and what a certificate's
 * life of 30 days looks like from end to end. A failing story names its seed; figures are in packages/peer/README.md.
 */

import { isRenewalDue } from '@warren/peer';
import { cheapCrypto, type Resident, SeededRandom, type SimIdentity, simMember, Village } from '@warren/sim';
import { parseLeaf } from '@warren/trust';
import { describe, expect, test } from 'vitest';
import { knows, lie, MINUTE_MS, meet, removal, SECOND_MS, tell, within } from './removals.ts';

const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

describe('faults #73: of thirty members one is removed', () => {
  test('and everybody has cut it off within two seconds of one being told, though it will not hear of it itself', () => {
    const { village, members } = meet(602, 30, cheapCrypto);
    const [bob, ...others] = members as [Resident, ...Resident[]];
    const { peerId } = bob;
    lie(bob);
    tell(others[7] as Resident, removal(village, 1, [bob]));
    const areRid = () => others.every(member => !knows(member, peerId));
    within(village, 2 * SECOND_MS, 'all have cut it off', areRid);
    village.world.run(10 * SECOND_MS);
    expect(areRid()).toBe(true);
    expect(others.every(member => member.online.length === 28)).toBe(true);
    // Nobody says goodbye to it: it finds its links dead.
    within(village, 30 * SECOND_MS, 'it has no link left', () => bob.friends.length === 0);
    expect(bob.view.problem).toBe(undefined);
  }, 400_000);
});

test('faults #73 #75: with the site down and no news passed on, all know after 540 s of one knowing, and have cut it off', () => {
  const { village, members } = meet(603, 8, cheapCrypto);
  const [bob, informed, ...others] = members as [Resident, Resident, ...Resident[]];
  const { peerId } = bob;
  lie(bob);
  // Nobody tells of lists: what is left is the head in handshakes, and asking for what is behind it.
  for (const { group } of members) {
    group.network.overlay.broadcast = () => false;
    group.network.overlay.handOn = () => {};
  }
  tell(informed, removal(village, 1, [bob]));
  expect([knows(informed, peerId), others.every(member => knows(member, peerId))]).toEqual([false, true]);
  const took = within(village, 540 * SECOND_MS, 'all have cut it off', () =>
    others.every(member => !knows(member, peerId)),
  );
  expect(took).toBeGreaterThan(10 * SECOND_MS);
  village.world.run(20 * SECOND_MS);
  expect(others.some(member => knows(member, peerId))).toBe(false);
}, 240_000);

test('faults #10 #27: 35 days with renewals at the twentieth, the site away for ten: no datagram lost, and who slept comes back', () => {
  const village = new Village(604);
  village.bootstrap('well');
  const [a, b, c] = ['a', 'b', 'c'].map(name => village.edge(name)) as [Resident, Resident, Resident];
  for (const member of [a, b, c]) member.join();
  within(village, 20 * SECOND_MS, 'they meet', () => [a, b, c].every(member => member.friends.length === 2));
  village.world.run(10 * SECOND_MS);
  const first = village.unixMs;
  const random = new SeededRandom(604, 'site');
  let skipped = 0;
  const today = () => village.unixMs + skipped;
  /** What programs do: ask the site, from the twentieth day on. */
  const upkeep = (member: Resident): boolean => {
    const known = member.place.disk.member as SimIdentity;
    const leaf = parseLeaf(known.leaf);
    const isSiteUp = today() - first < 19 * DAY_MS || today() - first > 29 * DAY_MS;
    if (leaf === undefined || !isRenewalDue(leaf, today()) || !isSiteUp) return false;
    const o = { user: leaf.user, device: leaf.device, secret: known.secret, peerId: leaf.peerId };
    member.renew(simMember(village.authority, o, random, today()));
    return true;
  };
  const renewedOn: number[] = [];
  let sent = 0;
  const flow = (ms: number): void => {
    for (let at = 0; at < ms; at += 200) {
      if (a.ping(b)) sent++;
      village.world.run(200);
    }
  };
  for (let quarter = 0; quarter < 35 * 4; quarter++) {
    // Six hours pass between two looks: dates jump, keys and links go on.
    skipped += 6 * HOUR_MS;
    for (const resident of village.residents.values()) resident.host.clock.wrongByMs = skipped;
    if (quarter === 3 * 4) c.sleep();
    if (quarter === 33 * 4) c.wake();
    // A jump is none of what is tried here: records with dates are put anew within this time.
    const isAround = Math.abs(quarter - 20 * 4) < 2 || Math.abs(quarter - 29 * 4) < 3;
    village.world.run((isAround ? 90 : 30) * SECOND_MS);
    if (isAround) flow(MINUTE_MS);
    for (const member of [a, b]) if (upkeep(member)) renewedOn.push((today() - first) / DAY_MS);
    if (isAround) flow(10 * MINUTE_MS);
    const isTogether = a.friends.includes('b') && b.friends.includes('a');
    expect(isTogether, `day ${quarter / 4}`).toBe(true);
  }
  village.world.run(5 * SECOND_MS);
  expect(a.pongs.length, 'seed 604').toBe(sent);
  expect(renewedOn.map(Math.round)).toEqual([29, 29]);
  expect(c.view.problem).toBe('certificate-expired');
  expect(upkeep(c)).toBe(true);
  within(village, 2 * MINUTE_MS, 'who slept is back', () => c.friends.length === 2);
  expect(c.view.problem).toBeUndefined();
}, 240_000);

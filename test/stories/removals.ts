/** For stories about removed members: a village that has met, an authority that removes, a member that will not hear of it. */
import { type Resident, type SimCrypto, simRevocations, Village } from '@warren/sim';
import type { Revocation, RevocationList, RevocationSet } from '@warren/trust';
import { expect } from 'vitest';

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;

/** A village whose members all see each other. */
export function meet(seed: number, edges: number, crypto?: SimCrypto): { village: Village; members: Resident[] } {
  const village = new Village(seed, {}, crypto);
  village.bootstrap('well');
  const members = Array.from({ length: edges }, (_, i) => village.edge(`edge${i}`));
  for (const member of members) member.join();
  within(village, 2 * MINUTE_MS, 'everybody meets', () => members.every(each => each.online.length === edges - 1));
  village.world.run(5 * SECOND_MS);
  return { village, members };
}

/** The list after removing these members now: their certificates until then are dead. */
export function removal(village: Village, sequence: number, removed: readonly Resident[]): RevocationList {
  const signedAt = village.unixMs;
  const revoked: Revocation[] = removed.map(({ name }) => ({ user: name, before: signedAt }));
  return simRevocations(village.authority, { sequence, signedAt, revoked });
}

/** Hands a list to a member as from the site; true when it is believed. */
export function tell(member: Resident, list: RevocationList): boolean {
  return member.driver.act(now => member.group.learnRevocations(list, now));
}

/** What a member knows of the list. */
export function knowledge(member: Resident): RevocationSet {
  return Reflect.get(member.group, 'options').authority.revocations;
}

/** From now on the member believes no list and tells no newer head: it goes on as if nothing had happened. */
export function lie(member: Resident): void {
  const set = knowledge(member);
  set.learnList = () => false;
  set.learnHead = () => false;
}

/** Whether `member` has any keys, link, entry in the list of members or record of the other. */
export function knows(member: Resident, peerId: string): boolean {
  const { network, directory } = member.group;
  const sessions = [Reflect.get(network, 'pointToPoint'), Reflect.get(network, 'eteSessions')];
  const isKeyed = sessions.some(table => table.identity(peerId) !== undefined);
  const records = [...network.dht.store.writers()];
  return (
    isKeyed ||
    network.links.info(peerId) !== undefined ||
    directory.get(peerId) !== undefined ||
    records.includes(peerId)
  );
}

/** Runs until `condition` holds; gives the time it took. */
export function within(village: Village, ms: number, what: string, condition: () => boolean): number {
  const from = village.world.now;
  while (!condition() && village.world.now < from + ms) village.world.run(100);
  expect(condition(), `seed ${village.world.seed}: ${what} within ${ms} ms`).toBe(true);
  return village.world.now - from;
}

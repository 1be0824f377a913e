/** Who seems to be there, going by cards (faults.md row 33). */
import { EPOCH_UNIX_MS, SeededRandom, SimRecords } from '@warren/sim';
import { encodeMemberCard, peerKey, RecordKind } from '@warren/wire';
import { expect, test } from 'vitest';
import { Directory } from './directory.ts';

const random = new SeededRandom(1);
const { leaf } = new SimRecords(1).contextOf(0, random.bytes(20)).credentials;
const READ_MS = 30_000;
/** A card of 90 s counts for so long. */
const FRESH_MS = 75_000;

test.each([
  ['right', 0],
  ['five minutes slow', -300_000],
  ['five minutes fast', 300_000],
])('faults #33 a member whose clock is %s is there while it renews its card, and away soon after', (_, aheadMs) => {
  const directory = new Directory(() => false);
  let now = EPOCH_UNIX_MS;
  let signedAt = 0;
  const look = () => directory.learn(card(signedAt), now);
  const isFresh = () => {
    const member = directory.get(peerKey(leaf.peerId));
    return member !== undefined && directory.isFresh(member, now);
  };
  for (let i = 0; i < 5; i++) {
    signedAt = now + aheadMs - 10_000;
    look();
    if (i > 0 || aheadMs >= 0) expect(isFresh()).toBe(true);
    now += READ_MS;
    if (i > 0 || aheadMs >= 0) expect(isFresh()).toBe(true);
  }
  for (let ms = 0; ms < FRESH_MS; ms += READ_MS) {
    look();
    now += READ_MS;
  }
  expect(isFresh()).toBe(false);
});

test('those whose cards are fresh are counted, with the shortest life of their cards', () => {
  const directory = new Directory(() => false);
  expect(directory.present(EPOCH_UNIX_MS)).toEqual({ count: 0, shortestLifeMs: Number.POSITIVE_INFINITY });
  directory.learn(card(EPOCH_UNIX_MS), EPOCH_UNIX_MS);
  expect(directory.present(EPOCH_UNIX_MS)).toEqual({ count: 1, shortestLifeMs: 90_000 });
  expect(directory.present(EPOCH_UNIX_MS + FRESH_MS).count).toBe(0);
});

test('of two certificates that begin at once the one that ends later counts', () => {
  const directory = new Directory(() => false);
  const later = { ...leaf, notAfter: leaf.notAfter + 1, rights: ['gateway'] } as typeof leaf;
  directory.note(leaf, EPOCH_UNIX_MS);
  expect(directory.note(later, EPOCH_UNIX_MS).certified.rights).toEqual(['gateway']);
  expect(directory.note(leaf, EPOCH_UNIX_MS).certified.rights).toEqual(['gateway']);
});

test('a card that is shown again says nothing new', () => {
  const directory = new Directory(() => false);
  directory.learn(card(EPOCH_UNIX_MS), EPOCH_UNIX_MS);
  directory.lost(peerKey(leaf.peerId), EPOCH_UNIX_MS + 1000);
  directory.learn(card(EPOCH_UNIX_MS), EPOCH_UNIX_MS + 2000);
  const member = directory.get(peerKey(leaf.peerId));
  expect(member !== undefined && directory.isFresh(member, EPOCH_UNIX_MS + 2000)).toBe(false);
});

test('faults #51 a card that was on its way when its writer was removed lists nobody', () => {
  const directory = new Directory(({ peerId }) => peerId === leaf.peerId);
  directory.learn(card(EPOCH_UNIX_MS), EPOCH_UNIX_MS);
  expect(directory.all()).toEqual([]);
});

function card(signedAt: number) {
  const value = encodeMemberCard({ hostKind: 'edge', address: 7, hearsGroups: false, ranges: [] });
  const bytes = new Uint8Array(0);
  const proof = { noiseStatic: bytes, leaf: bytes, statement: bytes, signature: bytes };
  const record = { kind: RecordKind.MEMBER, isDeleted: false, index: 0, key: bytes, sequence: 1, lifetimeS: 90 };
  return {
    record: { ...record, ...proof, signedAt, value },
    writer: { leaf } as Parameters<Directory['learn']>[0]['writer'],
    expiresAt: signedAt + 90_000,
  };
}

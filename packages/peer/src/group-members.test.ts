/** What the virtual network learns of members: by address, who wants multicast, who leads where (#81), who is shut out. */
import { EPOCH_UNIX_MS, SeededRandom, SimRecords } from '@warren/sim';
import { parseRange, parseSubnet, printRange, type Range, type Subnet } from '@warren/vpn';
import { encodeMemberCard, peerKey, RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import type { Access } from './access.ts';
import { Directory } from './directory.ts';
import { GroupMembers } from './group-members.ts';

const { leaf: sample } = new SimRecords(1).contextOf(0, new SeededRandom(1).bytes(20)).credentials;
const SUBNET = parseSubnet('10.128.0.0/16') as Subnet;
const [ADA, BOB, EVE] = [1, 2, 3].map(byte => new Uint8Array(20).fill(byte)) as [Uint8Array, Uint8Array, Uint8Array];
const LAN = '192.168.5.0/24';
const CARD_LIFE_MS = 90_000;

describe('members', () => {
  test('are found by the part of their IPv6 address that names them, until they are removed', () => {
    const { directory, members } = group();
    expect(members.memberWith(BOB.subarray(0, 8))).toEqual(BOB);
    expect(members.memberWith(new Uint8Array(8).fill(9))).toBeUndefined();
    directory.remove(({ peerId }) => peerId === BOB);
    expect(members.memberWith(BOB.subarray(0, 8))).toBeUndefined();
  });

  test('that asked for multicast are told, but not ourselves, nor those who are away', () => {
    const { members, later } = group();
    expect(members.listeners()).toEqual([BOB]);
    later(CARD_LIFE_MS);
    expect(members.listeners()).toEqual([]);
  });

  test.each<[string, readonly string[]]>([
    [LAN, [LAN]],
    ['203.0.113.0/24', ['203.0.113.0/24']],
    ['0.0.0.0/0', []],
    ['128.0.0.0/1', []],
    ['127.0.0.0/8', []],
    ['224.0.0.0/8', []],
    ['10.128.5.0/24', []],
    ['10.0.0.0/8', []],
  ])('#81 a router that announces %s leads to %s', (announced, routes) => {
    const { members } = group({ announced });
    expect(members.routes(SUBNET).map(({ range }) => printRange(range))).toEqual(routes);
  });

  test('#81 without the right to it lead nowhere, nor do those who are away', () => {
    expect(group({ rights: ['relay'] }).members.routes(SUBNET)).toEqual([]);
    const { members, later } = group();
    expect(members.routes(SUBNET)).toMatchObject([{ peerId: BOB }]);
    later(CARD_LIFE_MS);
    expect(members.routes(SUBNET)).toEqual([]);
  });

  test.each<[string, Access, readonly boolean[]]>([
    ['nobody', {}, [true, true, true]],
    ['all but one user', { onlyUsers: ['bob'] }, [true, false, false]],
    ['one user, and those who are not known yet', { notUsers: ['bob'] }, [false, true, false]],
    ['all but one team', { onlyTeams: ['staff'] }, [true, false, false]],
    ['one team, and those who are not known yet', { notTeams: ['staff'] }, [false, true, false]],
  ])('may be shut out: %s', (_, access, allowed) => {
    const { members } = group({ access });
    const stranger = new Uint8Array(20).fill(9);
    expect([BOB, EVE, stranger].map(peer => members.allows(peer))).toEqual(allowed);
  });
});

test('whose certificate is older than the last change of teams is shut out where they matter', () => {
  const allows = (access: Access) => group({ access, outdated: 'bob' }).members.allows(BOB);
  expect([{ onlyTeams: ['staff'] }, { notTeams: ['none'] }].map(allows)).toEqual([false, false]);
  expect([{}, { onlyUsers: ['bob'] }, { notUsers: ['eve'] }].map(allows)).toEqual([true, true, true]);
});

test('who is shut out leads nowhere', () => {
  expect(group({ access: { onlyTeams: ['staff'] } }).members.routes(SUBNET)).toMatchObject([{ peerId: BOB }]);
  expect(group({ access: { notTeams: ['staff'] } }).members.routes(SUBNET)).toEqual([]);
});

/** Ada's view of Bob, a router of the team staff who wants multicast, and of Eve. */
function group({
  announced = LAN,
  rights = ['relay', 'router'],
  access,
  outdated = '',
}: {
  announced?: string;
  rights?: readonly ('relay' | 'router')[];
  access?: Access;
  outdated?: string;
} = {}) {
  let now = EPOCH_UNIX_MS;
  const directory = new Directory(() => false);
  const ranges = [parseRange(announced) as Range];
  directory.learn(card(ADA, 'ada', rights, ranges), now);
  directory.learn(card(BOB, 'bob', rights, ranges), now);
  directory.learn(card(EVE, 'eve', ['relay'], [], false), now);
  const self = peerKey(ADA);
  const members = new GroupMembers({
    directory,
    self,
    today: () => now,
    access,
    isOutdated: ({ user }) => user === outdated,
  });
  const later = (ms: number): void => {
    now += ms;
  };
  return { directory, members, later };
}

function card(
  peerId: Uint8Array,
  user: string,
  rights: readonly ('relay' | 'router')[],
  ranges: readonly Range[],
  hearsGroups = true,
): Parameters<Directory['learn']>[0] {
  const bytes = new Uint8Array(0);
  const value = encodeMemberCard({ hostKind: 'edge', address: 7, hearsGroups, ranges });
  const proof = { noiseStatic: bytes, leaf: bytes, statement: bytes, signature: bytes };
  const record = {
    kind: RecordKind.MEMBER,
    isDeleted: false,
    index: 0,
    key: bytes,
    sequence: 1,
    lifetimeS: CARD_LIFE_MS / 1000,
  };
  const teams: readonly string[] = user === 'bob' ? ['staff'] : [];
  const writer = { leaf: { ...sample, peerId, user, teams, rights } } as Parameters<Directory['learn']>[0]['writer'];
  return {
    record: { ...record, ...proof, signedAt: EPOCH_UNIX_MS, value },
    writer,
    expiresAt: EPOCH_UNIX_MS + CARD_LIFE_MS,
  };
}

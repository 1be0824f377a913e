/** Row 78 of the faults: a node lists itself as gateway. */
import type { Right } from '@warren/trust';
import { expect, test } from 'vitest';
import type { Directory, Member } from './directory.ts';
import { GroupMembers } from './group-members.ts';

const gateway = { hasIpv6: true, capacityMbit: 100 };

function member(byte: number, rights: readonly Right[], more: Partial<Member> = {}): Member {
  const peerId = new Uint8Array(20).fill(byte);
  return {
    peer: byte.toString(16).padStart(2, '0').repeat(20),
    user: 'ada',
    device: `d${byte}`,
    certified: { user: 'ada', peerId, notBefore: 0, teams: [], rights },
    address: 0x0a800000 + byte,
    gateway,
    ...more,
  } as Member;
}

function offers(...all: Member[]): number[] {
  const directory = { all: () => all, isFresh: (each: Member) => each.device !== 'away' } as unknown as Directory;
  const members = new GroupMembers({ directory, self: 'ff'.repeat(20), today: () => 0, isOutdated: () => false });
  return members.gateways().map(({ peerId }) => peerId[0] as number);
}

test('#78 only members with the right are gateways, whatever their card says', () => {
  expect(offers(member(1, ['relay']), member(2, ['relay', 'gateway']), member(3, []))).toEqual([2]);
});

test('members without an address, without an offer, or away are none', () => {
  const all = [
    member(1, ['gateway'], { address: 0 }),
    member(2, ['gateway'], { gateway: undefined }),
    member(3, ['gateway'], { device: 'away' }),
    member(4, ['gateway'], { peer: 'ff'.repeat(20) }),
  ];
  expect(offers(...all)).toEqual([]);
});

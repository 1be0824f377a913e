import { describe, expect, test } from 'vitest';
import type { GroupView, MemberView } from './mesh.ts';
import { people, withoutDevice } from './people.ts';
import type { GroupDetails } from './site-api.ts';

describe('the list of members', () => {
  test('joins what the site knows with what the mesh sees', () => {
    const view = group([member('1', 'tab', 'ada', true, true), member('3', 'nas', 'bob', false, true)]);
    expect(people(view, DETAILS).map(({ name, displayName, presence }) => [name, displayName, presence])).toEqual([
      ['tab.ada', 'Ada Lovelace', 'online'],
      ['nas.bob', 'Bob', 'online'],
      ['laptop.ada', 'Ada Lovelace', 'offline'],
    ]);
  });

  test('says nothing about presence before this tab is in the mesh', () => {
    expect(people(undefined, DETAILS).map(person => person.presence)).toEqual(['unknown', 'unknown', 'unknown']);
  });

  test('knows who is there but in the background', () => {
    const view = group([
      member('1', 'tab', 'ada', true, true),
      { ...member('3', 'nas', 'bob', false, true), resting: true },
    ]);
    expect(people(view, undefined).map(({ presence, resting }) => [presence, resting])).toEqual([
      ['online', false],
      ['online', true],
    ]);
  });

  test('works without the site', () => {
    const found = people(group([member('1', 'tab', 'ada', true, true)]), undefined);
    expect(found).toMatchObject([{ name: 'tab.ada', displayName: undefined, self: true }]);
  });

  test('knows teams by the site, and by certificates without it', () => {
    const view = group([{ ...member('3', 'nas', 'bob', true, true), teams: ['old'] }]);
    const teams = (details: GroupDetails | undefined) =>
      people(view, details).map(person => [person.name, person.teams]);
    expect(teams(undefined)).toEqual([['nas.bob', ['old']]]);
    expect(teams(DETAILS)).toEqual([
      ['nas.bob', ['ops']],
      ['laptop.ada', []],
      ['tab.ada', []],
    ]);
  });

  test('names those who have not joined with any device', () => {
    expect(withoutDevice(DETAILS).map(({ displayName }) => displayName)).toEqual(['Carol']);
  });
});

const DETAILS: GroupDetails = {
  group: 'a'.repeat(26),
  name: 'Hikers',
  subnet: '10.128.0.0/16',
  postQuantum: 'on',
  role: 'admin',
  members: [
    {
      user: 'ada',
      displayName: 'Ada Lovelace',
      role: 'admin',
      teams: [],
      devices: [device('1', 'tab'), device('2', 'laptop')],
    },
    { user: 'bob', displayName: 'Bob', role: 'member', teams: ['ops'], devices: [device('3', 'nas')] },
    { user: 'carol', displayName: 'Carol', role: 'member', teams: [], devices: [] },
  ],
};

function device(id: string, name: string) {
  return {
    device: name,
    peerId: id.repeat(40),
    kind: 'edge' as const,
    rights: ['relay'] as const,
    issuedAt: 0,
    expiresAt: 0,
  };
}

function member(id: string, device: string, user: string, self: boolean, online: boolean): MemberView {
  return {
    peerId: id.repeat(40),
    name: `${device}.${user}`,
    device,
    user,
    kind: 'browser',
    rights: ['relay'],
    self,
    online,
  };
}

function group(members: [MemberView, ...MemberView[]]): GroupView {
  const { group, name, subnet } = DETAILS;
  return {
    group,
    name,
    subnet,
    postQuantum: 'on',
    state: 'connected',
    self: members[0],
    members,
    links: [],
    recordsHeld: 0,
    forwarded: 0,
  };
}

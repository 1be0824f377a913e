import { describe, expect, test } from 'vitest';
import { addressOf, routeOf } from './route.ts';

const GROUP = 'abcdefghijklmnopqrstuvwxyz'.replace(/[^a-z2-7]/g, 'a');

describe('places in the page', () => {
  test('each has an address that leads back to it', () => {
    for (const tab of ['mesh', 'requests', 'invites'] as const) {
      expect(routeOf(addressOf({ kind: 'group', group: GROUP, tab }))).toEqual({ kind: 'group', group: GROUP, tab });
    }
    expect(routeOf(addressOf({ kind: 'groups' }))).toEqual({ kind: 'groups' });
  });

  test('anything else leads to the list of groups', () => {
    for (const odd of ['', '#', '#/group/', '#/group/<b>', `#/group/${GROUP}/../x`, '#invite=abc']) {
      expect(routeOf(odd)).toEqual({ kind: 'groups' });
    }
  });
});

import { expect, test } from 'vitest';
import { MARK_MASK, OWN_MARK, PAUSED_MARK, SPARE_GROUP_ID, tunnelGroupId } from './mark.ts';

test('the group warren of the system is used where there is one, else a number that nobody has', () => {
  expect(tunnelGroupId('root:x:0:\nwarren:x:988:ada\nadm:x:4:')).toBe(988);
  expect(tunnelGroupId('root:x:0:\nadm:x:4:')).toBe(SPARE_GROUP_ID);
});

test('no group is used that has others in it, least of all that of root', () => {
  expect(tunnelGroupId(`people:x:${SPARE_GROUP_ID}:bob`)).toBeUndefined();
  expect(tunnelGroupId('root:x:0:\nwarren:x:0:')).toBe(SPARE_GROUP_ID);
});

test('one look tells both marks from an unmarked packet', () => {
  expect(OWN_MARK & MARK_MASK).toBe(PAUSED_MARK & MARK_MASK);
  expect(0 & MARK_MASK).not.toBe(OWN_MARK & MARK_MASK);
  expect(OWN_MARK).not.toBe(PAUSED_MARK);
});

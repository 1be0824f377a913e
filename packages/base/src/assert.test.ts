import { expect, test } from 'vitest';
import { assert, unreachable } from './assert.ts';

test('an assertion throws its reason only when it is broken', () => {
  expect(() => assert(true, 'never seen')).not.toThrow();
  for (const broken of [false, undefined, 0, '']) {
    expect(() => assert(broken, 'ids are 20 bytes')).toThrow('broken invariant: ids are 20 bytes');
  }
});

test('a branch that cannot be reached throws when it is', () => {
  expect(() => unreachable('surprise' as never)).toThrow('unreachable: surprise');
});

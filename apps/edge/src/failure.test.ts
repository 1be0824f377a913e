import { StorageError } from '@warren/node';
import { PeerError } from '@warren/peer';
import { expect, test } from 'vitest';
import { explain, Failure, failureData, failureFrom, failureJson, failureText } from './failure.ts';

test.each([
  [new PeerError('enrolment-expired', 'Too late.', 'Get another.'), 4, 'Too late. Get another.'],
  [new PeerError('enrolment-used', 'Used.'), 4, 'Used.'],
  [new PeerError('no-secret', 'Used before.'), 4, 'Used before.'],
  [new PeerError('site-unreachable', 'Away.'), 5, 'Away.'],
  [new PeerError('busy', 'Just now.', 'Try again.'), 5, 'Just now. Try again.'],
  [new PeerError('left', 'Left.'), 5, 'Left.'],
  [new PeerError('removed', 'Removed.'), 4, 'Removed.'],
  [new PeerError('quota', 'Too many.'), 1, 'Too many.'],
  [new StorageError('The disk of /x is full: free some space.', 'ENOSPC', undefined), 1, 'The disk of /x is full'],
  [Object.assign(new Error('x'), { code: 'EROFS', syscall: 'mkdir', path: '/x' }), 1, 'read-only: /x. Mount it'],
  [
    Object.assign(new Error('x'), { code: 'ENOSPC', syscall: 'symlink', path: 'what', dest: '/y' }),
    1,
    'full: /y. Free',
  ],
  [
    Object.assign(new Error('x'), { code: 'ENOENT', syscall: 'mkdir', path: '/proc/x' }),
    1,
    'made there: /proc/x. Choose',
  ],
  [Object.assign(new Error('x'), { code: 'ENAMETOOLONG', syscall: 'mkdir', path: '/y' }), 1, 'too long: /y. Choose'],
  [new TypeError('x is undefined'), 1, 'Warren failed: x is undefined. This is a mistake in Warren'],
  ['odd', 1, 'Warren failed: odd.'],
])('%s ends in a sentence and an exit code', (error, exit, words) => {
  const failure = explain(error);
  expect(failure.exit).toBe(exit);
  expect(failureText(failure)).toContain(words);
  expect(failureText(failure)).toMatch(/^warren: /);
});

test('a failure crosses the socket whole, and JSON has no exit code in it', () => {
  const failure = new Failure('code', 'What.', 'Do.', 4);
  expect(failureFrom(JSON.parse(JSON.stringify(failureData(failure))))).toMatchObject({ ...failure, message: 'What.' });
  expect(JSON.parse(failureJson(failure))).toEqual({ error: { code: 'code', message: 'What.', hint: 'Do.' } });
  expect(JSON.parse(failureJson(new Failure('code', 'What.')))).toEqual({ error: { code: 'code', message: 'What.' } });
});

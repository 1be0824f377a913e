import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from './make-folder.ts';
import { testFolder } from './testing.ts';

test('makes those above too, and leaves one that is there alone', async () => {
  const folder = join(testFolder(onTestFinished), 'a', 'b');
  await makeFolder(folder, 0o700);
  await makeFolder(folder, 0o755);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

test('ends where no folder can be made', async () => {
  await expect(makeFolder('/proc/warren/state', 0o700)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'mkdir' });
});

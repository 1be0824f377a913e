import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { lockState } from './lock.ts';
import { testFolder } from './testing.ts';

test('a folder is made for its owner only, locked once, and free again afterwards', async () => {
  const folder = join(testFolder(onTestFinished), 'a', 'b');
  const lock = await lockState(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  await expect(lockState(folder)).rejects.toMatchObject({ code: 'running', exit: 1 });
  await expect(lockState(folder)).rejects.toThrow(`(process ${process.pid})`);
  await lock.release();
  expect(readdirSync(folder)).toEqual([]);
  await (await lockState(folder)).release();
});

test('the lock of a killed process is taken over', async () => {
  const folder = testFolder(onTestFinished);
  const script = `import { lockState } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)};
    await lockState(${JSON.stringify(folder)}); console.log('locked'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await expect(lockState(folder)).rejects.toThrow(`(process ${holder.pid})`);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = await lockState(folder);
  expect(readlinkSync(join(folder, 'daemon.lock'))).toMatch(new RegExp(`^${process.pid}:`));
  await lock.release();
});

test('a process that got the number of a dead one does not count as the holder', async () => {
  const folder = testFolder(onTestFinished);
  symlinkSync(`${process.pid}:1:another-boot`, join(folder, 'daemon.lock'));
  await (await lockState(folder)).release();
});

test('of several that find a dead holder one gets the lock', async () => {
  const folder = testFolder(onTestFinished);
  symlinkSync('999999999:1:boot', join(folder, 'daemon.lock'));
  // In one process all have the same name: what is tested is that nothing is left lying about.
  await Promise.allSettled([lockState(folder), lockState(folder), lockState(folder)]);
  expect(readdirSync(folder)).toEqual(['daemon.lock']);
});

test('what is no lock, and no folder, is told', async () => {
  const folder = testFolder(onTestFinished);
  mkdirSync(join(folder, 'daemon.lock'));
  await expect(lockState(folder)).rejects.toMatchObject({ code: 'lock' });
  writeFileSync(join(folder, 'file'), '');
  await expect(lockState(join(folder, 'file', 'deeper'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Flag, loadLibc } from './libc.ts';
import { serviceManager } from './sd-notify.ts';

const libc = await loadLibc();

/** A datagram socket at a path, and what comes in. */
function listening(path: string): () => string {
  if (libc === undefined) throw new Error('tests run on Linux with koffi');
  const fd = libc.socket(1, 2 | Flag.O_NONBLOCK | Flag.O_CLOEXEC, 0);
  const name = new TextEncoder().encode(path);
  const address = new Uint8Array(3 + name.length);
  address[0] = 1;
  address.set(name, 2);
  expect(libc.bind(fd, address, address.length)).toBe(0);
  onTestFinished(() => void libc.close(fd));
  const buffer = new Uint8Array(4096);
  return () => {
    const length = libc.read(fd, libc.address(buffer), buffer.length);
    return new TextDecoder().decode(buffer.subarray(0, Math.max(0, length)));
  };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'warren-notify-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

test.skipIf(libc === undefined)('the manager hears what is told, a line each', async () => {
  const path = join(folder(), 'notify');
  const heard = listening(path);
  const manager = await serviceManager({ NOTIFY_SOCKET: path, WATCHDOG_USEC: '3000000' });
  manager.tell({ READY: '1', STATUS: 'two\nlines' });
  expect(heard()).toBe('READY=1\nSTATUS=two lines\n');
  expect([manager.isThere, manager.watchdogMs]).toEqual([true, 3000]);
});

test('without a manager, with one that is gone, with a name that is none: nothing happens', async () => {
  for (const NOTIFY_SOCKET of [undefined, '', 'relative', `/${'x'.repeat(200)}`, join(folder(), 'gone'), '@gone']) {
    const manager = await serviceManager(NOTIFY_SOCKET === undefined ? {} : { NOTIFY_SOCKET });
    manager.tell({ READY: '1' });
  }
});

test("another process' watchdog is not ours", async () => {
  const env = { WATCHDOG_USEC: '1000000', WATCHDOG_PID: String(process.pid + 1) };
  expect((await serviceManager(env)).watchdogMs).toBeUndefined();
});

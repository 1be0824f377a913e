/** A process that takes records is killed again and again: whatever it acknowledged is on its shelf. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ShelfEntry } from '@warren/peer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openShelf } from './shelf.ts';

const KILLS = 25;
/** The most that a process writes before it is killed. */
const WRITES_MAX = 400;

/** Takes records as fast as it can, some in place of older ones and some gone again, and says so of each. */
const PROGRAM = `
  import { writeSync } from 'node:fs';
  const [shelfFile, file, from] = process.argv.slice(1);
  const { openShelf } = await import(shelfFile);
  const shelf = openShelf(file, console.error);
  for (let n = Number(from); ; n++) {
    const bytes = new Uint8Array(200 + (n * 37) % 3000).fill(n % 251);
    new DataView(bytes.buffer).setUint32(0, n);
    shelf.write([{ slot: 'slot-' + n % 90, bytes }, { slot: 'passing', bytes: n % 3 ? bytes : undefined }]);
    writeSync(1, n + '\\n');
  }`;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warren-crash-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('faults #38 kill -9 during writes loses nothing acknowledged, 25 times in a row', {
  timeout: 60_000,
}, async () => {
  const file = join(folder, 'shelf.db');
  let last = -1;
  for (let kill = 0; kill < KILLS; kill++) {
    last = await writeUntilKilled(file, last + 1, Math.floor(Math.random() * WRITES_MAX));
    const lines: string[] = [];
    const shelf = openShelf(file, line => lines.push(line));
    const entries = new Map((shelf.load('', 1000) as readonly ShelfEntry[]).map(({ slot, bytes }) => [slot, bytes]));
    shelf.close();
    expect(lines).toEqual([]);
    for (let n = Math.max(0, last - 89); n <= last; n++) {
      const bytes = entries.get(`slot-${n % 90}`);
      const stored = numberIn(bytes);
      // The next write may have been made and not been told: it went into the oldest slot.
      expect(n === last - 89 ? [n, last + 1] : [n]).toContain(stored);
      expect(bytes?.subarray(4).every(byte => byte === stored % 251)).toBe(true);
    }
    // Not told, and yet made: goes on behind it.
    last = Math.max(last, ...[...entries.values()].map(numberIn));
  }
  expect(last).toBeGreaterThan(KILLS);
});

/** Kills it after `count` acknowledgements, from without; gives the last number that it acknowledged. */
async function writeUntilKilled(file: string, from: number, count: number): Promise<number> {
  const argv = ['--input-type=module', '-e', PROGRAM, join(import.meta.dirname, 'shelf.ts'), file, String(from)];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = from - 1;
  const lines = createInterface({ input: child.stdout });
  lines.on('line', line => {
    last = Number(line);
    if (last >= from + count) child.kill('SIGKILL');
  });
  await new Promise(resolve => lines.on('close', resolve));
  expect(last).toBeGreaterThanOrEqual(from + count);
  return last;
}

function numberIn(bytes: Uint8Array | undefined): number {
  return bytes === undefined ? -1 : new DataView(bytes.buffer).getUint32(0);
}

/**
 * A full and a read-only disk, on a real 1 MiB file system (needs root).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from './database/open.ts';
import { answerFor } from './errors.ts';
import { explain } from './failures.ts';
import { makeFolder } from './folder.ts';
import { parseOptions } from './options.ts';
import { newGroup, siteWithAda } from './testing.ts';

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('on a disk of 1 MiB (needs root)', () => {
  let disk: string;
  let home: string;
  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'warren-disk-'));
    home = mkdtempSync(join(tmpdir(), 'warren-home-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'warren-test', disk]);
  });
  afterEach(() => {
    execFileSync('umount', ['-l', disk]);
    rmSync(disk, { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true });
  });

  test('a site whose disk fills up answers 503, loses nothing, and goes on when there is room', async () => {
    const data = join(disk, 'data');
    makeFolder(data);
    const site = await siteWithAda({ folder: home, dataDir: data });
    await newGroup(site.ada, 'Before');
    fill();
    const refused = [];
    for (let i = 0; i < 5; i++) refused.push(await site.ada.post('/api/groups', { name: `Full ${i}` }));
    const last = refused.at(-1);
    expect([last?.status, last?.body.error]).toEqual([
      503,
      { code: 'storage', message: 'Nothing was saved: the disk is full.', hint: 'Free some space.' },
    ]);
    expect((await site.ada.get('/api/groups')).status).toBe(200);
    rmSync(join(disk, 'filler'));
    await newGroup(site.ada, 'After');
    const kept = (await site.ada.get('/api/groups')).body.groups.map((group: { name: string }) => group.name);
    const saved = refused.flatMap((answer, i) => (answer.status === 200 ? [`Full ${i}`] : []));
    expect(kept).toEqual(['After', 'Before', ...saved]);
    await site.close(false);
    const database = new DatabaseSync(join(data, 'site.db'));
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    database.close();
  });

  test('a start on a full disk says so', () => {
    fill();
    expect(reason(() => makeFolder(join(disk, 'data')))).toMatch(/^The disk is full: .* Make room for it/);
  });

  test('a start on a read-only disk says so, whether or not the folder is there', () => {
    mkdirSync(join(disk, 'data'));
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    for (const name of ['data', 'new']) {
      expect(reason(() => makeFolder(join(disk, name)))).toMatch(/^The disk is read-only: .* Make it writable/);
    }
  });

  function fill(): void {
    try {
      writeFileSync(join(disk, 'filler'), new Uint8Array(2_000_000));
    } catch {
      // The part that fitted is what counts.
    }
  }
});

test('what SQLite says about a disk becomes a 503 with the next step', () => {
  for (const [errcode, text] of [
    [13, 'the disk is full'],
    [8, 'read-only'],
    [10 | (3 << 8), 'disk reports an error'],
    [14, 'cannot be opened'],
  ] as const) {
    const { status, body } = answerFor(Object.assign(new Error('x'), { code: 'ERR_SQLITE_ERROR', errcode }));
    expect([status, body.error.code]).toEqual([503, 'storage']);
    expect(body.error.message).toContain(text);
    expect(body.error.hint).toMatch(/\.$/);
  }
});

test('a mistake of ours is a bare 500', () => {
  const { status, body } = answerFor(new TypeError('secret detail'));
  expect([status, body.error.code]).toEqual([500, 'internal']);
  expect(JSON.stringify(body)).not.toContain('secret');
});

test('data of a newer version is left alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'warren-newer-'));
  const database = new DatabaseSync(join(folder, 'site.db'));
  database.exec('PRAGMA user_version = 99; CREATE TABLE future (x)');
  database.close();
  expect(() => openDatabase(folder)).toThrow('newer version');
  const after = new DatabaseSync(join(folder, 'site.db'));
  expect(after.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'future' }]);
  after.close();
  rmSync(folder, { recursive: true });
});

function reason(work: () => void): string {
  try {
    work();
    return 'nothing failed';
  } catch (error) {
    return explain(error, parseOptions([], '/'));
  }
}

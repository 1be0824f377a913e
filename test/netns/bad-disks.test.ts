/**
 * Full disks and read-only ones under a site and an edge: they say so in words
 * and end with 1, or go on without; on a good disk again they are the same as
 * before, and the database is whole.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecResult } from './lab.ts';
import { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';
import { SmallDisk } from './small-disk.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');

describe.skipIf(reason !== undefined)(`bad disks${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let siteDisk: SmallDisk;
  let edgeDisk: SmallDisk;
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;

  beforeAll(async () => {
    [siteDisk, edgeDisk] = [new SmallDisk(), new SmallDisk()];
    around = await LabGroup.create(['alpha', 'beta'], { siteData: join(siteDisk.folder, 'data') });
    alpha = await around.join('alpha');
    beta = new LabEdge(around.lab, around.folder, 'beta', { state: join(edgeDisk.folder, 'state') });
    await beta.take(await around.groupFile('beta'));
  });

  afterAll(async () => {
    await around?.end();
    siteDisk?.remove();
    edgeDisk?.remove();
  });

  test('faults #39 a machine with a full disk does not enrol, says why, and can once there is room', async () => {
    edgeDisk.fill();
    refused(await beta.attempt(beta.file), /disk .*full.* [Ff]ree some space/);
    edgeDisk.free();
    await beta.up(beta.file);
    await reached();
  });

  test('faults #39 an edge whose disk fills up goes on, and starts again as the same', {
    timeout: 90_000,
  }, async () => {
    const before = await beta.self();
    edgeDisk.fill();
    await reached();
    expect((await beta.status()).groups[0]?.state).toBe('connected');
    expect((await beta.warren('down')).code).toBe(0);
    // Nothing new has to be written, so it may start; if it does not, it says why.
    const started = beta.launch();
    const isUp = await started.line(/^ready/, 40_000).then(
      () => true,
      () => false,
    );
    console.log(`a start on a full disk ${isUp ? 'works' : `ends: ${started.lines.at(-1)}`}`);
    if (isUp) await beta.warren('down');
    else expect(started.lines.at(-1)).toMatch(/disk .*full/);
    expect((await started.exit).code).toBe(isUp ? 0 : 1);
    edgeDisk.free();
    await beta.up();
    expect(await beta.self()).toEqual(before);
    await reached();
  });

  test('an edge on a read-only disk does not start, says why, and is the same on a good one', async () => {
    const before = await beta.self();
    await beta.process.stop();
    edgeDisk.setReadOnly(true);
    refused(await beta.attempt(), /read-only.*writable.*--state|read-only.*writable.*another folder/);
    edgeDisk.setReadOnly(false);
    await beta.up();
    expect(await beta.self()).toEqual(before);
    await reached();
  });

  test('a site whose disk fills up says that nothing was saved, and the mesh does not mind', async () => {
    siteDisk.fill();
    // Some writes still find room in pages that the database has.
    await expect
      .poll(() => around.ada.newGroup('Full').catch((error: Error) => error.message))
      .toMatch(/503 .*Nothing was saved: the disk is full\..*Free some space\./);
    expect((await around.ada.get('/api/groups')).status).toBe(200);
    await reached();
    siteDisk.free();
    expect(await around.ada.newGroup('After')).toMatch(/^[a-z2-7]{26}$/);
  });

  test('a site on a full or read-only disk does not start, says why, and has lost nothing on a good one', {
    timeout: 120_000,
  }, async () => {
    const { site, ada, group } = around;
    const before = { pin: site.pin, groups: (await ada.get('/api/groups')).body, bootstrap: await bootstrapId() };
    await site.stop();
    expect(integrity()).toBe('ok');
    siteDisk.fill();
    await siteRefused(/full.* Make room|full.*[Ff]ree some space/);
    siteDisk.free();
    siteDisk.setReadOnly(true);
    await siteRefused(/read-only.* Make it writable/);
    siteDisk.setReadOnly(false);
    expect(integrity()).toBe('ok');
    await site.start();
    expect(site.setupLink).toBe('');
    expect({ pin: site.pin, groups: (await ada.get('/api/groups')).body }).toEqual({
      pin: before.pin,
      groups: before.groups,
    });
    await expect.poll(bootstrapId, { timeout: 60_000 }).toBe(before.bootstrap);
    expect(JSON.stringify(before.groups)).toContain(group);
    await reached();
  });

  /** Alpha's ping reaches beta. */
  async function reached(): Promise<void> {
    const { address } = await beta.self();
    const lost = async () => (await alpha.ping(address, 1)).lost;
    await expect.poll(lost, { timeout: 40_000, interval: 100 }).toBe(0);
  }

  async function siteRefused(words: RegExp): Promise<void> {
    const started = around.site.launch();
    expect(await started.exit).toEqual({ code: 1, signal: null });
    expect(started.lines.at(-1)).toMatch(words);
    expect(started.lines.join('\n')).not.toMatch(/mistake|\bat .*:\d+|Error:/);
  }

  /** The peer id of the bootstrap node in the public overlay: alpha's only neighbour there that is not beta. */
  async function bootstrapId(): Promise<string | undefined> {
    const [{ links }, { peerId }] = [(await alpha.status()).public, (await beta.status()).public];
    return links.find(link => link.peerId !== peerId)?.peerId;
  }

  function integrity(): unknown {
    const database = new DatabaseSync(join(siteDisk.folder, 'data', 'site.db'));
    try {
      return database.prepare('PRAGMA integrity_check').get()?.integrity_check;
    } finally {
      database.close();
    }
  }
});

/** It ended with 1 and one sentence; no stack trace, no mistake of ours. */
function refused({ code, stderr }: ExecResult, words: RegExp): void {
  expect(stderr).toMatch(words);
  expect(stderr).toMatch(/^warren: [^\n]+\.\n$/);
  expect(stderr).not.toMatch(/mistake in Warren|\bat .*:\d+|Error:/);
  expect(code).toBe(1);
}

/**
 * Real edges that start again while the only bootstrap node, the site, is
 * gone: what they kept on their disks is enough to meet.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');

describe.skipIf(reason !== undefined)(`coming back${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let edges: LabEdge[];

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gamma']);
    edges = await Promise.all(['alpha', 'beta', 'gamma'].map(host => around.join(host)));
  });

  afterAll(() => around?.end());

  test('faults #26 with the bootstrap node gone, edges that were killed start again and reach each other', async () => {
    await expect.poll(directLinks, { interval: 200 }).toEqual([2, 2, 2]);
    // What was learned last reaches the disk within five seconds.
    await expect.poll(() => Promise.all(edges.map(known)), { interval: 200 }).toEqual([2, 2, 2]);
    await around.site.stop();
    for (const edge of edges) edge.process.kill('SIGKILL');
    await Promise.all(edges.map(edge => edge.process.exit));
    await Promise.all(edges.map(edge => edge.up()));
    const [alpha, beta, gamma] = edges as [LabEdge, LabEdge, LabEdge];
    await Promise.all([alpha.reach((await beta.self()).address), beta.reach((await gamma.self()).address)]);
    for (const edge of edges) {
      const { bootstraps } = (await edge.status()).public;
      expect(bootstraps.map(({ state }) => state)).not.toContain('connected');
    }
  });

  /** How many members each has a UDP link to. */
  async function directLinks(): Promise<number[]> {
    const groups = await Promise.all(edges.map(edge => edge.group()));
    return groups.map(({ links }) => links.filter(({ kind }) => kind === 'udp').length);
  }

  /** How many members' addresses a machine has on its disk; each file begins with a checksum. */
  async function known(edge: LabEdge): Promise<number> {
    const file = join(edge.state, 'values', `acquaintances-${around.group}.value`);
    const text = await readFile(file, 'latin1').catch(() => '');
    return text.match(/"udp":\["/g)?.length ?? 0;
  }
});

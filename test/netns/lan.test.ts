/**
 * Members on one cable without any server: the site is gone, and they have forgotten where they met.
 *
 *     site (stopped)      alpha        beta
 *        +------- wan ------+------------+
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { INTERFACE, type Lab } from './lab.ts';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');

describe.skipIf(reason !== undefined)(`one cable${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let lab: Lab;
  let edges: LabEdge[];

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta']);
    lab = around.lab;
    edges = await Promise.all(['alpha', 'beta'].map(host => around.join(host)));
    await stop();
    await around.site.stop();
  });

  afterEach(stop);
  afterAll(() => around?.end());

  test('faults #26 with no bootstrap node, no site and nothing remembered they find each other by multicast', async () => {
    await start();
    await linked();
    const [alpha, beta] = edges as [LabEdge, LabEdge];
    await alpha.reach((await beta.self()).address);
    expect((await alpha.warren('status')).stdout).toContain('udp 22354 members in the local network');
  });

  test('the same over IPv6 alone', async () => {
    for (const [i, { host }] of edges.entries()) {
      await lab.exec(host, ['sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6']);
      await lab.ip(host, [
        `address flush dev ${INTERFACE}`,
        `link set ${INTERFACE} down`,
        `link set ${INTERFACE} up`,
        `address add fd00:77::${i + 1}/64 dev ${INTERFACE} nodad`,
      ]);
    }
    await start();
    await linked();
  });

  test('with --no-lan they neither announce themselves nor listen', async () => {
    await start('--no-lan');
    const heard = await lab.exec('alpha', ['ss', '-lnuH']);
    expect(heard.stdout).not.toContain(':22354');
    expect((await edges[0]?.status())?.ports.map(({ port }) => port)).not.toContain(22_354);
    expect(await members()).toEqual([[], []]);
  });

  /** Starts both with empty books of addresses. */
  async function start(...flags: string[]): Promise<void> {
    for (const { state } of edges) {
      for (const network of ['public', around.group]) {
        await rm(join(state, 'values', `acquaintances-${network}.value`), { force: true });
      }
    }
    for (const edge of edges) edge.launch(...flags);
    for (const edge of edges)
      await expect.poll(async () => (await edge.warren('status')).code, { timeout: 20_000 }).not.toBe(3);
  }

  async function stop(): Promise<void> {
    for (const edge of edges) if (edge.process.running) await edge.process.stop();
  }

  async function linked(): Promise<void> {
    await expect.poll(members, { timeout: 30_000, interval: 250 }).toEqual([['udp'], ['udp']]);
  }

  /** The kinds of link of each. */
  async function members(): Promise<string[][]> {
    return (await Promise.all(edges.map(edge => edge.group()))).map(({ links }) => links.map(({ kind }) => kind));
  }
});

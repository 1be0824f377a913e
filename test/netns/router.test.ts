/**
 * A network behind a member, reached by the others: only where its certificate gives it the right to say so.
 *
 * ```text
 *   site                alpha, with the right     beta          gamma, without the right
 *   site, bootstrap     192.168.77.1 lan0         warren up     192.168.88.1 lan0
 *     |                   | wr...                   | wr...       | wr...
 *     +------- wan -------+-------------------------+-------------+     198.51.100.0/24
 * ```
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping');

describe.skipIf(reason !== undefined)(`routers${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gamma']);
    const { lab } = around;
    for (const [host, address] of [
      ['alpha', '192.168.77.1/24'],
      ['gamma', '192.168.88.1/24'],
    ] as const) {
      await lab.exec(host, ['ip', 'link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1']);
      await lab.exec(host, ['ip', 'address', 'add', address, 'dev', 'lan0']);
      for (const end of ['lan0', 'lan1']) await lab.exec(host, ['ip', 'link', 'set', end, 'up']);
    }
    [alpha, beta] = await Promise.all([
      around.join('alpha', { env: { WARREN_ROUTES: '192.168.77.0/24' } }),
      around.join('beta'),
      around.join('gamma', { env: { WARREN_ROUTES: '192.168.88.0/24' } }),
    ]);
    await around.ada.setRights(around.group, (await alpha.self()).peerId, ['relay', 'router']);
    await alpha.warren('down');
    await alpha.process.exit;
    await alpha.up();
  });

  afterAll(() => around?.end());

  test('with the right are led to by all, through the services’ address', async () => {
    const routes = () => beta.show('-4', 'route', 'show', 'proto', 'static');
    await expect.poll(routes, { timeout: 60_000, interval: 500 }).toContain('192.168.77.0/24');
    const { device, address } = await beta.self();
    const service = `${address.split('.').slice(0, 2).join('.')}.0.1`;
    expect(await routes()).toContain(`192.168.77.0/24 via ${service} dev ${device}`);
    expect((await beta.group()).members.find(({ name }) => name === 'alpha.ada')?.routes).toEqual(['192.168.77.0/24']);
    await beta.reach('192.168.77.1');
    expect(await beta.ping('192.168.77.1', 10, 100)).toMatchObject({ sent: 10, lost: 0 });
  });

  test('without the right are led to by nobody (faults #81)', async () => {
    const { members } = await beta.group();
    expect(members.find(({ name }) => name === 'gamma.ada')).toMatchObject({ online: true, rights: ['relay'] });
    expect(await beta.show('-4', 'route')).not.toContain('192.168.88');
    expect(await beta.ping('192.168.88.1', 2)).toMatchObject({ lost: 2 });
  });

  test('that stop lead nowhere: the route goes', { timeout: 150_000 }, async () => {
    expect((await alpha.warren('down')).code).toBe(0);
    const routes = () => beta.show('-4', 'route', 'show', 'proto', 'static');
    await expect.poll(routes, { timeout: 120_000, interval: 500 }).toBe('');
  });
});

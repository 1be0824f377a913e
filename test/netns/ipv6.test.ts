/**
 * IPv6 inside a group, between machines whose own network has none.
 *
 * ```text
 *   site                alpha         beta
 *   site, bootstrap     warren up     warren up
 *     |                   | wr...       | wr...    fd.../64, addresses by peer id
 *     +------- wan -------+-------------+          198.51.100.0/24
 * ```
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');

describe.skipIf(reason !== undefined)(`IPv6${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;
  let betas: string;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gamma']);
    // Only devices that come now have it: the hosts' own network stays without.
    for (const host of ['alpha', 'beta']) {
      await around.lab.exec(host, ['sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6']);
    }
    [alpha, beta] = await Promise.all([around.join('alpha'), around.join('beta')]);
    betas = (await beta.group()).self.address6 ?? '';
    for (const edge of [alpha, beta]) {
      const knowsBoth = async () => expect((await edge.group()).members).toHaveLength(2);
      await vi.waitFor(knowsBoth, { timeout: 20_000, interval: 200 });
    }
  });

  afterAll(() => around?.end());

  test('addresses of one /64 are on the devices, and members ping each other without a loss', async () => {
    const { device } = await beta.self();
    expect(await beta.show('-6', 'address', 'show', 'dev', device)).toContain(`${betas}/64`);
    expect(betas).toMatch(/^fd/);
    expect(await alpha.ping(betas, 20, 100)).toMatchObject({ sent: 20, lost: 0 });
    const alphas = (await alpha.group()).self.address6 ?? '';
    expect(await beta.ping(alphas, 20, 100)).toMatchObject({ sent: 20, lost: 0 });
    expect(alphas.split(':').slice(0, 3)).toEqual(betas.split(':').slice(0, 3));
  });

  test('the services answer, and say where nobody listens', async () => {
    const service = betas.replace(/^(([0-9a-f]+:){3}).*/, '$1:1');
    expect(await alpha.ping(service, 5, 100)).toMatchObject({ sent: 5, lost: 0 });
    const curl = await around.lab.exec('alpha', ['curl', '-sS', '-m', '5', `http://[${service}]/`], {
      allowFailure: true,
    });
    expect([curl.code, curl.stderr]).toEqual([7, expect.stringMatching(/after \d{1,3} ms/)]);
  });

  test('a web server is reached, and large bodies pass', async () => {
    const server = around.lab.spawn('beta', [process.execPath, '-e', WEB_SERVER, betas]);
    await server.line(/^listening$/);
    const { stdout } = await around.lab.exec('alpha', ['curl', '-sS', '-m', '20', `http://[${betas}]:8000/`]);
    expect(stdout.length).toBe(500_000);
    await server.stop();
  });

  test('packets from an address of another stay on the machine, and do not arrive (faults #81)', async () => {
    const { device } = await alpha.self();
    const false6 = betas.replace(/:[0-9a-f]+$/, ':bad');
    await around.lab.exec('alpha', ['ip', '-6', 'address', 'add', `${false6}/128`, 'dev', device, 'nodad']);
    const ping = ['ping', '-n', '-q', '-c', '3', '-i', '0.2', '-W', '1', '-I', false6, betas];
    expect((await around.lab.exec('alpha', ping, { allowFailure: true })).stdout).toContain(' 0 received');
    await around.lab.exec('alpha', ['ip', '-6', 'address', 'del', `${false6}/128`, 'dev', device]);
    expect(await alpha.ping(betas, 3)).toMatchObject({ lost: 0 });
  });

  test('a machine without IPv6 has none inside, and is none the worse for it', async () => {
    const gamma = await around.join('gamma');
    const { device } = await gamma.self();
    expect(await gamma.show('-6', 'address', 'show', 'dev', device)).toBe('');
    await gamma.reach((await beta.self()).address);
    expect((await gamma.status()).health).toEqual([]);
  });
});

const WEB_SERVER = `require('node:http').createServer((request, response) => {
    response.end('x'.repeat(500_000));
  }).listen(8000, process.argv[1], () => console.log('listening'));`;

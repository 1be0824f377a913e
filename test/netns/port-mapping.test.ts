/**
 * An edge behind a home router that runs Debian's miniupnpd:
 *
 *     home                     router                 client     site
 *     warren up --- lan0 --- miniupnpd --- wan0 ---+---- wan -----+
 *
 * That the port is open is shown by somebody outside: coturn's client asks the edge for a STUN answer at the router's address.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LAN, putBehind } from './home-router.ts';
import { INTERFACE, type Lab } from './lab.ts';
import { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import type { LabProcess } from './lab-process.ts';
import { programOf, skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'curl', 'coturn', 'miniupnpd');

/** What miniupnpd is told to be its address: those for documentation, which the lab has, count as private for it. */
const PUBLIC = '1.2.3.4';

describe.skipIf(reason !== undefined)(`port mapping${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let lab: Lab;
  let home: LabEdge;
  let router: LabProcess | undefined;

  beforeAll(async () => {
    around = await LabGroup.create(['router', 'home', 'client']);
    lab = around.lab;
    await putBehind(lab, 'home', 'router');
    home = new LabEdge(lab, around.folder, 'home');
    await home.take(await around.groupFile('home'));
  });

  afterEach(async () => {
    await router?.stop();
    await lab.nft('router', 'delete table inet filter');
  });
  afterAll(() => around?.end());

  test.each([
    ['PCP and NAT-PMP', 'enable_natpmp=yes\nenable_upnp=no'],
    ['UPnP', 'enable_natpmp=no\nenable_upnp=yes'],
  ])('by %s a router opens a port, and closes it when the edge stops', async (name, spoken) => {
    router = await startRouter(name.replaceAll(' ', '-'), spoken);
    await home.up(...(name === 'UPnP' ? [] : [home.file]));
    const outside = async () => (await home.status()).ports.find(({ protocol }) => protocol === 'udp')?.outside;
    await expect.poll(outside, { timeout: 15_000 }).toMatch(`${PUBLIC}:`);
    const port = (await outside())?.split(':')[1] ?? '';
    expect(await answered(port)).toBe(lab.address('client'));
    expect((await home.warren('status')).stdout).toContain(`udp ${port} links and STUN ${PUBLIC}:${port}`);
    await home.warren('down');
    await home.process.exit;
    await expect.poll(() => lab.nft('router', 'list ruleset')).not.toContain(`dnat ip to 192.168.1.2:${port}`);
  });

  test('with --no-port-mapping nobody is asked', async () => {
    router = await startRouter('all', 'enable_natpmp=yes\nenable_upnp=yes');
    await home.up('--no-port-mapping');
    expect((await home.status()).ports.every(({ outside }) => outside === undefined)).toBe(true);
    expect(await lab.nft('router', 'list ruleset')).not.toContain('192.168.1.2');
    await home.warren('down');
    await home.process.exit;
  });

  /** Starts miniupnpd, with its chains, and waits until it listens. */
  async function startRouter(name: string, spoken: string): Promise<LabProcess> {
    const file = join(around.folder, `miniupnpd-${name}.conf`);
    const lines = [`ext_ifname=${INTERFACE}`, `listening_ip=${LAN}`, 'secure_mode=yes', `ext_ip=${PUBLIC}`, spoken];
    await writeFile(
      file,
      `${lines.join('\n')}\nallow 1024-65535 192.168.1.0/24 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n`,
    );
    const argv = [programOf('miniupnpd') ?? '', '-d', '-f', file, '-P', join(around.folder, `${name}.pid`)];
    await lab.nft(
      'router',
      `table inet filter {
         chain miniupnpd { }
         chain prerouting_miniupnpd { }
         chain postrouting_miniupnpd { }
         chain pass { type filter hook forward priority filter; jump miniupnpd; }
         chain before { type nat hook prerouting priority dstnat; jump prerouting_miniupnpd; }
         chain after { type nat hook postrouting priority srcnat; jump postrouting_miniupnpd; }
       }`,
    );
    const started = lab.spawn('router', argv);
    // Its last words before it serves.
    await started.line(/listening|Listening/);
    return started;
  }

  /** The IP address that the edge tells the client, who asks at the router's address. */
  async function answered(port: string): Promise<string | undefined> {
    const argv = [programOf('coturn') ?? '', '-p', port, lab.address('router')];
    const { stdout } = await lab.exec('client', argv, { allowFailure: true, timeoutMs: 10_000 });
    return /UDP reflexive addr: ([0-9.]+):\d+/.exec(stdout)?.[1];
  }
});

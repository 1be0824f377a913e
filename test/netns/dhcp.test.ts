/**
 * A machine that asks for its address: real DHCP clients on the device of an edge that does not configure it.
 *
 * ```text
 *   site                alpha                        beta
 *   site, bootstrap     warren up, configure off     warren up
 *     |                   | wr...  <- dhclient         | wr...
 *     +------- wan -------+----------------------------+           198.51.100.0/24
 * ```
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason(
  'root',
  'tap',
  'namespaces',
  'iproute2',
  'nftables',
  'iputils-ping',
  'isc-dhcp-client',
  'udhcpc',
);

/** What clients call their script with, as it is written down; then the address is set as a system would. */
const SCRIPT = `#!/bin/sh
echo "reason=\${reason:-$1} ip=\${new_ip_address:-$ip} mask=\${new_subnet_mask:-$mask} dns=\${new_domain_name_servers:-$dns} \
domain=\${new_domain_name:-$domain} search=\${new_domain_search:-$search} mtu=\${new_interface_mtu:-$mtu} \
lease=\${new_dhcp_lease_time:-$lease} server=\${new_dhcp_server_identifier:-$serverid} \
router=\${new_routers:-$router} routes=\${new_rfc3442_classless_static_routes:-$staticroutes}" >>LOG
address=\${new_ip_address:-$ip}
[ -n "$address" ] && ip address replace "$address/16" dev "$interface"
exit 0
`;
const DHCLIENT = `option rfc3442-classless-static-routes code 121 = array of unsigned integer 8;
request subnet-mask, broadcast-address, routers, domain-name, domain-name-servers, domain-search, interface-mtu,
        rfc3442-classless-static-routes;
timeout 20;
retry 5;
`;

describe.skipIf(reason !== undefined)(`DHCP${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;
  let log: string;
  let script: string;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta']);
    [alpha, beta] = await Promise.all([
      around.join('alpha', { env: { WARREN_CONFIGURE: 'off' } }),
      around.join('beta'),
    ]);
    log = join(around.folder, 'leases.log');
    script = join(around.folder, 'client-script');
    await writeFile(script, SCRIPT.replace('LOG', log), { mode: 0o755 });
    await writeFile(join(around.folder, 'dhclient.conf'), DHCLIENT);
  });

  afterAll(() => around?.end());

  test('leaves the device without an address, and up', async () => {
    const { device } = await alpha.self();
    expect(await alpha.show('-4', 'address', 'show', 'dev', device)).toBe('');
    expect(await alpha.show('link', 'show', 'dev', device)).toContain('state UNKNOWN');
  });

  test('#45 gives `dhclient` the claimed address with names, MTU and no default route; packets flow', async () => {
    const { address, device } = await alpha.self();
    const service = `${address.split('.').slice(0, 2).join('.')}.0.1`;
    expect((await dhclient(device)).code).toBe(0);
    expect(await lastLease()).toMatchObject({
      ...{ reason: 'BOUND', ip: address, mask: '255.255.0.0', dns: service, domain: 'lab.warren', mtu: '1280' },
      ...{ lease: '300', server: service, router: '', routes: '', search: 'ada.lab.warren. lab.warren.' },
    });
    expect(await alpha.ping(service, 5)).toMatchObject({ sent: 5, lost: 0 });
    await alpha.reach((await beta.self()).address);
    expect(await alpha.ping((await beta.self()).address, 10)).toMatchObject({ lost: 0 });
    expect(await beta.ping(address, 10)).toMatchObject({ lost: 0 });
    expect(await alpha.show('route')).not.toContain(`default via ${service}`);
  });

  test('confirms it to a client that starts again with its lease', async () => {
    const { address, device } = await alpha.self();
    await dhclient(device, '-x');
    expect((await dhclient(device)).code).toBe(0);
    expect(await lastLease()).toMatchObject({ reason: 'REBOOT', ip: address });
    await dhclient(device, '-x');
  });

  test('refuses another address to a client that comes from elsewhere, which then asks anew', async () => {
    const { address, device } = await alpha.self();
    const leases = join(around.folder, 'leases');
    const wrong = (await readFile(leases, 'utf8')).replaceAll(`fixed-address ${address}`, 'fixed-address 10.99.99.99');
    await writeFile(leases, wrong);
    const { code, stderr } = await dhclient(device);
    expect([code, stderr]).toEqual([0, expect.stringContaining('DHCPNAK')]);
    expect(await lastLease()).toMatchObject({ reason: 'BOUND', ip: address });
    await dhclient(device, '-x');
  });

  test('gives the same to `udhcpc`', async () => {
    const { address, device } = await alpha.self();
    await alpha.lab.exec('alpha', ['ip', 'address', 'flush', 'dev', device]);
    const argv = ['udhcpc', '-i', device, '-s', script, '-f', '-q', '-n', '-O', 'search', '-O', 'mtu', '-t', '5'];
    expect((await alpha.lab.exec('alpha', argv, { allowFailure: true })).code).toBe(0);
    const service = `${address.split('.').slice(0, 2).join('.')}.0.1`;
    expect(await lastLease()).toMatchObject({ ip: address, dns: service, domain: 'lab.warren', mtu: '1280' });
    expect(await alpha.ping((await beta.self()).address, 5)).toMatchObject({ lost: 0 });
  });

  test('#81 answers no other machine on the device', async () => {
    const { device } = await alpha.self();
    await alpha.lab.exec('alpha', ['ip', 'link', 'add', 'link', device, 'name', 'vm0', 'type', 'macvlan']);
    await alpha.lab.exec('alpha', ['ip', 'link', 'set', 'vm0', 'up']);
    const asked = async (edge: LabEdge, on: string) => {
      const argv = ['udhcpc', '-i', on, '-s', '/bin/true', '-f', '-q', '-n', '-t', '2', '-T', '1'];
      return (await edge.lab.exec(edge.host, argv, { allowFailure: true })).code;
    };
    expect(await asked(alpha, 'vm0')).not.toBe(0);
  });

  /** Runs it to its lease, or with `-x` or `-r` to the end of the one that runs. */
  function dhclient(device: string, ...more: readonly string[]) {
    const at = (name: string): string => join(around.folder, name);
    const files = ['-cf', at('dhclient.conf'), '-lf', at('leases'), '-pf', at('dhclient.pid'), '-sf', script];
    return alpha.lab.exec('alpha', ['dhclient', '-4', '-1', '-v', ...more, ...files, device], { allowFailure: true });
  }

  async function lastLease(): Promise<Record<string, string>> {
    const lines = (await readFile(log, 'utf8')).trim().split('\n');
    const bound = lines.filter(line => /reason=(BOUND|REBOOT|RENEW|bound|renew)/.test(line)).at(-1) ?? '';
    return Object.fromEntries([...bound.matchAll(/(\w+)=(.*?)(?= \w+=|$)/g)].map(([, name, value]) => [name, value]));
  }
});

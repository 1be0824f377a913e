/**
 * A gateway on the machine's side: what members reach by it and what not, what it leaves behind, and other firewalls in its
 * way. `tunnel-lab.ts` draws the network; members' traffic comes over a cable without overlay.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { skipReason } from './requirements.ts';
import { HOME, SUBNETS, TAP, type TunnelHost, TunnelLab, WEB4, WEB6 } from './tunnel-lab.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'curl');
const SETTINGS = [
  'net/ipv4/ip_forward',
  'net/ipv4/conf/wan0/forwarding',
  'net/ipv6/conf/all/forwarding',
  'net/ipv6/conf/wan0/accept_ra',
];
const AS_GATEWAY = ['0', '1', '1', '2'];
const BEFORE = ['0', '0', '0', '1'];

describe.skipIf(reason !== undefined)(`a gateway${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: TunnelLab;
  let gateway: TunnelHost;
  let client: TunnelHost;

  beforeAll(async () => {
    around = await TunnelLab.create();
    client = await around.start('client');
    await around.configure(client, 'client');
    await client.call('close', { groups: [{ tap: TAP, subnets: SUBNETS }] });
    await client.call('enter', ['10.200.0.1', 'fd00:77::1']);
  });
  afterAll(() => around?.close());

  beforeEach(async () => {
    gateway = await around.start('gateway');
    await around.configure(gateway, 'gateway');
  });
  afterEach(async () => {
    await gateway.call('clean', false);
    await gateway.die();
  });

  async function settings(): Promise<string[]> {
    return Promise.all(SETTINGS.map(name => around.sysctl('gateway', name)));
  }

  async function reaches(url: string, at = 'client'): Promise<boolean> {
    return (await around.curl(at, url, 1)).startsWith('hello');
  }

  async function throughGateway(): Promise<void> {
    await expect.poll(() => around.curl('client', `http://${WEB4}/`)).toBe(`hello ${around.lab.address('gateway')}`);
    await expect.poll(() => around.curl('client', `http://[${WEB6}]/`)).toBe('hello 2001:db8:1::2');
  }

  test('members reach the Internet under its address in both families, and a megabyte passes', async () => {
    expect(await reaches(`http://${WEB4}/`)).toBe(false);
    await gateway.call('serve', { subnets: SUBNETS });
    await throughGateway();
    expect(await settings()).toEqual(AS_GATEWAY);
    for (const host of [WEB4, `[${WEB6}]`]) {
      expect((await around.curl('client', `http://${host}/1000000`, 10)).length).toBe(1_000_000);
    }
    const { asked, left, obstacles } = await gateway.call('gateway');
    expect(asked).toBeGreaterThan(3);
    expect(left).toBeGreaterThan(3);
    expect(obstacles).toEqual([]);
  });

  test('#82 neither its local network nor its own addresses there are reached, but where that is allowed', async () => {
    const blocked = [HOME, around.lab.address('home'), '[2001:db8:1::4]', '192.168.7.2', around.lab.address('gateway')];
    blocked.push('[2001:db8:1::2]');
    await gateway.call('serve', { subnets: SUBNETS });
    await throughGateway();
    for (const host of blocked) expect([host, await reaches(`http://${host}/`)]).toEqual([host, false]);
    expect((await gateway.call('gateway')).refused).toBeGreaterThanOrEqual(blocked.length);
    await gateway.call('unserve');
    await gateway.call('serve', { subnets: SUBNETS, allowLan: true });
    for (const host of blocked) expect([host, await reaches(`http://${host}/`)]).toEqual([host, true]);
  });

  test('nobody outside gets to members, and no one else has it for a router', async () => {
    await gateway.call('serve', { subnets: SUBNETS });
    await throughGateway();
    const { lab } = around;
    await lab.exec('home', ['ip', 'route', 'add', '10.200.0.0/16', 'via', lab.address('gateway')]);
    await lab.exec('home', ['ip', '-6', 'route', 'add', 'fd00:77::/64', 'via', '2001:db8:1::2']);
    await lab.exec('home', ['ip', 'route', 'add', `${WEB4}/32`, 'via', lab.address('gateway')]);
    await lab.exec('home', ['ip', '-6', 'route', 'add', `${WEB6}/128`, 'via', '2001:db8:1::2']);
    for (const host of ['10.200.0.5', '[fd00:77::5]', WEB4, `[${WEB6}]`]) {
      expect([host, await reaches(`http://${host}/`, 'home')]).toEqual([host, false]);
    }
    for (const to of ['10.200.0.0/16', `${WEB4}/32`]) await lab.exec('home', ['ip', 'route', 'del', to]);
    for (const to of ['fd00:77::/64', `${WEB6}/128`]) await lab.exec('home', ['ip', '-6', 'route', 'del', to]);
  });

  test('members send under addresses of the group, or not at all', async () => {
    const { lab } = around;
    // The kernel's own check would be first, and the client's filter would give packets the right sender.
    await around.set('gateway', 'net/ipv4/conf/all/rp_filter', '0');
    await client.call('open', false);
    await lab.exec('client', ['ip', 'address', 'add', '10.77.0.1/32', 'dev', 'lo']);
    await lab.exec('client', ['ip', 'route', 'add', WEB4, 'via', '10.200.0.1', 'src', '10.77.0.1']);
    try {
      await gateway.call('serve', { subnets: SUBNETS });
      expect(await reaches(`http://${WEB4}/`)).toBe(false);
      const { asked, refused } = await gateway.call('gateway');
      expect(refused).toBeGreaterThan(0);
      expect(asked).toBe(0);
    } finally {
      await lab.exec('client', ['ip', 'route', 'del', WEB4]);
      await lab.exec('client', ['ip', 'address', 'del', '10.77.0.1/32', 'dev', 'lo']);
      await around.set('gateway', 'net/ipv4/conf/all/rp_filter', '1');
      await client.call('close', { groups: [{ tap: TAP, subnets: SUBNETS }] });
      await client.call('enter', ['10.200.0.1', 'fd00:77::1']);
    }
  });

  test('stopped it leaves the machine as it was', async () => {
    await gateway.call('serve', { subnets: SUBNETS });
    await throughGateway();
    await gateway.call('unserve');
    expect(await settings()).toEqual(BEFORE);
    expect((await around.lab.exec('gateway', ['nft', 'list', 'tables'])).stdout).not.toContain('warren');
    expect(await reaches(`http://${WEB4}/`)).toBe(false);
  });

  test('killed it guards what it opened, and the next start puts all back', async () => {
    await gateway.call('serve', { subnets: SUBNETS });
    await throughGateway();
    await gateway.die();
    expect(await settings()).toEqual(AS_GATEWAY);
    await around.lab.exec('home', ['ip', 'route', 'add', `${WEB4}/32`, 'via', around.lab.address('gateway')]);
    expect(await reaches(`http://${WEB4}/`, 'home')).toBe(false);
    await around.lab.exec('home', ['ip', 'route', 'del', `${WEB4}/32`]);
    gateway = await around.start('gateway');
    expect(await gateway.call('clean', false)).toEqual({ gateway: true, fullTunnel: false });
    expect(await settings()).toEqual(BEFORE);
    expect((await around.lab.exec('gateway', ['nft', 'list', 'tables'])).stdout).not.toContain('warren');
  });

  test('what somebody else has set meanwhile stays', async () => {
    await gateway.call('serve', { subnets: SUBNETS });
    await around.set('gateway', 'net/ipv4/ip_forward', '1');
    expect(await gateway.call('repair')).toBe(true);
    await around.set('gateway', 'net/ipv6/conf/wan0/accept_ra', '0');
    await gateway.call('unserve');
    expect(await settings()).toEqual(['1', '0', '0', '0']);
    await around.set('gateway', 'net/ipv4/ip_forward', '0');
    await around.set('gateway', 'net/ipv6/conf/wan0/accept_ra', '1');
  });

  test('a firewall that drops what is forwarded is named, and the commands told open it', async () => {
    await around.lab.nft(
      'gateway',
      `table inet guard {
        chain forward { type filter hook forward priority 0; policy drop; }
      }`,
    );
    await gateway.call('serve', { subnets: SUBNETS });
    expect(await reaches(`http://${WEB4}/`)).toBe(false);
    const { asked, left, obstacles } = await gateway.call('gateway');
    expect(asked).toBeGreaterThan(0);
    expect(left).toBe(0);
    expect(obstacles.map(({ chain }) => chain)).toEqual(['inet guard forward']);
    for (const command of obstacles.flatMap(({ commands }) => commands)) await around.lab.exec('gateway', command);
    await throughGateway();
    await around.lab.nft('gateway', 'delete table inet guard');
  });

  test('rules that others flush are put back', async () => {
    await gateway.call('serve', { subnets: SUBNETS });
    await throughGateway();
    expect(await gateway.call('repair')).toBe(false);
    await around.lab.exec('gateway', ['nft', 'delete', 'table', 'inet', 'warren_gateway']);
    expect(await gateway.call('repair')).toBe(true);
    await throughGateway();
  });

  test('a machine is not both: a gateway, and a member whose traffic goes by another one', async () => {
    await expect(client.call('serve', { subnets: SUBNETS })).rejects.toThrow(/full tunnel first/);
    await gateway.call('serve', { subnets: SUBNETS });
    const groups = [{ tap: TAP, subnets: SUBNETS }];
    await expect(gateway.call('close', { groups })).rejects.toThrow(/This machine is a gateway/);
  });

  test('segments are clamped to the path: the smaller of the tunnel and the way out', async () => {
    await around.lab.exec('gateway', ['ip', 'link', 'set', 'wan0', 'mtu', '1100']);
    await around.lab.nft(
      'web',
      `table inet sizes { counter clamped { }
        chain in { type filter hook input priority 0; tcp option maxseg size 1060 counter name clamped; }
      }`,
    );
    await gateway.call('serve', { subnets: SUBNETS });
    await expect.poll(() => reaches(`http://${WEB4}/`)).toBe(true);
    const { stdout } = await around.lab.exec('web', ['nft', 'list', 'counter', 'inet', 'sizes', 'clamped']);
    expect(Number(/packets (\d+)/.exec(stdout)?.[1])).toBeGreaterThan(0);
    await around.lab.exec('gateway', ['ip', 'link', 'set', 'wan0', 'mtu', '1500']);
    await around.lab.exec('web', ['nft', 'delete', 'table', 'inet', 'sizes']);
  });
});

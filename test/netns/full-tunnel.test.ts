/**
 * A full tunnel under a busy user: what of the user's traffic leaves outside of the tunnel in each phase, counted by a judge
 * on the router's side (`tunnel-lab.ts` draws the network). Reverse path filters are strict.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WAN } from './lab.ts';
import type { LabProcess } from './lab-process.ts';
import { skipReason } from './requirements.ts';
import {
  HOME,
  OWN_PORT,
  PORTAL_PORT,
  SUBNETS,
  TAP,
  type TunnelHost,
  TunnelLab,
  type Verdict,
  WEB4,
  WEB6,
} from './tunnel-lab.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'curl');
const GROUPS = [{ tap: TAP, subnets: SUBNETS }];
const VIA = ['10.200.0.1', 'fd00:77::1'];
const CLEAN = { leaked4: 0, leaked6: 0, leakedNames: 0 };
/** Where the user's broadcast and multicast go. */
const LOCAL = ['255.255.255.255', '224.0.0.251'];
const RULES = /22336|22337/;

describe.skipIf(reason !== undefined)(`a full tunnel${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: TunnelLab;
  let gateway: TunnelHost;
  let client: TunnelHost;
  let user: LabProcess;

  beforeAll(async () => {
    around = await TunnelLab.create();
    gateway = await serving();
  });
  afterAll(() => around?.close());

  beforeEach(async () => {
    client = await around.start('client');
    user = await around.user();
  });
  afterEach(async () => {
    await user.stop();
    await client.die();
    const last = await around.start('client');
    await last.call('clean', false);
    await last.die();
  });

  async function serving(): Promise<TunnelHost> {
    const host = await around.start('gateway');
    await around.configure(host, 'gateway');
    await host.call('clean', false);
    await host.call('serve', { subnets: SUBNETS });
    return host;
  }

  /** From the kill switch to traffic by the gateway. */
  async function tunnelled(options: { allowLan?: boolean; nameServers?: string[] } = {}): Promise<void> {
    await client.call('close', { groups: GROUPS, ...options });
    await around.configure(client, 'client');
    await client.call('enter', VIA);
    await throughGateway();
  }

  async function throughGateway(): Promise<void> {
    await expect.poll(() => around.curl('client', `http://${WEB4}/`)).toBe(`hello ${around.lab.address('gateway')}`);
    await expect.poll(() => around.curl('client', `http://[${WEB6}]/`)).toBe('hello 2001:db8:1::2');
  }

  /** What leaves within a second or so: the user sends a packet of each kind every 20 ms. */
  async function second(): Promise<Verdict> {
    await new Promise(resolve => setTimeout(resolve, 1_200));
    return around.verdict();
  }

  /** The cable is pulled and put into another network. */
  async function move(v4: string, v6: string): Promise<void> {
    await around.lab.setCable('client', false);
    const commands = [
      'address flush dev wan0 scope global',
      `address add ${v4}/24 dev wan0`,
      'address add 192.168.7.1/24 dev wan0',
      'route replace default via 198.51.100.254',
      `address add ${v6}/64 dev wan0 nodad`,
      '-6 route replace default via 2001:db8:1::fe',
    ];
    await around.lab.setCable('client', true);
    for (const command of commands) await around.lab.exec('client', ['ip', ...command.split(' ')]);
  }

  async function rules(): Promise<string> {
    const of = (family: string) => around.lab.exec('client', ['ip', family, 'rule', 'show']);
    return (await of('-4')).stdout + (await of('-6')).stdout;
  }

  test('without one the judge sees the traffic of the user, of every kind', async () => {
    await around.forget();
    const seen = await second();
    expect(seen.leaked4).toBeGreaterThan(100);
    expect(seen.leaked6).toBeGreaterThan(50);
    expect(seen.leakedNames).toBeGreaterThan(50);
  });

  test('#80 start and run: nothing leaves outside of the tunnel, and both families arrive by the gateway', async () => {
    await client.call('close', { groups: GROUPS });
    await around.forget();
    expect(await second()).toMatchObject({ ...CLEAN, overlay: 0 });
    // Closed and without any route: our own sockets work all the same.
    expect(await client.call('library', WEB4, OWN_PORT)).toBe(true);
    expect(await client.call('library', WEB6, OWN_PORT)).toBe(true);
    await around.configure(client, 'client');
    await client.call('enter', VIA);
    await throughGateway();
    const seen = await second();
    expect(seen).toMatchObject(CLEAN);
    expect(seen.overlay).toBeGreaterThan(100);
    expect((await client.call('status')).stoppedPackets).toBeGreaterThan(100);
  });

  test('#83 our own packets never enter the tunnel: neither those of marked sockets nor those of libraries', async () => {
    await tunnelled();
    // The others on the cable have to ask who has our address: reverse path filters see those questions too.
    for (const host of ['web', WAN]) await around.lab.exec(host, ['ip', 'neigh', 'flush', 'all']);
    await around.forget();
    expect(await client.call('library', WEB4, OWN_PORT)).toBe(true);
    expect(await client.call('library', WEB6, OWN_PORT)).toBe(true);
    expect((await around.verdict()).own).toBe(2);
    expect(await client.call('looped')).toBe(0);
  });

  test('#28 #80 the gateway is killed: nothing leaves, and the next one carries on', async () => {
    await tunnelled();
    await around.forget();
    await gateway.die();
    expect(await second()).toMatchObject(CLEAN);
    expect(await around.curl('client', `http://${WEB4}/`, 1)).toMatch(/curl/);
    gateway = await serving();
    await throughGateway();
    expect(await second()).toMatchObject(CLEAN);
  });

  test('#80 the daemon is killed: it stays closed, and the next one takes over without a gap', async () => {
    await tunnelled();
    await around.forget();
    await client.die();
    expect(await second()).toMatchObject(CLEAN);
    // Fails at once instead of after a long wait.
    expect(await around.curl('client', `http://${WEB4}/`)).toMatch(/Failed to connect|Couldn't connect/);
    client = await around.start('client', { slow: true });
    expect(await client.call('clean', true)).toEqual({ gateway: false, fullTunnel: true });
    expect(await client.call('library', WEB4, OWN_PORT)).toBe(true);
    await tunnelled();
    expect(await second()).toMatchObject(CLEAN);
  });

  test('#80 the network changes under it: nothing leaves, and our own packets go by the new address', async () => {
    await tunnelled();
    await around.forget();
    await move('198.51.100.77', '2001:db8:1::77');
    expect(await client.call('library', WEB4, OWN_PORT)).toBe(true);
    expect(await client.call('library', WEB6, OWN_PORT)).toBe(true);
    expect(await client.call('repair')).toBe(false);
    expect(await second()).toMatchObject(CLEAN);
    // The lab's cable ends at the first address.
    await move('198.51.100.1', '2001:db8:1::1');
    await throughGateway();
    expect(await second()).toMatchObject(CLEAN);
  });

  test('#80 the tunnel itself gets another address: nothing leaves until it is entered again', async () => {
    await tunnelled();
    await around.forget();
    await client.call('configure', '10.200.0.9/16');
    expect(await second()).toMatchObject(CLEAN);
    expect(await client.call('repair')).toBe(true);
    await around.configure(client, 'client');
    expect(await client.call('repair')).toBe(true);
    await throughGateway();
    expect(await second()).toMatchObject(CLEAN);
  });

  test('#80 either lock holds alone: all rules of nft flushed, all routing rules gone; both are put back', async () => {
    await tunnelled();
    await around.forget();
    await around.lab.exec('client', ['nft', 'flush', 'ruleset']);
    expect(await second()).toMatchObject({ leaked6: 0, leakedNames: 0, lan: 0 });
    // Routes have no say in broadcast and multicast from a socket bound to an address of the cable, and in nothing else.
    expect(await around.leakedBut(...LOCAL)).toBe(0);
    expect(await client.call('repair')).toBe(true);
    await around.forget();
    for (const family of ['-4', '-6'])
      await around.lab.exec('client', ['ip', family, 'rule', 'del', 'priority', '22337']);
    expect(await second()).toMatchObject(CLEAN);
    expect(await client.call('repair')).toBe(true);
    expect(await client.call('repair')).toBe(false);
    await throughGateway();
    expect(await second()).toMatchObject(CLEAN);
  });

  test('#80 routes that a DHCP server hands out change nothing', async () => {
    await tunnelled({ allowLan: true });
    await around.forget();
    const routes = ['0.0.0.0/1', '128.0.0.0/1', `${WEB4}/32`, '10.200.0.1/32'];
    for (const to of routes) await around.lab.exec('client', ['ip', 'route', 'add', to, 'via', '198.51.100.254']);
    await around.lab.exec('client', ['ip', '-6', 'route', 'add', '2000::/3', 'via', '2001:db8:1::fe']);
    await throughGateway();
    expect(await second()).toMatchObject({ leaked6: 0, leakedNames: 0 });
    expect(await around.leakedBut(...LOCAL)).toBe(0);
    for (const to of routes) await around.lab.exec('client', ['ip', 'route', 'del', to]);
    await around.lab.exec('client', ['ip', '-6', 'route', 'del', '2000::/3']);
  });

  test('#80 with access to the local network, names are asked in the tunnel all the same, also after the daemon died', async () => {
    await tunnelled({ allowLan: true, nameServers: ['10.200.0.1'] });
    await around.forget();
    expect(await around.curl('client', `http://${HOME}/`)).toBe('hello 192.168.7.1');
    expect(await around.ask('client', HOME, 53)).toBe(true);
    const seen = await second();
    expect(seen).toMatchObject({ leaked6: 0, leakedNames: 0 });
    // Broadcast and multicast of the user, and nothing else: they mean the local network.
    expect(await around.leakedBut(...LOCAL)).toBe(0);
    expect(seen.lan).toBeGreaterThan(50);
    await client.die();
    expect(await second()).toMatchObject({ leaked6: 0, leakedNames: 0 });
    expect(await around.leakedBut(...LOCAL)).toBe(0);
  });

  test('#80 machines behind this one go by the tunnel too', async () => {
    await tunnelled({ allowLan: true });
    await around.set('client', 'net/ipv4/conf/wan0/forwarding', '1');
    await around.set('client', `net/ipv4/conf/${TAP}/forwarding`, '1');
    await around.lab.exec('home', ['ip', 'route', 'add', `${WEB4}/32`, 'via', '192.168.7.1', 'src', HOME]);
    await around.forget();
    expect(await around.curl('home', `http://${WEB4}/`)).toBe(`hello ${around.lab.address('gateway')}`);
    await client.die();
    expect(await around.curl('home', `http://${WEB4}/`, 1)).toMatch(/curl/);
    expect(await around.leakedBut(...LOCAL)).toBe(0);
    await around.lab.exec('home', ['ip', 'route', 'del', `${WEB4}/32`]);
    await around.set('client', 'net/ipv4/conf/wan0/forwarding', '0');
  });

  test('a pause opens some ports and nothing else, and ends by itself though the daemon died', async () => {
    await tunnelled();
    await around.forget();
    await client.call('pause', 4_000, [PORTAL_PORT]);
    expect((await client.call('status')).pausedMs).toBeGreaterThan(1_000);
    expect(await around.curl('client', `http://${WEB4}:${PORTAL_PORT}/`)).toBe(`hello ${around.lab.address('client')}`);
    expect(await around.curl('client', `http://[${WEB6}]:${PORTAL_PORT}/`)).toBe('hello 2001:db8:1::1');
    // A connection that outlives the pause.
    const url = `http://${WEB4}:${PORTAL_PORT}/30000000`;
    const download = around.lab.spawn('client', ['curl', '-s', '-o', '/dev/null', '--limit-rate', '1M', url]);
    await expect.poll(async () => (await around.verdict()).portal).toBeGreaterThan(20);
    await client.die();
    await expect.poll(async () => (await around.paused()).length, { timeout: 8_000 }).toBe(0);
    const after = (await around.verdict()).portal;
    const seen = await second();
    expect(seen).toMatchObject({ ...CLEAN, portal: after });
    expect(download.running).toBe(true);
    expect(await around.curl('client', `http://${WEB4}:${PORTAL_PORT}/`, 1)).toMatch(/curl/);
    await download.stop();
  });

  test('a pause lets the web and names out, and is ended early', async () => {
    await client.call('close', { groups: GROUPS });
    await client.call('pause', 60_000);
    expect(await around.curl('client', `http://${WEB4}/`)).toBe(`hello ${around.lab.address('client')}`);
    expect(await around.ask('client', HOME, 53)).toBe(true);
    expect(await around.ask('client', WEB4, 9_000)).toBe(false);
    await client.call('resume');
    await around.forget();
    expect(await around.curl('client', `http://${WEB4}/`, 1)).toMatch(/curl/);
    expect(await second()).toMatchObject(CLEAN);
  });

  test('#80 an upgrade keeps it closed; a stop opens it with its last step, and leaves nothing behind', async () => {
    await tunnelled();
    await around.forget();
    await client.call('open', true);
    await client.die();
    expect(await second()).toMatchObject(CLEAN);
    client = await around.start('client', { slow: true });
    await client.call('clean', true);
    await tunnelled();
    expect(await second()).toMatchObject(CLEAN);
    const before = client.process.lines.length;
    expect(await around.sysctl('client', 'net/ipv4/conf/all/rp_filter')).toBe('2');
    const opened = client.call('open', false);
    await expect.poll(() => client.process.lines.slice(before).find(line => /^about to nft/.test(line))).toBeDefined();
    expect(await around.verdict()).toMatchObject(CLEAN);
    await opened;
    expect(client.process.lines.at(-1)).toMatch(
      /^about to nft table inet warren_tunnel; delete table inet warren_tunnel/,
    );
    expect((await second()).leaked4).toBeGreaterThan(100);
    expect(await rules()).not.toMatch(RULES);
    expect(await around.sysctl('client', 'net/ipv4/conf/all/src_valid_mark')).toBe('0');
    expect(await around.sysctl('client', 'net/ipv4/conf/all/rp_filter')).toBe('1');
    expect((await around.lab.exec('client', ['nft', 'list', 'tables'])).stdout).not.toContain('warren');
  });

  test('a daemon without full tunnel opens what a killed one left', async () => {
    await tunnelled();
    await client.die();
    client = await around.start('client');
    expect(await client.call('clean', false)).toEqual({ gateway: false, fullTunnel: true });
    expect(await around.curl('client', `http://${WEB4}/`)).toBe(`hello ${around.lab.address('client')}`);
    expect(await rules()).not.toMatch(RULES);
    expect(await around.sysctl('client', 'net/ipv4/conf/all/src_valid_mark')).toBe('0');
    expect(await client.call('clean', false)).toEqual({ gateway: false, fullTunnel: false });
  });
});

/**
 * Programs that people use, through three edges and the Internet behind a gateway that is behind a home router.
 *
 * ```text
 *   site      alpha          beta           gate --- router       web
 *   site      warren up      warren up      gateway, resolver     203.0.113.80: a page, iperf3
 *     |         |              |                       |            |
 *     +- wan ---+--------------+-----------------------+------------+     198.51.100.0/24
 * ```
 *
 * Only the gateway's resolver, which is in its home, knows `intra.example.org`.
 */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { putBehind } from './home-router.ts';
import type { Lab } from './lab.ts';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { ROOT } from './lab-site.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason(
  'root',
  'tap',
  'namespaces',
  'iproute2',
  'nftables',
  'iputils-ping',
  'curl',
  'dnsutils',
  'iperf3',
);
const INTERNET = '203.0.113.80';
const INTRA = 'intra.example.org';
const HOME = 10;
/** Until clients are offered a gateway that has just begun. */
const OFFERED_MS = 60_000;

describe.skipIf(reason !== undefined)(`real clients${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let lab: Lab;
  let alpha: LabEdge;
  let beta: LabEdge;
  let gate: LabEdge;
  let betas: string;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gate', 'router', 'web']);
    ({ lab } = around);
    await putBehind(lab, 'gate', 'router', HOME);
    await lab.exec('web', ['ip', 'address', 'add', `${INTERNET}/32`, 'dev', 'lo']);
    await lab.exec('wan', ['ip', 'route', 'add', INTERNET, 'via', lab.address('web')]);
    await lab.exec('wan', ['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward']);
    await lab.spawn('web', [process.execPath, '-e', PAGE]).line(/^listening$/);
    const resolver = `192.168.${HOME}.1`;
    await lab.spawn('router', [process.execPath, '-e', RESOLVER, resolver], { cwd: ROOT }).line(/^listening$/);
    // Each has an /etc of its own, in which Warren says whom to ask for names.
    const own = async (host: string, nameServer: string) => {
      const etc = join(around.folder, `${host}-etc`);
      await cp('/etc', etc, { recursive: true, verbatimSymlinks: true });
      await writeFile(join(etc, 'resolv.conf'), `nameserver ${nameServer}\n`);
      return { etc, env: { WARREN_DNS: 'on', WARREN_MULTICAST: 'on' } };
    };
    const nobody = lab.address('site');
    [alpha, beta, gate] = await Promise.all([
      around.join('alpha', await own('alpha', nobody)),
      around.join('beta', await own('beta', nobody)),
      around.join('gate', await own('gate', resolver)),
    ]);
    betas = (await beta.self()).address;
    await alpha.reach(betas);
    await around.ada.setRights(around.group, (await gate.self()).peerId, ['relay', 'gateway']);
    expect(await gate.warren('gateway', 'on')).toMatchObject({ code: 0 });
  });

  afterAll(() => around?.end());

  test('ping: what the VPN adds to the bare path, in one run', async () => {
    await alpha.ping(betas, 20, 20);
    const [bare, inside] = [await alpha.ping(lab.address('beta'), 100, 20), await alpha.ping(betas, 100, 20)];
    expect(inside).toMatchObject({ sent: 100, lost: 0 });
    console.log(
      `ping: bare ${bare.rttMs} ms, in the group ${inside.rttMs} ms: ${(inside.rttMs - bare.rttMs).toFixed(2)} ms more`,
    );
  });

  test('iperf3: TCP and UDP between members', async () => {
    const tcp = await iperf(betas, '--time', '2');
    const udp = await iperf(betas, '--time', '2', '--udp', '--bitrate', '5M', '--length', '1000');
    expect(tcp.sum_received.bits_per_second).toBeGreaterThan(1e6);
    expect(udp.sum.lost_percent).toBeLessThan(5);
    console.log(
      `iperf3: TCP ${mbps(tcp.sum_received)} Mbit/s; UDP 5 Mbit/s with ${udp.sum.lost_percent.toFixed(2)} % lost`,
    );
  });

  test('dig and curl through the exit node: names as the gateway’s home knows them', { timeout: 60_000 }, async () => {
    expect(await curl(`http://${INTRA}/`)).toBe('');
    const offered = async () => ((await alpha.group()).gateways ?? []).map(({ name }) => name);
    await expect.poll(offered, { timeout: OFFERED_MS, interval: 500 }).toEqual(['gate.ada']);
    expect(await alpha.warren('exit-node', 'auto')).toMatchObject({ code: 0 });
    await expect.poll(() => curl(`http://${INTERNET}/`), { timeout: 20_000 }).toBe(`hello ${lab.address('router')}`);
    const { stdout } = await alpha.execApart('dig', '+short', '+time=3', '+tries=2', INTRA);
    expect(stdout.trim()).toBe(INTERNET);
    expect(await curl(`http://${INTRA}/`)).toBe(`hello ${lab.address('router')}`);
    // A member's name is still the group's.
    expect((await alpha.execApart('dig', '+short', '+time=3', 'beta.ada.lab.warren')).stdout.trim()).toBe(betas);
    const tcp = await iperf(INTERNET, '--time', '2');
    console.log(`iperf3 through the exit node behind a home router: TCP ${mbps(tcp.sum_received)} Mbit/s`);
    expect(await alpha.warren('exit-node', 'off')).toMatchObject({ code: 0 });
  });

  test.skipIf(skipReason('dbus-daemon', 'avahi-daemon', 'avahi-utils') !== undefined)(
    'avahi finds another member by multicast (skipped without avahi)',
    { timeout: 60_000 },
    async () => {
      await avahi(beta, 'betahost');
      await avahi(alpha, 'alphahost');
      const found = async () => (await avahiTool(alpha, 'avahi-resolve', '-4', '-n', 'betahost.local')).split(/\s+/)[1];
      await expect.poll(found, { timeout: 30_000, interval: 500 }).toBe(betas);
    },
  );

  test('memory of an edge, at rest and with two members active', async () => {
    const before = await alpha.process.residentBytes();
    for (const other of [beta, gate]) await alpha.ping((await other.self()).address, 50, 20);
    const after = await alpha.process.residentBytes();
    console.log(
      `an edge in a group of three: ${megabytes(before)} MB at rest, ${megabytes(after)} MB after pings with two`,
    );
    expect(after).toBeLessThan(400e6);
  });

  async function curl(url: string): Promise<string> {
    return (await alpha.execApart('curl', '-s', '-4', '-m', '4', url)).stdout;
  }

  /** One run from alpha to an address of beta's or of the web's. */
  async function iperf(address: string, ...what: readonly string[]): Promise<IperfEnd> {
    const host = address === INTERNET ? 'web' : 'beta';
    const server = lab.spawn(host, ['iperf3', '--server', '--one-off', '--forceflush', '--bind', address]);
    try {
      await server.line(/listening/i);
      const { stdout } = await lab.exec('alpha', ['iperf3', '--client', address, '--json', ...what], {
        timeoutMs: 30_000,
      });
      return (JSON.parse(stdout) as { end: IperfEnd }).end;
    } finally {
      await server.stop();
    }
  }

  /** Starts Avahi on a member's device, with a bus of its own. */
  async function avahi(edge: LabEdge, hostName: string): Promise<void> {
    const folder = join(around.folder, `${edge.host}-avahi`);
    await mkdir(folder);
    const { device } = await edge.self();
    await writeFile(join(folder, 'avahi.conf'), avahiSettings(hostName, device));
    await writeFile(join(folder, 'bus.conf'), busSettings(join(folder, 'bus')));
    await lab
      .spawn(edge.host, ['dbus-daemon', '--nofork', '--print-address', `--config-file=${join(folder, 'bus.conf')}`])
      .line(/^unix:/);
    const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${join(folder, 'bus')}` };
    const run = [
      'unshare',
      '--mount',
      'sh',
      '-c',
      'mkdir -p /run/avahi-daemon && mount -t tmpfs none /run/avahi-daemon && exec "$@"',
      'sh',
    ];
    const argv = [
      ...run,
      'avahi-daemon',
      '--no-drop-root',
      '--no-chroot',
      '--no-rlimits',
      '-f',
      join(folder, 'avahi.conf'),
    ];
    await lab.spawn(edge.host, argv, { env }).line(/Server startup complete/);
  }

  async function avahiTool(edge: LabEdge, ...argv: readonly string[]): Promise<string> {
    const env = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${join(around.folder, `${edge.host}-avahi`, 'bus')}` };
    return (await lab.exec(edge.host, argv, { env, allowFailure: true })).stdout;
  }
});

interface IperfEnd {
  readonly sum_received: { readonly bits_per_second: number };
  readonly sum: { readonly lost_percent: number };
}

function mbps(of: { readonly bits_per_second: number }): string {
  return (of.bits_per_second / 1e6).toFixed(0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function avahiSettings(hostName: string, device: string): string {
  return `[server]
host-name=${hostName}
use-ipv4=yes
use-ipv6=no
allow-interfaces=${device}
enable-dbus=yes
[publish]
publish-workstation=no
[wide-area]
enable-wide-area=no
`;
}

function busSettings(socket: string): string {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=${socket}</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
  </policy>
</busconfig>
`;
}

const PAGE = `require('node:http').createServer((ask, answer) => answer.end('hello ' + ask.socket.remoteAddress.replace('::ffff:', ''))).listen(80, '0.0.0.0', () => console.log('listening'))`;
/** Knows one name. */
const RESOLVER = `const dns = require('dns-packet');
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const { id, questions } = dns.decode(bytes);
    const [{ name, type }] = questions;
    const isKnown = name === '${INTRA}';
    const answers = isKnown && type === 'A' ? [{ name, type: 'A', ttl: 60, data: '${INTERNET}' }] : [];
    const packet = { type: 'response', id, flags: 0x180 | (isKnown ? 0 : 3), questions, answers };
    socket.send(dns.encode(packet), from.port, from.address);
  });
  socket.bind(53, process.argv[1], () => console.log('listening'));`;

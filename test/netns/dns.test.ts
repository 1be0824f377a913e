/**
 * Names of members as `dig` and the C library of a machine find them, and names of others by its former resolver.
 *
 * ```text
 *   site                       alpha                       beta
 *   site, bootstrap,           warren up                   warren up
 *   resolver for the rest      /etc of its own
 *     |                          | wr...                     | wr...
 *     +----------- wan ----------+---------------------------+          198.51.100.0/24
 * ```
 */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { ROOT } from './lab-site.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'dnsutils');

describe.skipIf(reason !== undefined)(`DNS${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;
  let etc: string;
  let former: string;
  let server: string;
  let betas: { readonly address: string; readonly address6: string };

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta']);
    const { lab, folder } = around;
    const resolver = lab.address('site');
    await lab.spawn('site', [process.execPath, '-e', RESOLVER, resolver], { cwd: ROOT }).line(/^listening$/);
    etc = join(folder, 'etc');
    await cp('/etc', etc, { recursive: true, verbatimSymlinks: true });
    former = `nameserver ${resolver}\nsearch example.org\n`;
    await writeFile(join(etc, 'resolv.conf'), former);
    await lab.exec('alpha', ['sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6']);
    const own = { etc, env: { WARREN_DNS: 'on' } };
    [alpha, beta] = await Promise.all([around.join('alpha', own), around.join('beta')]);
    const found = async () => (await alpha.group()).members.find(({ name }) => name === 'beta.ada');
    const { address } = await beta.self();
    const isKnown = async () => expect((await found())?.address).toBe(address);
    await vi.waitFor(isKnown, { timeout: 20_000, interval: 200 });
    betas = { address, address6: (await found())?.address6 ?? '' };
    server = (await alpha.group()).names?.server ?? '';
  });

  afterAll(() => around?.end());

  test('of members: both families, forward and reverse', async () => {
    expect(await dig('beta.ada.lab.warren')).toEqual([betas.address]);
    expect(await dig('BETA.ada.Lab.warren', 'AAAA')).toEqual([betas.address6]);
    expect(await dig('-x', betas.address)).toEqual(['beta.ada.lab.warren.']);
    expect(await dig('-x', betas.address6)).toEqual(['beta.ada.lab.warren.']);
    expect(await dig('-x', server)).toEqual(['dns.lab.warren.']);
    expect(await dig('alpha.ada.lab.warren')).toEqual([(await alpha.self()).address]);
    expect(await dig(`beta.ada.${around.group}.warren`)).toEqual([betas.address]);
  });

  test('that nobody has are denied, by us', async () => {
    const { stdout } = await alpha.execApart('dig', '+noall', '+comments', '+authority', `@${server}`, 'x.lab.warren');
    expect(stdout).toMatch(/status: NXDOMAIN/);
    expect(stdout).toMatch(/flags: qr aa rd/);
    expect(stdout).toMatch(/lab\.warren\.\s+5\s+IN\s+SOA\s+dns\.lab\.warren\. hostmaster\.lab\.warren\./);
    expect((await alpha.execApart('dig', `@${server}`, 'x.elsewhere.warren')).stdout).toMatch(/status: NXDOMAIN/);
  });

  test('of others come from the resolver that the machine had, long ones too', async () => {
    expect(await dig('www.example.org')).toEqual(['192.0.2.9']);
    expect(await dig('+notcp', '+bufsize=1232', 'many.example.org')).toHaveLength(30);
    expect((await alpha.execApart('dig', `@${server}`, 'none.example.org')).stdout).toMatch(/status: NXDOMAIN/);
  });

  test('fifty at once are all answered', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `host${i}.example.org`);
    const { stdout } = await alpha.execApart('dig', '+short', `@${server}`, ...names);
    expect(stdout.trim().split('\n')).toEqual(names.map(() => '192.0.2.9'));
  });

  test('are found by the C library, short ones by the search list; IPv6 asks the same server', async () => {
    const ahosts = async (name: string) => (await alpha.execApart('getent', 'ahostsv4', name)).stdout.split(' ')[0];
    for (const name of ['beta', 'beta.ada', 'beta.ada.lab.warren']) expect(await ahosts(name)).toBe(betas.address);
    expect(await ahosts('www')).toBe('192.0.2.9');
    expect((await alpha.execApart('getent', 'hosts', betas.address)).stdout).toContain('beta.ada.lab.warren');
    const six = betas.address6.replace(/(([0-9a-f]+:){4}).*/, '$1:1');
    const { stdout } = await alpha.execApart('dig', '+short', `@${six}`, 'beta.ada.lab.warren');
    expect(stdout.trim()).toBe(betas.address);
  });

  test('resolv.conf is put back at the start after a kill, and when we stop', async () => {
    const text = () => readFile(join(etc, 'resolv.conf'), 'utf8');
    expect(await text()).toContain(`nameserver ${server}\nnameserver ${around.lab.address('site')}\n`);
    alpha.process.kill('SIGKILL');
    await alpha.process.exit;
    expect(await text()).toContain(server);
    // Names of the Internet are found even so.
    const hosts = await alpha.execApart('getent', 'ahostsv4', 'www.example.org');
    expect(hosts.stdout).toContain('192.0.2.9');
    await alpha.up();
    await expect.poll(text).toContain(server);
    // Links are there before the list of members with their addresses is read again.
    await expect.poll(() => dig('beta.ada.lab.warren'), { timeout: 10_000 }).toEqual([betas.address]);
    expect((await alpha.warren('down')).code).toBe(0);
    await alpha.process.exit;
    expect(await text()).toBe(former);
  });

  /** The lines of `dig +short` at the edge's own server. */
  async function dig(...what: readonly string[]): Promise<string[]> {
    const { stdout } = await alpha.execApart('dig', '+short', '+time=5', '+tries=1', `@${server}`, ...what);
    return stdout.trim().split('\n');
  }
});

/** Knows every name below example.org but one, and gives one of them thirty addresses. */
const RESOLVER = `const dns = require('dns-packet');
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const { id, questions } = dns.decode(bytes);
    const [{ name, type }] = questions;
    const isKnown = name.endsWith('.example.org') && !name.startsWith('none.');
    const count = !isKnown || type !== 'A' ? 0 : name.startsWith('many.') ? 30 : 1;
    const answers = Array.from({ length: count }, () => ({ name, type: 'A', ttl: 60, data: '192.0.2.9' }));
    const packet = { type: 'response', id, flags: 0x180 | (isKnown ? 0 : 3), questions, answers };
    socket.send(dns.encode(packet), from.port, from.address);
  });
  socket.bind(53, process.argv[1], () => console.log('listening'));`;

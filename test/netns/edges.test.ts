/**
 * Linux members with TAP devices, as the `warren` command runs them, each in a
 * namespace of its own; joined through the site's API, without a browser.
 *
 * ```text
 *   site                alpha        beta         gamma
 *   site, bootstrap     warren up    warren up    warren up
 *     |                   | wr...      | wr...      | wr...    TAP, 10.x.0.0/16 of the group
 *     +------- wan -------+------------+------------+          198.51.100.0/24
 * ```
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from './lab.ts';
import type { EdgeStatus, LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import type { LabProcess } from './lab-process.ts';
import { programOf, skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');
const TRANSFER_BYTES = 100_000_000;
/** How soon a restarted edge must carry traffic again. */
const AGAIN_MS = 30_000;

describe.skipIf(reason !== undefined)(`edges${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let lab: Lab;
  let folder: string;
  let alpha: LabEdge;
  let beta: LabEdge;
  let gamma: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gamma']);
    ({ lab, folder } = around);
  });

  afterAll(() => around?.end());

  test('two edges ping each other through their devices without a loss, by UDP between the two hosts alone', async () => {
    [alpha, beta] = await Promise.all([around.join('alpha'), around.join('beta')]);
    await direct(alpha, beta);
    const { address } = await beta.self();
    const [udp, tcp] = [await passed(lab, 'alpha', 'udp', 'beta'), await passed(lab, 'alpha', 'tcp', 'beta')];
    expect(await alpha.ping(address, 20, 100)).toMatchObject({ sent: 20, lost: 0 });
    expect(await beta.ping((await alpha.self()).address, 20, 100)).toMatchObject({ sent: 20, lost: 0 });
    // A request and its reply, each in one datagram.
    expect((await passed(lab, 'alpha', 'udp', 'beta')) - udp).toBeGreaterThanOrEqual(80);
    expect((await passed(lab, 'alpha', 'tcp', 'beta')) - tcp).toBe(0);
    expect(await passed(lab, 'alpha', 'icmp', 'beta')).toBe(0);
  });

  test('a third one comes, and all six ordered pairs ping', async () => {
    const started = performance.now();
    gamma = await around.join('gamma');
    const readyAt = performance.now();
    const all = [alpha, beta, gamma];
    for (const [from, to] of pairs(all)) await direct(from, to);
    console.log(
      `ready ${seconds(started, readyAt)} s after its start, directly linked with all ${seconds(readyAt)} s later`,
    );
    const addresses = new Map(await Promise.all(all.map(async e => [e, (await e.self()).address] as const)));
    expect(new Set(addresses.values()).size).toBe(3);
    const counts = await Promise.all(pairs(all).map(([from, to]) => from.ping(addresses.get(to) ?? '', 20)));
    expect(counts.map(({ sent, lost }) => ({ sent, lost }))).toEqual(counts.map(() => ({ sent: 20, lost: 0 })));
    console.log(`edge to edge: mean ${counts.map(({ rttMs }) => rttMs.toFixed(1)).join(', ')} ms`);
  });

  test('100 MB over TCP through the devices arrive unchanged', { timeout: 180_000 }, async () => {
    const { address } = await beta.self();
    const receiver = lab.spawn('beta', [process.execPath, '-e', RECEIVER, address]);
    await receiver.line(/^listening$/);
    const started = performance.now();
    const sender = lab.spawn('alpha', [process.execPath, '-e', SENDER, address, String(TRANSFER_BYTES)]);
    const [, got = ''] = await receiver.line(/^got (\d+ [0-9a-f]{64})$/, 150_000);
    const seconds = (performance.now() - started) / 1000;
    const [, sent] = await sender.line(/^sent (\d+ [0-9a-f]{64})$/);
    expect(got).toBe(sent);
    expect(got.split(' ')[0]).toBe(String(TRANSFER_BYTES));
    console.log(`100 MB in ${seconds.toFixed(1)} s: ${((TRANSFER_BYTES * 8) / seconds / 1e6).toFixed(0)} Mbit/s`);
  });

  test('curl fetches from a web server on another edge', async () => {
    const { address } = await gamma.self();
    const server = lab.spawn('gamma', [process.execPath, '-e', WEB_SERVER, address]);
    await server.line(/^listening$/);
    const text = randomBytes(3_000).toString('hex');
    const { stdout } = await lab.exec('beta', ['curl', '-sS', '-m', '10', '-d', text, `http://${address}:8000/`]);
    expect(stdout).toBe(`you sent ${text}`);
    await server.stop();
  });

  test.skipIf(programOf('openssh-server') === undefined)(
    'ssh logs in to another edge (skipped without sshd)',
    async () => {
      const { address } = await beta.self();
      const { server, ssh } = await startSshd(lab, join(folder, 'ssh'), 'beta', address);
      const { stdout } = await lab.exec('gamma', [...ssh, 'echo from $SSH_CONNECTION']);
      expect(stdout).toContain(`from ${(await gamma.self()).address} `);
      await server.stop();
    },
  );

  test('status and ping of the command line show members, kinds of link and replies', async () => {
    const { schema, groups, health } = JSON.parse((await gamma.warren('status', '--json')).stdout) as EdgeStatus;
    expect({ schema, health }).toEqual({ schema: 1, health: [] });
    expect(groups[0]?.members.map(({ name, online, link }) => [name, online, link?.kind]).sort()).toEqual([
      ['alpha.ada', true, 'udp'],
      ['beta.ada', true, 'udp'],
      ['gamma.ada', true, undefined],
    ]);
    const ping = await gamma.warren('ping', 'alpha', '-c', '5', '-i', '0.05', '--json');
    expect(ping.code).toBe(0);
    expect(JSON.parse(ping.stdout)).toMatchObject({ sent: 5, lost: 0, name: 'alpha.ada', link: { kind: 'udp' } });
    const nobody = await gamma.warren('ping', 'delta');
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toMatch(/^warren: .*delta/);
  });

  test('faults #38 one that is killed leaves nothing behind, comes back as the same, and carries traffic within 30 s', {
    timeout: 90_000,
  }, async () => {
    const before = await beta.self();
    expect(await beta.show('link')).toContain(before.device);
    const killedAt = performance.now();
    beta.process.kill('SIGKILL');
    await beta.process.exit;
    await nothingOf(beta, before.device);
    await beta.up();
    expect(await beta.self()).toEqual(before);
    const readyAt = performance.now();
    for (const other of [alpha, gamma]) await reached(other, before.address, AGAIN_MS);
    const again = performance.now();
    console.log(
      `killed, ready ${seconds(killedAt, readyAt)} s later, traffic again ${seconds(killedAt, again)} s after the kill`,
    );
    expect(again - killedAt).toBeLessThan(AGAIN_MS);
    for (const other of [alpha, gamma]) {
      await direct(other, beta);
      expect(await other.ping(before.address, 10)).toMatchObject({ sent: 10, lost: 0 });
    }
    expect((await beta.show('link')).match(/wr[a-z2-7]{8}/g)).toHaveLength(1);
    expect((await alpha.group()).members.filter(({ name }) => name === 'beta.ada')).toHaveLength(1);
  });

  test('faults #27 without the site edges go on, and say so until it is back', {
    timeout: 90_000,
  }, async () => {
    await around.site.stop();
    const { address } = await gamma.self();
    expect(await alpha.ping(address, 20, 250)).toMatchObject({ sent: 20, lost: 0 });
    await expect.poll(async () => (await alpha.status()).health.map(({ code }) => code)).toContain('no-bootstrap');
    await around.site.start();
    await expect.poll(async () => (await alpha.status()).health, { timeout: 60_000 }).toEqual([]);
  });

  test('`warren down` and Ctrl-C remove device, route, socket and process at once, and the others hear of it', async () => {
    const [a, b] = await Promise.all([alpha.self(), beta.self()]);
    const down = await alpha.warren('down');
    expect(down).toMatchObject({ code: 0, stdout: 'Warren is stopped.\n' });
    await nothingOf(alpha, a.device);
    expect(existsSync(join(folder, 'alpha.sock'))).toBe(false);
    const started = performance.now();
    beta.process.kill('SIGINT');
    expect(await beta.process.exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(1_500);
    await nothingOf(beta, b.device);
    const online = async () => (await gamma.group()).members.filter(m => m.online).map(({ name }) => name);
    await expect.poll(online, { timeout: 5_000 }).toEqual(['gamma.ada']);
    expect((await alpha.warren('status')).code).toBe(3);
  });
});

/** Waits until `from` has a UDP link to `to`. */
async function direct(from: LabEdge, to: LabEdge): Promise<void> {
  const { peerId } = await to.self();
  const kind = async () => (await from.group()).members.find(member => member.peerId === peerId)?.link?.kind;
  await expect.poll(kind, { timeout: 30_000, interval: 50, message: `${from.host} to ${to.host}` }).toBe('udp');
}

/** Waits until an address answers a ping. */
async function reached(from: LabEdge, address: string, patienceMs: number): Promise<void> {
  const argv = ['ping', '-n', '-c', '1', '-W', '1', address];
  const answers = async () => (await from.lab.exec(from.host, argv, { allowFailure: true })).code;
  await expect.poll(answers, { timeout: patienceMs, interval: 50, message: `${from.host} to ${address}` }).toBe(0);
}

/** Nothing of a stopped edge is on its host: no device, route, process or bound UDP port. */
async function nothingOf(edge: LabEdge, device: string): Promise<void> {
  expect(await edge.show('link')).not.toContain(device);
  expect(await edge.show('route', 'show', 'table', 'all')).not.toContain(device);
  const namespace = edge.lab.namespace(edge.host);
  const pids = (await edge.lab.exec(edge.host, ['ip', 'netns', 'pids', namespace])).stdout.trim().split('\n');
  // All but `ip` itself.
  expect(pids.filter(pid => existsSync(`/proc/${pid}`))).toEqual([]);
  expect((await edge.lab.exec(edge.host, ['ss', '-lnuH'])).stdout).toBe('');
}

/** Packets both ways between two hosts, by the kernel's count. */
async function passed(lab: Lab, host: string, protocol: string, peer: string): Promise<number> {
  const counters = (await lab.counters(host)).filter(c => c.protocol === protocol && c.peer === peer);
  return counters.reduce((sum, { packets }) => sum + packets, 0);
}

/** A server that takes one key, on the device's address; answers it and the command that logs in. */
async function startSshd(
  lab: Lab,
  folder: string,
  host: string,
  address: string,
): Promise<{ server: LabProcess; ssh: string[] }> {
  await mkdir(folder, { mode: 0o700 });
  for (const name of ['host', 'user']) {
    await lab.exec(host, ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
  }
  const lines = [
    `ListenAddress ${address}:2222`,
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'StrictModes no',
    'PidFile none',
  ];
  await writeFile(join(folder, 'config'), `${lines.join('\n')}\n`);
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const server = lab.spawn(host, ['/usr/sbin/sshd', '-D', '-e', '-f', join(folder, 'config')]);
  await server.line(/Server listening/);
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'ConnectTimeout=10'];
  const key = ['-i', join(folder, 'user'), '-p', '2222'];
  return { server, ssh: ['ssh', ...options.flatMap(o => ['-o', o]), ...key, `root@${address}`] };
}

function pairs<T>(of: readonly T[]): [T, T][] {
  return of.flatMap(from => of.filter(to => to !== from).map((to): [T, T] => [from, to]));
}

function seconds(from: number, to = performance.now()): string {
  return ((to - from) / 1000).toFixed(1);
}

const SENDER = `const { createCipheriv, createHash } = require('node:crypto');
  const [address, bytes] = process.argv.slice(1);
  const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16));
  const hash = createHash('sha256');
  async function* chunks() {
    for (let left = Number(bytes); left > 0; left -= 50000) {
      const chunk = noise.update(Buffer.alloc(Math.min(left, 50000)));
      hash.update(chunk);
      yield chunk;
    }
  }
  require('node:stream').pipeline(chunks, require('node:net').connect(9000, address), error => {
    if (error) throw error;
    console.log('sent ' + bytes + ' ' + hash.digest('hex'));
  });`;
const RECEIVER = `const hash = require('node:crypto').createHash('sha256');
  let bytes = 0;
  require('node:net').createServer(socket => {
    socket.on('data', chunk => { bytes += chunk.length; hash.update(chunk); });
    socket.on('end', () => { console.log('got ' + bytes + ' ' + hash.digest('hex')); process.exit(); });
  }).listen(9000, process.argv[1], () => console.log('listening'));`;
const WEB_SERVER = `require('node:http').createServer((request, response) => {
    response.write('you sent ');
    request.pipe(response);
  }).listen(8000, process.argv[1], () => console.log('listening'));`;

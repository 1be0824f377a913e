/**
 * What strangers may throw at open ports: garbage by the thousand, on every UDP,
 * TCP, TLS and WebSocket port of site, bootstrap node and edges. Nobody crashes,
 * grows, or writes a line for each; members go on, and newcomers still get in.
 *
 * ```text
 *   site                alpha        beta         gamma        mallory
 *   site, bootstrap     warren up    warren up    joins last   garbage
 *     +------- wan -------+------------+------------+------------+
 * ```
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import type { LabProcess } from './lab-process.ts';
import { skipReason } from './requirements.ts';

const GARBAGE = fileURLToPath(new URL('./garbage.ts', import.meta.url));
const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');
/** Of all kinds, to each UDP port. */
const DATAGRAMS = 5_000;
const CONNECTIONS = 100;
/** What a process may have more after the second round than before it: the first warms caches and compilers up. */
const GROWTH_MAX_MB = 40;

describe.skipIf(reason !== undefined)(`strangers${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gamma', 'mallory']);
    [alpha, beta] = await Promise.all([around.join('alpha'), around.join('beta')]);
    await alpha.reach((await beta.self()).address);
  });

  afterAll(() => around?.end());

  const programs = (): LabProcess[] => [around.site.process, alpha.process, beta.process];
  const memory = () => Promise.all(programs().map(residentMb));
  const lineCounts = () => programs().map(({ lines }) => lines.length);

  test('faults #49 garbage on every UDP port: no crash, no growth, no line for each, no more bytes back than came', {
    timeout: 60_000,
  }, async () => {
    const targets = await openPorts('-u');
    // The bootstrap node's, and at least one of each edge.
    expect(new Set(targets.map(({ host }) => host))).toEqual(new Set(['site', 'alpha', 'beta']));
    await flood('udp', targets, DATAGRAMS / 5);
    const [before, lines] = [await memory(), lineCounts()];
    const pinging = membersPing();
    const took = await flood('udp', targets, DATAGRAMS);
    await pinging;
    const after = await memory();
    console.log(
      `${targets.length} ports x ${DATAGRAMS} datagrams in ${took.toFixed(1)} s; MB before ${before}, after ${after}`,
    );
    for (const [i, mb] of after.entries()) expect(mb - (before[i] ?? 0)).toBeLessThan(GROWTH_MAX_MB);
    for (const [i, count] of lineCounts().entries()) expect(count - (lines[i] ?? 0)).toBeLessThan(5);
    for (const host of ['site', 'alpha', 'beta']) {
      const arrived = (await around.lab.counters(host)).find(
        c => c.peer === 'mallory' && c.protocol === 'udp' && c.direction === 'in',
      );
      expect(arrived?.packets).toBeGreaterThan(DATAGRAMS);
      const counters = (await around.lab.counters('mallory')).filter(c => c.peer === host && c.protocol === 'udp');
      const [sent, back] = ['out', 'in'].map(way => counters.find(c => c.direction === way)?.bytes ?? 0);
      expect(back).toBeLessThan(sent ?? 0);
    }
    await allIsWell();
  });

  test('garbage on the site and on its WebSockets: the same', { timeout: 60_000 }, async () => {
    const targets = await openPorts('-t');
    expect(targets.map(({ host }) => host)).toEqual(['site']);
    for (const kind of ['tcp', 'tls', 'websocket'] as const) await flood(kind, targets, CONNECTIONS);
    const [before, lines] = [await memory(), lineCounts()];
    const pinging = membersPing();
    for (const kind of ['tcp', 'tls', 'websocket'] as const) {
      const took = await flood(kind, targets, CONNECTIONS);
      console.log(`${CONNECTIONS} bad ${kind} connections in ${took.toFixed(1)} s`);
    }
    await pinging;
    const after = await memory();
    console.log(`MB before ${before}, after ${after}`);
    for (const [i, mb] of after.entries()) expect(mb - (before[i] ?? 0)).toBeLessThan(GROWTH_MAX_MB);
    for (const [i, count] of lineCounts().entries()) expect(count - (lines[i] ?? 0)).toBeLessThan(5);
    await allIsWell();
  });

  test('after all that a new machine enrols, joins and links directly', async () => {
    const gamma = await around.join('gamma');
    const { address } = await gamma.self();
    for (const other of [alpha, beta]) expect(await other.ping(address, 10, 50)).toMatchObject({ sent: 10, lost: 0 });
    const kinds = async () => (await gamma.group()).members.filter(m => !m.self).map(m => m.link?.kind);
    await expect.poll(kinds, { timeout: 20_000 }).toEqual(['udp', 'udp']);
  });

  /** Members still reach each other, without a loss, and the site answers. */
  async function allIsWell(): Promise<void> {
    await membersPing();
    expect((await around.ada.get('/healthz')).status).toBe(200);
    for (const edge of [alpha, beta]) expect((await edge.status()).health).toEqual([]);
    for (const program of programs()) expect(program.running).toBe(true);
  }

  async function membersPing(): Promise<void> {
    expect(await alpha.ping((await beta.self()).address, 20, 50)).toMatchObject({ sent: 20, lost: 0 });
  }

  /** Sends garbage to all ports at once; answers how many seconds it took. */
  async function flood(kind: string, targets: readonly Target[], count: number): Promise<number> {
    const started = performance.now();
    const senders = targets.map(({ host, port }) => {
      const argv = [process.execPath, GARBAGE, kind, around.lab.address(host), String(port), String(count)];
      return around.lab.spawn('mallory', argv);
    });
    for (const sender of senders) {
      const [, accepted] = await sender.line(/^sent \d+, accepted (\d+)$/, 40_000);
      // Some give up before a busy machine has answered.
      expect(Number(accepted)).toBeGreaterThanOrEqual(kind === 'websocket' ? count / 4 : 0);
    }
    return (performance.now() - started) / 1000;
  }

  /** Ports that programs on the hosts of members and site listen on, beside those of loopback. */
  async function openPorts(protocol: '-u' | '-t'): Promise<Target[]> {
    const targets: Target[] = [];
    for (const host of ['site', 'alpha', 'beta']) {
      const { stdout } = await around.lab.exec(host, ['ss', '-lnH', protocol]);
      for (const line of stdout.trim().split('\n')) {
        const [, address = '', port = ''] = /\s(\S+):(\d+)\s/.exec(line) ?? [];
        if (port !== '' && !address.startsWith('127.') && address !== '[::1]')
          targets.push({ host, port: Number(port) });
      }
    }
    return targets;
  }
});

interface Target {
  readonly host: string;
  readonly port: number;
}

/** Resident memory of a process, in MB. */
async function residentMb(process: LabProcess): Promise<number> {
  return Math.round((await process.residentBytes()) / 2 ** 20);
}

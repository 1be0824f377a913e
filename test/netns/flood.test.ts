/**
 * A flood of first handshake messages from addresses that nobody has, on a member and on the bootstrap node of a
 * group, while a newcomer joins. The public network's key is known to all, so that mac1 stops none of it.
 *
 * ```text
 *   site                alpha        beta          mallory
 *   site, bootstrap     warren up    joins now     flood.ts, each datagram from another of 4,096 addresses
 *     +------- wan -------+------------+-------------+
 * ```
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INTERFACE, type Lab } from './lab.ts';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import type { LabProcess } from './lab-process.ts';
import { skipReason } from './requirements.ts';

const FLOOD = fileURLToPath(new URL('./flood.ts', import.meta.url));
const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping');
/** For both targets together: what one core sends beside all that runs here. */
const PER_SECOND = 20_000;
const SECONDS = 15;
const GROWTH_MAX_MB = 60;

describe.skipIf(reason !== undefined)(`a flood${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let lab: Lab;
  let alpha: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'mallory']);
    lab = around.lab;
    alpha = await around.join('alpha');
    await spoof(lab);
    for (const host of ['site', 'alpha']) await countAnswers(lab, host);
  });

  afterAll(() => around?.end());

  test('faults #48 #49 #102 a newcomer joins through 20,000 spoofed first messages a second', {
    timeout: 120_000,
  }, async () => {
    const targets = [await udpPort(lab, 'alpha'), await udpPort(lab, 'site')] as const;
    const before = await memory();
    const floods = (['alpha', 'site'] as const).map((host, i) => {
      const rate = String(PER_SECOND / 2);
      return lab.spawn('mallory', [
        process.execPath,
        FLOOD,
        lab.address(host),
        String(targets[i]),
        rate,
        String(SECONDS),
      ]);
    });
    await Promise.all(floods.map(flood => flood.line(/^flooding$/)));
    const started = performance.now();
    const beta = await around.join('beta');
    const joined = performance.now() - started;
    const { address } = await alpha.self();
    const reach = ['ping', '-n', '-c', '1', '-W', '1', address];
    const answers = async () => (await lab.exec('beta', reach, { allowFailure: true })).code;
    await expect.poll(answers, { timeout: 40_000, interval: 100, message: 'beta reaches alpha' }).toBe(0);
    const reached = performance.now() - started;
    const sent = await Promise.all(floods.map(async flood => Number((await flood.line(/^sent (\d+) in/, 40_000))[1])));
    const after = await memory();
    const answered = await Promise.all(['alpha', 'site'].map(host => answerBytes(lab, host)));
    console.log(
      `${sent.join(' + ')} sent in ${SECONDS} s; beta ready after ${ms(joined)}, pings after ${ms(reached)}; ` +
        `MB before ${before}, after ${after}; bytes back ${answered}`,
    );
    // The flood was one, and was still going on when the newcomer was in.
    expect((sent[0] ?? 0) + (sent[1] ?? 0)).toBeGreaterThan((PER_SECOND * SECONDS) / 2);
    expect(joined).toBeLessThan(SECONDS * 1000);
    for (const [i, mb] of after.entries()) expect(mb - (before[i] ?? 0)).toBeLessThan(GROWTH_MAX_MB);
    for (const [i, bytes] of answered.entries()) expect(bytes).toBeLessThan((sent[i] ?? 0) * 320);
    expect(await beta.ping(address, 20, 50)).toMatchObject({ sent: 20, lost: 0 });
  });

  const memory = () => Promise.all([alpha.process, around.site.process].map(residentMb));
});

/** Gives each datagram that mallory sends another source. */
async function spoof(lab: Lab): Promise<void> {
  const sources = Array.from({ length: 4_096 }, (_, i) => `${i} : 203.0.${i >> 8}.${i & 255}`);
  await lab.nft(
    'mallory',
    `add table ip spoof
     add map ip spoof sources { typeof numgen random mod 4096 : ip saddr; }
     add element ip spoof sources { ${sources.join(', ')} }
     add chain ip spoof out { type filter hook postrouting priority 300; }
     add rule ip spoof out oifname "${INTERFACE}" meta l4proto udp ip saddr set numgen random mod 4096 map @sources`,
  );
}

/** Makes a way back to the spoofed addresses, which ends nowhere, and counts what is sent there. */
async function countAnswers(lab: Lab, host: string): Promise<void> {
  await lab.exec(host, ['ip', 'route', 'replace', 'default', 'via', lab.address('mallory')]);
  await lab.nft(
    host,
    `add table ip answers
     add chain ip answers out { type filter hook output priority 0; }
     add rule ip answers out ip daddr 203.0.0.0/16 counter drop`,
  );
}

async function answerBytes(lab: Lab, host: string): Promise<number> {
  return Number(/bytes (\d+)/.exec(await lab.nft(host, 'list chain ip answers out'))?.[1]);
}

/** The UDP port for links, not of loopback and not for the local network, that the program of a host has open. */
async function udpPort(lab: Lab, host: string): Promise<number> {
  const { stdout } = await lab.exec(host, ['ss', '-lnuH']);
  const lines = stdout.split('\n').filter(line => !/\s(127\.|\[::1\])|:22354\s/.test(line));
  return Number(/\s\S+:(\d+)\s/.exec(lines[0] ?? '')?.[1]);
}

/** Resident memory of a process, in MB. */
async function residentMb(process: LabProcess): Promise<number> {
  return Math.round((await process.residentBytes()) / 2 ** 20);
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

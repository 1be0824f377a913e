/**
 * What others see of the traffic of two members who cannot reach each other and have a third in between: ciphertext,
 * proved by a capture of all that passes on the wire of the third. `test/stories/router.test.ts` looks inside of it.
 *
 * ```text
 *   alpha -- cut -- gamma
 *      \            /
 *       ---beta----         tcpdump on all of beta's devices; the site and its bootstrap node are down
 * ```
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INTERFACE, type Lab } from './lab.ts';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { programOf, skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'tcpdump');
/** 16 bytes that every echo request repeats: `warren-plaintext`. */
const MARK = 'warren-plaintext';
const MARK_HEX = Buffer.from(MARK).toString('hex');

describe.skipIf(reason !== undefined)(`a capture${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let lab: Lab;
  let alpha: LabEdge;
  let gamma: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gamma']);
    lab = around.lab;
    [alpha, gamma] = await Promise.all([around.join('alpha'), around.join('gamma'), around.join('beta')]);
  });

  afterAll(() => around?.end());

  test('faults #15 #61 whoever carries the traffic of two others passes ciphertext only', {
    timeout: 120_000,
  }, async () => {
    await cut(lab, 'alpha', lab.address('gamma'));
    await around.site.stop();
    const { address } = await gamma.self();
    const argv = ['ping', '-n', '-c', '3', '-i', '0.2', '-W', '1', address];
    const answers = async () => (await lab.exec('alpha', argv, { allowFailure: true })).code;
    await expect.poll(answers, { timeout: 90_000, interval: 500, message: 'alpha reaches gamma by beta' }).toBe(0);

    const atBeta = await capture(lab, around.folder, 'beta', 'any');
    const atAlpha = await capture(lab, around.folder, 'alpha', (await alpha.self()).device);
    const direct = await passed(lab, 'alpha', 'gamma');
    const marked = ['ping', '-n', '-c', '50', '-i', '0.05', '-s', '256', '-p', MARK_HEX, address];
    const { stdout } = await lab.exec('alpha', marked);
    expect(stdout).toMatch(/50 packets transmitted, (4[5-9]|50) received/);
    const [seenByBeta, seenByAlpha] = [await atBeta(), await atAlpha()];

    // What is plain at the sender's own device is nowhere on the wire of whoever is in between, though it all passed there.
    expect(count(seenByAlpha, MARK)).toBeGreaterThan(50);
    expect(seenByBeta.length).toBeGreaterThan(2 * 90 * 256);
    expect(count(seenByBeta, MARK)).toBe(0);
    expect(direct).toBeGreaterThan(0);
    expect(await passed(lab, 'alpha', 'gamma')).toBe(direct);
  });
});

/** Packets of all kinds both ways between two hosts, by the kernel's count. */
async function passed(lab: Lab, host: string, peer: string): Promise<number> {
  return (await lab.counters(host)).filter(c => c.peer === peer).reduce((sum, { packets }) => sum + packets, 0);
}

/** Cuts a host off from one other, both ways. */
async function cut(lab: Lab, host: string, other: string): Promise<void> {
  await lab.nft(
    host,
    `add table inet cut
     add chain inet cut in { type filter hook input priority -200; }
     add chain inet cut out { type filter hook output priority -200; }
     add rule inet cut in iifname "${INTERFACE}" ip saddr ${other} drop
     add rule inet cut out oifname "${INTERFACE}" ip daddr ${other} drop`,
  );
}

/** Starts a capture on a device; what it gives ends it and answers with all bytes that were seen. */
async function capture(lab: Lab, folder: string, host: string, device: string): Promise<() => Promise<Buffer>> {
  const file = join(folder, `${host}.pcap`);
  const tcpdump = programOf('tcpdump') ?? 'tcpdump';
  const program = lab.spawn(host, [tcpdump, '-i', device, '-n', '-U', '-s', '0', '-Z', 'root', '-w', file]);
  await program.line(/listening on/);
  return async () => {
    await program.stop();
    return readFile(file);
  };
}

function count(haystack: Buffer, needle: string): number {
  let found = 0;
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) found++;
  return found;
}

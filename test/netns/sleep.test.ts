/**
 * Linux members that stop for a while, as a sleeping laptop does, and that get
 * another address, as on the way from Wi-Fi to mobile: nobody does anything
 * about it.
 *
 * ```text
 *   site                alpha                          beta
 *   site, bootstrap     warren up, stopped, moved      warren up
 *     +------- wan -------+------------------------------+      198.51.100.0/24
 * ```
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping');
const ASLEEP_MS = 20_000;
const NEW_ADDRESS = '198.51.100.77';
const PING_EVERY_MS = 50;

describe.skipIf(reason !== undefined)(`machines${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;
  let address = '';

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta']);
    [alpha, beta] = await Promise.all([around.join('alpha'), around.join('beta')]);
    address = (await beta.self()).address;
  });

  afterAll(() => around?.end());

  test('faults #34 one that was stopped for 20 s pings again within 5 s of going on', async () => {
    await expect.poll(() => linkKind(alpha), { timeout: 30_000, interval: 200 }).toBe('udp');
    alpha.process.kill('SIGSTOP');
    await new Promise(resolve => setTimeout(resolve, ASLEEP_MS));
    // For the others it is gone meanwhile.
    expect(await linkKind(beta)).toBe(undefined);
    alpha.process.kill('SIGCONT');
    const started = performance.now();
    const answers = async () => (await alpha.ping(address, 1)).lost;
    await expect.poll(answers, { timeout: 15_000, interval: 20 }).toBe(0);
    const tookMs = performance.now() - started;
    console.log(`the first echo reply ${(tookMs / 1000).toFixed(1)} s after SIGCONT`);
    expect(tookMs).toBeLessThan(5000);
    await expect.poll(() => linkKind(alpha), { timeout: 30_000, interval: 200 }).toBe('udp');
    expect(await alpha.ping(address, 20, 50)).toMatchObject({ lost: 0 });
  });

  test('faults #36 #25 one whose address changes under traffic loses less than a second of it', async () => {
    const mtr = alpha.lab.spawn('alpha', ['ping', '-n', '-D', '-i', `${PING_EVERY_MS / 1000}`, '-w', '12', address]);
    await mtr.line(/icmp_seq=40 /);
    const old = alpha.lab.address('alpha');
    const steps = [
      `ip address del ${old}/24 dev wan0`,
      `ip address add ${NEW_ADDRESS}/24 dev wan0`,
      `ip route replace default via ${alpha.lab.address('wan')}`,
    ];
    await alpha.lab.exec('alpha', ['sh', '-c', steps.join(' && ')]);
    await mtr.exit;
    const seen = mtr.lines.flatMap(line => {
      const [, at, sequence] = /^\[([\d.]+)\].*icmp_seq=(\d+) /.exec(line) ?? [];
      return sequence === undefined ? [] : [{ at: Number(at) * 1000, sequence: Number(sequence) }];
    });
    const gaps = seen.slice(1).map((each, i) => each.at - (seen[i]?.at ?? 0));
    const lost = (seen.at(-1)?.sequence ?? 0) - seen.length;
    console.log(
      `another address: ${lost} of ${seen.at(-1)?.sequence} pings lost, ${Math.max(...gaps).toFixed(0)} ms without a reply`,
    );
    expect(seen.length).toBeGreaterThan(100);
    expect(Math.max(...gaps)).toBeLessThan(1000);
    expect([await linkKind(alpha), await linkKind(beta)]).toEqual(['udp', 'udp']);
  });

  async function linkKind(edge: LabEdge): Promise<string | undefined> {
    return (await edge.group()).members.find(member => !member.self)?.link?.kind;
  }
});

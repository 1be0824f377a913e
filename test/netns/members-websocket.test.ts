/**
 * A machine whose network lets no UDP through, and one that listens for WebSockets on port 443:
 *
 *     site               alpha                     beta
 *     site, bootstrap    warren up --listen-ws     warren up, UDP blocked on its cable
 *       +------- wan ------+-------------------------+
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Lab } from './lab.ts';
import { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'iputils-ping', 'curl');

describe.skipIf(reason !== undefined)(`UDP is blocked${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let lab: Lab;
  let alpha: LabEdge;
  let beta: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta']);
    lab = around.lab;
    await lab.blockUdp('beta');
    alpha = new LabEdge(lab, around.folder, 'alpha');
    await alpha.take(await around.groupFile('alpha'));
    await alpha.up(alpha.file, '--listen-ws', '443');
    beta = await around.join('beta');
  });

  afterAll(() => around?.end());

  test('faults #29 they link directly, by WebSocket on port 443, and ping without a loss', async () => {
    await kinds('websocket');
    const { address } = await alpha.self();
    await beta.reach(address);
    const bySite = await passed('beta', 'site');
    expect(await beta.ping(address, 20, 50)).toMatchObject({ sent: 20, lost: 0 });
    // Nothing of it went by way of the site, but for the upkeep of the WebSocket there.
    expect((await passed('beta', 'site')) - bySite).toBeLessThan(35);
    expect(await passed('beta', 'alpha')).toBeGreaterThan(40);
  });

  test('status says which port is open', async () => {
    const { stdout } = await alpha.warren('status');
    expect(stdout).toMatch(/Open ports: udp \d+ links and STUN.*; tcp 443 websockets/);
    expect((await beta.warren('status')).stdout).not.toContain('websockets');
  });

  test('once UDP gets through they move to it', async () => {
    await lab.unblockUdp('beta');
    await kinds('udp');
  });

  async function kinds(kind: string): Promise<void> {
    const seen = async () =>
      (await Promise.all([alpha.group(), beta.group()])).map(group => group.members.find(m => !m.self)?.link?.kind);
    await expect.poll(seen, { timeout: 90_000, interval: 250 }).toEqual([kind, kind]);
  }

  /** TCP packets both ways between two hosts. */
  async function passed(host: string, peer: string): Promise<number> {
    const counters = (await lab.counters(host)).filter(c => c.protocol === 'tcp' && c.peer === peer);
    return counters.reduce((sum, { packets }) => sum + packets, 0);
  }
});

/**
 * STUN (RFC 8489) as others see it: coturn's client asks the bootstrap node and
 * an edge, from the open and from behind a router.
 *
 *     site               alpha        client      router --- home
 *     site, bootstrap    warren up    coturn's    |
 *       +------- wan ------+------------+---------+
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { putBehind } from './home-router.ts';
import type { Lab } from './lab.ts';
import { LabGroup } from './lab-group.ts';
import { programOf, skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables', 'curl', 'coturn');

describe.skipIf(reason !== undefined)(`STUN${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let lab: Lab;
  let servers: [string, string, string][];

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'client', 'router', 'home']);
    lab = around.lab;
    await putBehind(lab, 'home', 'router');
    const alpha = await around.join('alpha');
    const port = String((await alpha.status()).ports.find(({ use }) => use === 'links and STUN')?.port);
    servers = [
      ['the bootstrap node', lab.address('site'), '8443'],
      ['an edge', lab.address('alpha'), port],
    ];
  });

  afterAll(() => around?.end());

  test("coturn's client accepts the answers of the bootstrap node and of an edge", async () => {
    for (const [who, address, port] of servers) {
      expect(await seenBy(address, port, 'client'), who).toBe(lab.address('client'));
    }
  });

  test('somebody behind a router learns the address of the router', async () => {
    for (const [who, address, port] of servers) {
      expect(await seenBy(address, port, 'home'), who).toBe(lab.address('router'));
    }
  });

  test('group files name the server', async () => {
    const file = JSON.parse(await around.groupFile('beta')) as { stun?: string[] };
    expect(file.stun).toEqual([`stun:${lab.address('site')}:8443`]);
  });

  /** The IP address that a server tells a host. */
  async function seenBy(address: string, port: string, host: string): Promise<string | undefined> {
    const { stdout } = await lab.exec(host, [programOf('coturn') ?? '', '-p', port, address]);
    return /UDP reflexive addr: ([0-9.]+):\d+/.exec(stdout)?.[1];
  }
});

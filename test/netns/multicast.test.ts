/**
 * Multicast between machines of a group that asked for it, and not to one that did not.
 *
 * ```text
 *   site                alpha            beta             gamma
 *   site, bootstrap     multicast on     multicast on     multicast off
 *     |                   | wr...          | wr...          | wr...
 *     +------- wan -------+----------------+----------------+         198.51.100.0/24
 * ```
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LabEdge } from './lab-edge.ts';
import { LabGroup } from './lab-group.ts';
import { skipReason } from './requirements.ts';

const reason = skipReason('root', 'tap', 'namespaces', 'iproute2', 'nftables');

describe.skipIf(reason !== undefined)(`multicast${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let around: LabGroup;
  let alpha: LabEdge;
  let beta: LabEdge;
  let gamma: LabEdge;

  beforeAll(async () => {
    around = await LabGroup.create(['alpha', 'beta', 'gamma']);
    const asking = { env: { WARREN_MULTICAST: 'on' } };
    [alpha, beta, gamma] = await Promise.all([
      around.join('alpha', asking),
      around.join('beta', asking),
      around.join('gamma'),
    ]);
    for (const edge of [alpha, beta, gamma]) {
      const knowsAll = async () => {
        const { members } = await edge.group();
        expect(members.filter(({ address }) => address !== undefined)).toHaveLength(3);
      };
      await vi.waitFor(knowsAll, { timeout: 30_000, interval: 300 });
    }
  });

  afterAll(() => around?.end());

  test('reaches who asked for it, from the address of its sender, and nobody else', async () => {
    const ears = await Promise.all(
      [beta, gamma].map(async edge => {
        const ear = around.lab.spawn(edge.host, [process.execPath, '-e', LISTENER, (await edge.self()).address]);
        await ear.line(/^listening$/);
        return ear;
      }),
    );
    const { address } = await alpha.self();
    const mouth = around.lab.spawn('alpha', [process.execPath, '-e', SENDER, address]);
    const [atBeta, atGamma] = ears;
    await atBeta?.line(new RegExp(`^hello from ${address.replaceAll('.', '\\.')}$`), 20_000);
    await mouth.stop();
    expect(atGamma?.lines).toEqual(['listening']);
  });
});

/** The group and port of mDNS (RFC 6762). */
const LISTENER = `const socket = require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (bytes, from) => console.log(bytes + ' from ' + from.address));
  socket.bind(5353, () => {
    socket.addMembership('224.0.0.251', process.argv[1]);
    console.log('listening');
  });`;
const SENDER = `const socket = require('node:dgram').createSocket('udp4');
  socket.bind(0, process.argv[1], () => {
    socket.setMulticastInterface(process.argv[1]);
    setInterval(() => socket.send('hello', 5353, '224.0.0.251'), 200);
  });`;

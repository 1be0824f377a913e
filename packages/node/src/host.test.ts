import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type NodeHost, nodeHost } from './host.ts';

let stateDir = '';
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'warren-host-'));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const make = (udp = {}): Promise<NodeHost> =>
  nodeHost({ kind: 'edge', stateDir, webrtc: false, udp: { host: '127.0.0.1', ...udp }, log: () => {} });

/** The UDP port of a host that starts and stops. */
async function portOf(host: NodeHost): Promise<number> {
  const port = host.datagrams.udpPort;
  await host.datagrams.stop();
  return port ?? 0;
}

test('faults #26 a machine that starts again has the UDP port where others met it', async () => {
  const first = await portOf(await make());
  expect(await portOf(await make())).toBe(first);
});

test('a port that was taken meanwhile, or a damaged note of it, costs the port only', async () => {
  const first = await portOf(await make());
  const other = createSocket('udp4');
  await new Promise<void>(resolve => other.bind(first, '127.0.0.1', resolve));
  const second = await portOf(await make());
  expect(second).not.toBe(first);
  await new Promise<void>(resolve => other.close(resolve));
  expect(await portOf(await make())).toBe(second);
  await writeFile(join(stateDir, 'values', 'udp-port.value'), 'x');
  expect(await portOf(await make())).toBeGreaterThan(0);
});

test('a port that is asked for is that one or none', async () => {
  const port = await portOf(await make());
  const host = await make({ port });
  await expect(make({ port })).rejects.toThrow();
  expect(await portOf(host)).toBe(port);
});

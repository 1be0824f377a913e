/**
 * A host with a TAP device whose frames go to another such host over plain UDP: one end of a cable, and nothing
 * of the overlay. Runs in a namespace: `tap-tunnel.ts <device> <address>/<bits> <udp port> <remote path id> [<later address>/<bits>]`.
 * SIGUSR2 gives the device its later address, SIGTERM stops it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@warren/node';

const [device = '', address = '', port = '', remote = '', later = ''] = process.argv.slice(2);
const stateDir = await mkdtemp(join(tmpdir(), 'warren-tap-'));

const host = await nodeHost({ kind: 'edge', stateDir, udp: { port: Number(port) }, webrtc: false, log: console.log });
// Nothing is kept, and whoever kills this program kills it after here.
await rm(stateDir, { recursive: true, force: true });

async function main(): Promise<void> {
  const mac = Uint8Array.of(2, 0, 0, 0, 1, Number(port) & 255);
  const tap = await host.openFrames({ name: device, mac, mtuBytes: 1_280 });
  const configure = (text: string): Promise<void> =>
    tap.configure(text.split('/')[0] ?? '', Number(text.split('/')[1]));
  tap.listen(frame => host.datagrams.send(remote, frame));
  host.datagrams.listen(event => {
    if (event.kind === 'datagram') tap.write(event.bytes);
  });
  process.on('SIGUSR2', () => void configure(later).then(() => console.log('moved')));
  process.on('SIGTERM', async () => {
    await tap.stop();
    await host.datagrams.stop();
    console.log(`stopped, frames ${JSON.stringify(tap.counters)}`);
  });
  await configure(address);
  console.log(`up, reachable at ${host.datagrams.localAddresses().join(' ')}`);
}

try {
  await main();
} catch (error) {
  console.log(`failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
  await host.datagrams.stop();
}

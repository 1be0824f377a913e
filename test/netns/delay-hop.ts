/**
 * A long cable: two Ethernet devices between which every frame takes its time.
 * Runs in a namespace: `delay-hop.ts <device> <device> <ms>`; either may be moved to another one afterwards.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@warren/node';
import type { Frames } from '@warren/peer';

const MTU_BYTES = 1_500;
/** Frames under way, each way; more are lost, as in a queue. */
const UNDER_WAY_MAX = 4_096;

const [near = '', far = '', delay = ''] = process.argv.slice(2);
const stateDir = await mkdtemp(join(tmpdir(), 'warren-hop-'));
const host = await nodeHost({ kind: 'edge', stateDir, udp: false, webrtc: false });
await rm(stateDir, { recursive: true, force: true });

const open = (name: string, last: number) =>
  host.openFrames({ name, mac: Uint8Array.of(2, 0, 0, 0, 2, last), mtuBytes: MTU_BYTES });
const [a, b] = [await open(near, 1), await open(far, 2)];
carry(a, b);
carry(b, a);
process.stdout.write('ready\n');

function carry(from: Frames, to: Frames): void {
  let underWay = 0;
  from.listen(frame => {
    if (underWay >= UNDER_WAY_MAX) return;
    const kept = frame.slice();
    underWay++;
    setTimeout(() => {
      underWay--;
      to.write(kept);
    }, Number(delay));
  });
}

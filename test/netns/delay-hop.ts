/**
 * A long cable: two Ethernet devices between which every frame takes its time.
 * Runs in a namespace: `delay-hop.ts <device> <device> <ms>`; either may be moved to another one afterwards.
 */
import { randomBytes } from 'node:crypto';
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

// Each end has an address of its own: many cables may lead into one bridge.
const open = (name: string) => host.openFrames({ name, mac: Uint8Array.of(2, ...randomBytes(5)), mtuBytes: MTU_BYTES });
const [a, b] = [await open(near), await open(far)];
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

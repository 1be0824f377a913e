/** The host contract, kept by the host of the simulator, whose virtual time is made to run as fast as real time. */
import { SimDisk, SimHost, SimInternet, World } from '@warren/sim';
import { describe, test } from 'vitest';
import { extraSocketsContract } from './extra-sockets-contract.ts';
import { hostContract } from './host-contract.ts';

/** Between two steps of virtual time. */
const STEP_MS = 1;

describe('the host of the simulator', () => {
  for (const { name, run } of [...hostContract, ...extraSocketsContract]) {
    test(name, { timeout: 30_000 }, async () => {
      const world = new World(1);
      const stop = keepPace(world);
      try {
        await run(hostsOf(world));
      } finally {
        stop();
      }
    });
  }
});

/** Hosts of one world that share a disk, each under an address of its own. */
function hostsOf(world: World): () => Promise<SimHost> {
  const shared = { internet: new SimInternet(world), disk: new SimDisk(), startUnixMs: Date.now() - world.now };
  let made = 0;
  return async () => {
    made++;
    return new SimHost({ ...shared, kind: 'edge', name: `host-${made}`, address: `203.0.113.${made}:4000` });
  };
}

/** Moves virtual time along with real time; what it returns ends that. */
function keepPace(world: World): () => void {
  const startedAt = performance.now() - world.now;
  const timer = setInterval(() => world.run(performance.now() - startedAt - world.now), STEP_MS);
  return () => clearInterval(timer);
}

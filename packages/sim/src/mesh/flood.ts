/**
 * Members that ask and store as much as they can: valid records of their own
 * under random keys, and lookups of random ids (faults.md rows 1, 69, 102).
 */
import { RecordKind } from '@warren/wire';
import type { MeshPeer } from './mesh-peer.ts';
import type { MeshWorld } from './mesh-world.ts';
import type { Role } from './role.ts';
import type { SimRecords } from './sim-records.ts';

/** What floods do, each second, by each attacker. */
export interface FloodOptions {
  readonly putsPerSecond: number;
  readonly lookupsPerSecond: number;
  readonly valueBytes: number;
  /** Nothing before. */
  readonly fromMs: number;
}

/** A role of attackers in a world with DHTs. */
export function flooders(records: SimRecords, o: FloodOptions): Role {
  const storm = (peer: MeshPeer, world: MeshWorld): void => {
    const key = world.random.bytes(20);
    const value = world.random.bytes(o.valueBytes);
    records.put(world, peer, { kind: RecordKind.MAILBOX, key, value, lifetimeS: 172_800 });
  };
  const repeat = (peer: MeshPeer, world: MeshWorld, perSecond: number, run: () => void): void => {
    const { life } = peer;
    if (perSecond <= 0) return;
    world.every(1000 / perSecond, () => {
      const isOn = peer.isAlive && peer.life === life;
      if (isOn && world.now >= o.fromMs && peer.links.size > 0) run();
      return isOn;
    });
  };
  return {
    name: 'flood',
    begin: (peer, world) => {
      repeat(peer, world, o.putsPerSecond, () => storm(peer, world));
      repeat(peer, world, o.lookupsPerSecond, () => world.probes.ask(peer, world.random.bytes(20), () => {}));
    },
  };
}

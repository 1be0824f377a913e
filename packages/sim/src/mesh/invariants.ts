/**
 * What must hold at every step of every mesh (faults.md section 5, as far as it
 * exists without sessions). A violation throws, with the seed and the time; the
 * lab prints the command that shows it again.
 */
import { HOPS_MAX, type OverlayDatagram } from '@warren/wire';
import type { Trace } from '../event-heap.ts';
import type { MeshPeer } from './mesh-peer.ts';
import type { MeshWorld } from './mesh-world.ts';

/** Records that a store holds at most (packages/dht, `usage.ts`). */
const RECORDS_MAX = 8192;
/** Links beyond a budget: those that somebody needs as near ones, and those that are being tried. */
const LINKS_BEYOND_BUDGET = 64;
/** Memory of a tenth of all peers is looked at each second. */
const LOOK_MS = 1000;
const LOOK_SHARE = 10;

/** Something that must never happen did. */
export class InvariantError extends Error {}

/** Watches one world. */
export class Invariants {
  /** The most links that any datagram with a request id crossed. */
  mostHops = 0;
  /** Datagrams that came to a peer which had them before: stale lists may lead back, hops bound it. */
  revisits = 0;
  private readonly world: MeshWorld;
  private looks = 0;

  constructor(world: MeshWorld) {
    this.world = world;
    world.every(LOOK_MS, () => {
      this.looks++;
      for (let i = this.looks % LOOK_SHARE; i < world.peers.length; i += LOOK_SHARE)
        this.memory(world.peers[i] as MeshPeer);
      return true;
    });
  }

  /** Throws. */
  broken(why: string): never {
    throw new InvariantError(`${why}; seed ${this.world.seed}, at ${this.world.now} ms`);
  }

  /** A datagram goes out. */
  sent(from: MeshPeer, to: MeshPeer, bytes: Uint8Array, trace: Trace): void {
    const hopsLeft = bytes[2] as number;
    if (trace.hops > this.mostHops) this.mostHops = trace.hops;
    if (from.role !== undefined) return;
    if (hopsLeft > HOPS_MAX) this.broken(`${from.index} sends with ${hopsLeft} hops left`);
    if (trace.hops > HOPS_MAX) this.broken(`a datagram crosses ${trace.hops} links`);
    for (let step = trace.before; step !== undefined; step = step.before) if (step.peer === to.index) this.revisits++;
  }

  /** A datagram is for a peer. */
  delivered(peer: MeshPeer, datagram: OverlayDatagram): void {
    if (datagram.hopsLeft > HOPS_MAX) this.broken(`${peer.index} takes one with ${datagram.hopsLeft} hops left`);
  }

  /** What a peer keeps is bounded. */
  private memory(peer: MeshPeer): void {
    const records = peer.dht?.store.size ?? 0;
    if (records > RECORDS_MAX) this.broken(`${peer.index} holds ${records} records`);
    const most = peer.linkBudget + LINKS_BEYOND_BUDGET;
    // Joiners come to a bootstrap node faster than it may let go of them.
    if (peer.links.size > most && peer.role === undefined && !peer.isBootstrap)
      this.broken(`${peer.index} has ${peer.links.size} links`);
  }
}

/**
 * Coming and going: how long peers stay and stay away, by distribution or by a
 * measured trace. Leaving is with or without goodbye, coming back with or
 * without the disk.
 */
import type { Instant } from '@warren/base';
import type { SeededRandom } from '../random.ts';
import type { MeshPeer } from './mesh-peer.ts';
import type { MeshWorld } from './mesh-world.ts';

/** A distribution of times. */
export interface Lifetimes {
  readonly name: string;
  /** Milliseconds. */
  draw(random: SeededRandom): number;
}

/** Memoryless. */
export function exponential(medianMs: number): Lifetimes {
  return { name: 'exponential', draw: random => (-Math.log(1 - random.unit()) * medianMs) / Math.LN2 };
}

/** Heavy tail: the longer somebody stayed, the longer he stays. `shape` 1.5 has a mean of 1.9 medians. */
export function pareto(medianMs: number, shape = 1.5): Lifetimes {
  const least = medianMs / 2 ** (1 / shape);
  return { name: 'pareto', draw: random => least / (1 - random.unit()) ** (1 / shape) };
}

/** As measured in file sharing; `shape` 0.67 fits Gnutella 2001, 0.38 a BitTorrent swarm (Stutzbach and Rejaie, IMC 2006). */
export function weibull(medianMs: number, shape = 0.67): Lifetimes {
  const scale = medianMs / Math.LN2 ** (1 / shape);
  return { name: 'weibull', draw: random => scale * (-Math.log(1 - random.unit())) ** (1 / shape) };
}

/** How peers come and go. */
export interface ChurnOptions {
  readonly up: Lifetimes;
  readonly down: Lifetimes;
  /** Share of departures that vanish without a word, 0 to 1. */
  readonly crashShare: number;
  /** Share of returns without a disk, 0 to 1. */
  readonly diskLossShare: number;
}

/** Comings and goings in one world. */
export class Churn {
  /** Departures with goodbye, and without. */
  left = 0;
  crashed = 0;
  returned = 0;
  private readonly world: MeshWorld;
  private readonly random: SeededRandom;
  private readonly options: ChurnOptions;
  private isOver = false;

  constructor(world: MeshWorld, random: SeededRandom, options: ChurnOptions) {
    this.world = world;
    this.random = random;
    this.options = options;
  }

  /** From now on these peers come and go, each on its own. */
  start(peers: Iterable<MeshPeer>): void {
    for (const peer of peers) this.later(this.options.up, () => this.depart(peer));
  }

  /** These peers are away, and come in their time. */
  startAway(peers: Iterable<MeshPeer>): void {
    for (const peer of peers) {
      this.world.kill(peer);
      this.later(this.options.down, () => this.arrive(peer));
    }
  }

  /** Nobody goes any more, and whoever is away comes back in his time. */
  stop(): void {
    this.isOver = true;
  }

  /** Plays sessions, each from and to milliseconds from now; peers are there in their sessions only. */
  play(peer: MeshPeer, sessions: readonly (readonly [fromMs: Instant, toMs: Instant])[]): void {
    const { now } = this.world;
    for (const [fromMs, toMs] of sessions) {
      if (fromMs > 0) this.world.at(now + fromMs, () => this.comeBack(peer));
      this.world.at(now + toMs, () => this.go(peer));
    }
  }

  private depart(peer: MeshPeer): void {
    if (this.isOver) return;
    this.go(peer);
    this.later(this.options.down, () => this.arrive(peer));
  }

  private arrive(peer: MeshPeer): void {
    this.comeBack(peer);
    this.later(this.options.up, () => this.depart(peer));
  }

  private go(peer: MeshPeer): void {
    if (!peer.isAlive || this.isOver) return;
    if (this.random.unit() < this.options.crashShare) {
      this.crashed++;
      this.world.kill(peer);
    } else {
      this.left++;
      this.world.leave(peer);
    }
  }

  private comeBack(peer: MeshPeer): void {
    if (peer.isAlive) return;
    this.returned++;
    this.world.restart(peer, { disk: this.random.unit() >= this.options.diskLossShare });
  }

  private later({ draw }: Lifetimes, run: () => void): void {
    this.world.at(this.world.now + draw(this.random), run);
  }
}

/** Looks at the ring every so often: in how many peers' view is it whole? */
import type { MeshPeer, MeshWorld } from '@warren/sim';

/** The ring of one world over time. */
export class RingWatch {
  /** Share of peers linked to their true successor, 0 to 1, each time. */
  readonly samples: number[] = [];
  private isOver = false;

  constructor(world: MeshWorld, everyMs: number, among: (peer: MeshPeer) => boolean = () => true) {
    world.every(everyMs, () => {
      if (!this.isOver) this.samples.push(world.ring(among).consistency());
      return !this.isOver;
    });
  }

  stop(): void {
    this.isOver = true;
  }

  get mean(): number {
    return this.samples.reduce((sum, each) => sum + each, 0) / this.samples.length;
  }

  get least(): number {
    return Math.min(...this.samples);
  }
}

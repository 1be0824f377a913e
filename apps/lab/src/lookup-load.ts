/**
 * Requests to random ids in a mesh, at a steady pace, and how many of them came
 * to the peer that is truly nearest. A request whose asker dies counts for nothing.
 */
import { type MeshPeer, type MeshWorld, type ProbeResult, SeededRandom } from '@warren/sim';
import { percentile } from './statistics.ts';

/** What is asked, by whom. What is absent: all. */
export interface LookupOptions {
  readonly perSecond: number;
  /** Who asks, of those that live. */
  readonly asks?: (peer: MeshPeer) => boolean;
  /** Only ids whose nearest peer is such a one are asked for. */
  readonly answers?: (peer: MeshPeer) => boolean;
}

/** Tries to find an id that has such a nearest peer. */
const DRAWS_MAX = 50;

/** A stream of lookups. */
export class LookupLoad {
  /** Answered by the nearest peer; by another one; by nobody. */
  right = 0;
  wrong = 0;
  lost = 0;
  readonly hops: number[] = [];
  readonly tookMs: number[] = [];
  private readonly world: MeshWorld;
  private readonly options: LookupOptions;
  private readonly random: SeededRandom;
  private isOver = false;

  constructor(world: MeshWorld, options: LookupOptions) {
    this.world = world;
    this.options = options;
    this.random = new SeededRandom(world.seed, 'lookups');
  }

  /** Asks until `stop`. */
  start(): void {
    this.world.every(1000 / this.options.perSecond, () => {
      if (!this.isOver) this.ask();
      return !this.isOver;
    });
  }

  stop(): void {
    this.isOver = true;
  }

  get asked(): number {
    return this.right + this.wrong + this.lost;
  }

  /** Share that the nearest peer answered, 0 to 1. */
  get rate(): number {
    return this.right / this.asked;
  }

  get meanHops(): number {
    return this.hops.reduce((sum, hops) => sum + hops, 0) / this.hops.length;
  }

  get p95Ms(): number {
    return percentile(this.tookMs, 0.95, this.lost);
  }

  private ask(): void {
    const { world, random } = this;
    const { asks = () => true, answers = () => true } = this.options;
    const askers = world.living().filter(peer => peer.links.size > 0 && asks(peer));
    const asker = askers[Math.floor(random.unit() * askers.length)];
    const ring = world.ring();
    for (let i = 0; i < DRAWS_MAX && asker !== undefined; i++) {
      const target = random.bytes(20);
      const nearest = ring.nearest(target);
      if (nearest === undefined || !answers(nearest)) continue;
      world.probes.ask(asker, target, result => this.note(result, nearest));
      return;
    }
  }

  /** The ring may have changed on the way: who was nearest at either end of it is right. */
  private note({ answerer, target, hops, tookMs }: ProbeResult, nearest: MeshPeer): void {
    if (answerer === undefined) {
      this.lost++;
      return;
    }
    if (answerer === nearest || answerer === this.world.ring().nearest(target)) this.right++;
    else this.wrong++;
    this.hops.push(hops);
    this.tookMs.push(tookMs);
  }
}

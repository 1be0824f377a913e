/** What a run costs this process: memory that it holds on to, and its share of the processor. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/** Megabytes (10^6) in use after a collection: the heap, and array buffers beside it. */
export function heapMb(): number {
  collect ??= garbageCollector();
  // Twice: what finalizers let go of in the first is freed in the second.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

/** V8 hands its collector to contexts that are made after this flag was set. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** How much of one processor this process has, since the making of this: machines are shared. */
export class Processor {
  private readonly startedAt = performance.now();
  private readonly before = process.cpuUsage();

  /** 0 to 1: threads of the engine beside ours do not count beyond. */
  get share(): number {
    const { user, system } = process.cpuUsage(this.before);
    return Math.min(1, (user + system) / 1_000 / (performance.now() - this.startedAt));
  }
}

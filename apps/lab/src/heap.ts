/** How much memory this process holds on to. */
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

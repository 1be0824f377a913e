/** Walks round the ring of a group for a command, and tells how far it is without telling each step. */
import type { WarrenGroup } from '@warren/peer';
import type { CensusAnswer, CrawlEvent, RingOf } from './control-api.ts';

/** A group whose ring can be walked and counted. */
export type Walker = Pick<WarrenGroup, 'view' | 'crawl' | 'census'>;

/** Progress is told at most so often. */
const TELL_EVERY_MS = 1_000;

/** Walks to the end; `emit` hears a report as the last, unless `signal` was aborted. */
export async function runCrawl(
  walker: Walker,
  emit: (event: CrawlEvent) => void,
  signal: AbortSignal,
  nowMs: () => number = () => performance.now(),
): Promise<void> {
  let toldAt = nowMs();
  const view = await walker.crawl(({ peers }) => {
    if (signal.aborted || nowMs() - toldAt < TELL_EVERY_MS) return;
    toldAt = nowMs();
    emit({ event: 'progress', peers: peers.length });
  });
  if (!signal.aborted) emit({ event: 'report', ...ringOf(walker), ...view });
}

/** Counts. */
export async function runCensus(walker: Walker): Promise<CensusAnswer> {
  const census = await walker.census();
  return { ...ringOf(walker), ...census };
}

function ringOf(walker: Walker): RingOf {
  const { group, name, self } = walker.view();
  return { group, name, self: self.peerId };
}

import type { CrawlView } from '@warren/peer';
import { expect, test } from 'vitest';
import type { CrawlEvent } from './control-api.ts';
import { runCensus, runCrawl, type Walker } from './crawl-run.ts';
import { census, crawled, crawlView, group, member } from './testing.ts';

const peers = ['a.ada', 'b.ada', 'c.ada'].map(name => crawled(name));
const { group: id, name, self, ...counts } = census();

/** A group whose walk finds one peer after another, 600 ms each. */
function walker(clock: { ms: number }): Walker {
  return {
    view: () => group([member('laptop.ada', { self: true })]),
    async crawl(onProgress: (view: CrawlView) => void = () => {}) {
      for (let n = 1; n <= peers.length; n++) {
        clock.ms += 600;
        onProgress(crawlView(peers.slice(0, n), { complete: false }));
      }
      return crawlView(peers);
    },
    census: async () => counts,
  };
}

async function run(signal: AbortSignal): Promise<CrawlEvent[]> {
  const [clock, events] = [{ ms: 0 }, [] as CrawlEvent[]];
  await runCrawl(
    walker(clock),
    event => events.push(event),
    signal,
    () => clock.ms,
  );
  return events;
}

test('a walk tells now and then how far it is, and ends with a report', async () => {
  expect(await run(new AbortController().signal)).toEqual([
    { event: 'progress', peers: 2 },
    { event: 'report', group: id, name, self, ...crawlView(peers) },
  ]);
});

test('who stops listening hears no more', async () => {
  expect(await run(AbortSignal.abort())).toEqual([]);
});

test('a census says whose it is', async () => {
  expect(await runCensus(walker({ ms: 0 }))).toEqual(census());
});

/** What happens while there is no room for more requests of our own. */
import { OverlayType, peerKey } from '@warren/wire';
import { expect, test } from 'vitest';
import { Overlay } from './overlay.ts';
import { seeded } from './testbed.ts';

test('a crawl of very many whom there is no room to ask ends, incomplete, and no stack overflows', () => {
  const random = seeded(2);
  const overlay = new Overlay({ self: new Uint8Array(20), random, linkBudget: 10_000 });
  for (let i = 0; i < 3000; i++) overlay.linkUp(peerKey(random.bytes(20)), 0);
  for (let tag = 0; tag < 1024; tag++)
    overlay.request(OverlayType.DHT_REQUEST, random.bytes(20), new Uint8Array(1), tag, 0);
  expect(overlay.crawl(5, 0)).toBe(true);
  const reports: boolean[] = [];
  for (let out = overlay.poll(); out !== undefined; out = overlay.poll())
    if (out.kind === 'crawled' && out.report.isOver) reports.push(out.report.isComplete);
  expect(reports).toEqual([false]);
});

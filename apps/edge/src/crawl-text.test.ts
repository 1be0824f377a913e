import { expect, test } from 'vitest';
import { censusLines, crawlLines, isConsistent, isEven } from './crawl-text.ts';
import { census, crawled, crawlView, member } from './testing.ts';

const { peerId: self } = member('laptop.ada');
const ring = { name: 'Home', self };

test('a walk is a table in the order of the ring, with a verdict', () => {
  const peers = [
    crawled('laptop.ada', { links: 5, recordsHeld: 14 }),
    crawled('phone.bob', { kind: 'browser', rttMs: 12.34, resting: true }),
    crawled('server.ada', { rttMs: 123.4, links: 5, recordsHeld: 101 }),
  ];
  expect(crawlLines(ring, crawlView(peers))).toEqual([
    'Home  3 peers in the order of the ring',
    '#  ID        NAME        KIND     LINKS  RECORDS      RTT  STATE',
    '1  6c617074  laptop.ada  edge         5       14        -  this device',
    '2  70686f6e  phone.bob   browser      4        7  12.3 ms  in the background',
    '3  73657276  server.ada  edge         5      101   123 ms  active',
    '',
    '3 peers, 1 in browsers; 7 links; 122 records held with all copies',
    'walked in 0.4 s: the ring is consistent',
  ]);
});

test('disagreements come as sentences, and a walk that was cut short says so', () => {
  const fault = { kind: 'silent', at: self, expected: self, text: 'server.ada does not answer.' } as const;
  const view = crawlView([crawled('laptop.ada'), crawled('server.ada')], { inconsistencies: [fault], complete: false });
  expect(crawlLines(ring, view).slice(5)).toEqual([
    '# server.ada does not answer.',
    '# The walk is not complete: not everybody who was named answered.',
    '2 peers, 0 in browsers; 4 links; 14 records held with all copies',
    'walked in 0.4 s: 1 disagreement about the ring',
  ]);
  const tooLong = crawlView([crawled('laptop.ada')], { complete: false, tookMs: 300_000 });
  expect(crawlLines(ring, tooLong)).toContain('# The walk is not complete: it ends after 20,000 peers or 5 minutes.');
});

test('consistent means: everybody answered, and nobody disagrees', () => {
  const fault = { kind: 'silent', at: self, expected: self, text: '' } as const;
  expect(isConsistent(crawlView([]))).toBe(true);
  expect(isConsistent(crawlView([], { inconsistencies: [fault] }))).toBe(false);
  expect(isConsistent(crawlView([], { complete: false }))).toBe(false);
  expect([census(), census({ consistent: 11 }), census({ unanswered: 1 })].map(isEven)).toEqual([true, false, false]);
});

test('a census is a few sentences', () => {
  expect(censusLines(ring, census({ unanswered: 2, depth: 1 }))).toEqual([
    'Home  12 peers, 4 in browsers',
    '52 links, 130 records held with all copies',
    '12 of 12 peers are linked to the nearest on both sides',
    'answered within 0.3 s over at most 1 hop',
    '# No answer came from 2 stretches of the ring.',
  ]);
});

/** Crawls over given views: what a ring in order looks like, and which disorders are found (P2 6.2). */
import { type Peeked, type PeerId, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { CRAWL_MS, Crawl } from './crawl.ts';

describe('a crawl of a ring in order', () => {
  test.each([1, 2, 3, 4, 5, 40, 300])('finds all %i peers in their order and nothing to object to', size => {
    const ring = views(size);
    const { report, asked } = walk(ring, 0);
    expect(report.peers.map(({ peer }) => peer)).toEqual([...ring.keys()]);
    expect(report).toMatchObject({ inconsistencies: [], isComplete: true, isOver: true });
    expect(asked).toBe(size - 1);
    expect(report.peers[0]).toMatchObject({ hostKind: 'edge', links: 6, records: 1, rttMs: undefined });
  });

  test('asks sixteen at a time, and tells what it has while it goes on', () => {
    const ring = views(300);
    const keys = [...ring.keys()];
    const links = keys.slice(1, 100).map(id);
    const crawl = new Crawl({ self: id(key(0)), own: () => ring.get(key(0)) as Peeked, links }, 0);
    const first = Array.from({ length: 20 }, () => crawl.next(0)).filter(each => each !== undefined);
    expect(first).toHaveLength(16);
    crawl.answered(first[0] as PeerId, ring.get(peerKey(first[0] as PeerId)), 50);
    const report = crawl.report(60);
    expect(report).toMatchObject({ isOver: false, isComplete: false, inconsistencies: [], tookMs: 60 });
    expect(report.peers.map(({ rttMs }) => rttMs)).toEqual([undefined, 50]);
  });
});

describe('a crawl finds', () => {
  test('a peer that omits its successor', () => {
    const ring = views(20);
    ring.set(key(7), view(20, 7, [9, 10, 11], [6, 5, 4]));
    const { report } = walk(ring, 0);
    expect(report.isComplete).toBe(true);
    expect(report.inconsistencies).toEqual([
      { kind: 'successor', at: key(7), expected: key(8), found: key(9) },
      { kind: 'second-successor', at: key(7), expected: key(9), found: key(10) },
    ]);
  });

  test('a peer that names nobody, and one that names somebody invented', () => {
    const ring = views(20);
    ring.set(key(7), view(20, 7, [], [6, 5, 4]));
    const invented = '00'.repeat(20).replace(/^.{4}/, '0003');
    ring.set(key(3), { ...view(20, 3, [4, 5, 6], [2, 1, 0]), successors: [id(invented), id(key(4)), id(key(5))] });
    const { report } = walk(ring, 0);
    expect(report.isComplete).toBe(false);
    expect(report.inconsistencies).toEqual([
      { kind: 'silent', at: invented, expected: key(3), found: undefined },
      { kind: 'successor', at: key(7), expected: key(8), found: undefined },
      { kind: 'second-successor', at: key(7), expected: key(9), found: undefined },
    ]);
  });

  test('a split ring: two that take no notice of each other though some links cross', () => {
    const ring = new Map<PeerKey, Peeked>();
    for (let i = 0; i < 20; i++) ring.set(key(i), view(20, i, [i + 2, i + 4, i + 6], [i - 2, i - 4, i - 6]));
    const { report } = walk(ring, 0, [5]);
    expect(report.peers).toHaveLength(20);
    const beside = report.inconsistencies.filter(({ kind }) => kind === 'successor' || kind === 'predecessor');
    expect(beside).toHaveLength(40);
    expect(beside[0]).toEqual({ kind: 'successor', at: key(0), expected: key(1), found: key(2) });
  });

  test('a peer that is silent, and does not hold it against those who named it', () => {
    const ring = views(20);
    ring.delete(key(7));
    const { report, asked } = walk(ring, 0);
    expect(report.peers).toHaveLength(19);
    expect(report.isComplete).toBe(false);
    expect(report.inconsistencies.filter(({ kind }) => kind === 'silent')).toMatchObject([{ at: key(7) }]);
    expect(report.inconsistencies).toHaveLength(1);
    expect(asked).toBeLessThan(19 + 6);
  });
});

test('a peer that came or left during a crawl is no disorder: those who disagree are asked again', () => {
  const [before, after] = [views(20), views(20)];
  // 7 is not in yet when its neighbours are asked first, and 15 leaves after it was asked.
  before.set(key(8), view(20, 8, [9, 10, 11], [6, 5, 4]));
  after.delete(key(15));
  after.set(key(14), view(20, 14, [16, 17, 18], [13, 12, 11]));
  after.set(key(16), view(20, 16, [17, 18, 19], [14, 13, 12]));
  const seen = new Set<PeerKey>();
  const ring = (peer: PeerKey) => {
    const isFirst = !seen.has(peer);
    seen.add(peer);
    return (isFirst && peer !== key(14) && peer !== key(16) ? before : after).get(peer);
  };
  const { report } = walk(ring, 0);
  expect(report.inconsistencies.filter(({ kind }) => kind !== 'silent')).toEqual([]);
  expect(report.peers).toHaveLength(19);
});

describe('faults #102: a crawl ends', () => {
  test('although a liar names ever new peers who all answer', () => {
    let invented = 0;
    const made = () => id((invented++).toString(16).padStart(40, 'e'));
    const crawl = new Crawl({ self: id(key(0)), own: () => view(3, 0, [1], [2]), links: [], most: 500 }, 0);
    let asked = 0;
    for (let peer = crawl.next(0); peer !== undefined; peer = crawl.next(0)) {
      asked++;
      const ids = { successors: [made(), made(), made()], predecessors: [made(), made(), made()] };
      crawl.answered(peer, { ...view(3, 0, [], []), ...ids }, 0);
    }
    expect(asked).toBeLessThanOrEqual(3 * 500);
    expect([crawl.isOver, crawl.report(0).isComplete]).toEqual([true, false]);
  });

  test('after five minutes although peers keep it waiting', () => {
    const crawl = new Crawl({ self: id(key(0)), own: () => view(9, 0, [1], [8]), links: [] }, 0);
    crawl.next(0);
    crawl.tick(CRAWL_MS - 1);
    expect(crawl.isOver).toBe(false);
    crawl.tick(CRAWL_MS);
    expect(crawl.report(CRAWL_MS)).toMatchObject({ isOver: true, isComplete: false, tookMs: CRAWL_MS });
  });
});

/** Walks over views until the end; whoever has none is silent. */
function walk(
  ring: Map<PeerKey, Peeked> | ((peer: PeerKey) => Peeked | undefined),
  from: number,
  links: number[] = [],
) {
  const look = typeof ring === 'function' ? ring : (peer: PeerKey) => ring.get(peer);
  const self = id(key(from));
  const crawl = new Crawl({ self, own: () => look(key(from)) as Peeked, links: links.map(key).map(id) }, 0);
  let asked = 0;
  for (let peer = crawl.next(0); peer !== undefined; peer = crawl.next(0)) {
    asked++;
    crawl.answered(peer, look(peerKey(peer)), 1);
  }
  return { report: crawl.report(2), asked };
}

/** A ring of `size` peers who all see three on each side. */
function views(size: number): Map<PeerKey, Peeked> {
  const near = [1, 2, 3].filter(n => n < size);
  const entries = Array.from({ length: size }, (_, i): [PeerKey, Peeked] => [
    key(i),
    view(
      size,
      i,
      near.map(n => i + n),
      near.map(n => i - n),
    ),
  ]);
  return new Map(entries);
}

function view(size: number, i: number, after: readonly number[], before: readonly number[]): Peeked {
  const ids = (numbers: readonly number[]) => numbers.map(n => id(key((n + size) % size)));
  const [successors, predecessors] = [ids(after), ids(before)];
  return { hostKind: i % 2 ? 'browser' : 'edge', isResting: false, links: 6, records: 1, successors, predecessors };
}

function key(i: number): PeerKey {
  return i.toString(16).padStart(4, '0').padEnd(40, '7');
}

function id(of: PeerKey): PeerId {
  return peerIdFromKey(of) as PeerId;
}

/** Next hops against brute force, and what a table knows (P1 II-A; faults.md rows 4, 66, 67). */
import { compareDistance, type PeerId, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Neighbour, Table } from './table.ts';

/** Small ids, so that ties and equal ids are common. */
const id: fc.Arbitrary<PeerId> = fc.nat(31).map(n => new Uint8Array(20).fill(n * 8, 0, 1));
const SELF = new Uint8Array(20).fill(64, 0, 1);

const world = fc.record({
  links: fc.uniqueArray(fc.record({ id, known: fc.array(id, { maxLength: 4 }) }), {
    selector: link => peerKey(link.id),
    maxLength: 6,
  }),
  target: id,
  from: fc.option(fc.nat(5), { nil: undefined }),
  avoid: fc.array(fc.nat(5), { maxLength: 3 }),
  notTarget: fc.boolean(),
});

describe('the next hop', () => {
  test('leads to the nearest id known, and is its own link where there is one', () => {
    fc.assert(
      fc.property(world, ({ links, target, from, avoid, notTarget }) => {
        const table = tableOf(links);
        const keys = [...table.neighbours.keys()];
        const o = { avoid: new Set(avoid.flatMap(i => keys[i] ?? [])), notTarget };
        const fromKey = keys[from ?? -1];
        const hop = table.nextHop(target, fromKey === undefined ? o : { ...o, from: fromKey });
        expect(hop === undefined ? [] : [hop]).toEqual(slowHop(table, target, fromKey, o));
      }),
      { numRuns: 2000 },
    );
  });

  test('faults #67 never leads back to whence it came through somebody else', () => {
    const [a, b] = [key(0x50), key(0xc0)];
    const table = tableOf([
      { id: idOf(a), known: [] },
      { id: idOf(b), known: [idOf(a)] },
    ]);
    const target = idOf(key(0x4f));
    expect(table.nextHop(target, { avoid: new Set([a]) })).toBe(b);
    expect(table.nextHop(target, { from: a })).toBeUndefined();
  });

  test('looks one link ahead', () => {
    const [near, far, beyond] = [key(0x60), key(0xc0), key(0x80)];
    const table = tableOf([
      { id: idOf(near), known: [] },
      { id: idOf(far), known: [idOf(beyond)] },
    ]);
    expect(table.nextHop(idOf(beyond))).toBe(far);
  });

  test('of a peer that looks for its own place is anybody at all', () => {
    const table = tableOf([{ id: idOf(key(0xc0)), known: [] }]);
    expect(table.nextHop(SELF, { notTarget: true })).toBe(key(0xc0));
    expect(table.nextHop(SELF)).toBeUndefined();
  });
});

describe('what a table knows', () => {
  test('ids that somebody named are kept for a minute, and at most 64 of them', () => {
    const table = new Table(SELF);
    const many = Array.from({ length: 400 }, (_, i) => new Uint8Array(20).fill(i % 200, 0, 1).fill(i >> 3, 1, 2));
    table.find(many, 0);
    expect(table.allIds().size).toBe(64);
    table.expire(59_999);
    expect(table.allIds().size).toBe(64);
    table.expire(60_000);
    expect(table.allIds().size).toBe(0);
  });

  test('neither ourselves nor a lost peer is among them', () => {
    const table = tableOf([
      { id: idOf(key(1)), known: [SELF] },
      { id: idOf(key(2)), known: [] },
    ]);
    table.find([SELF, idOf(key(2))], 0);
    expect([...table.allIds().keys()].sort()).toEqual([key(1), key(2)]);
    table.remove(key(2));
    expect([...table.allIds().keys()]).toEqual([key(1)]);
  });

  test('faults #21 a peer whose link is lost is reached through a neighbour that is linked to it, until that says otherwise', () => {
    const table = tableOf([
      { id: idOf(key(1)), known: [SELF, idOf(key(2))] },
      { id: idOf(key(2)), known: [] },
    ]);
    table.remove(key(2));
    expect(table.nextHop(idOf(key(2)))).toBe(key(1));
    table.learn(table.neighbours.get(key(1)) as Neighbour, []);
    expect(table.nextHop(idOf(key(2)))).not.toBe(key(2));
    expect([...table.allIds().keys()]).toEqual([key(1)]);
  });

  test('a list that says nothing new is no news', () => {
    const table = tableOf([{ id: idOf(key(1)), known: [idOf(key(2)), idOf(key(3))] }]);
    const neighbour = table.neighbours.get(key(1));
    if (neighbour === undefined) throw new Error('no neighbour');
    expect(table.learn(neighbour, [idOf(key(3)), SELF, idOf(key(2))])).toBe(false);
    expect(table.learn(neighbour, [idOf(key(3)), idOf(key(4))])).toBe(true);
    expect(table.learn(neighbour, [idOf(key(3))])).toBe(true);
  });

  test('is no link: a key that is no id, or one twice', () => {
    const table = new Table(SELF);
    expect(table.add('xyz')).toBe(false);
    expect(table.add(key(1))).toBe(true);
    expect(table.add(key(1))).toBe(false);
  });
});

function key(first: number): PeerKey {
  return peerKey(new Uint8Array(20).fill(first, 0, 1));
}

function idOf(of: PeerKey): PeerId {
  return peerIdFromKey(of) as PeerId;
}

function tableOf(links: readonly { id: PeerId; known: readonly PeerId[] }[]): Table {
  const table = new Table(SELF);
  for (const link of links.filter(each => peerKey(each.id) !== peerKey(SELF))) {
    table.add(peerKey(link.id));
    const neighbour = table.neighbours.get(peerKey(link.id));
    if (neighbour !== undefined) table.learn(neighbour, link.known);
  }
  return table;
}

/** All pairs of link and id that it leads to, sorted: nearest first, then direct, then in the order of links. */
function slowHop(
  table: Table,
  target: PeerId,
  from: PeerKey | undefined,
  o: { avoid: ReadonlySet<PeerKey>; notTarget: boolean },
): PeerKey[] {
  const isTarget = (other: PeerId) => peerKey(other) === peerKey(target);
  const anyWillDo = o.notTarget && isTarget(SELF);
  const ways = [...table.neighbours.values()]
    .filter(({ key: via }) => via !== from && !o.avoid.has(via))
    .flatMap(link => [link.id, ...table.knownOf(link)].map(to => ({ via: link.key, to, isDirect: to === link.id })))
    .filter(({ to }) => peerKey(to) !== from && !(o.notTarget && isTarget(to)))
    .filter(({ to }) => anyWillDo || compareDistance(target, to, SELF) < 0)
    .sort((a, b) => compareDistance(target, a.to, b.to) || Number(b.isDirect) - Number(a.isDirect));
  return ways.slice(0, 1).map(({ via }) => via);
}

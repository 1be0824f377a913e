/** Ids in ring order against a plain list. */
import { compareBytes } from '@warren/base';
import { type PeerId, peerKey } from '@warren/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ONWARD, Places } from './places.ts';

/** Few ids, some equal in all but the last bits, so that entries of one id and of near ones meet. */
const id: fc.Arbitrary<PeerId> = fc
  .tuple(fc.constantFrom(0, 7, 128, 255), fc.nat(3))
  .map(([first, last]) => new Uint8Array(20).fill(first, 0, 1).fill(last, 19));
const via = fc.tuple(fc.nat(4), fc.boolean()).map(([slot, isOnward]) => (isOnward ? slot | ONWARD : slot));
const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), id, via }),
  fc.record({ kind: fc.constant('retain' as const), via, kept: fc.array(id, { maxLength: 3 }) }),
);

test('whatever is added and removed, entries lie in the order of ids, then of ways, and each can be found', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), id, (steps, wanted) => {
      const places = new Places();
      let plain: { id: PeerId; via: number }[] = [];
      for (const each of steps) {
        if (each.kind === 'add') {
          const isNew = !plain.some(other => other.via === each.via && peerKey(other.id) === peerKey(each.id));
          if (isNew) plain.push({ id: each.id, via: each.via });
          expect(places.add(each.id, each.via)).toBe(isNew);
        } else {
          const kept = new Set(each.kept.map(peerKey));
          const left = plain.filter(other => other.via !== each.via || kept.has(peerKey(other.id)));
          expect(places.retain(each.via, each.kept)).toBe(plain.length - left.length);
          plain = left;
        }
      }
      plain.sort((a, b) => compareBytes(a.id, b.id) || a.via - b.via);
      const entries = Array.from({ length: places.count }, (_, i) => ({ id: places.idAt(i), via: places.via[i] }));
      expect(entries).toEqual(plain);
      const first = plain.findIndex(other => compareBytes(other.id, wanted) >= 0);
      expect(places.firstFrom(wanted)).toBe(first < 0 ? plain.length : first);
    }),
    { numRuns: 300 },
  );
});

test('a thousand entries fit, and those of one id are a group', () => {
  const places = new Places();
  for (let i = 0; i < 1000; i++) places.add(new Uint8Array(20).fill(i % 100, 0, 1), Math.floor(i / 100));
  expect(places.count).toBe(1000);
  expect([places.groupStart(57), places.groupEnd(57)]).toEqual([50, 60]);
});

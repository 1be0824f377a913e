/** Laws of what neighbours tell each other. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeNeighbours, encodeNeighbours, listDigest, type NeighboursMessage } from './neighbours.ts';
import { PEER_IDS_MAX } from './overlay-datagram.ts';

const id = fc.uint8Array({ minLength: 20, maxLength: 20 });

codecLaws({
  name: 'decodeNeighbours',
  decode: decodeNeighbours,
  encode: encodeNeighbours,
  values: fc.oneof(
    fc.record({ kind: fc.constant('list'), ids: fc.array(id, { maxLength: PEER_IDS_MAX }) }),
    fc.record({ kind: fc.constant('digest'), digest: fc.nat(0xffffffff) }),
    fc.constant({ kind: 'ask' }),
  ) as fc.Arbitrary<NeighboursMessage>,
  golden: [
    { value: { kind: 'list', ids: [] }, hex: '00' },
    { value: { kind: 'list', ids: [new Uint8Array(20).fill(0x11)] }, hex: `01 ${'11'.repeat(20)}` },
    { value: { kind: 'digest', digest: 0xcafebabe }, hex: 'ff cafebabe' },
    { value: { kind: 'ask' }, hex: 'fe' },
  ],
  impossible: [
    { why: 'nothing', hex: '' },
    { why: '65 ids', hex: `41 ${'33'.repeat(1300)}` },
    { why: 'an unknown kind', hex: `80 ${'33'.repeat(2560)}` },
  ],
  tail: 'ignored',
});

test('the digest of a list is that of FNV-1a, and other lists have others', () => {
  expect(listDigest(Uint8Array.of(0))).toBe(0x050c5d1f);
  const [a, b] = [new Uint8Array(20).fill(1), new Uint8Array(20).fill(2)];
  const digests = [[], [a], [b], [a, b], [b, a]].map(ids => listDigest(encodeNeighbours({ kind: 'list', ids })));
  expect(new Set(digests).size).toBe(digests.length);
  const list = encodeNeighbours({ kind: 'list', ids: [a] });
  expect(listDigest(Uint8Array.of(...list, 7))).toBe(listDigest(list));
});

/** What stands for a list of neighbours. Its bytes are in `neighbours.laws.test.ts`. */
import { expect, test } from 'vitest';
import { encodeNeighbours, listDigest } from './neighbours.ts';

test('the digest of a list is that of FNV-1a, and other lists have others', () => {
  expect(listDigest(Uint8Array.of(0))).toBe(0x050c5d1f);
  const [a, b] = [new Uint8Array(20).fill(1), new Uint8Array(20).fill(2)];
  const digests = [[], [a], [b], [a, b], [b, a]].map(ids => listDigest(encodeNeighbours({ kind: 'list', ids })));
  expect(new Set(digests).size).toBe(digests.length);
  const list = encodeNeighbours({ kind: 'list', ids: [a] });
  expect(listDigest(Uint8Array.of(...list, 7))).toBe(listDigest(list));
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PACKED_MAX_BYTES, packDatagrams, unpackDatagrams } from './packing.ts';

const datagram = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 16_384 })),
    fc.integer({ min: 0, max: 255 }),
  )
  .map(([length, fill]) => new Uint8Array(length).fill(fill));

test('whatever is packed is unpacked in order', () => {
  fc.assert(
    fc.property(fc.array(datagram, { maxLength: 40 }), datagrams => {
      const back = packDatagrams(datagrams).flatMap(message => unpackDatagrams(message) ?? []);
      expect(back).toEqual(datagrams);
    }),
  );
});

test('a message stays within 16,384 bytes unless it holds one datagram, and no two neighbours would fit in one', () => {
  fc.assert(
    fc.property(fc.array(datagram, { minLength: 1, maxLength: 40 }), datagrams => {
      const messages = packDatagrams(datagrams);
      for (const [i, message] of messages.entries()) {
        const count = unpackDatagrams(message)?.length ?? 0;
        expect(message.length).toBeLessThanOrEqual(count === 1 ? PACKED_MAX_BYTES : 16_384);
        const next = messages[i + 1];
        const first = next === undefined ? undefined : unpackDatagrams(next)?.[0];
        if (first !== undefined) expect(message.length + first.length + 2).toBeGreaterThan(16_384);
      }
    }),
  );
});

test('three bytes and a length give the documented layout', () => {
  expect(packDatagrams([Uint8Array.of(1, 2, 3), Uint8Array.of(9)])).toEqual([Uint8Array.of(0, 3, 1, 2, 3, 0, 1, 9)]);
});

test('empty and overlong datagrams are left out', () => {
  expect(packDatagrams([])).toEqual([]);
  expect(packDatagrams([new Uint8Array(0), new Uint8Array(16_385)])).toEqual([]);
  expect(packDatagrams([new Uint8Array(0), Uint8Array.of(7), new Uint8Array(16_385)])).toEqual([
    Uint8Array.of(0, 1, 7),
  ]);
});

test('torn messages, empty datagrams and overlong messages are refused', () => {
  const message = Uint8Array.of(0, 3, 1, 2, 3, 0, 1, 9);
  for (const end of [0, 1, 2, 3, 4, 6, 7]) expect(unpackDatagrams(message.subarray(0, end))).toBeUndefined();
  expect(unpackDatagrams(Uint8Array.of(0, 0))).toBeUndefined();
  const tooLong = new Uint8Array(PACKED_MAX_BYTES + 3).fill(1);
  tooLong.set([0x40, 0x00]);
  tooLong.set([0, 1, 9], PACKED_MAX_BYTES);
  expect(unpackDatagrams(tooLong)).toBeUndefined();
  expect(unpackDatagrams(tooLong.subarray(0, PACKED_MAX_BYTES))?.[0]?.length).toBe(16_384);
});

test('random bytes never throw, and what is accepted covers the whole message', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      const datagrams = unpackDatagrams(bytes);
      if (datagrams === undefined) return;
      expect(datagrams.reduce((sum, each) => sum + each.length + 2, 0)).toBe(bytes.length);
    }),
    { numRuns: 2_000 },
  );
});

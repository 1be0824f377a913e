/** Pieces of large messages (faults rows 100, 102). */
import { MESSAGE_MAX_BYTES } from '@warren/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cut, Reassembly } from './fragments.ts';

describe('a message in pieces', () => {
  test('is put together from any order of its pieces, with doubles', () => {
    const order = fc.array(fc.nat(15), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 4000 }),
        fc.integer({ min: 250, max: 2000 }),
        order,
        (message, size, picks) => {
          const pieces = cut(message, size, 9) ?? [];
          const reassembly = new Reassembly();
          const whole: Uint8Array[] = [];
          const add = (piece: (typeof pieces)[number]) => {
            const done = reassembly.add(piece, 0);
            if (done !== undefined) whole.push(done);
          };
          for (const pick of picks)
            if (whole.length === 0) add(pieces[pick % pieces.length] as (typeof pieces)[number]);
          for (const piece of pieces) if (whole.length === 0) add(piece);
          expect(whole).toEqual([message]);
        },
      ),
    );
  });

  test('is at most 16 KiB and 16 pieces', () => {
    expect(cut(new Uint8Array(MESSAGE_MAX_BYTES), 1200, 1)).toHaveLength(14);
    expect(cut(new Uint8Array(MESSAGE_MAX_BYTES + 1), 1200, 1)).toBeUndefined();
    expect(cut(new Uint8Array(MESSAGE_MAX_BYTES), 1000, 1)).toBeUndefined();
  });

  test('faults #102 that is larger than it may be is dropped before it is whole', () => {
    const reassembly = new Reassembly();
    const piece = new Uint8Array(MESSAGE_MAX_BYTES / 2 + 1);
    expect(reassembly.add({ messageId: 1, index: 0, count: 3, piece }, 0)).toBeUndefined();
    expect(reassembly.add({ messageId: 1, index: 1, count: 3, piece }, 0)).toBeUndefined();
    expect(reassembly.add({ messageId: 1, index: 2, count: 3, piece: new Uint8Array(1) }, 0)).toBeUndefined();
  });

  test('faults #102 is forgotten for a fifth one, or after 5 s', () => {
    const reassembly = new Reassembly();
    const half = (messageId: number, index: number, now: number) =>
      reassembly.add({ messageId, index, count: 2, piece: Uint8Array.of(index) }, now);
    for (let id = 1; id <= 5; id++) half(id, 0, 0);
    expect(half(1, 1, 0)).toBeUndefined();
    expect(half(5, 1, 0)).toEqual(Uint8Array.of(0, 1));
    half(6, 0, 0);
    expect(half(6, 1, 5001)).toBeUndefined();
  });

  test('faults #100 of which two pieces disagree about the count is never whole', () => {
    const reassembly = new Reassembly();
    reassembly.add({ messageId: 1, index: 0, count: 2, piece: Uint8Array.of(1) }, 0);
    expect(reassembly.add({ messageId: 1, index: 1, count: 3, piece: Uint8Array.of(2) }, 0)).toBeUndefined();
    expect(reassembly.add({ messageId: 1, index: 1, count: 2, piece: Uint8Array.of(2) }, 0)).toEqual(
      Uint8Array.of(1, 2),
    );
  });
});

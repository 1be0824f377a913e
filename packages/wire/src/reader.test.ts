import { toHex } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Reader, Writer } from './reader.ts';

describe('a reader', () => {
  test('reads big-endian numbers of 1, 2, 4, 6 and 8 bytes', () => {
    const r = new Reader(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 6, 7));
    expect([r.u8(), r.u16(), r.u32(), r.u48(), r.u64()]).toEqual([
      0x01, 0x0203, 0x04050607, 0x08090a0b0c0d, 0x01020304050607,
    ]);
    expect([r.left, r.failed]).toEqual([0, false]);
  });

  test('refuses numbers of 8 bytes that a number cannot hold', () => {
    const of = (...bytes: number[]) => new Reader(Uint8Array.from(bytes));
    const most = of(0, 0x1f, 255, 255, 255, 255, 255, 255);
    expect([most.u64(), most.failed]).toEqual([Number.MAX_SAFE_INTEGER, false]);
    const above = of(0, 0x20, 0, 0, 0, 0, 0, 0);
    above.u64();
    expect(above.failed).toBe(true);
  });

  test('gives zeros and nothing after the first missing byte', () => {
    const asks = [
      (r: Reader) => r.u16(),
      (r: Reader) => r.u64(),
      (r: Reader) => r.take(9),
      (r: Reader) => r.take(r.u8()),
    ];
    for (const ask of asks) {
      const r = new Reader(Uint8Array.of(7).subarray(0, 1));
      ask(r);
      expect([r.failed, r.left, r.u8(), r.take(1).length, r.rest().length]).toEqual([true, 0, 0, 0, 0]);
    }
  });

  test('gives copies, so that a kept field does not keep its datagram', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const taken = new Reader(bytes).take(2);
    bytes.fill(9);
    expect([...taken]).toEqual([1, 2]);
    expect(taken.buffer.byteLength).toBe(2);
  });

  test('refuses a sized string above its bound, however much is there', () => {
    const bytes = new Writer().sized(new Uint8Array(5)).done();
    const within = new Reader(bytes);
    expect([within.sized(5).length, within.failed]).toEqual([5, false]);
    const above = new Reader(bytes);
    expect([above.sized(4).length, above.failed]).toEqual([0, true]);
  });

  test('of random bytes never throws, whatever is asked of it', () => {
    const ask = fc.constantFrom<(r: Reader) => unknown>(
      r => r.u8(),
      r => r.u48(),
      r => r.u64(),
      r => r.take(5),
      r => r.sized(4),
      r => r.rest(),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(ask, { maxLength: 12 }), (bytes, asks) => {
        const r = new Reader(bytes);
        for (const each of asks) each(r);
        expect(r.left).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('a writer', () => {
  test('grows from any size, even from none', () => {
    for (const expected of [0, 1, 3, 100]) {
      const bytes = new Writer(expected).u8(1).u32(0x02030405).put(Uint8Array.of(6, 7)).zeros(2).u16(0x0809).done();
      expect(toHex(bytes)).toBe('010203040506070000' + '0809');
    }
  });

  test('writes numbers that a reader reads', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(0xffff), fc.nat(0xffffffff), fc.maxSafeNat(), (a, b, c, d) => {
        const u48 = d % 2 ** 48;
        const r = new Reader(new Writer(0).u8(a).u16(b).u32(c).u48(u48).u64(d).done());
        expect([r.u8(), r.u16(), r.u32(), r.u48(), r.u64(), r.left]).toEqual([a, b, c, u48, d, 0]);
      }),
    );
  });
});

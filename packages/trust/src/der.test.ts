import { fromHex, toHex } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DerReader, encodeDer, encodeTime, Tag } from './der.ts';

describe('an element', () => {
  test.each([0, 1, 127, 128, 255, 256, 588, 65_535])('of %i bytes is written as it is read', length => {
    const content = new Uint8Array(length).fill(7);
    const element = encodeDer(Tag.octetString, content);
    const reader = new DerReader(element);
    expect(reader.content(Tag.octetString)).toEqual(content);
    expect([reader.failed, reader.isEmpty]).toEqual([false, true]);
    expect(new DerReader(element).element(Tag.octetString)).toEqual(element);
  });

  test.each([
    ['an indefinite length', '0480'],
    ['a long form for a short length', `04817f${'00'.repeat(127)}`],
    ['two length bytes where one does', `048200ff${'00'.repeat(255)}`],
    ['three length bytes', `0483000001${'00'}`],
    ['a reserved length byte', '04ff'],
    ['less than its length', '0403 0102'.replace(' ', '')],
    ['no length', '04'],
    ['half a length', '0481'],
    ['another tag', '0500'],
    ['nothing', ''],
  ])('with %s fails', (_, text) => {
    const reader = new DerReader(hex(text));
    expect(reader.content(Tag.octetString).length).toBe(0);
    expect([reader.failed, reader.isEmpty]).toEqual([true, true]);
    expect(new DerReader(hex(text)).element(Tag.octetString).length).toBe(0);
  });

  test('that is not used up by who reads inside it fails', () => {
    const reader = new DerReader(hex('3006020101020102'));
    expect(toHex(reader.inside(Tag.sequence, inner => inner.unsigned()))).toBe('01');
    expect(reader.failed).toBe(true);
  });
});

test.each([
  ['00', '00'],
  ['7f', '7f'],
  ['0080', '0080'],
  ['', undefined],
  ['80', undefined],
  ['ff', undefined],
  ['007f', undefined],
  ['0000', undefined],
])('the integer %s is read as %s', (content, expected) => {
  const reader = new DerReader(encodeDer(Tag.integer, hex(content)));
  const read = reader.unsigned();
  expect(reader.failed ? undefined : toHex(read)).toBe(expected);
});

test.each([
  ['0101ff', true],
  ['010100', false],
  ['010101', undefined],
  ['0100', undefined],
  ['0102ffff', undefined],
])('the boolean %s is read as %s', (element, expected) => {
  const reader = new DerReader(hex(element));
  const read = reader.boolean();
  expect(reader.failed ? undefined : read).toBe(expected);
});

describe('a time', () => {
  test('of any second from 1950 to 9999 is read as it was written', () => {
    const [first, last] = [Date.UTC(1950, 0, 1) / 1_000, Date.UTC(9999, 11, 31, 23, 59, 59) / 1_000];
    fc.assert(
      fc.property(fc.integer({ min: first, max: last }), second => {
        const reader = new DerReader(encodeTime(second * 1_000));
        expect(reader.time()).toBe(second * 1_000);
        expect([reader.failed, reader.isEmpty]).toEqual([false, true]);
      }),
    );
  });

  test('is a UTCTime up to 2049 and a GeneralizedTime from 2050', () => {
    expect(toHex(encodeTime(Date.UTC(2049, 11, 31, 23, 59, 59)))).toBe(`170d${ascii('491231235959Z')}`);
    expect(toHex(encodeTime(Date.UTC(2050, 0, 1)))).toBe(`180f${ascii('20500101000000Z')}`);
  });

  test.each([
    [Tag.utcTime, '260230000000Z'],
    [Tag.utcTime, '261301000000Z'],
    [Tag.utcTime, '260701240000Z'],
    [Tag.utcTime, '260701236000Z'],
    [Tag.utcTime, '260701235960Z'],
    [Tag.utcTime, '2607012359Z'],
    [Tag.utcTime, '260701235959'],
    [Tag.utcTime, '260701235959+0100'],
    [Tag.utcTime, '20260701235959Z'],
    [Tag.generalizedTime, '20260701235959Z'],
    [Tag.generalizedTime, '20500701235959.5Z'],
    [Tag.generalizedTime, '00000000000000Z'],
    [Tag.utcTime, ''],
  ])('of tag %i and text "%s" fails', (tag, text) => {
    const reader = new DerReader(encodeDer(tag, hex(ascii(text))));
    expect(reader.time()).toBe(0);
    expect(reader.failed).toBe(true);
  });
});

test('no bytes make the reader throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
      for (const read of [
        (r: DerReader) => r.time(),
        (r: DerReader) => r.unsigned(),
        (r: DerReader) => r.boolean(),
        (r: DerReader) => r.bitString(),
        (r: DerReader) => r.element(bytes[0] ?? 0),
        (r: DerReader) => r.inside(bytes[0] ?? 0, inner => inner.content(inner.isNext(2) ? 2 : 4)),
      ]) {
        read(new DerReader(bytes));
      }
    }),
  );
});

function hex(text: string): Uint8Array {
  return fromHex(text) as Uint8Array;
}

function ascii(text: string): string {
  return toHex(Uint8Array.from(text, character => character.charCodeAt(0)));
}

/** Bytes against what Node has: Buffer, TextEncoder and TextDecoder. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  compareBytes,
  concat,
  fromBase64Url,
  fromHex,
  fromUtf8,
  sameBytes,
  sameSecret,
  toBase64Url,
  toHex,
  utf8,
} from './bytes.ts';

const some = fc.uint8Array({ maxLength: 40 });
/** Pairs that are often the same, or the same in part. */
const pairs = fc.oneof(
  fc.tuple(some, some),
  some.map(bytes => [bytes, bytes.slice()] as const),
  fc.tuple(some, fc.nat()).map(([bytes, at]) => [bytes, bytes.slice(0, at % (bytes.length + 1))] as const),
  fc.tuple(some, fc.nat(), fc.nat(255)).map(([bytes, at, to]) => {
    const other = bytes.slice();
    if (other.length > 0) other[at % other.length] = to;
    return [bytes, other] as const;
  }),
);

describe('joining and comparing', () => {
  test('concat joins as Buffer does', () => {
    holds(fc.array(some), parts => expect(concat(...parts)).toEqual(new Uint8Array(Buffer.concat(parts))));
  });

  test('concat gives a copy even of a single part', () => {
    const part = Uint8Array.of(1, 2);
    const joined = concat(part);
    part.fill(9);
    expect([...joined]).toEqual([1, 2]);
  });

  test('compareBytes orders as Buffer does', () => {
    holds(pairs, ([a, b]) => expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b)));
  });

  test('sameBytes and sameSecret say what Buffer says', () => {
    holds(pairs, ([a, b]) => {
      const same = Buffer.compare(a, b) === 0;
      expect([sameBytes(a, b), sameSecret(a, b)]).toEqual([same, same]);
    });
  });

  test('a secret differs in any one bit, at any place', () => {
    const secret = new Uint8Array(32).fill(0x5a);
    for (let bit = 0; bit < 256; bit++) {
      const other = secret.slice();
      other[bit >> 3] = 0x5a ^ (1 << (bit & 7));
      expect(sameSecret(secret, other)).toBe(false);
    }
  });
});

describe('hexadecimal', () => {
  test('is what Buffer prints, and is read in either case', () => {
    holds(some, bytes => {
      expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
      expect(fromHex(toHex(bytes))).toEqual(bytes);
      expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
    });
  });

  test('is refused with half a byte or any other character', () => {
    for (const text of ['0', '000', '0g', 'xx', ' 00', '00 ', '00\n', '0x00', '+1', '٠٠'])
      expect(fromHex(text)).toBeUndefined();
  });
});

describe('base64url', () => {
  test('is what Buffer prints, without padding', () => {
    holds(some, bytes => {
      expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
    });
  });

  test('is read only as it would be printed', () => {
    const letters = fc.constantFrom(...'AQgw-_09zZ=+/ ');
    holds(fc.string({ unit: letters, maxLength: 12 }), text => {
      const bytes = fromBase64Url(text);
      const buffer = Buffer.from(text, 'base64url');
      if (buffer.toString('base64url') === text) expect(bytes).toEqual(new Uint8Array(buffer));
      else expect(bytes).toBeUndefined();
    });
  });

  test('is refused with spare bits, a lone character, padding or another alphabet', () => {
    for (const text of ['AB', 'AAB', 'A', 'AAAAA', 'AA==', 'A+AA', 'A/AA', 'AA A', 'AA\n', '😀😀'])
      expect(fromBase64Url(text)).toBeUndefined();
  });
});

describe('UTF-8', () => {
  test('is encoded as TextEncoder does, halves of surrogate pairs included', () => {
    const half = fc.integer({ min: 0xd800, max: 0xdfff }).map(code => String.fromCharCode(code));
    const text = fc.array(fc.oneof(fc.string({ unit: 'binary' }), half)).map(parts => parts.join(''));
    holds(text, each => expect(utf8(each)).toEqual(new TextEncoder().encode(each)));
  });

  test('is decoded as a strict TextDecoder does', () => {
    const edge = fc.constantFrom(
      ...[0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf],
      ...[0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
    );
    const bytes = fc.oneof(
      some,
      fc.array(edge, { maxLength: 6 }).map(codes => Uint8Array.from(codes)),
      fc.string({ unit: 'binary' }).map(text => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(bytes, each => void expect(fromUtf8(each)).toBe(strict(each))),
      { numRuns: 2000 },
    );
  });

  test('is decoded as a strict TextDecoder does for every sequence of two bytes', () => {
    for (let word = 0; word < 0x10000; word++) {
      const bytes = Uint8Array.of(word >> 8, word & 255);
      if (fromUtf8(bytes) !== strict(bytes)) expect.fail(`${toHex(bytes)} is read otherwise`);
    }
  });

  test('is refused when overlong, torn, beyond U+10FFFF or half a surrogate pair', () => {
    const wrong = [
      'c080',
      'c1bf',
      'e09fbf',
      'f08fbfbf',
      'c3',
      'e282',
      'f09f98',
      'f4908080',
      'f5808080',
      'eda080',
      'edbfbf',
    ];
    for (const hex of wrong) expect(fromUtf8(fromHex(hex) as Uint8Array)).toBeUndefined();
  });

  test('keeps a byte order mark, which is a character like others', () => {
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41))).toBe('\ufeffA');
  });
});

function strict(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function holds<T>(inputs: fc.Arbitrary<T>, check: (input: T) => void): void {
  const property = fc.property(inputs, input => {
    check(input);
  });
  fc.assert(property, { numRuns: 300 });
}

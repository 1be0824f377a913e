/** The law suite against broken codecs: each breaks exactly the law that it should. */
import { fromUtf8, utf8 } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lawsOf, type TwoWay } from './codec-laws.ts';

/** A length byte (0-15), then so many bytes. */
type Blob = { readonly data: Uint8Array };

const sound: TwoWay<Blob> = {
  name: 'decodeBlob',
  encode: ({ data }) => Uint8Array.of(data.length, ...data),
  decode: bytes => {
    const [length] = bytes;
    if (length === undefined || length > 15 || length >= bytes.length) return undefined;
    return { data: bytes.slice(1, 1 + length) };
  },
  values: fc.record({ data: fc.uint8Array({ maxLength: 15 }) }),
  golden: [{ value: { data: Uint8Array.of(1, 2) }, hex: '02 0102' }],
  impossible: [{ why: 'a length above 15', hex: '1000000000000000000000000000000000' }],
  tail: 'ignored',
};
const decode = sound.decode;

function broken(codec: TwoWay<Blob>): string[] {
  const failing = lawsOf(codec).filter(law => {
    try {
      law.check();
      return false;
    } catch {
      return true;
    }
  });
  return failing.map(law => law.title);
}

describe('the law suite', () => {
  test('lets a sound codec pass', () => expect(broken(sound)).toEqual([]));

  test('catches a decoder that throws', () => {
    const codec = { ...sound, decode: (bytes: Uint8Array) => (bytes.length > 40 ? fail() : decode(bytes)) };
    expect(broken(codec)).toContain('never throws on random bytes');
  });

  test('catches a decoder that accepts a cut message', () => {
    const lax = (bytes: Uint8Array): Blob | undefined =>
      bytes.length === 0 || Number(bytes[0]) > 15 ? undefined : { data: bytes.slice(1, 1 + Number(bytes[0])) };
    expect(broken({ ...sound, decode: lax })).toContain('refuses every truncation');
  });

  test('catches a decoder that accepts impossible values', () => {
    const lax = (bytes: Uint8Array): Blob | undefined =>
      Number(bytes[0]) < bytes.length ? { data: bytes.slice(1, 1 + Number(bytes[0])) } : undefined;
    expect(broken({ ...sound, decode: lax })).toContain('refuses a length above 15');
  });

  test('catches an encoder that loses what it was given', () => {
    const codec = { ...sound, encode: ({ data }: Blob) => sound.encode({ data: data.map(byte => byte & 0x7f) }) };
    expect(broken(codec)).toContain('decodes what it encodes');
  });

  test('catches bytes that differ from the golden ones', () => {
    const codec: TwoWay<Blob> = { ...sound, golden: [{ value: { data: Uint8Array.of(1, 3) }, hex: '02 0102' }] };
    expect(broken(codec)).toEqual(['decodes golden 1', 'encodes golden 1']);
  });

  test('catches a decoder that reads from the start of the buffer behind a view', () => {
    const codec = { ...sound, decode: (bytes: Uint8Array) => decode(new Uint8Array(bytes.buffer, 0, bytes.length)) };
    expect(broken(codec)).toContain('reads at any offset of a buffer and leaves it alone');
  });

  test('catches a decoder that writes into its input', () => {
    const codec = { ...sound, decode: (bytes: Uint8Array) => decode(bytes.fill(9, 0, 1)) };
    expect(broken(codec)).toContain('reads at any offset of a buffer and leaves it alone');
  });

  test('catches a message whose tail is treated otherwise than declared', () => {
    expect(broken({ ...sound, tail: 'refused' })).toEqual(['what follows a message is refused']);
  });

  test('catches a decoded value that does not encode to the same again', () => {
    const text: TwoWay<{ text: string }> = {
      name: 'decodeText',
      encode: ({ text }) => utf8(text.normalize('NFC').toLowerCase()),
      decode: bytes => {
        const text = fromUtf8(bytes);
        return text === undefined || text === '' ? undefined : { text };
      },
      values: fc.constant({ text: 'a' }),
      golden: [{ value: { text: 'a' }, hex: '61' }],
      impossible: [{ why: 'no UTF-8', hex: 'ff' }],
      tail: { openFrom: 1 },
    };
    const law = lawsOf(text).find(({ title }) => title === 'encodes what it decodes to the same again');
    expect(() => law?.check()).toThrow();
  });
});

function fail(): never {
  throw new Error('thrown on purpose');
}

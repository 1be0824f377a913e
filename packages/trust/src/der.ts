/**
 * As much of DER (ITU-T X.690, chapters 8, 10 and 11) as our certificates
 * need, and nothing lenient: definite minimal lengths, minimal integers, one
 * encoding for each time. Not a general ASN.1 library. Never throws: as with
 * `Reader` in `wire`, after the first flaw the reader is `failed`, what it
 * returns is worthless, and the caller looks once, at the end.
 */
import { concat, sameBytes, utf8 } from '@warren/base';
import { civilTimeOf, unixMsOf } from './calendar.ts';

/** First byte of an element: class, constructed bit and number. */
export const Tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** uniformResourceIdentifier of GeneralName. */
  uri: 0x86,
  explicit0: 0xa0,
  explicit3: 0xa3,
} as const;

const NOTHING = new Uint8Array(0);

/** Reads elements from front to back. Returned arrays are views of the input. */
export class DerReader {
  private readonly bytes: Uint8Array;
  private at = 0;
  /** Whether anything was not as expected. */
  failed = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Whether nothing is left. A failed reader is empty, so that loops end. */
  get isEmpty(): boolean {
    return this.failed || this.at >= this.bytes.length;
  }

  /** Whether the next element has this tag. */
  isNext(tag: number): boolean {
    return !this.isEmpty && this.bytes[this.at] === tag;
  }

  fail(): void {
    this.failed = true;
  }

  /** The next element whole, with its tag and length. */
  element(tag: number): Uint8Array {
    const start = this.at;
    this.content(tag);
    return this.failed ? NOTHING : this.bytes.subarray(start, this.at);
  }

  /** What is inside the next element. */
  content(tag: number): Uint8Array {
    if (!this.isNext(tag)) this.fail();
    if (this.failed) return NOTHING;
    this.at++;
    const length = this.length();
    if (length > this.bytes.length - this.at) this.fail();
    if (this.failed) return NOTHING;
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** Reads inside the next element, which `read` must use up. */
  inside<T>(tag: number, read: (inner: DerReader) => T): T {
    const inner = new DerReader(this.content(tag));
    const result = read(inner);
    if (inner.failed || !inner.isEmpty) this.fail();
    return result;
  }

  /** A non-negative INTEGER as its minimal two's complement: the first byte is below 0x80. */
  unsigned(): Uint8Array {
    const bytes = this.content(Tag.integer);
    const [first = 0xff, second = 0xff] = bytes;
    if (first >= 0x80 || (first === 0 && bytes.length > 1 && second < 0x80)) this.fail();
    return bytes;
  }

  /** DER writes TRUE as 0xff only. */
  boolean(): boolean {
    const bytes = this.content(Tag.boolean);
    if (bytes.length !== 1 || (bytes[0] !== 0 && bytes[0] !== 0xff)) this.fail();
    return bytes[0] === 0xff;
  }

  /** The bytes of a BIT STRING that is whole bytes. */
  bitString(): Uint8Array {
    const bytes = this.content(Tag.bitString);
    if (bytes[0] !== 0) this.fail();
    return bytes.subarray(1);
  }

  /** A Time (RFC 5280 section 4.1.2.5) in Unix milliseconds: UTCTime to 2049, GeneralizedTime from 2050. */
  time(): number {
    const tag = this.isNext(Tag.generalizedTime) ? Tag.generalizedTime : Tag.utcTime;
    const element = this.element(tag);
    const text = String.fromCharCode(...element.subarray(2));
    const [, year = '', ...rest] = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
    const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number);
    const fullYear = year.length === 4 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
    const unixMs = unixMsOf({ year: fullYear, month, day, hour, minute, second });
    // Writing it again refuses the wrong one of the two forms.
    if (rest.length !== 5 || unixMs === undefined || !sameBytes(encodeTime(unixMs), element)) this.fail();
    return this.failed ? 0 : (unixMs ?? 0);
  }

  /** A definite length in the fewest bytes; at most 65,535. */
  private length(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    if (first === 0x81) {
      const length = this.byte();
      if (length < 0x80) this.fail();
      return length;
    }
    const length = this.byte() * 256 + this.byte();
    if (first !== 0x82 || length < 0x100) this.fail();
    return length;
  }

  private byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) this.fail();
    return byte ?? 0;
  }
}

/** One element around its contents, at most 65,535 bytes. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concat(...contents);
  const { length } = content;
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.of(tag, ...head), content);
}

/** A Time of whole seconds, in the form that RFC 5280 demands for its year. Years 1950 to 9999. */
export function encodeTime(unixMs: number): Uint8Array {
  const { year, month, day, hour, minute, second } = civilTimeOf(unixMs);
  const digits = [month, day, hour, minute, second].map(part => String(part).padStart(2, '0')).join('');
  const isUtc = year >= 1950 && year < 2050;
  const text = `${isUtc ? String(year % 100).padStart(2, '0') : year}${digits}Z`;
  return encodeDer(isUtc ? Tag.utcTime : Tag.generalizedTime, utf8(text));
}

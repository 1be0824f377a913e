/**
 * The laws that every codec obeys, declared once for each in a file `<codec>.laws.test.ts` beside it that holds
 * nothing but calls of `codecLaws`: golden bytes, round trip, every truncation refused, impossible values refused,
 * nothing throws on hostile bytes, and what is decoded from them encodes to the same again.
 * Not here: what the values mean. `all-decoders.test.ts` checks that no exported decoder lacks these laws.
 */
import { fromHex, toHex } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** Random inputs for each property; `WARREN_LAW_RUNS` raises it, e.g. to a million for a fuzz run. */
const RUNS = Number(process.env.WARREN_LAW_RUNS ?? 200);

/** Any bytes, long ones as often as short ones. */
const RANDOM_BYTES = fc.uint8Array({ maxLength: 256, size: 'max' });

/** A value and its exact bytes, as hexadecimal; blanks are allowed between fields. */
export interface Golden<T> {
  readonly value: T;
  readonly hex: string;
}

/** Bytes that no honest sender makes, and why, as the end of the sentence "refuses ...". */
export interface Impossible {
  readonly why: string;
  readonly hex: string;
}

/**
 * What follows a message. `ignored`: bytes after it change nothing. `refused`: bytes after it make it impossible.
 * `openFrom`: its last field is all that is left, so that cuts at or beyond that length may be shorter messages.
 */
export type Tail = 'ignored' | 'refused' | { readonly openFrom: number };

interface Decoding<T> {
  /** The exported name, e.g. `decodeArp`. */
  readonly name: string;
  readonly decode: (bytes: Uint8Array) => T | undefined;
  /** The exported function, where `decode` wraps it because it takes more arguments. */
  readonly exported?: unknown;
  readonly golden: readonly [Golden<T>, ...Golden<T>[]];
  readonly impossible: readonly [Impossible, ...Impossible[]];
  readonly tail: Tail;
}

/** A codec with both directions. */
export interface TwoWay<T> extends Decoding<T> {
  readonly encode: (value: T) => Uint8Array;
  /** All values that the codec can carry. */
  readonly values: fc.Arbitrary<T>;
}

/** A decoder of what we never encode. */
export interface OneWay<T> extends Decoding<T> {
  readonly whyOneWay: string;
}

export type CodecLaws<T> = TwoWay<T> | OneWay<T>;

/** One law as a sentence; `check` throws when the codec breaks it. */
export interface Law {
  readonly title: string;
  readonly check: () => void;
}

let collected: CodecLaws<unknown>[] | undefined;

/** Declares the tests of one codec. */
export function codecLaws<T>(laws: CodecLaws<T>): void {
  if (collected !== undefined) {
    collected.push(laws as CodecLaws<unknown>);
    return;
  }
  describe(`laws of ${laws.name}`, () => {
    for (const law of lawsOf(laws)) test(law.title, law.check);
  });
}

/** Runs `load`, which imports law files, without declaring tests; gives the codecs in them. */
export async function collectCodecs(load: () => Promise<void>): Promise<readonly CodecLaws<unknown>[]> {
  const codecs: CodecLaws<unknown>[] = [];
  collected = codecs;
  try {
    await load();
  } finally {
    collected = undefined;
  }
  return codecs;
}

/** As `collectCodecs`; gives the exported decoders. */
export async function collectLaws(load: () => Promise<void>): Promise<ReadonlySet<unknown>> {
  return new Set((await collectCodecs(load)).map(laws => laws.exported ?? laws.decode));
}

/** The laws as functions, so that the suite itself can be tested against broken codecs. */
export function lawsOf<T>(laws: CodecLaws<T>): Law[] {
  const both: Law[] = [
    ...laws.golden.map((golden, i) => ({ title: `decodes golden ${i + 1}`, check: () => decodesGolden(laws, golden) })),
    { title: 'refuses every truncation', check: () => refusesTruncations(laws) },
    ...laws.impossible.map(impossible => ({
      title: `refuses ${impossible.why}`,
      check: () => expect(laws.decode(bytesOf(impossible.hex))).toBeUndefined(),
    })),
    { title: `what follows a message is ${tailName(laws.tail)}`, check: () => treatsTail(laws) },
    { title: 'reads at any offset of a buffer and leaves it alone', check: () => readsInPlace(laws) },
    { title: 'never throws on random bytes', check: () => survives(laws, RANDOM_BYTES) },
    { title: 'never throws on damaged messages', check: () => survives(laws, damaged(seeds(laws))) },
  ];
  return 'encode' in laws ? [...both, ...twoWayLaws(laws)] : both;
}

function twoWayLaws<T>(laws: TwoWay<T>): Law[] {
  const { encode, decode, values } = laws;
  const agrees = (bytes: Uint8Array): void => {
    const value = decode(bytes);
    if (value !== undefined) expect(decode(encode(value))).toEqual(value);
  };
  return [
    ...laws.golden.map((golden, i) => ({
      title: `encodes golden ${i + 1}`,
      check: () => expect(toHex(encode(golden.value))).toBe(toHex(bytesOf(golden.hex))),
    })),
    {
      title: 'decodes what it encodes',
      check: () => holds(values, value => expect(decode(encode(value))).toEqual(value)),
    },
    {
      title: 'encodes what it decodes to the same again',
      check: () => {
        holds(RANDOM_BYTES, agrees);
        holds(damaged(seeds(laws)), agrees);
      },
    },
  ];
}

function decodesGolden<T>(laws: CodecLaws<T>, golden: Golden<T>): void {
  expect(laws.decode(bytesOf(golden.hex))).toEqual(golden.value);
}

function refusesTruncations<T>(laws: CodecLaws<T>): void {
  const cut = (bytes: Uint8Array, length: number): void => {
    const value = laws.decode(bytes.slice(0, length));
    const open = typeof laws.tail === 'object' && length >= laws.tail.openFrom;
    if (open && value !== undefined) return;
    expect(value, `cut to ${length} of ${bytes.length} bytes`).toBeUndefined();
  };
  for (const { hex } of laws.golden) {
    const bytes = bytesOf(hex);
    for (let length = 0; length < bytes.length; length++) cut(bytes, length);
  }
  holds(fc.tuple(seeds(laws), fc.nat()), ([bytes, at]) => {
    if (bytes.length > 0) cut(bytes, at % bytes.length);
  });
}

function treatsTail<T>(laws: CodecLaws<T>): void {
  const more = fc.uint8Array({ minLength: 1, maxLength: 16 });
  holds(fc.tuple(seeds(laws), more), ([bytes, extra]) => {
    const value = laws.decode(Uint8Array.of(...bytes, ...extra));
    if (laws.tail === 'ignored') expect(value).toEqual(laws.decode(bytes));
    if (laws.tail === 'refused') expect(value).toBeUndefined();
  });
}

function readsInPlace<T>(laws: CodecLaws<T>): void {
  holds(fc.tuple(damaged(seeds(laws)), fc.integer({ min: 1, max: 9 })), ([bytes, offset]) => {
    const buffer = new Uint8Array(offset + bytes.length + 9).fill(0xa5);
    buffer.set(bytes, offset);
    const before = toHex(buffer);
    expect(laws.decode(buffer.subarray(offset, offset + bytes.length))).toEqual(laws.decode(bytes));
    expect(toHex(buffer)).toBe(before);
  });
}

function survives<T>(laws: CodecLaws<T>, inputs: fc.Arbitrary<Uint8Array>): void {
  holds(inputs, bytes => laws.decode(bytes));
}

/** Valid messages: the golden ones, and the encodings of random values where there is an encoder. */
function seeds<T>(laws: CodecLaws<T>): fc.Arbitrary<Uint8Array> {
  const golden = fc.constantFrom(...laws.golden.map(({ hex }) => bytesOf(hex)));
  return 'encode' in laws ? fc.oneof(golden, laws.values.map(laws.encode)) : golden;
}

/** Valid messages with up to four bytes changed, then cut or lengthened. */
function damaged(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ at: fc.nat(), to: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)) });
  const ends = fc.oneof(fc.constant(0), fc.integer({ min: -8, max: 8 }));
  return fc.tuple(valid, fc.array(change, { maxLength: 4 }), ends).map(([bytes, changes, end]) => {
    const result = new Uint8Array(Math.max(0, bytes.length + end));
    result.set(bytes.subarray(0, result.length));
    for (const { at, to } of changes) if (result.length > 0) result[at % result.length] = to;
    return result;
  });
}

/** Runs `check` on random inputs; a property holds when nothing is thrown. */
function holds<T>(inputs: fc.Arbitrary<T>, check: (input: T) => void): void {
  const property = fc.property(inputs, input => {
    check(input);
  });
  fc.assert(property, { numRuns: RUNS });
}

function tailName(tail: Tail): string {
  return typeof tail === 'string' ? tail : 'part of it';
}

function bytesOf(hex: string): Uint8Array {
  const bytes = fromHex(hex.replace(/\s+/g, ''));
  if (bytes === undefined) throw new Error(`not hexadecimal: ${hex}`);
  return bytes;
}

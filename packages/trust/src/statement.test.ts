import { toHex } from '@warren/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeStatement,
  encodeStatement,
  STATEMENT_LIFETIME_MAX_MS,
  statementText,
  type WorkingStatement,
} from './statement.ts';

const STATEMENT: WorkingStatement = {
  workingKey: new Uint8Array(32).fill(0xaa),
  notBefore: 0x0102030405,
  notAfter: 0x0102030405 + 0x10,
  algorithm: 'p256',
  signature: new Uint8Array(64).fill(0xbb),
};

describe('a working statement', () => {
  test('has its fields where the drawing says', () => {
    expect(toHex(encodeStatement(STATEMENT))).toBe(
      `${'aa'.repeat(32)}00000001020304050000000102030415` + `02${'bb'.repeat(64)}`,
    );
    const text = statementText(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2), STATEMENT);
    expect(toHex(text)).toBe(
      `77617272656e2d776f726b696e672f31${'01'.repeat(32)}${'02'.repeat(32)}${'aa'.repeat(32)}` +
        '00000001020304050000000102030415',
    );
  });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.nat(2 ** 48),
        fc.integer({ min: 1, max: STATEMENT_LIFETIME_MAX_MS }),
        fc.constantFrom('ed25519' as const, 'p256' as const),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        (workingKey, notBefore, lifetimeMs, algorithm, signature) => {
          const statement = { workingKey, notBefore, notAfter: notBefore + lifetimeMs, algorithm, signature };
          expect(decodeStatement(encodeStatement(statement))).toEqual(statement);
        },
      ),
    );
  });

  test('of any other length is refused', () => {
    const bytes = encodeStatement(STATEMENT);
    for (let length = 0; length < bytes.length; length++)
      expect(decodeStatement(bytes.subarray(0, length))).toBeUndefined();
    expect(decodeStatement(Uint8Array.of(...bytes, 0))).toBeUndefined();
  });

  test.each([
    ['no algorithm', 48, 0],
    ['an unknown algorithm', 48, 3],
    ['a time beyond 2^53', 33, 0xff],
    ['an end far behind its beginning', 41, 1],
    ['an end before its beginning', 43, 0],
  ])('with %s is refused', (_, at, byte) => {
    const bytes = encodeStatement(STATEMENT);
    expect(bytes[at]).not.toBe(byte);
    bytes[at] = byte;
    expect(decodeStatement(bytes)).toBeUndefined();
  });

  test('may be good for 12 hours and not a millisecond more', () => {
    const { notBefore } = STATEMENT;
    const of = (lifetimeMs: number) =>
      decodeStatement(encodeStatement({ ...STATEMENT, notAfter: notBefore + lifetimeMs }));
    expect(of(STATEMENT_LIFETIME_MAX_MS)).toBeDefined();
    expect(of(STATEMENT_LIFETIME_MAX_MS + 1)).toBeUndefined();
    expect(of(0)).toBeUndefined();
  });
});

/** Laws of the working statement. */
import fc from 'fast-check';
import { codecLaws } from '../../../test/laws/codec-laws.ts';
import { decodeStatement, encodeStatement, STATEMENT_LIFETIME_MAX_MS, type WorkingStatement } from './statement.ts';

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const KEY = '0a'.repeat(32);
const SIGNATURE = '0b'.repeat(64);

codecLaws<WorkingStatement>({
  name: 'decodeStatement',
  decode: decodeStatement,
  encode: encodeStatement,
  values: fc
    .record({
      workingKey: exactly(32),
      notBefore: fc.nat(2 ** 48),
      lifetimeMs: fc.integer({ min: 1, max: STATEMENT_LIFETIME_MAX_MS }),
      algorithm: fc.constantFrom('ed25519' as const, 'p256' as const),
      signature: exactly(64),
    })
    .map(({ lifetimeMs, ...rest }) => ({ ...rest, notAfter: rest.notBefore + lifetimeMs })),
  golden: [
    {
      value: {
        workingKey: new Uint8Array(32).fill(0x0a),
        notBefore: 0x0198_7654_3210,
        notAfter: 0x0198_7654_3211,
        algorithm: 'ed25519',
        signature: new Uint8Array(64).fill(0x0b),
      },
      hex: `${KEY} 0000019876543210 0000019876543211 01 ${SIGNATURE}`,
    },
    {
      // 12 h are 43,200,000 ms = 0x02932e00.
      value: {
        workingKey: new Uint8Array(32).fill(0x0a),
        notBefore: 0x0100_0000_0000,
        notAfter: 0x0100_0293_2e00,
        algorithm: 'p256',
        signature: new Uint8Array(64).fill(0x0b),
      },
      hex: `${KEY} 0000010000000000 0000010002932e00 02 ${SIGNATURE}`,
    },
  ],
  impossible: [
    { why: 'a life of 12 h and a millisecond', hex: `${KEY} 0000010000000000 0000010002932e01 02 ${SIGNATURE}` },
    { why: 'an end that is its beginning', hex: `${KEY} 0000010000000000 0000010000000000 02 ${SIGNATURE}` },
    { why: 'an end before its beginning', hex: `${KEY} 0000010000000001 0000010000000000 02 ${SIGNATURE}` },
    { why: 'dates beyond 2^53', hex: `${KEY} 0020000000000000 0020000000000001 02 ${SIGNATURE}` },
    { why: 'no algorithm', hex: `${KEY} 0000010000000000 0000010000000001 00 ${SIGNATURE}` },
    { why: 'an unknown algorithm', hex: `${KEY} 0000010000000000 0000010000000001 03 ${SIGNATURE}` },
  ],
  tail: 'refused',
});

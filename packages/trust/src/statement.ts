/**
 * The working statement: the identity key says which Noise static key and
 * which signing key a process uses, for at most 12 hours (decisions.md, "Keys
 * and signing"). It travels in handshakes and with records.
 *
 * ```text
 * sent    working key 32 | not before 8 | not after 8 | algorithm 1 (1 Ed25519, 2 P-256) | signature 64   = 113
 * signed  "warren-working/1" | SHA-256(TBSCertificate) 32 | Noise static 32 | working key 32 | not before 8 | not after 8
 * ```
 */
import { type UnixMs, utf8 } from '@warren/base';
import { Reader, STATEMENT_BYTES, Writer } from '@warren/wire';
import { type KeyAlgorithm, SIGNATURE_BYTES } from './verify.ts';

/** What a statement binds, less what its reader knows already. */
export interface WorkingStatement {
  /** Ed25519 public key, 32 bytes. */
  readonly workingKey: Uint8Array;
  readonly notBefore: UnixMs;
  readonly notAfter: UnixMs;
  /** Of the identity key. */
  readonly algorithm: KeyAlgorithm;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** Longest life of a statement. */
export const STATEMENT_LIFETIME_MAX_MS = 12 * 3_600_000;

const LABEL = utf8('warren-working/1');
const ALGORITHMS: readonly KeyAlgorithm[] = ['ed25519', 'p256'];

/** What the identity key signs: 128 bytes. `tbsHash` and `noiseStatic` are 32 bytes each. */
export function statementText(
  tbsHash: Uint8Array,
  noiseStatic: Uint8Array,
  { workingKey, notBefore, notAfter }: Pick<WorkingStatement, 'workingKey' | 'notBefore' | 'notAfter'>,
): Uint8Array {
  return new Writer(128).put(LABEL).put(tbsHash).put(noiseStatic).put(workingKey).u64(notBefore).u64(notAfter).done();
}

/** 113 bytes. */
export function encodeStatement(m: WorkingStatement): Uint8Array {
  return new Writer(STATEMENT_BYTES)
    .put(m.workingKey)
    .u64(m.notBefore)
    .u64(m.notAfter)
    .u8(ALGORITHMS.indexOf(m.algorithm) + 1)
    .put(m.signature)
    .done();
}

/** Reads 113 bytes; `undefined` for any other length, an unknown algorithm, or dates that are not up to 12 h apart. */
export function decodeStatement(bytes: Uint8Array): WorkingStatement | undefined {
  if (bytes.length !== STATEMENT_BYTES) return undefined;
  const r = new Reader(bytes);
  const workingKey = r.take(32);
  const [notBefore, notAfter] = [r.u64(), r.u64()];
  const algorithm = ALGORITHMS[r.u8() - 1];
  const signature = r.take(SIGNATURE_BYTES);
  if (r.failed || algorithm === undefined) return undefined;
  const statement = { workingKey, notBefore, notAfter, algorithm, signature };
  return isWellFormed(statement) ? statement : undefined;
}

/** Whether sizes and dates are possible. */
export function isWellFormed({ workingKey, notBefore, notAfter, signature }: WorkingStatement): boolean {
  const lifetimeMs = notAfter - notBefore;
  const isDated = Number.isSafeInteger(notBefore) && Number.isSafeInteger(notAfter) && notBefore >= 0;
  return (
    isDated &&
    lifetimeMs > 0 &&
    lifetimeMs <= STATEMENT_LIFETIME_MAX_MS &&
    workingKey.length === 32 &&
    signature.length === SIGNATURE_BYTES
  );
}

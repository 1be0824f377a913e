/**
 * Making and checking signed records. A record is signed by a working key and
 * carries leaf and statement, so that any member can check it without asking
 * anybody (decisions.md "Keys and signing").
 */
import { concat, type Instant, type UnixMs, utf8, type WallClock } from '@warren/base';
import {
  type Authority,
  CLOCK_SKEW_MS,
  type Credentials,
  decodeStatement,
  encodeStatement,
  type Identity,
} from '@warren/trust';
import { type DhtRecord, RECORD_SIGNATURE_BYTES, type RecordKind, recordSignedBytes } from '@warren/wire';
import { obeysPolicy } from './policy.ts';

/** What making and checking records takes. */
export interface RecordContext {
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly wallClock: WallClock;
  /** Ed25519 by the working key; 64 bytes. */
  readonly sign: (secret: Uint8Array, message: Uint8Array) => Uint8Array;
}

/** A record whose signature, writer and dates were found good. */
export interface CheckedRecord {
  readonly record: DhtRecord;
  readonly writer: Identity;
  /** Unix ms. */
  readonly expiresAt: UnixMs;
}

/** Signs a value as our own record. */
export function makeRecord(
  context: RecordContext,
  o: { kind: RecordKind; key: Uint8Array; value: Uint8Array; lifetimeS: number; sequence: number },
  now: Instant,
): DhtRecord {
  const { credentials, wallClock, authority, sign } = context;
  const unsigned: DhtRecord = {
    isDeleted: false,
    index: 0,
    ...o,
    signedAt: wallClock.at(now),
    noiseStatic: credentials.keys.noise.public,
    leaf: credentials.leaf.der,
    statement: encodeStatement(credentials.statement),
    signature: new Uint8Array(RECORD_SIGNATURE_BYTES),
  };
  const text = signedText(authority, unsigned);
  return { ...unsigned, signature: sign(credentials.keys.signing.secret, text) };
}

/**
 * Checks a record: policy, dates, certificate, statement valid when it was
 * signed, signature. `undefined` for anything wrong; nothing is told apart.
 */
export function checkRecord(context: RecordContext, record: DhtRecord, now: Instant): CheckedRecord | undefined {
  const { authority, wallClock } = context;
  const today = wallClock.at(now);
  const expiresAt = record.signedAt + record.lifetimeS * 1000;
  if (record.signedAt > today + CLOCK_SKEW_MS || expiresAt <= today || !obeysPolicy(record)) return undefined;
  const statement = decodeStatement(record.statement);
  if (statement === undefined) return undefined;
  const checked = authority.check(record.leaf, statement, record.noiseStatic, record.signedAt);
  if (!checked.ok) return undefined;
  const key = { algorithm: 'ed25519', bytes: statement.workingKey } as const;
  if (!authority.verifier.verify(key, signedText(authority, record), record.signature)) return undefined;
  return { record, writer: checked.identity, expiresAt };
}

function signedText(authority: Authority, record: DhtRecord): Uint8Array {
  return concat(utf8('warren-record/1'), authority.networkKey, recordSignedBytes(record));
}

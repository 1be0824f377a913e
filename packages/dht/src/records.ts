/**
 * Making and checking signed records. A record is signed by a working key and
 * carries leaf and statement, so that any member can check it without asking
 * anybody (decisions.md "Keys and signing").
 *
 * Clocks of members may differ by five minutes: a record is believed for that
 * long beyond its end by our clock. How long it lives is counted from when it
 * came (`store.ts`), so that this makes no record live longer among holders.
 */
import { compareBytes, concat, type Instant, sameBytes, toHex, type UnixMs, utf8, type WallClock } from '@warren/base';
import {
  type Authority,
  CLOCK_SKEW_MS,
  type Credentials,
  decodeStatement,
  encodeStatement,
  type Identity,
} from '@warren/trust';
import { type DhtRecord, encodeRecord, RECORD_SIGNATURE_BYTES, type RecordKind, recordSignedBytes } from '@warren/wire';
import { nameOf, obeysPolicy, type Place } from './policy.ts';

/** Checked records that are remembered: some 6 MB. */
const REMEMBERED_MAX = 4096;

/** What making and checking records takes. */
export interface RecordContext {
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly wallClock: WallClock;
  /** Ed25519 by the working key; 64 bytes. */
  readonly sign: (secret: Uint8Array, message: Uint8Array) => Uint8Array;
  /** First 20 bytes of a hash: where on the ring a numbered key lies. */
  readonly place: Place;
}

/** A record whose signature, writer and dates were found good. */
export interface CheckedRecord {
  readonly record: DhtRecord;
  readonly writer: Identity;
  /** Unix ms by the writer's clock. */
  readonly expiresAt: UnixMs;
}

/** What a writer says of a value. */
export interface Value {
  readonly kind: RecordKind;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lifetimeS: number;
  /** 0 by default. */
  readonly index?: number;
}

/** Signs a value as our own record, or the end of one. */
export function makeRecord(
  context: Omit<RecordContext, 'place'>,
  o: Value & { readonly sequence: number; readonly isDeleted?: boolean },
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

/** Checks records, and knows those again that it has found good, byte for byte. */
export class RecordChecker {
  private readonly known = new Map<string, { readonly bytes: Uint8Array; readonly checked: CheckedRecord }>();

  /**
   * Checks a record: dates, certificate, statement valid when it was signed, policy,
   * signature. `undefined` for anything wrong; nothing is told apart.
   */
  check(context: RecordContext, record: DhtRecord, now: Instant): CheckedRecord | undefined {
    if (!isDated(context, record, now)) return undefined;
    const bytes = encodeRecord(record);
    const name = toHex(record.signature);
    const known = this.known.get(name);
    if (known !== undefined && sameBytes(known.bytes, bytes)) {
      const isCertified = context.authority.certifies(known.checked.writer.leaf, record.signedAt);
      return isCertified ? known.checked : undefined;
    }
    const checked = checkRecord(context, record, now);
    if (checked !== undefined) this.remember(name, bytes, checked);
    return checked;
  }

  private remember(name: string, bytes: Uint8Array, checked: CheckedRecord): void {
    const oldest = this.known.keys().next();
    if (this.known.size >= REMEMBERED_MAX && !oldest.done) this.known.delete(oldest.value);
    this.known.set(name, { bytes, checked });
  }
}

/** As `RecordChecker.check`, without memory. */
export function checkRecord(context: RecordContext, record: DhtRecord, now: Instant): CheckedRecord | undefined {
  const { authority, place } = context;
  if (!isDated(context, record, now)) return undefined;
  const statement = decodeStatement(record.statement);
  if (statement === undefined) return undefined;
  const checked = authority.check(record.leaf, statement, record.noiseStatic, record.signedAt);
  if (!checked.ok || !obeysPolicy(record, checked.identity.leaf, place)) return undefined;
  const key = { algorithm: 'ed25519', bytes: statement.workingKey } as const;
  if (!authority.verifier.verify(key, signedText(authority, record), record.signature)) return undefined;
  return { record, writer: checked.identity, expiresAt: record.signedAt + record.lifetimeS * 1000 };
}

/** The time that a record may still live, from our clock or from when it came; at most 5 min more than its writer meant. */
export function leftMs({ record, expiresAt }: CheckedRecord, today: UnixMs): number {
  return Math.min(record.lifetimeS * 1000, expiresAt + CLOCK_SKEW_MS - today);
}

/** Which value under its key it is. */
export function recordName({ record, writer }: CheckedRecord): string {
  return nameOf(record, writer.leaf);
}

/** What tells the older of two records of one name. */
export type Age = Pick<DhtRecord, 'sequence' | 'signature'>;

/** Positive when `a` replaces `b`: by sequence, then, for a writer who contradicts himself, by signature, the same everywhere. */
export function compareAge(a: Age, b: Age): number {
  return a.sequence - b.sequence || compareBytes(a.signature, b.signature);
}

/** Whether `a` comes from an older run of the same peer than `b`: working keys live in one process. */
export function isOlderInstance(a: CheckedRecord, b: CheckedRecord): boolean {
  // Devices of one user write under one name too.
  if (!sameBytes(a.writer.leaf.peerId, b.writer.leaf.peerId)) return false;
  const isSame = sameBytes(a.record.noiseStatic, b.record.noiseStatic);
  return !isSame && a.writer.statement.notBefore < b.writer.statement.notBefore;
}

function isDated({ wallClock }: RecordContext, record: DhtRecord, now: Instant): boolean {
  const today = wallClock.at(now);
  const end = record.signedAt + record.lifetimeS * 1000 + CLOCK_SKEW_MS;
  return record.signedAt <= today + CLOCK_SKEW_MS && end > today;
}

function signedText(authority: Authority, record: DhtRecord): Uint8Array {
  return concat(utf8('warren-record/1'), authority.networkKey, recordSignedBytes(record));
}

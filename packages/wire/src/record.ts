/**
 * DHT records and the questions about them (overlay.md "DHT").
 *
 * ```text
 * record   kind 1 | key 20 | sequence 6 | signed at 8 | lifetime s 4 | value length 2, value
 *          | Noise static 32 | leaf length 2, leaf | statement 113 | signature 64
 * request  op 1 (1 put, 2 create) | position 20 | record
 *          op 1 (3 get)           | position 20 | kind 1 | key 20 | after 20
 * answer   status 1 (0 ok, 1 taken, 2 refused, 3 not found) | more 1 (0, 1) | count 1 | each: length 2, record
 * ```
 * The signature covers a label, the network key and all bytes before it: see `dht`.
 * `after` pages through many writers: only records of writers with larger ids are wanted.
 */
import { LEAF_MAX_BYTES, PEER_ID_BYTES, STATEMENT_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { Reader, Writer } from './reader.ts';

/** Largest value of any kind. */
export const RECORD_VALUE_MAX_BYTES = 4096;
/** Longest life of a record: 48 h. */
export const RECORD_LIFETIME_MAX_S = 172_800;
/** Bytes of a signature by a working key (Ed25519). */
export const RECORD_SIGNATURE_BYTES = 64;

/** What a record is about; `dht` declares a policy for each. */
export const RecordKind = {
  /** Where members of some group are in the public overlay. */
  RENDEZVOUS: 1,
  /** Who holds a virtual address. */
  ADDRESS: 2,
  /** Who is in the group, and how to show them. */
  MEMBER: 3,
} as const;
/** One of the values of `RecordKind`: 1 to 3. */
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** A signed value with all that proves who wrote it. */
export interface DhtRecord {
  readonly kind: RecordKind;
  /** 20 bytes: a place on the ring. */
  readonly key: Uint8Array;
  /** Below 2^48. */
  readonly sequence: number;
  /** Unix ms by the writer's clock. */
  readonly signedAt: number;
  /** 1 to 172,800. */
  readonly lifetimeS: number;
  /** At most 4,096 bytes. */
  readonly value: Uint8Array;
  /** The writer's Noise static key, 32 bytes: needed to check the statement. */
  readonly noiseStatic: Uint8Array;
  /** DER, at most 588 bytes. */
  readonly leaf: Uint8Array;
  /** 113 bytes; `trust` reads them. */
  readonly statement: Uint8Array;
  /** 64 bytes, by the working key of the statement. */
  readonly signature: Uint8Array;
}

/** `put` replaces the writer's own record, `create` fails where another writer holds the key. */
export type DhtRequest =
  | { readonly op: 'put' | 'create'; readonly position: PeerId; readonly record: DhtRecord }
  | {
      readonly op: 'get';
      readonly position: PeerId;
      readonly kind: RecordKind;
      readonly key: Uint8Array;
      readonly after: PeerId;
    };

/** `taken`: another writer holds the key. `refused`: against the policy, or no room. */
export type DhtStatus = 'ok' | 'taken' | 'refused' | 'not-found';
const STATUSES: readonly DhtStatus[] = ['ok', 'taken', 'refused', 'not-found'];

/** The answer to any request; `get` brings records. */
export interface DhtAnswer {
  readonly status: DhtStatus;
  /** Whether there are more writers than fitted. */
  readonly more: boolean;
  readonly records: readonly DhtRecord[];
}

/** Records in one answer: they must fit 14 KiB beside their headers. */
export const ANSWER_RECORDS_MAX = 12;

/** Encodes 252 bytes, value and leaf. */
export function encodeRecord(m: DhtRecord): Uint8Array {
  return writeRecord(new Writer(1024), m).done();
}

/** Reads a record; what follows is ignored. `undefined` when cut or beyond its bounds. Checks no signature. */
export function decodeRecord(bytes: Uint8Array): DhtRecord | undefined {
  const r = new Reader(bytes);
  const record = readRecord(r);
  return r.failed ? undefined : record;
}

/** The bytes that the signature covers, without label and network key. */
export function recordSignedBytes(m: DhtRecord): Uint8Array {
  const whole = encodeRecord(m);
  return whole.subarray(0, whole.length - RECORD_SIGNATURE_BYTES);
}

/** Encodes 62 bytes for `get`, else 21 bytes and the record. */
export function encodeDhtRequest(m: DhtRequest): Uint8Array {
  const w = new Writer(1200).u8(m.op === 'put' ? 1 : m.op === 'create' ? 2 : 3).put(m.position);
  if (m.op === 'get') return w.u8(m.kind).put(m.key).put(m.after).done();
  return writeRecord(w, m.record).done();
}

/** Reads a request; what follows is ignored. `undefined` when cut or beyond its bounds. */
export function decodeDhtRequest(bytes: Uint8Array): DhtRequest | undefined {
  const r = new Reader(bytes);
  const code = r.u8();
  const position = r.take(PEER_ID_BYTES);
  let m: DhtRequest;
  if (code === 3) {
    m = { op: 'get', position, kind: readKind(r), key: r.take(PEER_ID_BYTES), after: r.take(PEER_ID_BYTES) };
  } else {
    if (code !== 1 && code !== 2) r.fail();
    m = { op: code === 1 ? 'put' : 'create', position, record: readRecord(r) };
  }
  return r.failed ? undefined : m;
}

/** Encodes 3 bytes, and for each record 2 bytes and itself; at most 12 records. */
export function encodeDhtAnswer(m: DhtAnswer): Uint8Array {
  const w = new Writer(2048)
    .u8(STATUSES.indexOf(m.status))
    .u8(m.more ? 1 : 0)
    .u8(m.records.length);
  for (const record of m.records) w.sized(encodeRecord(record));
  return w.done();
}

/** Reads an answer; what follows is ignored. `undefined` when cut or when any record is impossible. */
export function decodeDhtAnswer(bytes: Uint8Array): DhtAnswer | undefined {
  const r = new Reader(bytes);
  const status = STATUSES[r.u8()];
  const more = r.u8();
  const count = r.u8();
  if (status === undefined || more > 1 || count > ANSWER_RECORDS_MAX) return undefined;
  const records: DhtRecord[] = [];
  for (let i = 0; i < count && !r.failed; i++) {
    const record = decodeRecord(r.sized(RECORD_VALUE_MAX_BYTES + 2048));
    if (record === undefined) r.fail();
    else records.push(record);
  }
  return r.failed ? undefined : { status, more: more === 1, records };
}

function writeRecord(w: Writer, m: DhtRecord): Writer {
  return w
    .u8(m.kind)
    .put(m.key)
    .u48(m.sequence)
    .u64(m.signedAt)
    .u32(m.lifetimeS)
    .sized(m.value)
    .put(m.noiseStatic)
    .sized(m.leaf)
    .put(m.statement)
    .put(m.signature);
}

function readRecord(r: Reader): DhtRecord {
  const record = {
    kind: readKind(r),
    key: r.take(PEER_ID_BYTES),
    sequence: r.u48(),
    signedAt: r.u64(),
    lifetimeS: r.u32(),
    value: r.sized(RECORD_VALUE_MAX_BYTES),
    noiseStatic: r.take(32),
    leaf: r.sized(LEAF_MAX_BYTES),
    statement: r.take(STATEMENT_BYTES),
    signature: r.take(RECORD_SIGNATURE_BYTES),
  };
  if (record.lifetimeS === 0 || record.lifetimeS > RECORD_LIFETIME_MAX_S) r.fail();
  return record;
}

function readKind(r: Reader): RecordKind {
  const kind = r.u8();
  if (kind < RecordKind.RENDEZVOUS || kind > RecordKind.MEMBER) r.fail();
  return kind as RecordKind;
}

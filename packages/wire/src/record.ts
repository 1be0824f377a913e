/**
 * A DHT record: a value under a key with all that proves who wrote it (overlay.md "DHT"). Questions about records are
 * in `record-request.ts`, what comes back in `record-answer.ts`.
 *
 * ```text
 * record   kind 1 (high bit: deleted) | index 1 | key 20 | sequence 6 | signed at 8 | lifetime s 4
 *          | value length 2, value | Noise static 32 | leaf length 2, leaf | statement 113 | signature 64
 * brief    as a record, with the next bit of kind set, and writer tag 8 in place of Noise static, leaf and statement
 * ```
 * The signature covers a label, the network key and all bytes before it: see `dht`. A deleted record is what remains of
 * a value: it has a higher sequence and no value. A brief record is for whoever knows its writer from before: it is made
 * whole, and then checked as any other.
 */
import { LEAF_MAX_BYTES, PEER_ID_BYTES, STATEMENT_BYTES } from './constants.ts';
import { Reader, Writer } from './reader.ts';

/** Largest value of any kind. */
export const RECORD_VALUE_MAX_BYTES = 4096;
/** Longest life of a record: 48 h. */
export const RECORD_LIFETIME_MAX_S = 172_800;
/** Bytes of a signature by a working key (Ed25519). */
export const RECORD_SIGNATURE_BYTES = 64;
/** A record without value and leaf. */
export const RECORD_FIXED_BYTES: number =
  2 + PEER_ID_BYTES + 18 + 2 + 32 + 2 + STATEMENT_BYTES + RECORD_SIGNATURE_BYTES;
/** The longest record. */
export const RECORD_MAX_BYTES: number = RECORD_FIXED_BYTES + RECORD_VALUE_MAX_BYTES + LEAF_MAX_BYTES;

/** What a record is about; `dht` declares a policy for each. */
export const RecordKind = {
  /** Where members of some group are in the public overlay. */
  RENDEZVOUS: 1,
  /** Who holds a virtual address. */
  ADDRESS: 2,
  /** Who is in the group, and how to show them. */
  MEMBER: 3,
  /** Whether one device is there, and what it does. */
  PRESENCE: 4,
  /** How to reach a user on any device. */
  CONTACT: 5,
  /** Messages for whoever is away. */
  MAILBOX: 6,
} as const;
/** One of the values of `RecordKind`: 1 to 6. */
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** A signed value with all that proves who wrote it. */
export interface DhtRecord {
  readonly kind: RecordKind;
  /** Whether the value was deleted; then it is empty. */
  readonly isDeleted: boolean;
  /** Which of its writer's values under the key: 0 to 255, 0 where a kind allows one. */
  readonly index: number;
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
  /** DER, at most 637 bytes. */
  readonly leaf: Uint8Array;
  /** 113 bytes; `trust` reads them. */
  readonly statement: Uint8Array;
  /** 64 bytes, by the working key of the statement. */
  readonly signature: Uint8Array;
}

/** What of a record says who wrote it: the same in all that is signed by one working key. */
export type RecordWriter = Pick<DhtRecord, 'noiseStatic' | 'leaf' | 'statement'>;

/**
 * Bytes of a writer's tag, the first of a hash of Noise static, leaf and statement. It only says what to put back in: two
 * writers of one tag, which take 2^32 tries, would make their own records unreadable.
 */
export const WRITER_TAG_BYTES = 8;

/** A record without its writer. */
export type BriefRecord = Omit<DhtRecord, keyof RecordWriter> & {
  /** 8 bytes. */
  readonly writerTag: Uint8Array;
};

/** A brief record without its value. */
export const BRIEF_RECORD_FIXED_BYTES: number = 2 + PEER_ID_BYTES + 18 + 2 + WRITER_TAG_BYTES + RECORD_SIGNATURE_BYTES;

const DELETED_BIT = 0x80;
const BRIEF_BIT = 0x40;

/** Encodes 253 bytes, value and leaf. */
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

/** Puts a record behind what is written already. For the other files of records. */
export function writeRecord(w: Writer, m: DhtRecord): Writer {
  return writeHead(w, m, 0).put(m.noiseStatic).sized(m.leaf).put(m.statement).put(m.signature);
}

/** Reads a record in place; the reader has failed when it is none. For the other files of records. */
export function readRecord(r: Reader): DhtRecord {
  return {
    ...readHead(r, 0),
    noiseStatic: r.take(32),
    leaf: r.sized(LEAF_MAX_BYTES),
    statement: r.take(STATEMENT_BYTES),
    signature: r.take(RECORD_SIGNATURE_BYTES),
  };
}

/** Encodes 114 bytes and the value. */
export function encodeBriefRecord(m: BriefRecord): Uint8Array {
  return writeHead(new Writer(256), m, BRIEF_BIT).put(m.writerTag).put(m.signature).done();
}

/** Reads a brief record; what follows is ignored. `undefined` when cut, beyond its bounds, or not brief. */
export function decodeBriefRecord(bytes: Uint8Array): BriefRecord | undefined {
  const r = new Reader(bytes);
  const record = {
    ...readHead(r, BRIEF_BIT),
    writerTag: r.take(WRITER_TAG_BYTES),
    signature: r.take(RECORD_SIGNATURE_BYTES),
  };
  return r.failed ? undefined : record;
}

/** What both forms begin with. */
type Head = Omit<BriefRecord, 'writerTag' | 'signature'>;

function writeHead(w: Writer, m: Head, form: number): Writer {
  return w
    .u8(m.kind | form | (m.isDeleted ? DELETED_BIT : 0))
    .u8(m.index)
    .put(m.key)
    .u48(m.sequence)
    .u64(m.signedAt)
    .u32(m.lifetimeS)
    .sized(m.value);
}

function readHead(r: Reader, form: number): Head {
  const first = r.u8();
  const isDeleted = (first & DELETED_BIT) !== 0;
  const head = {
    kind: checkKind(r, (first & ~DELETED_BIT) ^ form),
    isDeleted,
    index: r.u8(),
    key: r.take(PEER_ID_BYTES),
    sequence: r.u48(),
    signedAt: r.u64(),
    lifetimeS: r.u32(),
    value: r.sized(RECORD_VALUE_MAX_BYTES),
  };
  if (head.lifetimeS === 0 || head.lifetimeS > RECORD_LIFETIME_MAX_S) r.fail();
  if (isDeleted && head.value.length > 0) r.fail();
  return head;
}

/** Reads a kind of record; the reader has failed when it is none. */
export function readRecordKind(r: Reader): RecordKind {
  return checkKind(r, r.u8());
}

function checkKind(r: Reader, kind: number): RecordKind {
  if (kind < RecordKind.RENDEZVOUS || kind > RecordKind.MAILBOX) r.fail();
  return kind as RecordKind;
}

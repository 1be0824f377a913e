/**
 * What is asked of whoever holds DHT records (overlay.md "DHT").
 *
 * ```text
 * op 1 (1 put, 2 create) | position 20 | record
 * op 1 (3 get)           | position 20 | kind 1 | key 20 | after 21 | most 1 (high bit: brief)
 * op 1 (4 watch)         | position 20 | kind 1 | key 20 | watcher 20 | watch 4 | lifetime s 2 (0 ends it)
 * op 1 (5 copy)          | count 1 | each: position 20, held s 4, left s 4, length 2, record
 * ```
 */
import { PEER_ID_BYTES } from './constants.ts';
import type { PeerId } from './id.ts';
import { Reader, Writer } from './reader.ts';
import {
  type DhtRecord,
  decodeRecord,
  encodeRecord,
  RECORD_MAX_BYTES,
  type RecordKind,
  readRecord,
  readRecordKind,
  writeRecord,
} from './record.ts';

/** Records in one message: they must fit 14 KiB beside their headers. */
export const ANSWER_RECORDS_MAX = 12;
/** The same for brief ones. */
export const BRIEF_RECORDS_MAX = 64;
/** Where reading goes on: a writer 20, and the index of one of its values 1. */
export const AFTER_BYTES: number = PEER_ID_BYTES + 1;

/** What all questions about a key name. */
interface About {
  /** Which replica: its place on the ring. */
  readonly position: PeerId;
  readonly kind: RecordKind;
  readonly key: Uint8Array;
}

/** Asks for records; pages go by writer and index. */
export interface GetRequest extends About {
  readonly op: 'get';
  /** 21 bytes: only records of larger writers, or of this writer with larger indices, are wanted. */
  readonly after: Uint8Array;
  /** 1 to 12, of brief records 1 to 64. */
  readonly most: number;
  /** Whether the asker knows most writers and wants tags in place of them. */
  readonly isBrief: boolean;
}

/** Asks to be told of changes under a key. */
export interface WatchRequest extends About {
  readonly op: 'watch';
  readonly watcher: PeerId;
  /** The watcher's random number for it. */
  readonly watch: number;
  /** 0 ends the watch. */
  readonly lifetimeS: number;
}

/** A record from one holder to another. */
export interface RecordCopy {
  readonly position: PeerId;
  /** How long ago the sender, or whom it has it from, first saw its writer here. */
  readonly heldS: number;
  /** How much of its life is left by the sender's clock. */
  readonly leftS: number;
  readonly record: DhtRecord;
}

/** `put` replaces the writer's own record, `create` fails where another writer holds the key, `copy` brings what others hold. */
export type DhtRequest =
  | { readonly op: 'put' | 'create'; readonly position: PeerId; readonly record: DhtRecord }
  | GetRequest
  | WatchRequest
  | { readonly op: 'copy'; readonly copies: readonly RecordCopy[] };

const BRIEF_BIT = 0x80;
const OPS = { put: 1, create: 2, get: 3, watch: 4, copy: 5 } as const;

/** Encodes 21 bytes and the record for `put` and `create`, 64 for `get`, 68 for `watch`; of copies at most 12. */
export function encodeDhtRequest(m: DhtRequest): Uint8Array {
  const w = new Writer(1200).u8(OPS[m.op]);
  switch (m.op) {
    case 'put':
    case 'create':
      return writeRecord(w.put(m.position), m.record).done();
    case 'get':
      return w
        .put(m.position)
        .u8(m.kind)
        .put(m.key)
        .put(m.after)
        .u8(m.most | (m.isBrief ? BRIEF_BIT : 0))
        .done();
    case 'watch':
      return w.put(m.position).u8(m.kind).put(m.key).put(m.watcher).u32(m.watch).u16(m.lifetimeS).done();
    case 'copy': {
      w.u8(m.copies.length);
      for (const each of m.copies) {
        w.put(each.position).u32(each.heldS).u32(each.leftS).sized(encodeRecord(each.record));
      }
      return w.done();
    }
  }
}

/** Reads a request; what follows is ignored. `undefined` when cut or beyond its bounds. */
export function decodeDhtRequest(bytes: Uint8Array): DhtRequest | undefined {
  const r = new Reader(bytes);
  const m = readRequest(r, r.u8());
  return r.failed ? undefined : m;
}

function readRequest(r: Reader, op: number): DhtRequest | undefined {
  switch (op) {
    case OPS.put:
    case OPS.create:
      return { op: op === OPS.put ? 'put' : 'create', position: r.take(PEER_ID_BYTES), record: readRecord(r) };
    case OPS.get: {
      const about = { op: 'get', ...readAbout(r), after: r.take(AFTER_BYTES) } as const;
      const last = r.u8();
      const isBrief = (last & BRIEF_BIT) !== 0;
      const most = last & ~BRIEF_BIT;
      if (most < 1 || most > (isBrief ? BRIEF_RECORDS_MAX : ANSWER_RECORDS_MAX)) r.fail();
      return { ...about, most, isBrief };
    }
    case OPS.watch:
      return { op: 'watch', ...readAbout(r), watcher: r.take(PEER_ID_BYTES), watch: r.u32(), lifetimeS: r.u16() };
    case OPS.copy:
      return { op: 'copy', copies: readCopies(r) };
    default:
      return undefined;
  }
}

function readAbout(r: Reader): About {
  return { position: r.take(PEER_ID_BYTES), kind: readRecordKind(r), key: r.take(PEER_ID_BYTES) };
}

function readCopies(r: Reader): RecordCopy[] {
  const count = r.u8();
  if (count > ANSWER_RECORDS_MAX) r.fail();
  const copies: RecordCopy[] = [];
  for (let i = 0; i < count && !r.failed; i++) {
    const head = { position: r.take(PEER_ID_BYTES), heldS: r.u32(), leftS: r.u32() };
    const record = decodeRecord(r.sized(RECORD_MAX_BYTES));
    if (record === undefined) r.fail();
    else copies.push({ ...head, record });
  }
  return copies;
}

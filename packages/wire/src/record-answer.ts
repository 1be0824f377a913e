/**
 * What holders of DHT records say: answers, and notices to those who watch a key (overlay.md "DHT").
 *
 * ```text
 * answer   status 1 (0 ok, 1 taken, 2 refused, 3 not found, 4 busy, 5 partly) | more 1 (0, 1) | count 1
 *          | each: length 2, record, or each: length 2, brief record | only partly: not taken 2 (bit 0: the first copy)
 * notice   watch 4 | more 1 (0, 1) | count 1 | each: length 2, record
 * ```
 */
import { Reader, Writer } from './reader.ts';
import {
  type BriefRecord,
  type DhtRecord,
  decodeBriefRecord,
  decodeRecord,
  encodeBriefRecord,
  encodeRecord,
  RECORD_MAX_BYTES,
} from './record.ts';
import { ANSWER_RECORDS_MAX, BRIEF_RECORDS_MAX } from './record-request.ts';

/** `taken`: another writer holds the key. `refused`: against the policy, or no room. `busy`: not now; ask another replica. `partly`: some copies were not taken. */
export type DhtStatus = 'ok' | 'taken' | 'refused' | 'not-found' | 'busy' | 'partly';
const STATUSES: readonly DhtStatus[] = ['ok', 'taken', 'refused', 'not-found', 'busy', 'partly'];

/** The answer to any request, and to a notice; `get` brings records. */
export interface DhtAnswer {
  readonly status: DhtStatus;
  /** Whether there are more records than fitted. */
  readonly more: boolean;
  readonly records: readonly DhtRecord[];
  /** The same to whoever asked for brief ones; `records` is empty then. */
  readonly brief?: readonly BriefRecord[];
  /** With `partly`: which copies of the message were not taken, a bit each; the lowest is the first. Below 2^16. */
  readonly untaken?: number;
}

/** Tells a watcher what is new under its key. */
export interface DhtNotice {
  /** The watcher's number. */
  readonly watch: number;
  /** Whether more changed than fitted: read it again. */
  readonly more: boolean;
  readonly records: readonly DhtRecord[];
}

/** Encodes 3 bytes (5 for `partly`), and for each record 2 bytes and itself; at most 12 records, or 64 brief ones. */
export function encodeDhtAnswer(m: DhtAnswer): Uint8Array {
  const w = writeRecords(new Writer(2048).u8(STATUSES.indexOf(m.status)), m);
  return (m.status === 'partly' ? w.u16(m.untaken ?? 0) : w).done();
}

/** Reads an answer; what follows is ignored. `undefined` when cut or when any record is impossible. */
export function decodeDhtAnswer(bytes: Uint8Array): DhtAnswer | undefined {
  const r = new Reader(bytes);
  const status = STATUSES[r.u8()];
  const rest = { ...readEitherRecords(r), ...(status === 'partly' ? { untaken: r.u16() } : {}) };
  return r.failed || status === undefined ? undefined : { status, ...rest };
}

/** Encodes 6 bytes, and for each record 2 bytes and itself; at most 12 records. */
export function encodeDhtNotice(m: DhtNotice): Uint8Array {
  return writeRecords(new Writer(2048).u32(m.watch), m).done();
}

/** Reads a notice; what follows is ignored. `undefined` when cut or when any record is impossible. */
export function decodeDhtNotice(bytes: Uint8Array): DhtNotice | undefined {
  const r = new Reader(bytes);
  const m = { watch: r.u32(), ...readRecords(r) };
  return r.failed ? undefined : m;
}

function writeRecords(w: Writer, { more, records, brief = [] }: Omit<DhtAnswer, 'status' | 'untaken'>): Writer {
  w.u8(more ? 1 : 0).u8(records.length + brief.length);
  for (const record of records) w.sized(encodeRecord(record));
  for (const record of brief) w.sized(encodeBriefRecord(record));
  return w;
}

function readRecords(r: Reader): Pick<DhtAnswer, 'more' | 'records'> {
  const { more, pieces } = readPieces(r);
  return { more, records: readEach(r, pieces, ANSWER_RECORDS_MAX, decodeRecord) };
}

/** Records of the form that the first has. */
function readEitherRecords(r: Reader): Omit<DhtAnswer, 'status' | 'untaken'> {
  const { more, pieces } = readPieces(r);
  const [first] = pieces;
  if (first === undefined || decodeBriefRecord(first) === undefined) {
    return { more, records: readEach(r, pieces, ANSWER_RECORDS_MAX, decodeRecord) };
  }
  return { more, records: [], brief: readEach(r, pieces, BRIEF_RECORDS_MAX, decodeBriefRecord) };
}

function readPieces(r: Reader): { more: boolean; pieces: Uint8Array[] } {
  const more = r.u8();
  const count = r.u8();
  if (more > 1 || count > BRIEF_RECORDS_MAX) r.fail();
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < count && !r.failed; i++) pieces.push(r.sized(RECORD_MAX_BYTES));
  return { more: more === 1, pieces };
}

function readEach<T>(
  r: Reader,
  pieces: readonly Uint8Array[],
  most: number,
  decode: (bytes: Uint8Array) => T | undefined,
): T[] {
  const records = pieces.flatMap(piece => decode(piece) ?? []);
  if (records.length < pieces.length || pieces.length > most) r.fail();
  return records;
}

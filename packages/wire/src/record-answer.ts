/**
 * What holders of DHT records say: answers, and notices to those who watch a key (overlay.md "DHT").
 *
 * ```text
 * answer   status 1 (0 ok, 1 taken, 2 refused, 3 not found, 4 busy, 5 partly) | more 1 (0, 1) | count 1
 *          | each: length 2, record | only partly: not taken 2 (bit 0: the first copy)
 * notice   watch 4 | more 1 (0, 1) | count 1 | each: length 2, record
 * ```
 */
import { Reader, Writer } from './reader.ts';
import { type DhtRecord, decodeRecord, encodeRecord, RECORD_MAX_BYTES } from './record.ts';
import { ANSWER_RECORDS_MAX } from './record-request.ts';

/** `taken`: another writer holds the key. `refused`: against the policy, or no room. `busy`: not now; ask another replica. `partly`: some copies were not taken. */
export type DhtStatus = 'ok' | 'taken' | 'refused' | 'not-found' | 'busy' | 'partly';
const STATUSES: readonly DhtStatus[] = ['ok', 'taken', 'refused', 'not-found', 'busy', 'partly'];

/** The answer to any request, and to a notice; `get` brings records. */
export interface DhtAnswer {
  readonly status: DhtStatus;
  /** Whether there are more records than fitted. */
  readonly more: boolean;
  readonly records: readonly DhtRecord[];
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

/** Encodes 3 bytes (5 for `partly`), and for each record 2 bytes and itself; at most 12 records. */
export function encodeDhtAnswer(m: DhtAnswer): Uint8Array {
  const w = writeRecords(new Writer(2048).u8(STATUSES.indexOf(m.status)), m);
  return (m.status === 'partly' ? w.u16(m.untaken ?? 0) : w).done();
}

/** Reads an answer; what follows is ignored. `undefined` when cut or when any record is impossible. */
export function decodeDhtAnswer(bytes: Uint8Array): DhtAnswer | undefined {
  const r = new Reader(bytes);
  const status = STATUSES[r.u8()];
  const rest = { ...readRecords(r), ...(status === 'partly' ? { untaken: r.u16() } : {}) };
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

function writeRecords(w: Writer, m: Pick<DhtAnswer, 'more' | 'records'>): Writer {
  w.u8(m.more ? 1 : 0).u8(m.records.length);
  for (const record of m.records) w.sized(encodeRecord(record));
  return w;
}

function readRecords(r: Reader): Pick<DhtAnswer, 'more' | 'records'> {
  const more = r.u8();
  const count = r.u8();
  if (more > 1 || count > ANSWER_RECORDS_MAX) r.fail();
  const records: DhtRecord[] = [];
  for (let i = 0; i < count && !r.failed; i++) {
    const record = decodeRecord(r.sized(RECORD_MAX_BYTES));
    if (record === undefined) r.fail();
    else records.push(record);
  }
  return { more: more === 1, records };
}

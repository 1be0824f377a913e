/**
 * A held record on a disk.
 *
 * ```text
 * version 1 (1) | position 20 | first seen 8 | ends 8 (both unix ms) | record
 * ```
 * Whatever a disk gives back is checked like a stranger's word; a slot names place, kind, key and value.
 */
import { type Instant, toHex, type UnixMs } from '@warren/base';
import { type DhtRecord, decodeRecord, encodeRecord, type PeerId, Reader, Writer } from '@warren/wire';
import type { Held } from './usage.ts';

const VERSION = 1;

/** What a disk held. */
export interface KeptRecord {
  readonly position: PeerId;
  readonly seenAt: UnixMs;
  readonly endsAt: UnixMs;
  readonly record: DhtRecord;
}

/** Where a record lies on the disk: at most 126 characters of `0-9 a-z`. */
export function keptSlot({ position, record, name }: Held): string {
  return `${toHex(position)}${record.kind}${toHex(record.key)}${name}`;
}

/** Encodes 37 bytes and the record. `today` is the date at `now`. */
export function encodeKept(held: Held, now: Instant, today: UnixMs): Uint8Array {
  const date = (at: Instant) => Math.max(0, Math.round(today + at - now));
  const record = encodeRecord(held.record);
  return new Writer(37 + record.length)
    .u8(VERSION)
    .put(held.position)
    .u64(date(held.seenAt))
    .u64(date(held.until))
    .put(record)
    .done();
}

/** Reads what was kept; `undefined` when cut or of another version. Checks no signature. */
export function decodeKept(bytes: Uint8Array): KeptRecord | undefined {
  const r = new Reader(bytes);
  if (r.u8() !== VERSION) r.fail();
  const head = { position: r.take(20), seenAt: r.u64(), endsAt: r.u64() };
  const record = decodeRecord(r.rest());
  return r.failed || record === undefined ? undefined : { ...head, record };
}

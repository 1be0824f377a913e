/**
 * Writers by tag. Who reads a key again knows most of its writers: their
 * certificates, two thirds of every record, need not come once more. A brief
 * record is made whole with what a good record of that writer brought before,
 * and then checked as any other, so a wrong tag only makes it unreadable.
 */
import { concat, toHex } from '@warren/base';
import {
  type BriefRecord,
  type DhtAnswer,
  type DhtRecord,
  type PeerId,
  peerKey,
  type RecordKind,
  type RecordWriter,
  WRITER_TAG_BYTES,
} from '@warren/wire';
import type { Place } from './policy.ts';
import type { CheckedRecord } from './records.ts';
import { orderOf } from './store.ts';

/** Writers remembered, each with some 700 bytes; in a network of more, the oldest are asked for whole. */
const WRITERS_MAX = 1024;
/** Keys that were read and may be read again. */
const KEYS_MAX = 256;

/** A brief answer as far as its writers are known, and what comes then. */
export interface Whole {
  readonly records: readonly DhtRecord[];
  /** So many records of unknown writers, behind which place in the order of pages; `undefined` where all are known. */
  readonly gap: { readonly after: Uint8Array; readonly count: number } | undefined;
}

/** The writers that one machine knows. */
export class Writers {
  private readonly place: Place;
  private readonly known = new Map<string, RecordWriter & { readonly peerId: PeerId }>();
  private readonly tags = new WeakMap<DhtRecord, Uint8Array>();
  private readonly read = new Set<string>();

  constructor(place: Place) {
    this.place = place;
  }

  /** Remembers the writer of a record that was found good. */
  note({ record, writer }: Pick<CheckedRecord, 'record' | 'writer'>): void {
    const tag = toHex(this.tagOf(record));
    if (this.known.has(tag)) return;
    const { noiseStatic, leaf, statement } = record;
    const oldest = this.known.keys().next();
    if (this.known.size >= WRITERS_MAX && !oldest.done) this.known.delete(oldest.value);
    this.known.set(tag, { noiseStatic, leaf, statement, peerId: writer.leaf.peerId });
  }

  /** Something was found under a key. */
  noteRead(kind: RecordKind, key: Uint8Array): void {
    const name = `${kind} ${peerKey(key)}`;
    this.read.delete(name);
    const [oldest] = this.read;
    if (this.read.size >= KEYS_MAX && oldest !== undefined) this.read.delete(oldest);
    this.read.add(name);
  }

  /** Whether something was found under a key before, so that most of its writers are known. */
  hasRead(kind: RecordKind, key: Uint8Array): boolean {
    return this.read.has(`${kind} ${peerKey(key)}`);
  }

  /** An answer without its records' writers. */
  brief({ records, ...rest }: DhtAnswer): DhtAnswer {
    return { ...rest, records: [], brief: records.map(record => this.briefOf(record)) };
  }

  /** Makes records that come behind `after` in the order of pages whole, up to the first whose writer is unknown. */
  whole(brief: readonly BriefRecord[], after: Uint8Array): Whole {
    const records: DhtRecord[] = [];
    let last = after;
    for (const { writerTag, ...record } of brief) {
      const known = this.known.get(toHex(writerTag));
      if (known === undefined) {
        const rest = brief.slice(records.length);
        const next = rest.findIndex(each => this.known.has(toHex(each.writerTag)));
        return { records, gap: { after: last, count: next < 0 ? rest.length : next } };
      }
      const { peerId, ...writer } = known;
      records.push({ ...record, ...writer });
      last = orderOf(peerId, record.index);
    }
    return { records, gap: undefined };
  }

  private briefOf(record: DhtRecord): BriefRecord {
    const { noiseStatic: _static, leaf: _leaf, statement: _statement, ...brief } = record;
    return { ...brief, writerTag: this.tagOf(record) };
  }

  private tagOf(record: DhtRecord): Uint8Array {
    const known = this.tags.get(record);
    if (known !== undefined) return known;
    const { noiseStatic, leaf, statement } = record;
    const tag = this.place(concat(noiseStatic, leaf, statement)).slice(0, WRITER_TAG_BYTES);
    this.tags.set(record, tag);
    return tag;
  }
}

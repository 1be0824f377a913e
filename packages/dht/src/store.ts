/**
 * The records that a peer holds for others. Soft state, bounded; rules of who
 * may replace what are here, checks of signatures are in `records.ts`.
 */
import { compareBytes, type Instant, toHex } from '@warren/base';
import {
  ANSWER_RECORDS_MAX,
  type DhtAnswer,
  type DhtRecord,
  type DhtStatus,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { POLICIES } from './policy.ts';
import type { CheckedRecord } from './records.ts';

/** Records held at most, all kinds together. Beyond, whoever has most makes room. */
export const RECORDS_MAX = 8192;
/** Bytes of records in one answer. */
const ANSWER_BYTES_MAX = 12_000;

interface Held extends CheckedRecord {
  readonly until: Instant;
  /** Where on the ring it is held: a replica's position. */
  readonly position: PeerId;
}

/** The store of one network. */
export class Store {
  /** By slot, then by writer. */
  private readonly byKey = new Map<string, Map<PeerKey, Held>>();
  /** The slots in which each writer has a record, oldest first. */
  private readonly byWriter = new Map<PeerKey, Set<string>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Takes a checked record for `position`. `lifetimeMs` is what is left of its life. */
  put(position: PeerId, checked: CheckedRecord, lifetimeMs: number, now: Instant): DhtStatus {
    const slot = slotOf(position, checked.record);
    this.expire(slot, now);
    const writers = this.byKey.get(slot) ?? new Map<PeerKey, Held>();
    const writer = peerKey(checked.writer.leaf.peerId);
    const own = writers.get(writer);
    const policy = POLICIES[checked.record.kind];
    if (policy.access === 'first-claim' && own === undefined && writers.size > 0) return 'taken';
    if (own !== undefined && own.record.sequence > checked.record.sequence) return 'refused';
    if (own === undefined && (writers.size >= policy.writersMax || !this.makeRoom(writer))) return 'refused';
    if (own === undefined) this.count++;
    writers.set(writer, { ...checked, position, until: now + lifetimeMs });
    this.byKey.set(slot, writers);
    this.byWriter.set(writer, (this.byWriter.get(writer) ?? new Set()).add(slot));
    return 'ok';
  }

  /** The live records under a key from writers with ids above `after`, in order of writers. */
  get(position: PeerId, kind: number, key: Uint8Array, after: Uint8Array, now: Instant): DhtAnswer {
    const slot = slotOf(position, { kind, key });
    this.expire(slot, now);
    const wanted = [...(this.byKey.get(slot)?.values() ?? [])]
      .filter(held => compareBytes(held.writer.leaf.peerId, after.subarray(0, 20)) > 0)
      .sort((a, b) => compareBytes(a.writer.leaf.peerId, b.writer.leaf.peerId))
      .map(held => held.record);
    const records = page(wanted);
    const status = records.length === 0 ? 'not-found' : 'ok';
    return { status, more: records.length < wanted.length, records };
  }

  /** The record that holds a first-claim key. */
  holder(position: PeerId, record: DhtRecord): DhtRecord | undefined {
    return this.byKey.get(slotOf(position, record))?.values().next().value?.record;
  }

  /** Everything held, for handing over when the neighbourhood changes. */
  *all(now: Instant): Iterable<{ position: PeerId; record: DhtRecord }> {
    for (const writers of this.byKey.values()) for (const held of writers.values()) if (held.until > now) yield held;
  }

  /** Whose records are held. */
  writers(): Iterable<PeerKey> {
    return this.byWriter.keys();
  }

  /** Drops all records of writers whom `isGone` names. */
  dropWriters(isGone: (leaf: CheckedRecord['writer']['leaf']) => boolean): void {
    for (const [slot, writers] of [...this.byKey]) {
      for (const [writer, held] of [...writers]) if (isGone(held.writer.leaf)) this.remove(slot, writer);
    }
  }

  /** Drops what has expired. */
  sweep(now: Instant): void {
    for (const slot of [...this.byKey.keys()]) this.expire(slot, now);
  }

  private expire(slot: string, now: Instant): void {
    for (const [writer, held] of this.byKey.get(slot) ?? []) if (held.until <= now) this.remove(slot, writer);
  }

  private remove(slot: string, writer: PeerKey): void {
    const writers = this.byKey.get(slot);
    if (writers?.delete(writer)) this.count--;
    if (writers?.size === 0) this.byKey.delete(slot);
    const slots = this.byWriter.get(writer);
    slots?.delete(slot);
    if (slots?.size === 0) this.byWriter.delete(writer);
  }

  /** Room for one more record of a writer, if need be in place of the oldest of whoever has most; false when that is him. */
  private makeRoom(writer: PeerKey): boolean {
    if (this.count < RECORDS_MAX) return true;
    let [greediest, most] = [writer, this.byWriter.get(writer)?.size ?? 0];
    for (const [other, slots] of this.byWriter) if (slots.size > most) [greediest, most] = [other, slots.size];
    const [oldest] = this.byWriter.get(greediest) ?? [];
    if (greediest === writer || oldest === undefined) return false;
    this.remove(oldest, greediest);
    return true;
  }
}

function page(records: readonly DhtRecord[]): DhtRecord[] {
  const chosen: DhtRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    bytes += record.value.length + record.leaf.length + 300;
    if (chosen.length >= ANSWER_RECORDS_MAX || bytes > ANSWER_BYTES_MAX) break;
    chosen.push(record);
  }
  return chosen;
}

function slotOf(position: PeerId, o: { readonly kind: number; readonly key: Uint8Array }): string {
  return `${toHex(position)}${o.kind}${toHex(o.key)}`;
}

/**
 * Who uses how much of a store, and whose record goes when it is full: the
 * oldest of whoever has most (overlay.md "DHT", faults.md row 69). Counted by
 * writer, and by the neighbour that brought a record, since in a network
 * where ids cost nothing a flood has many writers, but comes from somewhere.
 */
import type { Instant } from '@warren/base';
import type { PeerId, PeerKey, RecordKind } from '@warren/wire';
import type { CheckedRecord } from './records.ts';

/** Records held at most, all kinds together. */
export const RECORDS_MAX = 8192;
/** Their bytes, as they are sent. */
export const STORE_BYTES_MAX: number = 8 * 1024 * 1024;
/** One kind may fill half of either, so that no flood of one kind stops the others. */
const KIND_SHARE = 0.5;

/** One record as it is held. */
export interface Held extends CheckedRecord {
  /** Where on the ring it is held: a replica's position. */
  readonly position: PeerId;
  /** Which value under its key. */
  readonly name: string;
  readonly until: Instant;
  /** When its writer was first seen here, or with whom we have it from. */
  readonly seenAt: Instant;
  /** The neighbour that brought it; `undefined` for ourselves. */
  readonly from: PeerKey | undefined;
  readonly bytes: number;
  readonly writerKey: PeerKey;
  /** Whether it came with less of its life than its dates allow. */
  readonly endsEarly: boolean;
  /** Who else beside us holds it, until when. */
  readonly shared: Map<PeerKey, Instant>;
}

/** What one writer or neighbour has here; oldest first. */
interface Account {
  bytes: number;
  readonly held: Set<Held>;
}

/** Accounts by name, and whose is the largest. */
class Accounts {
  private readonly accounts = new Map<string, Account>();
  /** Known until somebody's shrinks, since a full store asks at each record of a flood. */
  private top: { name: string; account: Account } | undefined;

  get(name: string): Account | undefined {
    return this.accounts.get(name);
  }

  enter(name: string, held: Held): void {
    const account = this.accounts.get(name) ?? { bytes: 0, held: new Set() };
    account.bytes += held.bytes;
    account.held.add(held);
    this.accounts.set(name, account);
    if (this.top !== undefined && account.bytes > this.top.account.bytes) this.top = { name, account };
  }

  leave(name: string, held: Held): void {
    const account = this.accounts.get(name);
    if (account === undefined || !account.held.delete(held)) return;
    account.bytes -= held.bytes;
    if (account.held.size === 0) this.accounts.delete(name);
    if (this.top?.account === account) this.top = undefined;
  }

  get greediest(): { readonly name: string; readonly account: Account } | undefined {
    if (this.top !== undefined) return this.top;
    for (const [name, account] of this.accounts) {
      if (this.top === undefined || account.bytes > this.top.account.bytes) this.top = { name, account };
    }
    return this.top;
  }
}

class KindUsage {
  records = 0;
  bytes = 0;
  readonly byWriter: Accounts = new Accounts();
  readonly byNeighbour: Accounts = new Accounts();
}

/** The books of one store. */
export class Usage {
  records = 0;
  bytes = 0;
  private readonly kinds = new Map<RecordKind, KindUsage>();

  add(held: Held): void {
    const kind = this.kind(held.record.kind);
    for (const each of [this, kind]) {
      each.records++;
      each.bytes += held.bytes;
    }
    kind.byWriter.enter(held.writerKey, held);
    kind.byNeighbour.enter(held.from ?? '', held);
  }

  remove(held: Held): void {
    const kind = this.kind(held.record.kind);
    for (const each of [this, kind]) {
      each.records--;
      each.bytes -= held.bytes;
    }
    kind.byWriter.leave(held.writerKey, held);
    kind.byNeighbour.leave(held.from ?? '', held);
  }

  /** Records of one kind by a writer. */
  recordsOf(kind: RecordKind, writer: PeerKey): number {
    return this.kinds.get(kind)?.byWriter.get(writer)?.held.size ?? 0;
  }

  /** Whether one more record of so many bytes is too much. */
  isFull(kind: RecordKind, bytes: number): boolean {
    const of = this.kind(kind);
    const over = (used: { records: number; bytes: number }, share: number) =>
      used.records + 1 > RECORDS_MAX * share || used.bytes + bytes > STORE_BYTES_MAX * share;
    return over(this, 1) || over(of, KIND_SHARE);
  }

  /**
   * The record that has to go for a new one: of the kind that is full or else fullest, the oldest of the writer with
   * most, or, where writers have about as much as each other, of the neighbour that brought most. `undefined` when that is whoever asks.
   */
  victim(kind: RecordKind, writer: PeerKey, from: PeerKey | undefined, bytes: number): Held | undefined {
    const isWhole = this.records + 1 > RECORDS_MAX || this.bytes + bytes > STORE_BYTES_MAX;
    const fullest = isWhole ? this.fullestKind() : kind;
    const of = this.kind(fullest);
    if (fullest !== kind) return oldest(of.byWriter.greediest?.account);
    const byWriter = of.byWriter.greediest;
    const own = of.byWriter.get(writer)?.bytes ?? 0;
    if (byWriter !== undefined && byWriter.account.bytes > own + bytes) return oldest(byWriter.account);
    if (byWriter?.name === writer && byWriter.account.held.size > 1) return undefined;
    const byNeighbour = of.byNeighbour.greediest;
    const brought = of.byNeighbour.get(from ?? '')?.bytes ?? 0;
    const isWorse = byNeighbour !== undefined && byNeighbour.account.bytes > brought + bytes;
    return isWorse ? oldest(byNeighbour.account) : undefined;
  }

  private fullestKind(): RecordKind {
    const [first] = [...this.kinds].sort((a, b) => b[1].bytes - a[1].bytes);
    return (first as [RecordKind, KindUsage])[0];
  }

  private kind(kind: RecordKind): KindUsage {
    let usage = this.kinds.get(kind);
    if (usage === undefined) {
      usage = new KindUsage();
      this.kinds.set(kind, usage);
    }
    return usage;
  }
}

function oldest(account: Account | undefined): Held | undefined {
  return account?.held.values().next().value;
}

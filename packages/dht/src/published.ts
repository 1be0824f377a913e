/**
 * What we wrote ourselves, last under each key: which sequence number comes
 * next, a look now and then whether holders still have it (faults.md row 16),
 * and whether another run writes in our name.
 */
import { type Instant, jitter, type Random, type UnixMs, uint32 } from '@warren/base';
import { AFTER_BYTES, type DhtAnswer, type DhtRecord, type DhtRequest, type PeerId, peerKey } from '@warren/wire';
import type { Done } from './asks.ts';
import { type CheckedRecord, isOlderInstance, recordName } from './records.ts';
import { orderOfRecord } from './store.ts';

/** One record of ours is looked up so often, +-50 %. */
const AUDIT_MS = 60_000;
const PUBLISHED_MAX = 128;

/** What looking after them needs. */
export interface PublishedIo {
  readonly random: Random;
  readonly ask: (request: DhtRequest, target: PeerId, done: Done) => void;
  readonly check: (record: DhtRecord, now: Instant) => CheckedRecord | undefined;
  /** Where the replicas of a key lie. */
  readonly positions: (key: Uint8Array) => readonly PeerId[];
  /** A newer run of our own identity writes records. */
  readonly doubled: () => void;
}

/** Our own records. */
export class Published {
  /** Records that a replica which had taken them no longer had. */
  lost = 0;
  private readonly io: PublishedIo;
  private readonly records = new Map<string, CheckedRecord>();
  private lastSequence = 0;
  private auditAt: Instant | undefined;

  constructor(io: PublishedIo) {
    this.io = io;
  }

  get wakeAt(): Instant | undefined {
    return this.auditAt;
  }

  /** A number above all before, and not below the date. */
  nextSequence(today: UnixMs): number {
    this.lastSequence = Math.max(this.lastSequence + 1, today);
    return this.lastSequence;
  }

  /** Remembers what we wrote, in place of what was under its key; the end of a record only ends that. */
  add(own: CheckedRecord, now: Instant): void {
    const { kind, key, index, isDeleted } = own.record;
    const name = `${kind} ${index} ${peerKey(key)}`;
    this.records.delete(name);
    const oldest = this.records.keys().next();
    if (this.records.size >= PUBLISHED_MAX && !oldest.done) this.records.delete(oldest.value);
    if (!isDeleted) this.records.set(name, own);
    this.auditAt ??= this.nextAudit(now);
  }

  /** A holder has a newer record of ours: a second run of this identity wrote it, or we did before our clock was set back. */
  behind(own: CheckedRecord, newer: CheckedRecord): void {
    if (isOlderInstance(own, newer)) this.io.doubled();
    else this.lastSequence = Math.max(this.lastSequence, newer.record.sequence);
  }

  /** Asks one replica, drawn at random, for one of our records, and puts it there again if it is gone. */
  tick(now: Instant, today: UnixMs): void {
    if (this.auditAt === undefined || now < this.auditAt) return;
    for (const [name, { expiresAt }] of this.records) if (expiresAt <= today) this.records.delete(name);
    const all = [...this.records.values()];
    this.auditAt = all.length > 0 ? this.nextAudit(now) : undefined;
    const own = all[uint32(this.io.random) % Math.max(1, all.length)];
    if (own === undefined) return;
    const { kind, key } = own.record;
    const positions = this.io.positions(key);
    const position = positions[uint32(this.io.random) % positions.length] as PeerId;
    const request = {
      op: 'get',
      position,
      kind,
      key,
      after: justBefore(orderOfRecord(own)),
      most: 1,
      isBrief: true,
    } as const;
    this.io.ask(request, position, (answer, at) => {
      if (answer?.status === 'ok' || answer?.status === 'not-found') this.shown(own, position, answer, at);
    });
  }

  /** Forgets everything but the sequence. */
  clear(): void {
    this.records.clear();
    this.auditAt = undefined;
  }

  private shown(own: CheckedRecord, position: PeerId, { records: [shown] }: DhtAnswer, now: Instant): void {
    const checked = shown && this.io.check(shown, now);
    const isOurs = checked !== undefined && isSameKey(shown, own.record) && recordName(checked) === recordName(own);
    if (isOurs && checked.record.sequence >= own.record.sequence) {
      if (isOlderInstance(own, checked)) this.io.doubled();
      return;
    }
    this.lost++;
    this.io.ask({ op: 'put', position, record: own.record }, position, () => {});
  }

  private nextAudit(now: Instant): Instant {
    return now + jitter(this.io.random, AUDIT_MS, 0.5);
  }
}

/** The largest order below one: what a page has to begin behind to begin with it. */
function justBefore(order: Uint8Array): Uint8Array {
  const before = order.slice(0, AFTER_BYTES);
  for (let i = before.length - 1; i >= 0; i--) {
    const digit = before[i] as number;
    before[i] = digit === 0 ? 0xff : digit - 1;
    if (digit > 0) return before;
  }
  return new Uint8Array(AFTER_BYTES);
}

function isSameKey(a: DhtRecord | undefined, b: DhtRecord): boolean {
  return a?.kind === b.kind && peerKey(a.key) === peerKey(b.key);
}

/**
 * The records that a peer holds for others. Soft state, bounded; rules of who
 * may replace what are here, checks of signatures are in `records.ts`.
 */
import { compareBytes, type Instant, toHex } from '@warren/base';
import { CLOCK_SKEW_MS } from '@warren/trust';
import {
  AFTER_BYTES,
  BRIEF_RECORD_FIXED_BYTES,
  type DhtAnswer,
  type DhtRecord,
  type DhtStatus,
  type GetRequest,
  PEER_ID_BYTES,
  type PeerId,
  type PeerKey,
  peerKey,
  RECORD_FIXED_BYTES,
} from '@warren/wire';
import { POLICIES } from './policy.ts';
import { type CheckedRecord, compareAge, isOlderInstance, recordName } from './records.ts';
import { type Held, Usage } from './usage.ts';

/** Bytes of records in one answer. */
const ANSWER_BYTES_MAX = 12_000;
/** Records whose end is remembered, so that old copies of them do not come back. */
const ENDED_MAX = 4096;

/** A record on its way into the store. */
export interface Incoming {
  readonly position: PeerId;
  readonly checked: CheckedRecord;
  /** What is left of its life. */
  readonly leftMs: number;
  /** The neighbour that brought it. */
  readonly from?: PeerKey;
  /** For how long whoever brought it has known its writer here, as an honest holder attests it. */
  readonly heldMs?: number;
  /** Whether the sender is the nearest to the place: then it decides between claims that came at about the same time. */
  readonly isFromNearest?: boolean;
  /** Whether somebody says that less is left of its life than its dates allow: then its end here says nothing about it. */
  readonly endsEarly?: boolean;
}

/** Hears of what changes. */
export interface StoreListener {
  /** A record came, or replaced `former`. */
  readonly stored: (held: Held, former: Held | undefined) => void;
  readonly removed: (held: Held) => void;
}

/** A record of a name that is not held yet. */
interface Newcomer {
  readonly record: DhtRecord;
  readonly writerKey: PeerKey;
  readonly from: PeerKey | undefined;
  readonly bytes: number;
  /** How many claims go for it. */
  readonly rivals: number;
}

/** Everything under one key at one place. */
interface Slot {
  readonly records: Map<string, Held>;
  /** In the order in which pages go; made when somebody asks. */
  sorted: readonly Held[] | undefined;
}

/** The store of one network. */
export class Store {
  private readonly slots = new Map<string, Slot>();
  private readonly usage = new Usage();
  /** Highest sequence of what has expired or was displaced; until nobody could believe it any more. */
  private readonly ended = new Map<string, { sequence: number; until: Instant }>();
  private readonly listener: StoreListener | undefined;

  constructor(listener?: StoreListener) {
    this.listener = listener;
  }

  /** How many records are held. */
  get size(): number {
    return this.usage.records;
  }

  /** Their bytes, as they are sent. */
  get bytes(): number {
    return this.usage.bytes;
  }

  /** Takes a checked record for a place. `taken` also tells an older run of the same peer that a newer one writes. */
  put(incoming: Incoming, now: Instant): DhtStatus {
    const { position, checked } = incoming;
    const at = slotOf(position, checked.record);
    this.expire(at, now);
    const name = recordName(checked);
    const former = this.slots.get(at)?.records.get(name);
    if (former !== undefined) {
      if (isOlderInstance(checked, former)) return 'taken';
      const age = compareAge(checked.record, former.record);
      if (age <= 0) return age === 0 ? 'ok' : 'refused';
    } else if (this.hasEnded(at, name, checked.record, now)) return 'refused';
    else if (checked.record.isDeleted) {
      // Nothing to take away: else ends of what never was would fill the key.
      this.rememberEnd(at, name, checked.record, now);
      return 'ok';
    }
    const rivals = this.rivals(at, name, incoming, now);
    if (rivals === undefined) return 'taken';
    return this.enter(at, name, incoming, { former, rivals }, now) ? 'ok' : 'refused';
  }

  /** The live records under a key behind `after` (writer 20, index 1), in that order; at most `most`, and as fit one answer. */
  get(o: Omit<GetRequest, 'op'>, now: Instant): DhtAnswer {
    const at = slotOf(o.position, o);
    this.expire(at, now);
    const wanted = this.sorted(at).filter(held => compareBytes(orderOfRecord(held), o.after) > 0);
    const records = page(wanted, o);
    const status = records.length === 0 ? 'not-found' : 'ok';
    return { status, more: records.length < wanted.length, records };
  }

  /** The record that stands in the way of another: the claim that holds its key, or else one of the same name. */
  inTheWay(position: PeerId, checked: CheckedRecord): Held | undefined {
    const records = this.slots.get(slotOf(position, checked.record))?.records;
    const name = recordName(checked);
    const isClaim = POLICIES[checked.record.kind].access === 'first-claim';
    const claim = isClaim ? liveOf(records).find(other => other.name !== name) : undefined;
    return claim ?? records?.get(name);
  }

  /** One record, as it is held. */
  find(position: PeerId, record: DhtRecord, name: string): Held | undefined {
    return this.slots.get(slotOf(position, record))?.records.get(name);
  }

  /** Whether a record is still what is held of its name. */
  has(held: Held): boolean {
    return this.find(held.position, held.record, held.name) === held;
  }

  /** Everything held and live. */
  *all(now: Instant): Iterable<Held> {
    for (const { records } of this.slots.values())
      for (const held of records.values()) if (held.until > now) yield held;
  }

  /** Whose records are held. */
  writers(): ReadonlySet<PeerKey> {
    const writers = new Set<PeerKey>();
    for (const { records } of this.slots.values()) for (const held of records.values()) writers.add(held.writerKey);
    return writers;
  }

  /** Drops all records of writers whom `isGone` names. */
  dropWriters(isGone: (leaf: CheckedRecord['writer']['leaf']) => boolean): void {
    for (const [at, { records }] of [...this.slots]) {
      for (const held of [...records.values()]) if (isGone(held.writer.leaf)) this.remove(at, held);
    }
  }

  /** Drops what has expired. */
  sweep(now: Instant): void {
    for (const at of [...this.slots.keys()]) this.expire(at, now);
    for (const [at, { until }] of this.ended) if (until <= now) this.ended.delete(at);
  }

  /** Forgets everything, and tells nobody. */
  clear(): void {
    for (const { records } of this.slots.values()) for (const held of records.values()) this.usage.remove(held);
    this.slots.clear();
    this.ended.clear();
  }

  private enter(
    at: string,
    name: string,
    incoming: Incoming,
    { former, rivals }: { readonly former: Held | undefined; readonly rivals: readonly Held[] },
    now: Instant,
  ): boolean {
    const { position, checked, from } = incoming;
    const { record, writer } = checked;
    const writerKey = peerKey(writer.leaf.peerId);
    const bytes = RECORD_FIXED_BYTES + record.value.length + record.leaf.length;
    if (former === undefined) {
      if (!this.makeRoom(at, { record, writerKey, from, bytes, rivals: rivals.length }, now)) return false;
    } else {
      if (bytes > former.bytes && this.usage.isFull(record.kind, bytes - former.bytes)) return false;
      this.usage.remove(former);
    }
    for (const rival of rivals) this.remove(at, rival);
    const held: Held = {
      ...checked,
      ...{ position, name, from, bytes, writerKey, until: now + incoming.leftMs },
      endsEarly: incoming.endsEarly ?? false,
      seenAt: Math.min(now - (incoming.heldMs ?? 0), former?.seenAt ?? now),
      // Others hold the same value for a while still; of another value they know nothing.
      shared: former !== undefined && isRenewal(former.record, record) ? former.shared : new Map(),
    };
    this.usage.add(held);
    const slot = this.slots.get(at) ?? { records: new Map(), sorted: undefined };
    slot.records.set(name, held);
    slot.sorted = undefined;
    this.slots.set(at, slot);
    this.listener?.stored(held, former);
    return true;
  }

  /** The claims of others that this one replaces, since its holders saw it earlier; `undefined` when one of them stays. */
  private rivals(at: string, name: string, { checked, heldMs, isFromNearest }: Incoming, now: Instant) {
    const { kind, isDeleted } = checked.record;
    if (POLICIES[kind].access !== 'first-claim' || isDeleted) return [];
    const others = liveOf(this.slots.get(at)?.records).filter(other => other.name !== name);
    const isEarlier = (other: Held) => {
      if (heldMs === undefined) return false;
      const ahead = heldMs - (now - other.seenAt);
      if (isFromNearest) return ahead >= -NEAREST_TIE_MS;
      return ahead > TIE_MS || (ahead > -TIE_MS && name < other.name);
    };
    return others.every(isEarlier) ? others : undefined;
  }

  /** Whether an old copy of what was here comes back. */
  private hasEnded(at: string, name: string, record: DhtRecord, now: Instant): boolean {
    const ended = this.ended.get(at + name);
    return ended !== undefined && ended.until > now && record.sequence <= ended.sequence;
  }

  private expire(at: string, now: Instant): void {
    for (const held of this.slots.get(at)?.records.values() ?? []) {
      if (held.until > now) continue;
      this.remove(at, held);
      if (!held.endsEarly) this.rememberEnd(at, held.name, held.record, now);
    }
  }

  private rememberEnd(at: string, name: string, { sequence }: DhtRecord, now: Instant): void {
    const oldest = this.ended.keys().next();
    if (this.ended.size >= ENDED_MAX && !oldest.done) this.ended.delete(oldest.value);
    this.ended.set(at + name, { sequence, until: now + 2 * CLOCK_SKEW_MS });
  }

  private remove(at: string, held: Held): void {
    const slot = this.slots.get(at);
    if (slot === undefined || !slot.records.delete(held.name)) return;
    slot.sorted = undefined;
    if (slot.records.size === 0) this.slots.delete(at);
    this.usage.remove(held);
    this.listener?.removed(held);
  }

  /** Room for one more record: within the quotas of its key and its writer, if need be in place of others'. */
  private makeRoom(at: string, o: Newcomer, now: Instant): boolean {
    const { kind } = o.record;
    const policy = POLICIES[kind];
    if (this.usage.recordsOf(kind, o.writerKey) >= policy.recordsPerHolder) return false;
    const records = this.slots.get(at)?.records;
    const live = (records?.size ?? 0) >= policy.recordsPerKey ? liveOf(records).length - o.rivals : 0;
    if (live >= policy.recordsPerKey && !this.displace(at, o.from)) return false;
    // Ends of records are bounded too, but stand in nobody's way.
    if ((records?.size ?? 0) >= 2 * policy.recordsPerKey) this.forgetEnd(at, now);
    for (let tries = 0; this.usage.isFull(kind, o.bytes); tries++) {
      const victim = tries < VICTIMS_MAX ? this.usage.victim(kind, o.writerKey, o.from, o.bytes) : undefined;
      if (victim === undefined) return false;
      this.remove(slotOf(victim.position, victim.record), victim);
    }
    return true;
  }

  /** Under a full key makes room for what another neighbour brings, if one of them brought most: its oldest goes. */
  private displace(at: string, from: PeerKey | undefined): boolean {
    const counts = new Map<string, Held[]>();
    for (const held of this.slots.get(at)?.records.values() ?? []) {
      const brought = counts.get(held.from ?? '') ?? [];
      brought.push(held);
      counts.set(held.from ?? '', brought);
    }
    const [most = []] = [...counts.values()].sort((a, b) => b.length - a.length);
    const [oldest] = most;
    if (oldest === undefined || most.length <= (counts.get(from ?? '')?.length ?? 0) + 1) return false;
    this.remove(at, oldest);
    return true;
  }

  /** The oldest end of a record goes; that it ended stays known. */
  private forgetEnd(at: string, now: Instant): void {
    const [oldest] = [...(this.slots.get(at)?.records.values() ?? [])].filter(held => held.record.isDeleted);
    if (oldest === undefined) return;
    this.remove(at, oldest);
    this.rememberEnd(at, oldest.name, oldest.record, now);
  }

  private sorted(at: string): readonly Held[] {
    const slot = this.slots.get(at);
    if (slot === undefined) return [];
    slot.sorted ??= [...slot.records.values()].sort((a, b) => compareBytes(orderOfRecord(a), orderOfRecord(b)));
    return slot.sorted;
  }
}

/** Ages that differ by less came at once. */
const TIE_MS = 1000;
/** The same where the nearest decides: wider by the second that each age loses on the way, so that two never refuse each other. */
const NEAREST_TIE_MS = 3000;
/** Records that go for one; a large one may push out several small ones. */
const VICTIMS_MAX = 32;

/** Writer 20, index 1: by this order pages go. */
export function orderOf(writer: PeerId, index: number): Uint8Array {
  const order = new Uint8Array(AFTER_BYTES);
  order.set(writer);
  order[PEER_ID_BYTES] = index;
  return order;
}

/** Where a record stands in that order. */
export function orderOfRecord({ record, writer }: CheckedRecord): Uint8Array {
  return orderOf(writer.leaf.peerId, record.index);
}

/** Whether a record says the same as the one before it, of a writer whose certificate is the same. */
export function isRenewal(former: DhtRecord, record: DhtRecord): boolean {
  const isSame = (one: Uint8Array, other: Uint8Array) => compareBytes(one, other) === 0;
  return (
    former.isDeleted === record.isDeleted && isSame(former.value, record.value) && isSame(former.leaf, record.leaf)
  );
}

function liveOf(records: ReadonlyMap<string, Held> | undefined): Held[] {
  return [...(records?.values() ?? [])].filter(held => !held.record.isDeleted);
}

function page(wanted: readonly Held[], { most, isBrief }: Pick<GetRequest, 'most' | 'isBrief'>): DhtRecord[] {
  const chosen: DhtRecord[] = [];
  let bytes = 0;
  for (const held of wanted) {
    bytes += isBrief ? BRIEF_RECORD_FIXED_BYTES + held.record.value.length : held.bytes;
    if (chosen.length >= most) break;
    if (bytes > ANSWER_BYTES_MAX && chosen.length > 0) break;
    chosen.push(held.record);
  }
  return chosen;
}

function slotOf(position: PeerId, o: { readonly kind: number; readonly key: Uint8Array }): string {
  return `${toHex(position)}${o.kind}${toHex(o.key)}`;
}

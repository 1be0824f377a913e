/**
 * What a group keeps in its DHT: cards of members, claims of addresses. Cards
 * are watched, so that who comes, changes or says goodbye shows at once; they
 * are also read now and then, since renewals are not told and a holder may
 * keep quiet. Whose an address is is always read: a notice shows one claim, and claims may compete.
 */
import {
  assert,
  type Instant,
  jitter,
  type Random,
  sameBytes,
  TimerTable,
  type UnixMs,
  utf8,
  type WallClock,
} from '@warren/base';
import type { CheckedRecord, Dht, DhtOutput } from '@warren/dht';
import { encodeMemberCard, HOST_KINDS, type MemberCard, type PeerId, peerKey, RecordKind, Writer } from '@warren/wire';
import type { Directory } from './directory.ts';
import type { HostKind } from './host.ts';

/**
 * So long for each member, within bounds, lies between renewals of our card and readings of
 * the list: its cost does not grow.
 */
const PACE_MS = 1000;
const PACE_MIN_MS = 30_000;
const PACE_MAX_MS = 96_000;
/** A card lives as long as so many renewals. */
const CARD_RENEWALS = 3;
/** Waits between readings after a change, longer where there are more members than these; then at the pace. */
const MEMBERS_READ_MS: readonly number[] = [500, 1000, 2000, 4000, 8000];
const MEMBERS_FEW = 32;
/** An address claim lives three times its renewal. */
const CLAIM_LIFETIME_S = 180;
/** Addresses whose owners are watched: those found last. */
export const OWNERS_WATCHED_MAX = 8;
/** A watch is held so long before it makes room: who asks for one address after another exchanges none. */
export const OWNER_WATCHED_MS = 10_000;

/** Whom we told of an address that we watch, and since when we do. */
interface OwnerWatch {
  readonly address: number;
  readonly since: Instant;
  owner: PeerId | undefined;
}

type Timer = 'card' | 'members';
type Ended = Extract<DhtOutput, { kind: 'stored' | 'found' }>;

/** What the records of a group need, and whom they tell. */
export interface GroupRecordsOptions {
  readonly dht: Dht;
  readonly directory: Directory;
  readonly random: Random;
  readonly wallClock: WallClock;
  readonly kind: HostKind;
  /** SHA-256, or what stands for it. */
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  /** Our own address; `undefined` while none is claimed. */
  readonly address: () => number | undefined;
  /** What else our card says. */
  readonly card: () => Pick<MemberCard, 'hearsGroups' | 'ranges' | 'gateway'>;
  readonly claimed: (address: number, result: 'held' | 'taken' | 'failed', now: Instant) => void;
  readonly owner: (address: number, peerId: PeerId | undefined, now: Instant) => void;
  /** The directory changed. */
  readonly changed: () => void;
}

/** A group's records at one participant. */
export class GroupRecords {
  private readonly options: GroupRecordsOptions;
  private readonly timers = new TimerTable<Timer>();
  private readonly operations = new Map<number, (out: Ended, now: Instant) => void>();
  /** Watched addresses by the watch's number, oldest first. */
  private readonly owners = new Map<number, OwnerWatch>();
  private membersWatch: number | undefined;
  private readings = 0;

  constructor(options: GroupRecordsOptions) {
    this.options = options;
  }

  /** Records can be stored: through neighbours, or in ourselves when nobody else is there. */
  ready(now: Instant): void {
    this.membersWatch ??= this.options.dht.watch(RecordKind.MEMBER, this.membersKey(), now);
    if (this.timers.at('card') !== undefined) return;
    this.timers.set('card', now);
    this.readMembersSoon(now);
  }

  /** What our card says has changed. */
  renewCard(now: Instant): void {
    this.timers.set('card', now);
    this.readMembersSoon(now);
  }

  /** Something changed: members are read soon, and a few times more, since others' cards follow. */
  readMembersSoon(now: Instant): void {
    this.readings = 0;
    // However often something changes, a reading comes: what is planned is not put off.
    this.scheduleReading(now, this.timers.at('members'));
  }

  claim(address: number, now: Instant): void {
    const key = this.addressKey(address);
    const value = new Writer(4).u32(address).done();
    const o = { kind: RecordKind.ADDRESS, key, value, lifetimeS: CLAIM_LIFETIME_S };
    this.operations.set(this.options.dht.create(o, now), (out, at) => {
      assert(out.kind === 'stored', 'a create ends as stored');
      this.options.claimed(address, out.result === 'ok' ? 'held' : out.result, at);
    });
  }

  /** Reads whose an address is; where it is somebody's, that is watched from then on. */
  findOwner(address: number): void {
    const { dht, owner } = this.options;
    const key = this.addressKey(address);
    this.operations.set(dht.get(RecordKind.ADDRESS, key), (out, at) => {
      const found = out.kind === 'found' ? out.records[0]?.writer.leaf.peerId : undefined;
      this.watchOwner(address, found, at);
      owner(address, found, at);
    });
  }

  private watchOwner(address: number, owner: PeerId | undefined, now: Instant): void {
    const known = [...this.owners.values()].find(watch => watch.address === address);
    if (known !== undefined) known.owner = owner;
    if (known !== undefined || owner === undefined || !this.hasRoomToWatch(now)) return;
    const watch = this.options.dht.watch(RecordKind.ADDRESS, this.addressKey(address), now);
    if (watch !== undefined) this.owners.set(watch, { address, since: now, owner });
  }

  /** Makes room if the oldest watch was held long enough. */
  private hasRoomToWatch(now: Instant): boolean {
    if (this.owners.size < OWNERS_WATCHED_MAX) return true;
    const [oldest] = this.owners;
    if (oldest === undefined || now - oldest[1].since < OWNER_WATCHED_MS) return false;
    this.owners.delete(oldest[0]);
    this.options.dht.unwatch(oldest[0]);
    return true;
  }

  /** Takes what the DHT says of our operations. */
  ended(out: Ended, now: Instant): void {
    const done = this.operations.get(out.operation);
    this.operations.delete(out.operation);
    done?.(out, now);
  }

  /** Takes news under a watched key. */
  watched(watch: number, records: readonly CheckedRecord[], now: Instant): void {
    const ofOwner = this.owners.get(watch);
    if (ofOwner !== undefined) {
      const isKnown = (each: CheckedRecord) => !each.record.isDeleted && isOf(each, ofOwner.owner);
      if (!records.every(isKnown)) this.findOwner(ofOwner.address);
    } else if (watch === this.membersWatch) this.learn(records, now);
  }

  /** Takes our card back: the others see at once that we are gone. */
  leave(now: Instant): void {
    if (this.membersWatch === undefined) return;
    this.options.dht.delete({ kind: RecordKind.MEMBER, key: this.membersKey() }, now);
    this.timers.clear('card');
    this.timers.clear('members');
  }

  get wakeAt(): Instant | undefined {
    return this.timers.next;
  }

  tick(now: Instant): void {
    for (const timer of this.timers.due(now)) {
      if (timer === 'card') this.putCard(now);
      else this.readMembers(now);
    }
  }

  private putCard(now: Instant): void {
    const { dht, kind, address, card, random } = this.options;
    const hostKind = HOST_KINDS.find(known => known === kind) ?? 'edge';
    const value = encodeMemberCard({ hostKind, address: address() ?? 0, ...card() });
    const { paceMs } = this.present(now);
    const lifetimeS = (CARD_RENEWALS * paceMs) / 1000;
    dht.put({ kind: RecordKind.MEMBER, key: this.membersKey(), value, lifetimeS }, now);
    this.timers.set('card', now + jitter(random, paceMs, 0.1));
  }

  private readMembers(now: Instant): void {
    const operation = this.options.dht.get(RecordKind.MEMBER, this.membersKey(), { isLight: true });
    this.operations.set(operation, (out, at) => {
      if (out.kind === 'found') this.learn(out.records, at);
    });
    this.scheduleReading(now);
  }

  private learn(records: readonly CheckedRecord[], now: Instant): void {
    const { directory, changed } = this.options;
    for (const found of records) {
      if (found.record.isDeleted) directory.lost(peerKey(found.writer.leaf.peerId), this.today(now));
      else directory.learn(found, this.today(now));
    }
    changed();
  }

  private scheduleReading(now: Instant, latest: Instant = Number.POSITIVE_INFINITY): void {
    const { count, paceMs, shortestLifeMs } = this.present(now);
    // Who is new thinks that we are few, and its card lives shorter.
    const steady = Math.min(paceMs, Math.max(PACE_MIN_MS, shortestLifeMs / CARD_RENEWALS));
    const soon = MEMBERS_READ_MS[this.readings++] ?? steady;
    const wait = Math.min(steady, soon * Math.max(1, count / MEMBERS_FEW));
    this.timers.set('members', Math.min(latest, now + jitter(this.options.random, wait, 0.1)));
  }

  /** Who seems to be there by their cards, and what lies between renewals while nothing changes. */
  private present(now: Instant): { count: number; shortestLifeMs: number; paceMs: number } {
    const { count, shortestLifeMs } = this.options.directory.present(this.today(now));
    return { count, shortestLifeMs, paceMs: Math.max(PACE_MIN_MS, Math.min(count * PACE_MS, PACE_MAX_MS)) };
  }

  private addressKey(address: number): Uint8Array {
    return this.options.hash(new Writer(16).put(utf8('address')).u32(address).done()).slice(0, 20);
  }

  private membersKey(): Uint8Array {
    return this.options.hash(utf8('members')).slice(0, 20);
  }

  private today(now: Instant): UnixMs {
    return this.options.wallClock.at(now);
  }
}

function isOf({ writer }: CheckedRecord, owner: PeerId | undefined): boolean {
  return owner !== undefined && sameBytes(writer.leaf.peerId, owner);
}

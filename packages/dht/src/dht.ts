/**
 * The DHT of one network: puts, creates and gets signed records at r = 4
 * replicas spread round the ring (P4 2.1). Sans-IO: requests and answers travel
 * by `overlay`, which finds whoever is nearest to a position.
 *
 * An operation asks all replicas at once. `put` succeeds when a majority
 * stored; `create` when more replicas hold our claim than can hold any other
 * (`claims.ts`); `get` merges what the replicas answer, newest sequence of each
 * writer, and names first whom most replicas name.
 */
import { compareBytes, earliest, type Instant, Outbox, sameBytes } from '@warren/base';
import { CLOCK_SKEW_MS } from '@warren/trust';
import {
  AFTER_BYTES,
  ANSWER_RECORDS_MAX,
  type DhtAnswer,
  type DhtRecord,
  type DhtRequest,
  decodeDhtAnswer,
  decodeDhtRequest,
  encodeDhtAnswer,
  encodeDhtRequest,
  type PeerId,
  type PeerKey,
  peerKey,
  type RecordKind,
} from '@warren/wire';
import { Claims } from './claims.ts';
import { type CheckedRecord, checkRecord, makeRecord, type RecordContext } from './records.ts';
import { Store } from './store.ts';

/** Replicas of each key. */
export const REPLICAS = 4;
/** Pages that one get reads from a replica. */
const PAGES_MAX = 24;
/** Expired records are dropped so often. */
const SWEEP_MS = 10_000;
/** A record's copies are handed over in batches of this many, so often. */
const HANDOVER_BATCH = 32;
const HANDOVER_EVERY_MS = 200;
const OPERATIONS_MAX = 256;

export type DhtOutput =
  /** Ask whoever is nearest to `position`; the answer comes back under `tag`. */
  | { readonly kind: 'request'; readonly position: PeerId; readonly payload: Uint8Array; readonly tag: number }
  | {
      readonly kind: 'stored';
      readonly operation: number;
      readonly result: 'ok' | 'taken' | 'failed';
      readonly holder?: PeerKey;
    }
  | {
      readonly kind: 'found';
      readonly operation: number;
      readonly records: readonly CheckedRecord[];
      readonly answers: number;
    };

export interface DhtOptions extends RecordContext {
  /** First 20 bytes of a hash: where on the ring a numbered key lies. */
  readonly place: (bytes: Uint8Array) => PeerId;
}

interface Operation {
  readonly id: number;
  readonly op: 'put' | 'create' | 'get';
  waiting: number;
  answers: number;
  stored: number;
  readonly claims: Claims;
  readonly found: Map<PeerKey, CheckedRecord>;
}

type Placed = Exclude<DhtRequest, { op: 'copy' }>;

interface Ask {
  readonly operation: Operation | undefined;
  readonly request: Placed;
  pages: number;
}

/** Counters. */
export interface DhtStats {
  malformed: number;
  /** Records whose signature, writer, dates or policy were wrong. */
  refused: number;
}

/** The DHT machine. */
export class Dht {
  readonly stats: DhtStats = { malformed: 0, refused: 0 };
  readonly store = new Store();
  private options: DhtOptions;
  private readonly outbox = new Outbox<DhtOutput>();
  private readonly asks = new Map<number, Ask>();
  private nextOperation = 1;
  private nextTag = 1;
  private lastSequence = 0;
  private sweepAt: Instant | undefined;
  private handover: { position: PeerId; record: DhtRecord }[] = [];
  private handoverAt: Instant | undefined;

  constructor(options: DhtOptions) {
    this.options = options;
  }

  poll(): DhtOutput | undefined {
    return this.outbox.poll();
  }

  /** Stores our own record under `key`, in place of our former one. Returns the operation's number. */
  put(o: { kind: RecordKind; key: Uint8Array; value: Uint8Array; lifetimeS: number }, now: Instant): number {
    return this.write('put', o, now);
  }

  /** Stores our own record unless another writer holds the key. */
  create(o: { kind: RecordKind; key: Uint8Array; value: Uint8Array; lifetimeS: number }, now: Instant): number {
    return this.write('create', o, now);
  }

  /** Reads all live records under a key. */
  get(kind: RecordKind, key: Uint8Array): number {
    const operation = this.begin('get');
    const after = new Uint8Array(AFTER_BYTES);
    for (const position of this.positions(key))
      this.ask(operation, { op: 'get', position, kind, key, after, most: ANSWER_RECORDS_MAX });
    return operation.id;
  }

  /** A request that reached us; returns the answer's payload, `undefined` for malformed bytes. */
  serve(payload: Uint8Array, now: Instant): Uint8Array | undefined {
    const request = decodeDhtRequest(payload);
    if (request === undefined) {
      this.stats.malformed++;
      return undefined;
    }
    if (this.sweepAt === undefined) this.sweepAt = now + SWEEP_MS;
    return encodeDhtAnswer(request.op === 'get' ? this.serveGet(request, now) : this.serveWrite(request, now));
  }

  /** The answer to a request of ours. */
  answered(tag: number, payload: Uint8Array, now: Instant): void {
    const ask = this.asks.get(tag);
    this.asks.delete(tag);
    const answer = decodeDhtAnswer(payload);
    if (ask?.operation === undefined) return;
    if (answer === undefined) this.stats.malformed++;
    else this.merge(ask, ask.operation, answer, now);
    this.settle(ask.operation);
  }

  unanswered(tag: number): void {
    const operation = this.asks.get(tag)?.operation;
    this.asks.delete(tag);
    if (operation !== undefined) this.settle(operation);
  }

  /** The peers beside us changed: copies may now belong to somebody nearer. */
  neighbourhoodChanged(isOurs: (position: PeerId) => boolean, now: Instant): void {
    this.handover = [...this.store.all(now)].filter(({ position }) => !isOurs(position));
    if (this.handover.length > 0) this.handoverAt ??= now + HANDOVER_EVERY_MS;
  }

  /** Takes over fresh credentials; later records are signed with them. */
  renew(credentials: DhtOptions['credentials']): void {
    this.options = { ...this.options, credentials };
  }

  get wakeAt(): Instant | undefined {
    return earliest(this.handoverAt, this.sweepAt);
  }

  tick(now: Instant): void {
    if (this.sweepAt !== undefined && now >= this.sweepAt) {
      this.store.sweep(now);
      this.sweepAt = this.store.size > 0 ? now + SWEEP_MS : undefined;
    }
    if (this.handoverAt !== undefined && now >= this.handoverAt) this.handOver(now);
  }

  /** Where the replicas of a key lie. */
  positions(key: Uint8Array): PeerId[] {
    return Array.from({ length: REPLICAS }, (_, i) => {
      const numbered = new Uint8Array(key.length + 1);
      numbered.set(key);
      numbered[key.length] = i;
      return this.options.place(numbered);
    });
  }

  private write(
    op: 'put' | 'create',
    o: { kind: RecordKind; key: Uint8Array; value: Uint8Array; lifetimeS: number },
    now: Instant,
  ): number {
    const operation = this.begin(op);
    this.lastSequence = Math.max(this.lastSequence + 1, this.options.wallClock.at(now));
    const record = makeRecord(this.options, { ...o, sequence: this.lastSequence }, now);
    for (const position of this.positions(o.key)) this.ask(operation, { op, position, record });
    return operation.id;
  }

  private begin(op: Operation['op']): Operation {
    return { id: this.nextOperation++, op, waiting: 0, answers: 0, stored: 0, claims: new Claims(), found: new Map() };
  }

  private ask(operation: Operation | undefined, request: Placed, pages = 1): void {
    const tag = this.nextTag++;
    if (operation !== undefined) operation.waiting++;
    const oldest = this.asks.entries().next();
    if (this.asks.size >= OPERATIONS_MAX * REPLICAS && !oldest.done) this.unanswered(oldest.value[0]);
    this.asks.set(tag, { operation, request, pages });
    this.outbox.push({ kind: 'request', position: request.position, payload: encodeDhtRequest(request), tag });
  }

  private serveGet(request: Extract<DhtRequest, { op: 'get' }>, now: Instant): DhtAnswer {
    return this.store.get(request.position, request.kind, request.key, request.after, now);
  }

  private serveWrite(request: Exclude<DhtRequest, { op: 'get' }>, now: Instant): DhtAnswer {
    if (request.op !== 'put' && request.op !== 'create') return { status: 'refused', more: false, records: [] };
    const { record, position } = request;
    const checked = checkRecord(this.options, record, now);
    const isReplica = this.positions(record.key).some(place => compareBytes(place, position) === 0);
    const today = this.options.wallClock.at(now);
    const isCurrent = checked !== undefined && today <= checked.writer.statement.notAfter + CLOCK_SKEW_MS;
    if (!isCurrent || !isReplica) {
      this.stats.refused++;
      return { status: 'refused', more: false, records: [] };
    }
    const status = this.store.put(position, checked, checked.expiresAt - today, now);
    const holder = status === 'taken' ? this.store.holder(position, record) : undefined;
    return { status, more: false, records: holder === undefined ? [] : [holder] };
  }

  private merge(ask: Ask, operation: Operation, answer: DhtAnswer, now: Instant): void {
    operation.answers++;
    if (answer.status === 'ok' && operation.op !== 'get') operation.stored++;
    let last: Uint8Array | undefined;
    let after = new Uint8Array(AFTER_BYTES);
    for (const record of answer.records) {
      const checked = checkRecord(this.options, record, now);
      if (checked === undefined || !isAbout(record, ask.request)) {
        this.stats.refused++;
        continue;
      }
      last = checked.writer.leaf.peerId;
      after = new Uint8Array(AFTER_BYTES).fill(0xff);
      after.set(last);
      operation.claims.note(peerKey(last), peerKey(ask.request.position));
      const known = operation.found.get(peerKey(last));
      if (known === undefined || known.record.sequence < record.sequence) operation.found.set(peerKey(last), checked);
    }
    const { request, pages } = ask;
    if (request.op !== 'get' || !answer.more || last === undefined || pages >= PAGES_MAX) return;
    if (compareBytes(after, request.after) > 0) this.ask(operation, { ...request, after }, pages + 1);
  }

  private settle(operation: Operation): void {
    operation.waiting--;
    if (operation.waiting > 0) return;
    const { id, answers, claims, stored } = operation;
    if (operation.op === 'get') {
      const records = claims.byVotes().flatMap(writer => operation.found.get(writer) ?? []);
      this.outbox.push({ kind: 'found', operation: id, records, answers });
    } else if (operation.op === 'create') {
      const self = peerKey(this.options.credentials.leaf.peerId);
      this.outbox.push({ kind: 'stored', operation: id, ...claims.outcome(self, stored, REPLICAS) });
    } else {
      this.outbox.push({ kind: 'stored', operation: id, result: stored > REPLICAS / 2 ? 'ok' : 'failed' });
    }
  }

  /** Any peer may put a signed record on: hands copies to whoever is nearer now. */
  private handOver(now: Instant): void {
    for (const { position, record } of this.handover.splice(0, HANDOVER_BATCH)) {
      this.ask(undefined, { op: 'put', position, record });
    }
    this.handoverAt = this.handover.length > 0 ? now + HANDOVER_EVERY_MS : undefined;
  }
}

function isAbout(record: DhtRecord, request: Placed): boolean {
  const { kind, key } = 'record' in request ? request.record : request;
  return record.kind === kind && sameBytes(record.key, key);
}

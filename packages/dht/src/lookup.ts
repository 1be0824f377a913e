/**
 * One `get`: asks replicas at once, page by page, ends as soon as a majority of
 * them agrees, and says which differ (P4: comparing replicas finds tampering).
 * While they disagree it looks beside the places that lack something, where
 * copies lie too; in the end it puts right what was missing, within bounds.
 */
import { compareBytes } from '@warren/base';
import {
  AFTER_BYTES,
  ANSWER_RECORDS_MAX,
  BRIEF_RECORDS_MAX,
  type DhtAnswer,
  type DhtRecord,
  type DhtRequest,
  type PeerId,
  type RecordKind,
} from '@warren/wire';
import { Claims } from './claims.ts';
import { POLICIES } from './policy.ts';
import { type CheckedRecord, compareAge, recordName } from './records.ts';
import { orderOfRecord } from './store.ts';

/** Pages that one get reads from a replica. */
const PAGES_MAX = 24;
/** Records that one get puts right. */
const REPAIRS_MAX = 4;

/** What a get found. */
export interface Found {
  /** Live records, the writer first whom most replicas name. */
  readonly records: readonly CheckedRecord[];
  /** How many replicas answered. */
  readonly answers: number;
  /** Numbers of the replicas, 0 to 3, that lack some of these records or hold older ones. */
  readonly disagreement: readonly number[];
  /** Ends of records that were seen. */
  readonly deleted: readonly CheckedRecord[];
}

/** What a lookup needs. */
export interface LookupIo {
  /** Asks whoever is nearest to `target`; `undefined` is no answer. */
  readonly ask: (request: DhtRequest, target: PeerId, done: (answer: DhtAnswer | undefined) => void) => void;
  readonly check: (record: DhtRecord) => CheckedRecord | undefined;
  /** Where copies of a place lie. */
  readonly beside: (position: PeerId) => PeerId;
  readonly found: (found: Found) => void;
  /** Enough replicas agree: the others have a moment to say that they know better. */
  readonly wait: (over: () => void) => void;
  /** A replica lacks this. */
  readonly repair: (position: PeerId, record: CheckedRecord) => void;
}

/** What is looked for, and how. */
export interface LookupOptions {
  readonly kind: RecordKind;
  readonly key: Uint8Array;
  readonly positions: readonly PeerId[];
  /** Numbers of the replicas in the order in which they are asked. */
  readonly order: readonly number[];
  /** How many are asked at first; the others when these disagree or are silent. */
  readonly atOnce: number;
  /** Whether its writers are known from before. */
  readonly isBrief: boolean;
  /** Whether that nothing is there has to be found beside the places too. */
  readonly isThorough: boolean;
}

/** What one replica says. */
interface View {
  waiting: number;
  pages: number;
  isDone: boolean;
  readonly seen: Map<string, CheckedRecord>;
  readonly beside: Map<string, CheckedRecord>;
}

/** A get under way. */
export class Lookup {
  private readonly o: LookupOptions;
  private readonly io: LookupIo;
  private readonly views = new Map<number, View>();
  private isTold = false;
  private isWaiting = false;
  private hasLookedBeside = false;
  private isRepaired = false;

  constructor(o: LookupOptions, io: LookupIo) {
    this.o = o;
    this.io = io;
  }

  start(): void {
    for (const place of this.o.order.slice(0, this.o.atOnce)) this.views.set(place, freshView());
    for (const place of this.views.keys()) this.askPlace(place, new Uint8Array(AFTER_BYTES));
  }

  private askPlace(place: number, after: Uint8Array): void {
    const { view, position } = this.at(place);
    view.waiting++;
    view.pages++;
    this.io.ask(this.question(position, after), position, answer => {
      view.waiting--;
      if (answer?.status === 'ok' || answer?.status === 'not-found') this.page(place, after, answer);
      this.review();
    });
  }

  private question(position: PeerId, after: Uint8Array): DhtRequest {
    const { kind, key, isBrief } = this.o;
    return { op: 'get', position, kind, key, after, isBrief, most: isBrief ? BRIEF_RECORDS_MAX : ANSWER_RECORDS_MAX };
  }

  private page(place: number, after: Uint8Array, answer: DhtAnswer): void {
    const { view } = this.at(place);
    const last = this.note(view.seen, answer);
    const goesOn = answer.more && last !== undefined && compareBytes(last, after) > 0 && view.pages < PAGES_MAX;
    if (goesOn) this.askPlace(place, last);
    else view.isDone = true;
  }

  /** Notes the good records of an answer; returns where the last of them stands. */
  private note(seen: Map<string, CheckedRecord>, answer: DhtAnswer): Uint8Array | undefined {
    let last: Uint8Array | undefined;
    for (const record of answer.records) {
      const isAsked = record.kind === this.o.kind && compareBytes(record.key, this.o.key) === 0;
      const checked = isAsked ? this.io.check(record) : undefined;
      if (checked === undefined) continue;
      last = orderOfRecord(checked);
      keepNewer(seen, checked);
    }
    return last;
  }

  private review(): void {
    const isAsking = [...this.views.values()].some(view => view.waiting > 0);
    if (isAsking) {
      if (!this.isWaiting && this.agreesEnough()) this.wait();
      return;
    }
    if (!this.isTold && !this.isUnanimous() && (this.widen() || this.lookBeside())) return;
    if (!this.isTold) this.tell();
    if (!this.isRepaired) this.repair();
  }

  /** One honest replica is worth more than three that lie, so those that answer at once are heard. */
  private wait(): void {
    this.isWaiting = true;
    this.io.wait(() => {
      if (!this.isTold) this.tell();
    });
  }

  /** Whether all that were asked answered the same, and that is enough. */
  private isUnanimous(): boolean {
    return this.agreesEnough() && ![...this.views.values()].some(view => !view.isDone || isBehind(view, this.merged()));
  }

  /** Whether more than half of those asked say the same; that nothing is there is not enough for a thorough one. */
  private agreesEnough(): boolean {
    const votes = new Map<string, number>();
    for (const view of this.views.values()) {
      if (!view.isDone || (this.o.isThorough && view.seen.size === 0)) continue;
      const text = textOf(view.seen);
      votes.set(text, (votes.get(text) ?? 0) + 1);
    }
    return [...votes.values()].some(count => count > this.views.size / 2);
  }

  private widen(): boolean {
    const others = this.o.order.filter(place => !this.views.has(place));
    for (const place of others) this.views.set(place, freshView());
    for (const place of others) this.askPlace(place, new Uint8Array(AFTER_BYTES));
    return others.length > 0;
  }

  /** Asks beside the places that lack something: their nearest peer may lie, or may be new there. */
  private lookBeside(): boolean {
    if (this.hasLookedBeside) return false;
    this.hasLookedBeside = true;
    const merged = this.merged();
    if (merged.size === 0 && !this.o.isThorough) return false;
    const lacking = [...this.views].filter(([, view]) => merged.size === 0 || isBehind(view, merged));
    for (const [place, view] of lacking) {
      const { position } = this.at(place);
      view.waiting++;
      this.io.ask(this.question(position, new Uint8Array(AFTER_BYTES)), this.io.beside(position), answer => {
        view.waiting--;
        if (answer?.status === 'ok') this.note(view.beside, answer);
        this.review();
      });
    }
    return lacking.length > 0;
  }

  private tell(): void {
    this.isTold = true;
    const merged = this.merged();
    const claims = new Claims();
    for (const [place, { seen, beside }] of this.views) {
      for (const [name, { record }] of seen.size > 0 ? seen : beside)
        if (!record.isDeleted) claims.note(name, `${place}`);
    }
    for (const [name, { record }] of merged) if (!record.isDeleted) claims.note(name, 'merged');
    const done = [...this.views].filter(([, view]) => view.isDone);
    this.io.found({
      records: claims.byVotes().flatMap(name => live(merged.get(name))),
      answers: done.length,
      disagreement: done.filter(([, view]) => isBehind(view, merged)).map(([place]) => place),
      deleted: [...merged.values()].filter(({ record }) => record.isDeleted),
    });
  }

  /** Gives each replica what it lacks; not while two claim the same key, as that is for their holders to settle. */
  private repair(): void {
    this.isRepaired = true;
    const merged = this.merged();
    const isClaim = POLICIES[this.o.kind].access === 'first-claim';
    if (isClaim && merged.size > 1) return;
    let left = REPAIRS_MAX;
    for (const [place, view] of this.views) {
      if (!view.isDone) continue;
      for (const [name, newest] of merged) {
        if (left <= 0 || !lacksNewest(view.seen.get(name), newest)) continue;
        left--;
        this.io.repair(this.at(place).position, newest);
      }
    }
  }

  /** The newest of each name that anybody showed. */
  private merged(): Map<string, CheckedRecord> {
    const merged = new Map<string, CheckedRecord>();
    for (const { seen, beside } of this.views.values()) {
      for (const checked of seen.values()) keepNewer(merged, checked);
      for (const checked of beside.values()) keepNewer(merged, checked);
    }
    return merged;
  }

  private at(place: number): { view: View; position: PeerId } {
    return { view: this.views.get(place) as View, position: this.o.positions[place] as PeerId };
  }
}

function freshView(): View {
  return { waiting: 0, pages: 0, isDone: false, seen: new Map(), beside: new Map() };
}

function keepNewer(of: Map<string, CheckedRecord>, checked: CheckedRecord): void {
  const name = recordName(checked);
  const known = of.get(name);
  if (known === undefined || compareAge(checked.record, known.record) > 0) of.set(name, checked);
}

function isBehind({ seen }: View, merged: ReadonlyMap<string, CheckedRecord>): boolean {
  for (const [name, newest] of merged) if (lacksNewest(seen.get(name), newest)) return true;
  return false;
}

/** The end of a record need not be known where the record is not. */
function lacksNewest(seen: CheckedRecord | undefined, newest: CheckedRecord): boolean {
  return seen === undefined ? !newest.record.isDeleted : compareAge(newest.record, seen.record) > 0;
}

function textOf(seen: ReadonlyMap<string, CheckedRecord>): string {
  const texts = [...seen].map(([name, { record }]) => `${name} ${record.sequence}`);
  return texts.sort().join();
}

function live(checked: CheckedRecord | undefined): CheckedRecord[] {
  return checked === undefined || checked.record.isDeleted ? [] : [checked];
}

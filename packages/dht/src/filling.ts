/**
 * Makes one brief answer whole. Records of writers whom we do not know are
 * asked for as they are, a gap at a time; what we would not believe (a clock too
 * far off, a holder that has let go of it meanwhile) is left out, as it would be
 * of a whole answer, and hides nothing behind it.
 */
import {
  ANSWER_RECORDS_MAX,
  type BriefRecord,
  type DhtAnswer,
  type DhtRecord,
  type DhtRequest,
  type GetRequest,
} from '@warren/wire';
import type { CheckedRecord } from './records.ts';
import { orderOfRecord } from './store.ts';
import type { Writers } from './writers.ts';

/** Questions for what one answer leaves out. */
const GAPS_MAX = 8;

/** What it needs. */
export interface FillingIo {
  readonly writers: Writers;
  /** Asks whoever gave the brief answer. */
  readonly ask: (request: DhtRequest, done: (answer: DhtAnswer | undefined) => void) => void;
  readonly check: (record: DhtRecord) => CheckedRecord | undefined;
  /** Hears the whole answer; `undefined` when it is as good as none. */
  readonly done: (answer: DhtAnswer | undefined) => void;
}

/** One brief answer on its way. */
export class Filling {
  private readonly answer: DhtAnswer;
  private readonly request: GetRequest;
  private readonly io: FillingIo;
  private readonly records: DhtRecord[] = [];
  private rest: readonly BriefRecord[];
  private after: Uint8Array;
  private gapsLeft = GAPS_MAX;
  private isAnswered = true;

  /** `answer` has brief records, and was given to `request`. */
  constructor(answer: DhtAnswer, request: GetRequest, io: FillingIo) {
    this.answer = answer;
    this.request = request;
    this.io = io;
    this.rest = answer.brief ?? [];
    this.after = request.after;
  }

  /** Goes on to the next gap, or to the end. */
  next(): void {
    const { records, gap } = this.io.writers.whole(this.rest, this.after);
    this.records.push(...records);
    if (gap === undefined) this.end(this.answer.more);
    else if (this.gapsLeft-- === 0) this.end(true);
    else {
      this.rest = this.rest.slice(records.length);
      this.fill(gap.after, gap.count);
    }
  }

  private fill(after: Uint8Array, count: number): void {
    const most = Math.min(count, ANSWER_RECORDS_MAX);
    this.io.ask({ ...this.request, after, most, isBrief: false }, filled => {
      const checked = (filled?.records ?? []).flatMap(record => this.io.check(record) ?? []);
      this.isAnswered &&= filled?.status === 'ok' || filled?.status === 'not-found';
      this.records.push(...checked.map(({ record }) => record));
      const last = checked.at(-1);
      if (last !== undefined) this.after = orderOfRecord(last);
      // Behind so many that nobody believes in a row we do not know where to go on.
      if (last === undefined && most < count) this.end(false);
      else {
        this.rest = this.rest.slice(most);
        this.next();
      }
    });
  }

  private end(more: boolean): void {
    const { brief: _brief, ...rest } = this.answer;
    const isNone = this.records.length === 0 && (more || !this.isAnswered);
    this.io.done(isNone ? undefined : { ...rest, more, records: this.records });
  }
}

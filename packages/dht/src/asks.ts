/** Requests of ours that wait for their answers. Bounded: the oldest counts as unanswered when there are too many. */
import type { Instant } from '@warren/base';
import { type DhtAnswer, decodeDhtAnswer } from '@warren/wire';

/** Requests under way. */
const ASKS_MAX = 1024;

/** Hears how a request ended; `undefined` when nobody answered, or not in a way that can be read. */
export type Done = (answer: DhtAnswer | undefined, now: Instant) => void;

/** All of one machine. */
export class Asks {
  private readonly waiting = new Map<number, Done>();
  private nextTag = 1;

  /** Takes note of one more; returns its tag. */
  add(done: Done, now: Instant): number {
    const oldest = this.waiting.keys().next();
    if (this.waiting.size >= ASKS_MAX && !oldest.done) this.unanswered(oldest.value, now);
    const tag = this.nextTag++;
    this.waiting.set(tag, done);
    return tag;
  }

  /** Takes an answer; false when it cannot be read. From whom we would not have asked only records count: they prove themselves. */
  answered(tag: number, payload: Uint8Array, isPlausible: boolean, now: Instant): boolean {
    const answer = decodeDhtAnswer(payload);
    const hasRecords = answer !== undefined && (answer.records.length > 0 || answer.brief !== undefined);
    this.take(tag)?.(isPlausible || hasRecords ? answer : undefined, now);
    return answer !== undefined;
  }

  unanswered(tag: number, now: Instant): void {
    this.take(tag)?.(undefined, now);
  }

  private take(tag: number): Done | undefined {
    const done = this.waiting.get(tag);
    this.waiting.delete(tag);
    return done;
  }
}

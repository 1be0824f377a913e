/**
 * The first moments in a new stretch of the ring: those beside us hold records
 * that we should have, and hand them over within a second or, many of them,
 * half a minute. Until then that we know nobody who holds a key says nothing.
 */
import type { Instant } from '@warren/base';
import { RETRY_MS } from './copies.ts';

/** Who has something for us begins within this, and goes on before it is over again. */
const QUIET_MS = 1000;
/** Longest in all. */
const SETTLING_MAX_MS = 30_000;

/** Whether we are still being told what we should hold. */
export class Settling {
  private until: Instant = Number.NEGATIVE_INFINITY;
  private end: Instant = Number.NEGATIVE_INFINITY;

  /** Nobody beside us has been there before. */
  begin(now: Instant): void {
    this.end = now + SETTLING_MAX_MS;
    this.until = now + QUIET_MS;
  }

  /** Somebody beside us hands records over. */
  handed(now: Instant): void {
    this.extend(QUIET_MS, now);
  }

  /** Somebody beside us wants to, and was told to come again. */
  putOff(now: Instant): void {
    this.extend(RETRY_MS + QUIET_MS, now);
  }

  isUnderWay(now: Instant): boolean {
    return now < this.until;
  }

  private extend(byMs: number, now: Instant): void {
    if (now < this.until) this.until = Math.min(this.end, Math.max(this.until, now + byMs));
  }
}

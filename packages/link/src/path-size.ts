/**
 * How large the datagrams of one path may be, found out by filled-up challenges
 * alone: no ICMP message is believed or needed, so that a black hole, which
 * swallows large datagrams and says nothing, costs seconds. The size in use is
 * confirmed while it is used; when it is lost we fall back and look anew, and
 * look for more from time to time. A path that carries nothing large is not
 * asked, not even once: many a link comes and goes without.
 * Source: RFC 8899 (section 4.3 on black holes, 5.1.1 on timers), decisions.md "path budget".
 */
import type { Instant } from '@warren/base';
import { RELAYED_OVERHEAD_BYTES, UDP_PATH_BYTES, UDP_PROBED_BYTES } from '@warren/wire';
import type { PathKind } from './candidates.ts';

/** Sizes of datagram that a UDP path is tried with, largest first (decisions.md "path budget"). */
const SIZES_BYTES: readonly number[] = [UDP_PROBED_BYTES, 1400, 1360];
/** The same through a relay. */
const RELAYED_SIZES_BYTES: readonly number[] = SIZES_BYTES.map(bytes => bytes - RELAYED_OVERHEAD_BYTES);
/** Tries without an answer, each after the time of an answer, that mean that a size does not pass. */
const TRIES = 3;
/** The size in use is confirmed so often while it is used. */
export const CONFIRM_EVERY_MS = 5000;
/**
 * Larger sizes are looked for so often while large datagrams are sent (PMTU_RAISE_TIMER is 10 minutes; a try costs
 * 4 kB).
 */
export const RAISE_EVERY_MS = 60_000;
/** Datagrams from this size on make use of the size of the path: halves of a frame are larger. */
const LARGE_BYTES = 600;

/** The size of one path. */
export class PathSize {
  /** The largest datagram that came through; 0 until one did. */
  provenBytes = 0;
  private readonly sizes: readonly number[];
  /** What passes on every path of the kind. */
  private readonly anywhereBytes: number;
  /** Something large was sent since the last try: more would be of use. */
  private isUsed = false;
  /** Since the size in use was tried last, something was sent that passes only where that does. */
  private isRelied = false;
  /** Of the size in use, without an answer, in a row. */
  private tries = 0;
  private triedAt: Instant = Number.NEGATIVE_INFINITY;
  /** Of larger sizes, in a row. */
  private rounds = 0;
  private raiseAt: Instant = Number.NEGATIVE_INFINITY;
  /** The size of a try that is about to leave: it is no use of the path. */
  private leaving = 0;

  constructor(kind: PathKind) {
    this.sizes = kind === 'udp' ? SIZES_BYTES : kind === 'relay' ? RELAYED_SIZES_BYTES : [];
    this.anywhereBytes = UDP_PATH_BYTES - (kind === 'relay' ? RELAYED_OVERHEAD_BYTES : 0);
  }

  /** Notes a datagram that leaves. */
  sent(bytes: number): void {
    if (bytes === this.leaving) this.leaving = 0;
    else {
      this.isUsed ||= bytes >= LARGE_BYTES;
      this.isRelied ||= bytes > this.anywhereBytes;
    }
  }

  /** Sizes to try now, beside an ordinary challenge, whose answer tells whether anything passes. */
  next(now: Instant, answerWithinMs: number): readonly number[] {
    if (this.sizes.length === 0 || now < this.dueAt(answerWithinMs)) return [];
    this.triedAt = now;
    if (this.tries >= TRIES) this.fall();
    if (now >= this.raiseAt) return this.raise(now, answerWithinMs);
    this.tries++;
    this.isUsed = this.isRelied = false;
    return [this.provenBytes];
  }

  /** Notes a try that is about to leave. */
  tried(bytes: number): void {
    this.leaving = bytes;
  }

  /** A try of `bytes` was answered. */
  answered(bytes: number): void {
    if (bytes < this.provenBytes) return;
    this.provenBytes = bytes;
    this.tries = 0;
    if (bytes === this.sizes[0]) this.raiseAt = Number.POSITIVE_INFINITY;
  }

  /** Nothing is known any more. */
  reset(): void {
    this.fall();
    this.triedAt = Number.NEGATIVE_INFINITY;
  }

  /** When `next` has something to say. */
  dueAt(answerWithinMs: number): Instant {
    if (this.sizes.length === 0) return Number.POSITIVE_INFINITY;
    const raise = this.rounds > 0 || this.isUsed ? this.raiseAt : Number.POSITIVE_INFINITY;
    if (this.provenBytes === 0) return raise;
    const confirm = this.isRelied ? this.triedAt + CONFIRM_EVERY_MS : Number.POSITIVE_INFINITY;
    return Math.min(raise, this.tries > 0 ? this.triedAt + answerWithinMs : confirm);
  }

  /** A new route carries less: what is left is found out at once. */
  private fall(): void {
    this.provenBytes = 0;
    this.tries = 0;
    this.rounds = 0;
    this.raiseAt = Number.NEGATIVE_INFINITY;
  }

  private raise(now: Instant, answerWithinMs: number): readonly number[] {
    this.rounds = (this.rounds + 1) % TRIES;
    this.raiseAt = now + (this.rounds === 0 ? RAISE_EVERY_MS : answerWithinMs);
    this.isUsed = false;
    return this.sizes.filter(bytes => bytes > this.provenBytes);
  }
}

/**
 * How long a UDP path may be silent before NATs forget it, learned from paths
 * in reserve, where a wrong guess costs nothing: the interval grows while they
 * answer after it, and shrinks when one has died though the neighbour lives.
 * Links of resting hosts (battery, hidden tab) use what was learned. Paths that
 * others rely on are asked as often as liveness wants (`path.ts`).
 * Source: RFC 4787 section 4.3 (two minutes at least, as it should be), RFC 5626 4.4.2; decisions.md "Liveness".
 */
import type { Instant } from '@warren/base';

/** Intervals to try, shortest first: P2 pings every 15 s. */
export const KEEPALIVES_MS: readonly [number, ...number[]] = [15_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000];
/** A length that a NAT did not bear is not tried again for so long. */
const CEILING_MS = 1_800_000;

/** What was learned on one link. */
export class Keepalive {
  private step = 0;
  private ceiling: { readonly step: number; readonly until: Instant } | undefined;

  /** Silence on a path in reserve before it is asked. */
  get intervalMs(): number {
    return KEEPALIVES_MS[this.step] ?? KEEPALIVES_MS[0];
  }

  /** A path in reserve has answered after so much silence. */
  survived(silenceMs: number, now: Instant): void {
    if (silenceMs < this.intervalMs) return;
    if (this.ceiling !== undefined && now >= this.ceiling.until) this.ceiling = undefined;
    const highest = this.ceiling?.step ?? KEEPALIVES_MS.length - 1;
    this.step = Math.min(this.step + 1, highest);
  }

  /** A path in reserve has not, and the neighbour lives. */
  died(silenceMs: number, now: Instant): void {
    const shorter = KEEPALIVES_MS.findLastIndex(each => each < silenceMs && each < this.intervalMs);
    this.step = Math.min(this.step, Math.max(shorter, 0));
    this.ceiling = { step: this.step, until: now + CEILING_MS };
  }
}

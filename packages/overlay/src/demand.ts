/**
 * On-demand links: what two peers send each other through others scores them,
 * and a score leaks away; above a threshold a direct link pays. Source: P2 2.4
 * and 4 (shortcuts "based upon demands" of its reference 18: the score grows by
 * what comes in and shrinks at a constant rate).
 */
import type { Instant } from '@warren/base';
import type { PeerKey } from '@warren/wire';

/** Datagrams a second, both ways together, that are not worth a link: a ping each second and its answer just pass. */
const LEAK_PER_S = 1.5;
/** Above this a link is worth its handshake, which is as many datagrams as a few chat lines: those stay below. */
const THRESHOLD = 24;
/** Scores stop here, so that the end of a long transfer is noticed within seconds. */
const SCORE_MAX = 2 * THRESHOLD;
/** Below the threshold for so long: the link goes (overlay.md). */
const KEPT_MS = 60_000;
/** Pairs that are scored; the least goes first. */
const SCORED_MAX = 256;

interface Score {
  value: number;
  at: Instant;
  /** When it last was above the threshold. */
  above: Instant;
}

/** The scores of one overlay. */
export class Demand {
  private readonly scores = new Map<PeerKey, Score>();

  /** Counts datagrams to or from a peer; true when a link to it is worth while. */
  traffic(key: PeerKey, now: Instant, datagrams: number): boolean {
    const score = this.scores.get(key) ?? this.add(key, now);
    score.value = Math.min(SCORE_MAX, leaked(score, now) + datagrams);
    score.at = now;
    if (score.value < THRESHOLD) return false;
    score.above = now;
    return true;
  }

  /** Whether the score was above the threshold within the last minute. */
  isWanted(key: PeerKey, now: Instant): boolean {
    const score = this.scores.get(key);
    return score !== undefined && now - score.above < KEPT_MS;
  }

  /** Whether the score has been above the threshold, and was not found below it for a minute. */
  isScored(key: PeerKey): boolean {
    return (this.scores.get(key)?.above ?? Number.NEGATIVE_INFINITY) > Number.NEGATIVE_INFINITY;
  }

  /** Forgets scores that have leaked away. */
  expire(now: Instant): void {
    for (const [key, score] of this.scores) {
      if (leaked(score, now) <= 0 && !this.isWanted(key, now)) this.scores.delete(key);
    }
  }

  private add(key: PeerKey, now: Instant): Score {
    if (this.scores.size >= SCORED_MAX) this.dropLeast(now);
    const score = { value: 0, at: now, above: Number.NEGATIVE_INFINITY };
    this.scores.set(key, score);
    return score;
  }

  private dropLeast(now: Instant): void {
    let least: PeerKey | undefined;
    let value = Number.POSITIVE_INFINITY;
    for (const [key, score] of this.scores) {
      const left = leaked(score, now);
      if (left >= value) continue;
      least = key;
      value = left;
    }
    if (least !== undefined) this.scores.delete(least);
  }
}

function leaked({ value, at }: Score, now: Instant): number {
  return Math.max(0, value - ((now - at) / 1000) * LEAK_PER_S);
}

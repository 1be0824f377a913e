/**
 * How well a first hop has served our own requests: an opinion that is ours
 * alone, told to nobody and taken from nobody, so that liars cannot have others
 * shunned. Falls fast and rises slowly, so that good behaviour in the past buys
 * little. Source: faults.md rows 8, 17, 65.
 */

/** Of a new link. */
export const SCORE_START = 1;
/** Four requests in a row without an answer make a link poor. */
const FAILED = 0.6;
/** How much of what is missing to 1 an answer gives back. */
const ANSWERED = 0.15;
/** Below this, another link is taken where one leads nearer too. */
const POOR = 0.2;

/** The score after one more request through a link: answered, or not. */
export function judged(score: number, isAnswered: boolean): number {
  return isAnswered ? score + (1 - score) * ANSWERED : score * FAILED;
}

/** Whether others are to be preferred. */
export function isPoor(score: number): boolean {
  return score < POOR;
}

/**
 * How long a datagram is on its way between two hosts of a simulated world.
 * Peers map to hosts; what a model knows about the Internet is its own matter.
 */

/** One-way delays between hosts. */
export interface LatencyModel {
  readonly name: string;
  /** How many hosts there are; peers beyond share them. */
  readonly hosts: number;
  /** Milliseconds from host `i` to host `j`, both below `hosts`; above 0 also for `i` = `j`. */
  oneWayMs(i: number, j: number): number;
}

/** The same delay between all hosts. */
export function constantLatency(oneWayMs: number): LatencyModel {
  return { name: `constant-${oneWayMs}`, hosts: 1, oneWayMs: () => oneWayMs };
}

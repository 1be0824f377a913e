/**
 * What the promises of `host-contract.ts` are written with: checks that throw, an ear that collects events.
 * Nothing of Node and no test framework in here: it runs in a page too.
 */
import type { Datagrams, PathEvent } from '@warren/peer';

/** How long anything awaited may take. */
const PATIENCE_MS = 15_000;

/** Throws unless `condition` holds; `breach` says what is wrong. */
export function check(condition: unknown, breach: string): asserts condition {
  if (!condition) throw new Error(breach);
}

/** Throws unless `actual` is a plain byte string equal to `expected`. */
export function checkBytes(actual: Uint8Array | undefined, expected: Uint8Array, what: string): void {
  check(actual !== undefined, `${what} is missing`);
  check(actual.constructor === Uint8Array, `${what} is a ${actual.constructor.name}, not a plain Uint8Array`);
  const same = actual.length === expected.length && expected.every((byte, i) => byte === actual[i]);
  check(same, `${what} differs: ${actual.length} bytes ${actual.subarray(0, 8).join()}...`);
}

/** Bytes that are easily told from others: 0, 1, 2 ... from `start`. */
export function pattern(length: number, start = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (start + i) & 255);
}

/** Waits, for what must not happen. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

/** Resolves as soon as `holds`; rejects when that takes too long. */
export async function eventually(what: string, holds: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
  const giveUp = performance.now() + patienceMs;
  while (!holds()) {
    check(performance.now() < giveUp, `waited ${patienceMs} ms in vain for ${what}`);
    await pause(5);
  }
}

type EventOf<K extends PathEvent['kind']> = Extract<PathEvent, { kind: K }>;

/** Collects the events of one host. */
export class Ear {
  readonly events: PathEvent[] = [];
  private readonly reactions: ((event: PathEvent) => void)[] = [];
  private readonly used = new Set<PathEvent>();

  constructor(datagrams: Datagrams) {
    datagrams.listen(event => {
      this.events.push(event);
      for (const react of this.reactions) react(event);
    });
  }

  /** Calls `react` on every event from now on. */
  on(react: (event: PathEvent) => void): void {
    this.reactions.push(react);
  }

  /** The oldest event of that kind which `next` has not given yet. */
  async next<K extends PathEvent['kind']>(
    kind: K,
    fits: (event: EventOf<K>) => boolean = () => true,
  ): Promise<EventOf<K>> {
    const find = (): EventOf<K> | undefined =>
      this.events.find(
        (event): event is EventOf<K> => event.kind === kind && !this.used.has(event) && fits(event as EventOf<K>),
      );
    await eventually(`${kind} (came: ${this.kinds()})`, () => find() !== undefined);
    const found = find() as EventOf<K>;
    this.used.add(found);
    return found;
  }

  /** Datagrams received, oldest first. */
  datagrams(): Uint8Array[] {
    return this.events.flatMap(event => (event.kind === 'datagram' ? [event.bytes] : []));
  }

  /** The kinds of all events, for messages. */
  kinds(): string {
    return this.events.map(event => event.kind).join(', ') || 'none';
  }
}

/** Two participants who have never met, and how long it takes them to talk. */
import type { LinkKind } from '@warren/peer';
import { type Actor, DIRECT, type Meeting } from './actor.ts';
import type { LabAuthority } from './lab-authority.ts';

const GOOD: readonly LinkKind[] = [...DIRECT, 'websocket', 'relay'];

/** How a pair may end up. */
export type Way = 'direct' | 'websocket' | 'relay' | 'overlay' | 'never';

export interface PairResult {
  readonly way: Way;
  /** The kind of link that each has to the other at the end. */
  readonly kinds: readonly (LinkKind | undefined)[];
  /** From the first line sent to its arrival, the slower direction; absent where one never came. */
  readonly firstDatagramMs?: number;
  /** From the first line sent to when both had a direct link; 0 where the link was there before. */
  readonly directMs?: number;
  /** The same for a relay. */
  readonly relayedMs?: number;
  /** From the moment that both were in the group to the first line's arrival. */
  readonly fromJoinMs?: number;
}

export interface PairOptions {
  /** What is waited for beside a line from each to each; all kinds but `overlay` by default. */
  readonly kinds?: readonly LinkKind[];
  readonly patienceMs: number;
}

/** Both join a group in which a third is, find each other and say a line. They are closed in the end, whatever happens. */
export async function meet(
  actors: readonly [Actor, Actor],
  helper: Actor,
  authority: LabAuthority,
  { kinds = GOOD, patienceMs }: PairOptions,
): Promise<PairResult> {
  try {
    const helps = authority.admit(helper, 'helper', { listensWs: true });
    const ids = await Promise.all(actors.map((actor, i) => authority.admit(actor, `member${i}`)));
    await helps;
    const joinedAt = performance.timeOrigin + performance.now();
    const other = (i: number): string => ids[1 - i] as string;
    await Promise.all(actors.map((actor, i) => actor.greet(other(i))));
    const meetings = await Promise.all(actors.map((actor, i) => actor.met(other(i), kinds, patienceMs)));
    return resultOf(meetings as [Meeting, Meeting], joinedAt);
  } finally {
    await Promise.allSettled([...actors, helper].map(actor => actor.close()));
  }
}

function resultOf([a, b]: readonly [Meeting, Meeting], joinedAt: number): PairResult {
  const kinds = [a.kind, b.kind];
  const heard = [a.heardAt, b.heardAt];
  if (heard.includes(undefined)) return { way: 'never', kinds };
  const sentAt = Math.min(a.sentAt as number, b.sentAt as number);
  const since = (name: 'directAt' | 'relayedAt'): number =>
    Math.max(0, (a[name] ?? Number.NaN) - sentAt, (b[name] ?? Number.NaN) - sentAt);
  const [directMs, relayedMs] = [since('directAt'), since('relayedAt')];
  return {
    way: wayOf(kinds),
    kinds,
    firstDatagramMs: Math.max(
      (a.heardAt as number) - (b.sentAt as number),
      (b.heardAt as number) - (a.sentAt as number),
    ),
    fromJoinMs: Math.max(0, ...(heard as number[]).map(at => at - joinedAt)),
    ...(Number.isNaN(directMs) ? {} : { directMs }),
    ...(Number.isNaN(relayedMs) ? {} : { relayedMs }),
  };
}

/** The worse of both ends: without a link they talk through the overlay. */
function wayOf(kinds: readonly (LinkKind | undefined)[]): Way {
  const ways: readonly Way[] = ['direct', 'websocket', 'relay', 'overlay'];
  const of = (kind: LinkKind | undefined): Way =>
    kind !== undefined && DIRECT.includes(kind) ? 'direct' : ((kind ?? 'overlay') as Way);
  return ways[Math.max(...kinds.map(kind => ways.indexOf(of(kind))))] as Way;
}

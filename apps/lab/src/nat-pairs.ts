/**
 * Two members behind routers, in a small village of their own: a bootstrap
 * node, one member with public addresses who listens for WebSockets as well,
 * and the two. They begin to talk as
 * soon as one knows of the other; what becomes of that?
 */
import {
  type AccessKind,
  type Corner,
  cheapCrypto,
  directPathPossible,
  type Resident,
  type RouterKind,
  Village,
} from '@warren/sim';

/** How two members are connected at the end: by a path without others on it, through somebody else, or not at all. */
export type Way = 'direct' | 'relayed' | 'never';

/** Kinds of host of a pair: Node or a tab, for each of the two. */
export const HOSTS = ['edge-edge', 'edge-tab', 'tab-tab'] as const;
export type Hosts = (typeof HOSTS)[number];

/** What the two are behind; `carrier`: a router that both have in common, beyond their own or instead of them. */
export interface PairAccess {
  readonly a: AccessKind;
  readonly b: AccessKind;
  readonly carrier?: RouterKind;
}

export interface PairOutcome {
  readonly way: Way;
  /** Whether their routers allow a direct path, whatever anybody does. */
  readonly isDirectPossible: boolean;
  /** From when one knew of the other until a text had come both ways; `undefined`: it never did. */
  readonly firstDatagramMs: number | undefined;
  /** From then until both sent directly; `undefined`: not at the end. */
  readonly directMs: number | undefined;
  /** From then until both sent through a relay; `undefined`: not at the end. */
  readonly relayMs: number | undefined;
}

/** The public overlay, and the group of one member, are settled after that. */
const SETTLED_MS = 5000;
/** So long they have to know of each other. */
const MEET_MS = 30_000;
const TICK_MS = 20;
/** Between two texts each way. */
const TEXT_MS = 100;
/** A pair that is direct is watched for so long, lest it was for a moment. */
const STAYS_MS = 2000;

/** Plays one pair for at most `windowMs` after one knew of the other, on wires that lose the share `loss`. */
export function playPair(
  seed: number,
  access: PairAccess,
  hosts: Hosts,
  { windowMs, loss = 0 }: { readonly windowMs: number; readonly loss?: number },
): PairOutcome {
  const village = new Village(seed, { loss }, cheapCrypto);
  const { world } = village;
  village.isDualStack = true;
  village.bootstrap('well');
  const helper = village.listeningEdge('helper');
  world.run(SETTLED_MS);
  helper.join();
  const outside = access.carrier === undefined ? village.access([]) : village.carrier(access.carrier);
  const [hostA, hostB] = hosts.split('-') as [HostWord, HostWord];
  const a = enter(village, 'a', hostA, access.a, outside);
  const b = enter(village, 'b', hostB, access.b, outside);
  world.run(SETTLED_MS);
  const isDirectPossible = directPathPossible(cornerOf(a, hostA), cornerOf(b, hostB));
  for (const each of [a, b]) each.join();
  const knows = (one: Resident, other: Resident): boolean => one.online.includes(other.name);
  const met = world.runUntil(() => knows(a, b) || knows(b, a), MEET_MS);
  if (!met) return { ...NEVER, isDirectPossible };
  return { isDirectPossible, ...talk(village, a, b, windowMs) };
}

const NEVER = { way: 'never', firstDatagramMs: undefined, directMs: undefined, relayMs: undefined } as const;

type HostWord = 'edge' | 'tab';

/** Puts a member behind routers of its own, which lead to `outside`. */
function enter(village: Village, name: string, host: HostWord, kind: AccessKind, outside: Outside): Resident {
  const network = village.access(kind, outside);
  return host === 'edge' ? village.edge(name, network) : village.browser(name, network);
}

type Outside = ReturnType<Village['access']>;

function cornerOf({ datagrams }: Resident, host: HostWord): Corner {
  return { ...datagrams.where, canGuess: host === 'edge' };
}

/** Both send texts, until they are directly connected for a while or the time is over. */
function talk(village: Village, a: Resident, b: Resident, windowMs: number): Omit<PairOutcome, 'isDirectPossible'> {
  const { world } = village;
  const startedAt = world.now;
  const since = { direct: new Since(), relay: new Since() };
  let firstDatagramMs: number | undefined;
  let heard = [0, 0];
  let lastHeardAt = startedAt;
  for (let tick = 0; world.now < startedAt + windowMs; tick++) {
    if (tick % (TEXT_MS / TICK_MS) === 0) exchange(a, b, `${tick}`);
    world.run(TICK_MS);
    const counts = [textsTo(a), textsTo(b)];
    if (counts.every((count, i) => count > (heard[i] ?? 0))) [heard, lastHeardAt] = [counts, world.now];
    if (counts.every(count => count > 0)) firstDatagramMs ??= world.now - startedAt;
    since.direct.note(bothGo(a, b, DIRECT), world.now);
    since.relay.note(bothGo(a, b, ['relay']), world.now);
    if (firstDatagramMs !== undefined && world.now >= (since.direct.at ?? Number.POSITIVE_INFINITY) + STAYS_MS) break;
  }
  if (world.now >= lastHeardAt + STAYS_MS) return { ...NEVER, firstDatagramMs };
  const [directMs, relayMs] = [since.direct, since.relay].map(({ at }) => at && at - startedAt);
  return { way: directMs === undefined ? 'relayed' : 'direct', firstDatagramMs, directMs, relayMs };
}

/** Since when something is so. */
class Since {
  at: number | undefined;

  note(isSo: boolean, now: number): void {
    this.at = isSo ? (this.at ?? now) : undefined;
  }
}

function textsTo({ heard }: Resident): number {
  return heard.filter(out => out.kind === 'group' && out.out.kind === 'text').length;
}

/** Each that knows the other says something. */
function exchange(a: Resident, b: Resident, text: string): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    if (from.online.includes(to.name)) from.tell(to, text);
  }
}

const DIRECT = ['udp', 'webrtc', 'websocket'];

function bothGo(a: Resident, b: Resident, kinds: readonly string[]): boolean {
  return [a.linkKind(b), b.linkKind(a)].every(kind => kind !== undefined && kinds.includes(kind));
}

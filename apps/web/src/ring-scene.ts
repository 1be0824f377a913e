/**
 * What the ring map shows: members at their places and the links between them.
 * Our own links come from the live view; those of others are known only after a
 * walk round the ring, which tells each peer's near links. Pure.
 */
import type { CrawledPeerView, CrawlView, GroupView, LinkKind, LinkView, MemberView } from './mesh.ts';
import { fractionOf } from './ring.ts';
import { kindWords, linkWords, rttWords } from './words.ts';

export type LinkRole = LinkView['roles'][number];

/** One peer on the map. */
export interface RingPlace {
  /** 40 hex digits. */
  readonly peerId: string;
  /** `device.user`, or the start of the id. */
  readonly name: string;
  readonly fraction: number;
  readonly kind: CrawledPeerView['kind'];
  readonly self: boolean;
  /** `asleep`: a hidden tab or a device on battery. `silent`: others name it, but it did not answer the walk. */
  readonly state: 'awake' | 'asleep' | 'silent';
  /** Our own link to it. */
  readonly link?: LinkView;
  /** Round-trip time over the overlay, measured by the walk. */
  readonly walkMs?: number;
  /** What the walk found there. */
  readonly crawled?: CrawledPeerView;
}

/** One link on the map. */
export interface RingLine {
  readonly from: string;
  readonly to: string;
  readonly role: LinkRole;
  /** The kind of one of our own links; absent for links of others. */
  readonly kind?: LinkKind;
}

export interface RingScene {
  /** In the order of the ring. */
  readonly places: readonly RingPlace[];
  /** Those of others first, so that ours are drawn over them. */
  readonly lines: readonly RingLine[];
}

/** Everything to draw. */
export function ringScene(view: GroupView, crawl?: CrawlView): RingScene {
  const crawled = new Map(crawl?.peers.map(peer => [peer.peerId, peer]));
  const links = new Map(view.links.map(link => [link.peerId, link]));
  const places = new Map<string, RingPlace>();
  for (const member of view.members) {
    if (!member.online && !member.self && !crawled.has(member.peerId)) continue;
    places.set(member.peerId, placeOf(member, links.get(member.peerId), crawled.get(member.peerId)));
  }
  for (const peer of crawled.values()) {
    if (!places.has(peer.peerId)) places.set(peer.peerId, placeOf(peer, links.get(peer.peerId), peer));
  }
  for (const { kind, at } of crawl?.inconsistencies ?? []) {
    const known = places.get(at);
    if (kind === 'silent' && known?.self !== true) places.set(at, { ...(known ?? unknown(at)), state: 'silent' });
  }
  const ours = view.links
    .filter(({ peerId }) => places.has(peerId))
    .map(({ peerId, roles, kind }): RingLine => ({ from: view.self.peerId, to: peerId, role: mainRole(roles), kind }));
  const lines = [...othersLines(view, crawled, places), ...ours];
  return { places: [...places.values()].sort((a, b) => a.fraction - b.fraction), lines };
}

/** The one that says most of several roles. */
export function mainRole(roles: readonly LinkRole[]): LinkRole {
  return (['near', 'far', 'on-demand'] as const).find(role => roles.includes(role)) ?? 'leaf';
}

/** What a link is for, in words. */
export function roleWords(role: LinkRole): string {
  switch (role) {
    case 'near':
      return 'neighbour';
    case 'far':
      return 'shortcut';
    case 'on-demand':
      return 'for traffic';
    case 'leaf':
      return 'for joining';
  }
}

/** All that is known of a place, in a line: what it is, how we reach it, what it carries. */
export function placeWords(place: RingPlace): readonly string[] {
  const { link, crawled } = place;
  return [
    place.kind === 'bootstrap' ? 'bootstrap node' : kindWords(place.kind),
    ...(place.state === 'asleep' ? ['in the background'] : place.state === 'silent' ? ['does not answer'] : []),
    ...(place.self ? ['this tab'] : link === undefined ? ['no link to this tab'] : reachWords(link)),
    ...(link === undefined && place.walkMs !== undefined ? [`${rttWords(place.walkMs)} over others`] : []),
    ...(crawled === undefined ? [] : [`${amount(crawled.links, 'link')}, ${amount(crawled.recordsHeld, 'record')}`]),
  ];
}

function reachWords({ kind, rttMs, roles }: LinkView): readonly string[] {
  const time = rttMs === undefined ? '' : `, ${rttWords(rttMs)}`;
  return [`${linkWords(kind)}${time}`, roleWords(mainRole(roles))];
}

function amount(n: number, one: string): string {
  return `${n} ${n === 1 ? one : `${one}s`}`;
}

function placeOf(
  known: MemberView | CrawledPeerView,
  link: LinkView | undefined,
  crawled: CrawledPeerView | undefined,
): RingPlace {
  const { peerId, kind } = known;
  const self = 'self' in known && known.self;
  // What neighbours tell is newer than the walk.
  const isAsleep = link === undefined ? crawled?.resting === true : 'resting' in known && known.resting === true;
  return {
    peerId,
    name: known.name ?? unknown(peerId).name,
    fraction: fractionOf(peerId),
    kind,
    self,
    state: isAsleep ? 'asleep' : 'awake',
    ...(link === undefined ? {} : { link }),
    ...(crawled?.rttMs === undefined ? {} : { walkMs: crawled.rttMs }),
    ...(crawled === undefined ? {} : { crawled }),
  };
}

/** A peer of which there is only the id. */
function unknown(peerId: string): RingPlace {
  const fraction = fractionOf(peerId);
  return { peerId, name: `${peerId.slice(0, 8)}…`, fraction, kind: 'edge', self: false, state: 'silent' };
}

/** Each near link once, though both ends tell of it; without our own. */
function othersLines(
  { self }: GroupView,
  crawled: ReadonlyMap<string, CrawledPeerView>,
  places: ReadonlyMap<string, RingPlace>,
): RingLine[] {
  const lines = new Map<string, RingLine>();
  for (const { peerId, successors, predecessors } of crawled.values()) {
    for (const other of [...successors, ...predecessors]) {
      const [from, to] = peerId < other ? [peerId, other] : [other, peerId];
      if (from === to || !places.has(other) || from === self.peerId || to === self.peerId) continue;
      lines.set(`${from} ${to}`, { from, to, role: 'near' });
    }
  }
  return [...lines.values()];
}

/** Who is pointed at after a key: arrows go round the ring, Home to this tab, Escape to nobody; `undefined` for other keys. */
export function stepped(
  { places }: Pick<RingScene, 'places'>,
  from: string | undefined,
  key: string,
): { readonly to: string | undefined } | undefined {
  if (key === 'Escape') return from === undefined ? undefined : { to: undefined };
  const self = places.findIndex(place => place.self);
  const at = from === undefined ? -1 : places.findIndex(({ peerId }) => peerId === from);
  const step = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : key === 'ArrowLeft' || key === 'ArrowUp' ? -1 : 0;
  if (step === 0 && key !== 'Home') return undefined;
  const next = at < 0 || key === 'Home' ? self : (at + step + places.length) % places.length;
  const to = places[next]?.peerId;
  return to === undefined ? undefined : { to };
}

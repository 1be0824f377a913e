/**
 * Ways through a third peer, to neighbours whom we have no direct way to. Both
 * ends tell each other their direct neighbours; those whom both have become
 * relays, each a path like others: proven by a challenge, probed, and sealed
 * from end to end. Where there are none, each asks for a link to one of the
 * other's neighbours. Not here: which of them to use (`relay-search.ts`), and
 * relaying for others (`relaying.ts`).
 * Source: P2 4.3, overlay.md "Relays that choose themselves".
 */
import { earliest, type Instant } from '@warren/base';
import type { PathId } from '@warren/session';
import {
  compareDistance,
  DIRECT_KINDS,
  type DirectKind,
  decodeRelayed,
  Inner,
  NEIGHBOURS_MAX,
  type Neighbour,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  RELAYED_HEAD_BYTES,
  WILLINGNESS,
  type Willingness,
} from '@warren/wire';
import { PATH_RANK } from './candidates.ts';
import type { Link } from './link.ts';
import type { Outbound } from './outbound.ts';
import type { Path } from './path.ts';
import { beyondRelay, isRelayPath, LastKey, relayOf, relayPath } from './relay-paths.ts';
import { type RelayCandidate, type RelayChoice, RelaySearch } from './relay-search.ts';
import { isLeg, Relaying, type RelayingStats } from './relaying.ts';
import type { Unnumbered } from './reliable.ts';

/** Where a direct way may come about it is waited for this long. */
export const DIRECT_FIRST_MS = 1000;
/** Changes of our list within this time are told together. */
const TELL_MS = 5000;
/** Fewer relays than this: a link to one of the other's neighbours makes another. */
const RELAYS_MIN = 2;
/** The lists are there so long before that. */
const OVERLAP_MS = 500;
/** Between links that are wanted for it. */
const WANT_MS = 5000;
/** Somebody whom we link to as a relay is none to be relayed to. */
const WANTED_MS = 60_000;
/** Relays are kept so long beside a direct way. */
const KEEP_MS = 60_000;
/** A leg counts as used for so long after the last datagram that we passed on. */
const USED_MS = 60_000;
/** Names of paths taken apart; all are forgotten beyond it. */
const HOPS_MAX = 4096;
/** Nearest on the ring, that go first in our list (overlay.md). */
const NEAREST = 16;

export interface RelaysOptions {
  readonly self: PeerKey;
  readonly network: string;
  readonly strangers: boolean;
  readonly can: { readonly udp: boolean; readonly webrtc: boolean };
  readonly mayRelay: () => boolean;
  readonly willingness?: Willingness;
  /** `latency` by default. */
  readonly relayChoice?: RelayChoice;
  readonly links: ReadonlyMap<PeerKey, Link>;
  readonly outbound: Outbound;
  readonly tryPath: (link: Link, path: PathId, now: Instant) => void;
  readonly losePath: (link: Link, path: PathId, now: Instant) => void;
  readonly tell: (link: Link, message: Unnumbered, now: Instant) => void;
  /** A datagram came through a relay. */
  readonly carried: (path: PathId, via: PeerKey, bytes: Uint8Array) => void;
  /** A link to this peer would make a relay. */
  readonly want: (peer: PeerKey) => void;
}

/** What the relays of a network did. */
export interface RelaysStats extends RelayingStats {
  /** Datagrams that came through somebody who may not relay. */
  readonly unwanted: number;
}

interface Hop {
  readonly relay: PeerKey;
  readonly peer: PeerId;
}

/** The paths through relays of one network, and our own relaying. */
export class Relays {
  /** We are a hidden tab or on battery: relay last. The caller tells the neighbours. */
  isResting = false;
  private unwanted = 0;
  private readonly options: RelaysOptions;
  private readonly selfId: PeerId;
  private readonly relaying: Relaying;
  private readonly hops = new Map<PathId, Hop>();
  private readonly keys = new LastKey();
  private readonly choices = new Map<PeerKey, RelayChoice>();
  /** Peers whom we asked for as relays, and when. */
  private readonly wanted = new Map<PeerKey, Instant>();
  /** Counts changes of our list of direct neighbours. */
  private version = 0;

  constructor(options: RelaysOptions) {
    this.options = options;
    this.selfId = peerIdFromKey(options.self) as PeerId;
    this.relaying = new Relaying({ ...options, willingness: () => this.willingness });
  }

  get stats(): RelaysStats {
    return { ...this.relaying.stats, unwanted: this.unwanted };
  }

  /** When we relay for others. */
  get willingness(): Willingness {
    const { willingness = 'always' } = this.options;
    return this.isResting && willingness !== 'never' ? 'last-resort' : willingness;
  }

  /** How to choose among relays to one neighbour, in place of what the network does. */
  prefer(peer: PeerKey, choice: RelayChoice, now: Instant): void {
    this.choices.set(peer, choice);
    this.review(now);
  }

  /** A neighbour is more or less willing than before. */
  review(now: Instant): void {
    this.version++;
    for (const { relaySearch, deadline } of this.options.links.values()) {
      if (relaySearch !== undefined) relaySearch.planAt = now;
      deadline.moved();
    }
  }

  /** Sends on a path through a relay; false when it is none. */
  send(path: PathId, bytes: Uint8Array, now: Instant): boolean {
    if (!isRelayPath(path)) return false;
    const hop = this.hop(path);
    const leg = hop && this.options.links.get(hop.relay);
    if (hop === undefined || leg?.best === undefined || !isLeg(leg)) return true;
    const plaintext = new Uint8Array(1 + RELAYED_HEAD_BYTES + bytes.length);
    plaintext[0] = Inner.RELAYED;
    plaintext.set(hop.peer, 2);
    plaintext.set(bytes, 1 + RELAYED_HEAD_BYTES);
    this.options.outbound.whole(leg, leg.best, plaintext, now);
    return true;
  }

  /** Takes a neighbour's word about relaying, inner byte in front; false for nonsense. */
  receive(from: Link, path: PathId, plaintext: Uint8Array, now: Instant): boolean {
    if (this.relaying.pass(from, path, plaintext, now)) return true;
    const relayed = decodeRelayed(plaintext.subarray(1));
    if (relayed === undefined) return false;
    const peer = this.keys.of(relayed.peer);
    const through = relayPath(this.options.network, from.peer, peer);
    if (relayed.direction === 'refused') {
      const link = this.options.links.get(peer);
      if (!link?.paths.has(through)) return true;
      link.relaySearch?.failed(from.peer, now, relayed.reason);
      this.options.losePath(link, through, now);
    } else if (this.mayUse(from)) this.options.carried(through, from.peer, relayed.datagram);
    else this.unwanted++;
    return true;
  }

  /** The neighbour's list. */
  heard(link: Link, neighbours: readonly Neighbour[], now: Instant): void {
    if (link.relaySearch === undefined && !this.isIndirect(link)) return;
    link.relaySearch ??= new RelaySearch(now);
    link.relaySearch.heard(neighbours, now);
  }

  /** A link has another path in use, or none any more. */
  moved(link: Link, isThere: boolean, now: Instant): void {
    if (link.relaySearch !== undefined) link.relaySearch.planAt = now;
    const isNow = isThere && isLeg(link);
    if (isNow === link.wasLeg) return;
    link.wasLeg = isNow;
    this.review(now);
    for (const other of [...this.options.links.values()]) {
      const through = relayPath(this.options.network, link.peer, other.peer);
      if (!isNow && other.paths.has(through)) this.options.losePath(other, through, now);
    }
  }

  /** Begins, tries, drops and tells, as is due. */
  tend(link: Link, now: Instant): void {
    const at = this.startAt(link);
    if (link.relaySearch === undefined && (at === undefined || now < at)) return;
    link.relaySearch ??= new RelaySearch(now);
    const search = link.relaySearch;
    if (link.best === undefined || this.isIndirect(link)) search.directSince = undefined;
    else search.directSince ??= now;
    if (search.directSince !== undefined && now >= search.directSince + KEEP_MS) this.end(link, now);
    else {
      if (search.directSince === undefined) this.tell(link, search, now);
      if (now >= search.planAt) this.plan(link, search, now);
      this.createOverlap(link, search, now);
    }
  }

  wakeAt(link: Link): Instant | undefined {
    const { relaySearch: search } = link;
    if (search === undefined) return this.startAt(link);
    const tell = this.tellAt(search);
    if (search.directSince !== undefined) return earliest(search.planAt, search.directSince + KEEP_MS);
    return earliest(search.planAt, tell, this.wantAt(link, search));
  }

  /** Neighbours through whom we reach others, or who reach others through us: their links are of use. */
  legs(now: Instant): PeerKey[] {
    const legs = new Set<PeerKey>();
    for (const link of this.options.links.values()) {
      if (!this.options.strangers && now < link.relayedAt + USED_MS) legs.add(link.peer);
      for (const path of link.paths.values()) {
        const relay = path.proven ? relayOf(path.id) : undefined;
        if (relay !== undefined) legs.add(relay);
      }
    }
    return [...legs];
  }

  private hop(path: PathId): Hop | undefined {
    const known = this.hops.get(path);
    if (known !== undefined) return known;
    const [relay, peer] = [relayOf(path), beyondRelay(path)];
    if (relay === undefined || peer === undefined) return undefined;
    if (this.hops.size >= HOPS_MAX) this.hops.clear();
    this.hops.set(path, { relay, peer });
    return { relay, peer };
  }

  /** When relays are looked for: at once where nothing direct can be, else a little later. */
  private startAt(link: Link): Instant | undefined {
    const { remote } = link;
    if (remote === undefined || !this.isIndirect(link)) return undefined;
    const { udp, webrtc } = this.options.can;
    const mayBeDirect = (udp && remote.udp) || (webrtc && remote.webrtc);
    return mayBeDirect ? link.createdAt + DIRECT_FIRST_MS : link.createdAt;
  }

  private isIndirect(link: Link): boolean {
    return link.best !== undefined && link.best.rank >= PATH_RANK.relay;
  }

  /** Whether somebody may relay for us: by certificate, and by its own will. */
  private mayUse(relay: Link): boolean {
    const isEntitled = this.options.strangers || relay.identity.leaf.rights.includes('relay');
    return isEntitled && relay.remote !== undefined && relay.remote.willingness !== 'never';
  }

  private tellAt(search: RelaySearch): Instant | undefined {
    return search.toldVersion === this.version ? undefined : Math.max(search.startedAt, search.toldAt + TELL_MS);
  }

  private tell(link: Link, search: RelaySearch, now: Instant): void {
    const at = this.tellAt(search);
    if (at === undefined || now < at) return;
    search.toldAt = now;
    search.toldVersion = this.version;
    this.options.tell(link, { kind: 'neighbours', neighbours: this.neighbours(link, now) }, now);
  }

  /** Our direct neighbours: those nearest to us on the ring first, then those nearest to whom it is for. */
  private neighbours(to: Link, now: Instant): Neighbour[] {
    const legs = [...this.options.links.values()].filter(each => each !== to && isLeg(each) && this.mayUse(each));
    const by = (place: PeerId) => (a: Link, b: Link) =>
      compareDistance(place, a.identity.leaf.peerId, b.identity.leaf.peerId);
    const near = legs.toSorted(by(this.selfId)).slice(0, NEAREST);
    const rest = legs.filter(each => !near.includes(each)).sort(by(to.identity.leaf.peerId));
    return [...near, ...rest].slice(0, NEIGHBOURS_MAX).map(each => neighbourOf(each, now));
  }

  private plan(link: Link, search: RelaySearch, now: Instant): void {
    const paths = new Map(
      [...link.paths.values()].flatMap(path => {
        const relay = relayOf(path.id);
        return relay === undefined ? [] : [[relay, path] as const];
      }),
    );
    const inUse = link.best === undefined ? undefined : relayOf(link.best.id);
    const choice = this.choices.get(link.peer) ?? this.options.relayChoice ?? 'latency';
    const overlap = this.overlap(search);
    if (link.best !== undefined) link.best.isGuest = false;
    const { tries, drops, leaves } = search.plan(overlap, paths, inUse, choice, now);
    search.isShort = overlap.length < RELAYS_MIN && [...search.listed.keys()].some(peer => this.isUnlinked(peer));
    const { network } = this.options;
    for (const relay of drops) this.options.losePath(link, relayPath(network, relay, link.peer), now);
    for (const relay of tries) {
      const path = paths.get(relay);
      if (path === undefined) this.options.tryPath(link, relayPath(network, relay, link.peer), now);
      else path.isGuest = false;
    }
    for (const relay of leaves) (paths.get(relay) as Path).isGuest = true;
    this.mark(link, choice);
  }

  /** Notes on each path what its relay said and how long our half has lasted, by which `Link` chooses. */
  private mark(link: Link, choice: RelayChoice): void {
    for (const path of link.paths.values()) {
      const leg = this.options.links.get(relayOf(path.id) ?? '');
      if (leg !== undefined) markPath(path, leg, choice);
    }
  }

  private overlap(search: RelaySearch): RelayCandidate[] {
    return [...search.listed.keys()].flatMap(peer => {
      const leg = this.options.links.get(peer);
      if (leg?.remote === undefined || !isLeg(leg) || !this.mayUse(leg)) return [];
      const { willingness } = leg.remote;
      return [{ peer, willingness, since: leg.createdAt, rttMs: leg.best?.rttMs }];
    });
  }

  private wantAt(link: Link, search: RelaySearch): Instant | undefined {
    if (search.heardAt === undefined || this.isWanted(link.peer, search.heardAt)) return undefined;
    if (!search.isShort) return undefined;
    return Math.max(search.heardAt + OVERLAP_MS, search.wantedAt + WANT_MS);
  }

  /** Too few relays: asks for a link to one of the other's neighbours, which makes one (P2 4.3). */
  private createOverlap(link: Link, search: RelaySearch, now: Instant): void {
    const at = this.wantAt(link, search);
    if (at === undefined || now < at || search.directSince !== undefined) return;
    const peer = search.nextWanted(each => this.isUnlinked(each), now);
    if (peer === undefined) return;
    for (const [each, since] of this.wanted) if (now >= since + WANTED_MS) this.wanted.delete(each);
    this.wanted.set(peer, now);
    this.options.want(peer);
  }

  private isUnlinked(peer: PeerKey): boolean {
    return peer !== this.options.self && !this.options.links.has(peer);
  }

  private isWanted(peer: PeerKey, now: Instant): boolean {
    const since = this.wanted.get(peer);
    return since !== undefined && now < since + WANTED_MS;
  }

  private end(link: Link, now: Instant): void {
    link.relaySearch = undefined;
    for (const path of [...link.paths.values()]) {
      if (path.kind === 'relay' && path !== link.best) this.options.losePath(link, path.id, now);
    }
  }
}

function neighbourOf({ identity, best, createdAt }: Link, now: Instant): Neighbour {
  const kind = DIRECT_KINDS.find(each => each === best?.kind) as DirectKind;
  const rttMs = best?.rttMs === undefined ? undefined : Math.round(best.rttMs);
  return { peer: identity.leaf.peerId, kind, ageS: Math.floor((now - createdAt) / 1000), rttMs };
}

function markPath(path: Path, leg: Link, choice: RelayChoice): void {
  path.reluctance = WILLINGNESS.indexOf(leg.remote?.willingness ?? 'always') / WILLINGNESS.length;
  path.legSince = choice === 'stability' ? leg.createdAt : undefined;
}

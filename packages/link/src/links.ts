/**
 * All links of one network. A link begins with a handshake over any path that
 * works at once (often carried by an overlay); inside that session both sides
 * offer candidates, prove better paths and move over without losing a
 * datagram. Nothing about addresses or SDP ever leaves the session. Here is
 * what others may do with them; the work is done in `link-table.ts` (what
 * becomes of links) and `inbound.ts` (what neighbours say).
 * Source: overlay.md "Links", decisions.md "Link, path, session"; P2 4.3.
 */
import type { Instant } from '@warren/base';
import { type PathId, resumedAt } from '@warren/session';
import { CloseReason, Inner, type PeerKey } from '@warren/wire';
import { Inbound } from './inbound.ts';
import type { Link, LinkInfo } from './link.ts';
import { LinkTable } from './link-table.ts';
import type { LinksOptions, LinksOutput, LinksStats, Received } from './links-options.ts';
import type { Relays } from './relays.ts';

/** The link table of one network. */
export class Links {
  readonly relays: Relays;
  private readonly options: LinksOptions;
  private readonly table: LinkTable;
  private readonly inbound: Inbound;
  private readonly links: ReadonlyMap<PeerKey, Link>;

  constructor(options: LinksOptions) {
    this.options = options;
    this.table = new LinkTable(options);
    this.inbound = new Inbound(this.table);
    this.relays = this.table.relays;
    this.links = this.table.links;
  }

  /** What was refused or could not be sent, by cause. */
  get stats(): LinksStats {
    const { probing, offers, webRtc, outbound } = this.table;
    return {
      malformed: this.inbound.malformed,
      refusedCandidates: probing.refused + offers.refused + webRtc.refused,
      dropped: outbound.dropped,
      relays: this.relays.stats,
    };
  }

  poll(): LinksOutput | undefined {
    return this.table.outbox.poll();
  }

  get wakeAt(): Instant | undefined {
    return this.table.wakeAt;
  }

  tick(now: Instant): void {
    this.table.tick(now);
  }

  /** Starts a link to a peer, or to whoever answers, over paths that may work. */
  connect(to: PeerKey | undefined, paths: readonly PathId[], now: Instant): void {
    this.table.connect(to, paths, now);
  }

  /** A data channel opened that answers `connection`; false when that connection is not of this network. */
  pathUp(path: PathId, binding: Uint8Array, connection: string, now: Instant): boolean {
    const link = this.linkOf(connection);
    if (link === undefined || !this.table.webRtc.opened(link, connection, path)) return false;
    this.table.probing.bind(path, binding);
    this.table.probing.tryPath(link, path, now);
    return true;
  }

  /** A WebSocket to `url` is open; false when no link of this network asked for one. */
  webSocketUp(url: string, path: PathId, now: Instant): boolean {
    const peer = this.table.webSockets.opened(url, path);
    const link = peer === undefined ? undefined : this.links.get(peer);
    if (link !== undefined) this.table.probing.tryPath(link, path, now);
    return link !== undefined;
  }

  /** The same where none came about. */
  webSocketFailed(url: string, now: Instant): boolean {
    return this.table.webSockets.failed(url, now);
  }

  pathDown(path: PathId, now: Instant): void {
    this.table.probing.unbind(path);
    for (const link of [...this.links.values()]) if (link.paths.has(path)) this.table.losePath(link, path, now);
  }

  /** Hands our side's WebRTC signal to the neighbour. */
  localSignal(connection: string, signal: string, now: Instant): void {
    const link = this.linkOf(connection);
    if (link !== undefined) this.table.offers.signal(link, connection, signal, now);
  }

  webrtcFailed(connection: string, now: Instant): void {
    const link = this.linkOf(connection);
    if (link === undefined) return;
    this.table.webRtc.failed(link, connection, now);
    link.deadline.moved();
  }

  /** All paths and keys are in doubt: the host slept, or changed its network. Handshakes follow, a few at a time. */
  resumed(now: Instant): void {
    let nth = 0;
    for (const link of this.links.values()) {
      for (const path of link.paths.values()) path.suspect(now);
      link.recallAt = resumedAt(nth++, this.options.random, now);
    }
    this.tick(now);
  }

  /** A neighbour was heard by another way than its link, as after a restart: that is probed at once. */
  doubt(peer: PeerKey, now: Instant): void {
    const link = this.links.get(peer);
    if (link === undefined) return;
    for (const path of link.paths.values()) path.doubt(now);
    link.deadline.moved();
  }

  /**
   * A neighbour has sent something end to end, as it does where its link to us does not answer: nor will ours, until it
   * does.
   */
  heardRound(peer: PeerKey, now: Instant): void {
    const link = this.links.get(peer);
    if (link?.best === undefined || !link.isUsable || !link.best.heardRound(now)) return;
    this.table.probe(link, link.best, now);
  }

  /** Whether nothing comes back on the link to a neighbour. */
  isDoubtful(peer: PeerKey): boolean {
    return this.links.get(peer)?.isDoubtful ?? false;
  }

  /** We are a hidden tab or on battery, or no longer: we relay last, and neighbours are told. */
  setResting(isResting: boolean, now: Instant): void {
    if (isResting === this.relays.isResting) return;
    this.relays.isResting = isResting;
    for (const link of this.links.values()) link.isOursAtRest = isResting;
    this.addressesChanged(now);
  }

  /** Own addresses, or other things that we offer, changed: neighbours are told. */
  addressesChanged(now: Instant): void {
    for (const link of this.links.values()) {
      this.table.offers.offer(link, now);
      this.table.punching.tend(link, now);
    }
    this.table.moved();
  }

  /** Takes one datagram for this network, with the neighbour who passed it on if it was carried; returns what goes up. */
  receive(path: PathId, bytes: Uint8Array, now: Instant, via?: PeerKey): Received | undefined {
    const opened = this.options.sessions.receive(path, bytes, now, via);
    this.table.drainSessions(now);
    const link = opened && this.links.get(opened.peer);
    return opened && link && this.inbound.receive(link, path, opened, bytes.length, now);
  }

  /**
   * Sends an inner message to a neighbour on its best path, in pieces where it must; false when there is no usable link.
   * The overlay's wait for a link that is about to be.
   */
  send(peer: PeerKey, inner: number, payload: Uint8Array, now: Instant): boolean {
    const link = this.links.get(peer);
    if (link?.best !== undefined && link.isUsable)
      return this.table.outbound.message(link, link.best, inner, payload, now);
    return inner === Inner.OVERLAY && (link?.keepEarly(payload, now) ?? false);
  }

  /** Sends an Ethernet frame to a neighbour, in two parts where it does not fit; false when there is no usable link. */
  sendFrame(peer: PeerKey, frame: Uint8Array, now: Instant): boolean {
    const link = this.links.get(peer);
    if (link?.best === undefined || !link.isUsable) return false;
    return this.table.outbound.frame(link, link.best, frame, now);
  }

  /** Sends a datagram on a path: through the host, the overlay that carries it, or a neighbour who relays. */
  sendOn(path: PathId, bytes: Uint8Array, now: Instant): void {
    this.table.sendOn(path, bytes, now);
  }

  /** Ends a link with a goodbye, for good or because it is `unneeded`. */
  disconnect(peer: PeerKey, now: Instant, reason: 'stopped' | 'unneeded' = 'stopped'): void {
    const link = this.links.get(peer);
    if (link === undefined) return;
    // On every proven path: a data channel may close before what was sent last on it arrives.
    const code = Uint8Array.of(reason === 'unneeded' ? CloseReason.UNNEEDED : CloseReason.LEAVING);
    for (const path of link.paths.values()) {
      if (path.proven) this.table.outbound.message(link, path, Inner.CLOSE, code, now);
    }
    this.table.remove(link, reason, now);
  }

  /** Ends a link without a word: a goodbye could overtake what was said last. */
  drop(peer: PeerKey, now: Instant): void {
    const link = this.links.get(peer);
    if (link !== undefined) this.table.remove(link, 'stopped', now);
  }

  /** Ends all links with a goodbye. */
  stop(now: Instant): void {
    for (const peer of [...this.links.keys()]) this.disconnect(peer, now);
  }

  info(peer: PeerKey): LinkInfo | undefined {
    return this.links.get(peer)?.info;
  }

  /** Index into `HOST_KINDS` that the neighbour gave; `undefined` before it did. */
  hostKind(peer: PeerKey): number | undefined {
    return this.links.get(peer)?.remote?.hostKind;
  }

  /** Keys of all neighbours with a usable link. */
  usable(): PeerKey[] {
    return [...this.links.values()].filter(link => link.announced).map(link => link.peer);
  }

  /** Whether some link, ready or not, has this path. */
  uses(path: PathId): boolean {
    return [...this.links.values()].some(link => link.paths.has(path));
  }

  private linkOf(connection: string): Link | undefined {
    const peer = this.table.webRtc.owner(connection);
    return peer === undefined ? undefined : this.links.get(peer);
  }
}

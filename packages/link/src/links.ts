/**
 * All links of one network. A link begins with a handshake over any path that
 * works at once (often carried by an overlay); inside that session both sides
 * offer candidates, prove better paths and move over without losing a
 * datagram. Nothing about addresses or SDP ever leaves the session. One
 * neighbour is `link.ts`, one of its ways `path.ts`, proving them `probing.ts`,
 * talk about them `offers.ts`, data channels `web-rtc.ts`, sending `outbound.ts`.
 * Source: overlay.md "Links", decisions.md "Link, path, session"; P2 4.3.
 */
import { earliest, type Instant, Outbox, sameBytes } from '@warren/base';
import { type Opened, type PathId, resumedAt, type SessionsOutput } from '@warren/session';
import { CloseReason, decodeFragment, HS1_BYTES, Inner, PacketType, type PeerKey } from '@warren/wire';
import { Link, type LinkInfo, SETUP_MS } from './link.ts';
import type { LinkLoss, LinksOptions, LinksOutput, LinksStats, Received } from './links-options.ts';
import { Offers } from './offers.ts';
import { Outbound } from './outbound.ts';
import type { Path } from './path.ts';
import { Probing } from './probing.ts';
import { isSurplus, Punching } from './punch.ts';
import { Relays } from './relays.ts';
import { isTraffic, movesTo } from './roaming.ts';
import { WebRtc, type WebRtcOutput } from './web-rtc.ts';
import { type WebSocketOutput, WebSockets } from './web-socket.ts';

/** The link table of one network. */
export class Links {
  readonly relays: Relays;
  private malformedMessages = 0;
  private readonly outbound: Outbound;
  private readonly options: LinksOptions;
  private readonly outbox = new Outbox<LinksOutput>();
  private readonly links = new Map<PeerKey, Link>();
  private readonly probing: Probing;
  private readonly offers: Offers;
  private readonly webRtc: WebRtc;
  private readonly webSockets: WebSockets;
  private readonly punching: Punching;

  constructor(options: LinksOptions) {
    const { self, network, can, random, strangers, sessions, maxBytes } = options;
    this.options = options;
    const push = (output: WebRtcOutput | WebSocketOutput) => this.outbox.push(output);
    this.webRtc = new WebRtc({ self, network, isAble: can.webrtc, random, push });
    const urls = options.urls ?? (() => []);
    this.webSockets = new WebSockets({ self, isAble: !strangers && can.pinned === true, urls, push });
    const send = (path: PathId, bytes: Uint8Array, now: Instant) => this.sendOn(path, bytes, now);
    this.outbound = new Outbound({ sessions, maxBytes, send });
    this.probing = new Probing({ ...options, outbound: this.outbound });
    const { outbound, probing, webRtc, links } = this;
    this.punching = new Punching({ ...options, probing });
    this.relays = new Relays({
      ...{ ...options, links, outbound },
      tryPath: (link, path, now) => probing.tryPath(link, path, now),
      losePath: (link, path, now) => this.losePath(link, path, now),
      tell: (link, message, now) => this.offers.tell(link, message, now),
      carried: (path, via, bytes) => this.outbox.push({ kind: 'carried', path, via, bytes }),
      want: peer => this.outbox.push({ kind: 'wanted', peer }),
    });
    this.offers = new Offers({ ...options, outbound, probing, webRtc, relays: this.relays });
  }

  /** What was refused or could not be sent, by cause. */
  get stats(): LinksStats {
    return {
      malformed: this.malformedMessages,
      refusedCandidates: this.probing.refused + this.offers.refused + this.webRtc.refused,
      dropped: this.outbound.dropped,
      relays: this.relays.stats,
    };
  }

  poll(): LinksOutput | undefined {
    return this.outbox.poll();
  }

  /** Starts a link to a peer, or to whoever answers, over paths that may work. */
  connect(to: PeerKey | undefined, paths: readonly PathId[], now: Instant): void {
    this.options.sessions.connect(to, paths, now);
    this.drainSessions(now);
  }

  /** A data channel opened that answers `connection`; false when that connection is not of this network. */
  pathUp(path: PathId, binding: Uint8Array, connection: string, now: Instant): boolean {
    const link = this.linkOf(connection);
    if (link === undefined || !this.webRtc.opened(link, connection, path)) return false;
    this.probing.bind(path, binding);
    this.probing.tryPath(link, path, now);
    return true;
  }

  /** A WebSocket to `url` is open; false when no link of this network asked for one. */
  webSocketUp(url: string, path: PathId, now: Instant): boolean {
    const peer = this.webSockets.opened(url, path);
    const link = peer === undefined ? undefined : this.links.get(peer);
    if (link !== undefined) this.probing.tryPath(link, path, now);
    return link !== undefined;
  }

  /** The same where none came about. */
  webSocketFailed(url: string, now: Instant): boolean {
    return this.webSockets.failed(url, now);
  }

  pathDown(path: PathId, now: Instant): void {
    this.probing.unbind(path);
    for (const link of [...this.links.values()]) if (link.paths.has(path)) this.losePath(link, path, now);
  }

  /** Hands our side's WebRTC signal to the neighbour. */
  localSignal(connection: string, signal: string, now: Instant): void {
    const link = this.linkOf(connection);
    if (link !== undefined) this.offers.signal(link, connection, signal, now);
  }

  webrtcFailed(connection: string, now: Instant): void {
    const link = this.linkOf(connection);
    if (link !== undefined) this.webRtc.failed(link, connection, now);
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
    for (const path of this.links.get(peer)?.paths.values() ?? []) path.doubt(now);
  }

  /**
   * A neighbour has sent something end to end, as it does where its link to us does not answer: nor will ours, until it
   * does.
   */
  heardRound(peer: PeerKey, now: Instant): void {
    const link = this.links.get(peer);
    if (link?.best === undefined || !link.isUsable || !link.best.heardRound(now)) return;
    this.probe(link, link.best, now);
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
      this.offers.offer(link, now);
      this.punching.tend(link, now);
    }
  }

  /** Takes one datagram for this network, with the neighbour who passed it on if it was carried; returns what goes up. */
  receive(path: PathId, bytes: Uint8Array, now: Instant, via?: PeerKey): Received | undefined {
    const opened = this.options.sessions.receive(path, bytes, now, via);
    this.drainSessions(now);
    if (opened === undefined) return undefined;
    const link = this.links.get(opened.peer);
    if (link === undefined) return undefined;
    link.receivedBytes += bytes.length;
    const known = link.paths.get(path);
    if (known !== undefined) known.received(bytes.length, now);
    else if (!isSurplus(link, path)) this.probing.tryPath(link, path, now, bytes.length);
    if (link.isDoubtful) this.noteDoubt(link);
    const { type, plaintext, isNewest } = opened;
    if (isNewest && (known === undefined || (known !== link.best && isTraffic(type, plaintext[0]))))
      this.probing.heardElsewhere(link, path, now);
    return type === PacketType.FRAME ? this.frame(link, opened) : this.data(link, path, opened, now);
  }

  /**
   * Sends an inner message to a neighbour on its best path, in pieces where it must; false when there is no usable link.
   * The overlay's wait for a link that is about to be.
   */
  send(peer: PeerKey, inner: number, payload: Uint8Array, now: Instant): boolean {
    const link = this.links.get(peer);
    if (link?.best !== undefined && link.isUsable) return this.outbound.message(link, link.best, inner, payload, now);
    return inner === Inner.OVERLAY && (link?.keepEarly(payload, now) ?? false);
  }

  /** Sends an Ethernet frame to a neighbour, in two parts where it does not fit; false when there is no usable link. */
  sendFrame(peer: PeerKey, frame: Uint8Array, now: Instant): boolean {
    const link = this.links.get(peer);
    if (link?.best === undefined || !link.isUsable) return false;
    return this.outbound.frame(link, link.best, frame, now);
  }

  /** Sends a datagram on a path: through the host, the overlay that carries it, or a neighbour who relays. */
  sendOn(path: PathId, bytes: Uint8Array, now: Instant): void {
    if (!this.relays.send(path, bytes, now)) this.outbox.push({ kind: 'send', path, bytes });
  }

  /** Ends a link with a goodbye, for good or because it is `unneeded`. */
  disconnect(peer: PeerKey, now: Instant, reason: 'stopped' | 'unneeded' = 'stopped'): void {
    const link = this.links.get(peer);
    if (link === undefined) return;
    // On every proven path: a data channel may close before what was sent last on it arrives.
    const code = Uint8Array.of(reason === 'unneeded' ? CloseReason.UNNEEDED : CloseReason.LEAVING);
    for (const path of link.paths.values()) {
      if (path.proven) this.outbound.message(link, path, Inner.CLOSE, code, now);
    }
    this.remove(link, reason, now);
  }

  /** Ends a link without a word: a goodbye could overtake what was said last. */
  drop(peer: PeerKey, now: Instant): void {
    const link = this.links.get(peer);
    if (link !== undefined) this.remove(link, 'stopped', now);
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

  get wakeAt(): Instant | undefined {
    const links = [...this.links.values()];
    return earliest(
      this.options.sessions.wakeAt,
      this.webSockets.wakeAt,
      ...links.map(link => earliest(link.wakeAt, this.relays.wakeAt(link), this.punching.wakeAt(link))),
    );
  }

  tick(now: Instant): void {
    this.options.sessions.tick(now);
    this.drainSessions(now);
    for (const link of [...this.links.values()]) this.tickLink(link, now);
    this.webSockets.tick(peer => this.links.get(peer), now);
  }

  private tickLink(link: Link, now: Instant): void {
    for (const path of [...link.paths.values()]) {
      const verdict = path.check(now, link.watch(path));
      if (verdict === 'probe' && isSurplus(link, path.id)) link.paths.delete(path.id);
      else if (verdict === 'probe') this.probe(link, path, now);
      else if (verdict === 'lost') this.losePath(link, path.id, now);
    }
    if (this.links.get(link.peer) !== link) return;
    if (!link.announced && now >= link.createdAt + SETUP_MS) {
      this.remove(link, 'lost', now);
      return;
    }
    this.connect(link.peer, link.recalled(now), now);
    if (link.isDirectDue(this.options.can.udp, now)) {
      this.offers.offer(link, now);
      this.probing.tryAddresses(link, now);
    }
    this.offers.flush(link, now);
    this.webRtc.offer(link, now);
    this.relays.tend(link, now);
    this.punching.tend(link, now);
  }

  /** While the path in use does not answer, all others are asked, so that one of them can take over at once. */
  private probe(link: Link, path: Path, now: Instant): void {
    this.probing.probe(link, path, now);
    if (path !== link.best || !path.isInDoubt) return;
    for (const other of link.paths.values()) if (other !== path) other.doubt(now);
    this.noteDoubt(link);
  }

  private noteDoubt(link: Link): void {
    const isDoubtful = link.best?.isInDoubt ?? false;
    if (!link.announced || isDoubtful === link.isDoubtful) return;
    link.isDoubtful = isDoubtful;
    this.outbox.push({ kind: 'doubt', peer: link.peer, isDoubtful });
  }

  private drainSessions(now: Instant): void {
    for (let out = this.options.sessions.poll(); out !== undefined; out = this.options.sessions.poll()) {
      if (out.kind === 'send') this.sendOn(out.path, out.bytes, now);
      else if (out.kind === 'failed') this.outbox.push({ kind: 'unreachable', peer: out.to, reason: out.reason });
      else this.established(out, now);
    }
  }

  /** A handshake is done, perhaps because the neighbour lost the link and we did not: both sides make their offers again. */
  private established({ peer, identity, path }: Extract<SessionsOutput, { kind: 'established' }>, now: Instant): void {
    let link = this.links.get(peer);
    if (link !== undefined && !sameBytes(link.identity.noiseStatic, identity.noiseStatic)) {
      this.remove(link, 'replaced', now);
      link = undefined;
    }
    if (link === undefined) {
      link = new Link(peer, identity, this.options.random, now);
      link.isOursAtRest = this.relays.isResting;
      this.links.set(peer, link);
    }
    link.identity = identity;
    if (link.best !== undefined) this.options.sessions.usePath(peer, link.best.id, now);
    this.probing.tryPath(link, path, now, HS1_BYTES);
    this.offers.offer(link, now);
  }

  private frame(link: Link, { flags, plaintext, origin }: Opened): Received | undefined {
    const bytes = link.joinFrame(flags, plaintext);
    if (bytes === 'malformed') return this.malformed();
    return bytes && { kind: 'frame', origin, bytes };
  }

  private data(link: Link, path: PathId, opened: Opened, now: Instant): Received | undefined {
    const { plaintext, origin } = opened;
    const body = plaintext.subarray(1);
    switch (plaintext[0]) {
      case Inner.KEEPALIVE:
        return undefined;
      case Inner.OVERLAY:
        link.isSpokenTo = true;
        return { kind: 'overlay', origin, bytes: body };
      case Inner.MEMBER:
        return { kind: 'member', origin, bytes: body };
      case Inner.FRAGMENT:
        return this.fragment(link, path, opened, now);
      case Inner.PATH_CHALLENGE:
      case Inner.MTU_PROBE:
        return this.probing.challenged(link, path, body, now) ? undefined : this.malformed();
      case Inner.PATH_RESPONSE:
        return this.answered(link, body, now);
      case Inner.LINK_MESSAGE:
        return this.linkMessage(link, body, now);
      case Inner.RELAYED:
        return this.relays.receive(link, path, plaintext, now) ? undefined : this.malformed();
      case Inner.CLOSE:
        this.remove(link, body[0] === CloseReason.UNNEEDED ? 'unneeded' : 'closed', now);
        return undefined;
      default:
        return this.malformed();
    }
  }

  private fragment(link: Link, path: PathId, opened: Opened, now: Instant): Received | undefined {
    const fragment = decodeFragment(opened.plaintext.subarray(1));
    if (fragment === undefined) return this.malformed();
    const whole = link.reassembly.add(fragment, now);
    return whole && whole[0] !== Inner.FRAGMENT
      ? this.data(link, path, { ...opened, plaintext: whole }, now)
      : undefined;
  }

  private answered(link: Link, body: Uint8Array, now: Instant): undefined {
    const answer = this.probing.answered(link, body, now);
    if (answer === 'malformed') return this.malformed();
    if (answer === 'unasked') return undefined;
    if (answer.seen !== undefined) this.outbox.push({ kind: 'seen', ...answer.seen });
    const before = link.best;
    link.survived(answer.path, now);
    movesTo(link, answer.path, now);
    this.rechoose(link, before, now);
    return undefined;
  }

  /** The path in use may differ from the one before; tells those above what changed. */
  private rechoose(link: Link, before: Path | undefined, now: Instant): void {
    link.choose();
    if (link.best !== undefined && link.best !== before) this.options.sessions.usePath(link.peer, link.best.id, now);
    if (link.isUsable && !link.announced) {
      link.announced = true;
      this.outbox.push({ kind: 'up', peer: link.peer, identity: link.identity });
      for (const payload of link.takeEarly(now)) this.send(link.peer, Inner.OVERLAY, payload, now);
    } else if (link.best !== before) {
      this.outbox.push({ kind: 'changed', peer: link.peer });
      // Perhaps it carries in one direction only: what is said elsewhere shows the neighbour which one we use.
      if (before?.isInDoubt) this.offers.offer(link, now);
    }
    this.noteDoubt(link);
    this.offers.flush(link, now);
    this.webRtc.offer(link, now);
    this.relays.moved(link, true, now);
  }

  private linkMessage(link: Link, body: Uint8Array, now: Instant): undefined {
    const result = this.offers.receive(link, body, now);
    if (result === 'malformed') return this.malformed();
    this.punching.tend(link, now);
    if (result === 'news') {
      this.webSockets.offered(link, now);
      this.outbox.push({ kind: 'changed', peer: link.peer });
    }
    return undefined;
  }

  private losePath(link: Link, id: PathId, now: Instant): void {
    const path = link.paths.get(id);
    const wasProven = path?.proven ?? false;
    link.paths.delete(id);
    this.webSockets.lost(link.peer, id, now);
    if (link.webrtc.kind === 'open' && link.webrtc.path === id) {
      this.probing.unbind(id);
      this.webRtc.lost(link, wasProven, now);
    }
    const before = link.best;
    if (before?.id === id) link.best = undefined;
    else if (path !== undefined && wasProven) link.died(path, now);
    this.rechoose(link, before, now);
    if (link.isUsable || (!link.announced && link.paths.size > 0)) return;
    // Perhaps it is lost in one direction only: then the neighbour hears at once what it would find out last.
    if (path !== undefined) this.outbound.message(link, path, Inner.CLOSE, Uint8Array.of(CloseReason.LEAVING), now);
    this.remove(link, 'lost', now);
  }

  private remove(link: Link, reason: LinkLoss, now: Instant): void {
    if (this.links.get(link.peer) !== link) return;
    this.links.delete(link.peer);
    this.relays.moved(link, false, now);
    if (link.webrtc.kind === 'open') this.probing.unbind(link.webrtc.path);
    this.webRtc.end(link);
    this.punching.ended(link);
    this.webSockets.end(link.peer);
    if (reason !== 'replaced') this.options.sessions.forget(link.peer);
    if (link.announced) this.outbox.push({ kind: 'down', peer: link.peer, reason });
    else if (reason !== 'replaced') this.outbox.push({ kind: 'unreachable', peer: link.peer, reason: 'timed-out' });
  }

  private linkOf(connection: string): Link | undefined {
    const peer = this.webRtc.owner(connection);
    return peer === undefined ? undefined : this.links.get(peer);
  }

  private malformed(): undefined {
    this.malformedMessages++;
    return undefined;
  }
}

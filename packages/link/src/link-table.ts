/**
 * The life of the links of one network: how they come, which of their paths
 * they use, and how they end. Here the parts are put together that each know
 * one thing: proving paths (`probing.ts`), talk about them (`offers.ts`), data
 * channels (`web-rtc.ts`), WebSockets, punching, relays, sending
 * (`outbound.ts`). What neighbours say is taken in `inbound.ts`.
 */
import { earliest, type Instant, Outbox, sameBytes } from '@warren/base';
import type { PathId, SessionsOutput } from '@warren/session';
import { CloseReason, HS1_BYTES, Inner, type PeerKey } from '@warren/wire';
import { Link, SETUP_MS } from './link.ts';
import type { LinkLoss, LinksOptions, LinksOutput } from './links-options.ts';
import { Offers } from './offers.ts';
import { Outbound } from './outbound.ts';
import type { Path } from './path.ts';
import { Probing } from './probing.ts';
import { isSurplus, Punching } from './punch.ts';
import { Relays } from './relays.ts';
import { movesTo } from './roaming.ts';
import { WebRtc, type WebRtcOutput } from './web-rtc.ts';
import { type WebSocketOutput, WebSockets } from './web-socket.ts';

/** The links of one network, and what tends them. */
export class LinkTable {
  readonly links = new Map<PeerKey, Link>();
  readonly outbox = new Outbox<LinksOutput>();
  readonly outbound: Outbound;
  readonly probing: Probing;
  readonly offers: Offers;
  readonly webRtc: WebRtc;
  readonly webSockets: WebSockets;
  readonly punching: Punching;
  readonly relays: Relays;
  private readonly options: LinksOptions;

  constructor(options: LinksOptions) {
    const { self, network, can, random, strangers, sessions, maxBytes, urls = () => [] } = options;
    this.options = options;
    const push = (output: WebRtcOutput | WebSocketOutput) => this.outbox.push(output);
    this.webRtc = new WebRtc({ self, network, isAble: can.webrtc, random, push });
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

  /** When `tick` has something to do. Each link's own deadline is kept until something happens to it. */
  get wakeAt(): Instant | undefined {
    let at = earliest(this.options.sessions.wakeAt, this.webSockets.wakeAt);
    for (const { deadline } of this.links.values()) at = earliest(at, deadline.at);
    return at;
  }

  /** Something happened that may concern any link. */
  moved(): void {
    for (const { deadline } of this.links.values()) deadline.moved();
  }

  tick(now: Instant): void {
    this.options.sessions.tick(now);
    this.drainSessions(now);
    for (const link of [...this.links.values()]) this.tickLink(link, now);
    this.webSockets.tick(peer => this.links.get(peer), now);
    this.moved();
  }

  /** Sends a datagram on a path: through the host, the overlay that carries it, or a neighbour who relays. */
  sendOn(path: PathId, bytes: Uint8Array, now: Instant): void {
    if (!this.relays.send(path, bytes, now)) this.outbox.push({ kind: 'send', path, bytes });
  }

  /** Does what handshakes ask for. */
  drainSessions(now: Instant): void {
    for (let out = this.options.sessions.poll(); out !== undefined; out = this.options.sessions.poll()) {
      if (out.kind === 'send') this.sendOn(out.path, out.bytes, now);
      else if (out.kind === 'failed') this.outbox.push({ kind: 'unreachable', peer: out.to, reason: out.reason });
      else this.established(out, now);
    }
  }

  /** Challenges a path. While the one in use does not answer, all others are asked, so that one of them can take over at once. */
  probe(link: Link, path: Path, now: Instant): void {
    this.probing.probe(link, path, now);
    if (path !== link.best || !path.isInDoubt) return;
    for (const other of link.paths.values()) if (other !== path) other.doubt(now);
    this.noteDoubt(link);
  }

  /** Tells those above whether nothing comes back. */
  noteDoubt(link: Link): void {
    const isDoubtful = link.best?.isInDoubt ?? false;
    if (!link.announced || isDoubtful === link.isDoubtful) return;
    link.isDoubtful = isDoubtful;
    this.outbox.push({ kind: 'doubt', peer: link.peer, isDoubtful });
  }

  /** A challenge on a path was answered. */
  answered(link: Link, path: Path, now: Instant): void {
    const before = link.best;
    link.survived(path, now);
    movesTo(link, path, now);
    this.rechoose(link, before, now);
  }

  /** A path is of no use any more; with the last goes the link. */
  losePath(link: Link, id: PathId, now: Instant): void {
    const path = link.paths.get(id);
    link.deadline.moved();
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

  /** Ends a link. */
  remove(link: Link, reason: LinkLoss, now: Instant): void {
    if (this.links.get(link.peer) !== link) return;
    this.links.delete(link.peer);
    this.relays.moved(link, false, now);
    if (link.webrtc.kind === 'open') this.probing.unbind(link.webrtc.path);
    this.webRtc.end(link);
    this.punching.ended(link);
    this.webSockets.end(link.peer);
    this.moved();
    if (reason !== 'replaced') this.options.sessions.forget(link.peer);
    if (link.announced) this.outbox.push({ kind: 'down', peer: link.peer, reason });
    else if (reason !== 'replaced') this.outbox.push({ kind: 'unreachable', peer: link.peer, reason: 'timed-out' });
  }

  /** Starts a handshake with a peer, or whoever answers. */
  connect(to: PeerKey | undefined, paths: readonly PathId[], now: Instant): void {
    this.options.sessions.connect(to, paths, now);
    this.drainSessions(now);
  }

  /** A handshake is done, perhaps because the neighbour lost the link and we did not: both sides make their offers again. */
  private established({ peer, identity, path }: Extract<SessionsOutput, { kind: 'established' }>, now: Instant): void {
    let link = this.links.get(peer);
    if (link !== undefined && !sameBytes(link.identity.noiseStatic, identity.noiseStatic)) {
      this.remove(link, 'replaced', now);
      link = undefined;
    }
    if (link === undefined) {
      link = new Link(peer, identity, this.options.random, now, each => this.wakeAtOf(each));
      link.isOursAtRest = this.relays.isResting;
      this.links.set(peer, link);
    }
    link.identity = identity;
    if (link.best !== undefined) this.options.sessions.usePath(peer, link.best.id, now);
    this.probing.tryPath(link, path, now, HS1_BYTES);
    this.offers.offer(link, now);
    link.deadline.moved();
  }

  private tickLink(link: Link, now: Instant): void {
    for (const path of [...link.paths.values()]) {
      const verdict = path.check(now, link.watch(path));
      if (verdict === 'probe' && isSurplus(link, path.id)) link.paths.delete(path.id);
      else if (verdict === 'probe') this.probe(link, path, now);
      else if (verdict === 'lost') this.losePath(link, path.id, now);
      if (this.links.get(link.peer) !== link) return;
    }
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

  /** The path in use may differ from the one before; tells those above what changed. */
  private rechoose(link: Link, before: Path | undefined, now: Instant): void {
    link.choose();
    if (link.best !== undefined && link.best !== before) this.options.sessions.usePath(link.peer, link.best.id, now);
    if (link.isUsable && !link.announced) {
      link.announced = true;
      this.outbox.push({ kind: 'up', peer: link.peer, identity: link.identity });
      for (const payload of link.takeEarly(now))
        this.outbound.message(link, link.best as Path, Inner.OVERLAY, payload, now);
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

  private wakeAtOf(link: Link): Instant | undefined {
    return earliest(link.wakeAt, this.relays.wakeAt(link), this.punching.wakeAt(link));
  }
}

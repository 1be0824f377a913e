/**
 * All links of one network. A link begins with a handshake over any path that
 * works at once (often carried by an overlay); inside that session both sides
 * offer candidates, prove better paths and move over without losing a
 * datagram. Nothing about addresses or SDP ever leaves the session.
 * Source: overlay.md "Links", decisions.md "Link, path, session"; P2 4.3.
 */
import { concat, earliest, type Instant, Outbox, type Random, toHex } from '@warren/base';
import type { HandshakeFailure, Identity, Opened, PathId, Sessions, SessionsOutput } from '@warren/session';
import {
  CANDIDATES_MAX,
  DataFlag,
  decodeFragment,
  decodeLinkMessage,
  decodePathProbe,
  encodeFragment,
  encodeLinkMessage,
  encodePathProbe,
  FRAGMENTS_MAX,
  Inner,
  type LinkMessage,
  PacketType,
  type PeerId,
  type PeerKey,
  peerKey,
  Reader,
  SEAL_OVERHEAD_BYTES,
  Writer,
} from '@warren/wire';
import { mayProbe, type PathKind } from './candidates.ts';
import { cut } from './fragments.ts';
import { type Candidates, Link, SETUP_MS } from './link.ts';
import type { Path } from './path.ts';
import type { Unnumbered } from './reliable.ts';

/** Why a link ended. */
export type LinkLoss = 'lost' | 'closed' | 'replaced' | 'stopped';

export type LinksOutput =
  | { readonly kind: 'send'; readonly path: PathId; readonly bytes: Uint8Array }
  | { readonly kind: 'up'; readonly peer: PeerKey; readonly identity: Identity }
  /** From where a neighbour sees us: others may try that address. */
  | { readonly kind: 'seen'; readonly address: string }
  | { readonly kind: 'changed'; readonly peer: PeerKey }
  | { readonly kind: 'down'; readonly peer: PeerKey; readonly reason: LinkLoss }
  | { readonly kind: 'unreachable'; readonly peer: PeerKey | undefined; readonly reason: HandshakeFailure }
  | { readonly kind: 'open-webrtc'; readonly connection: string; readonly role: 'offerer' | 'answerer' }
  | { readonly kind: 'signal-webrtc'; readonly connection: string; readonly signal: string }
  | { readonly kind: 'close-path'; readonly path: PathId };

/** What the neighbour sent up, returned from `receive` without an object per layer. */
export type Received =
  | { readonly kind: 'overlay'; readonly peer: PeerKey; readonly bytes: Uint8Array }
  | { readonly kind: 'member'; readonly peer: PeerKey; readonly bytes: Uint8Array }
  | { readonly kind: 'frame'; readonly peer: PeerKey; readonly bytes: Uint8Array };

export interface LinksOptions {
  readonly self: PeerKey;
  /** `public` or the group id: `via/<network>/` paths of the same name are carried by ourselves. */
  readonly network: string;
  readonly sessions: Sessions;
  readonly random: Random;
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  readonly can: { readonly udp: boolean; readonly webrtc: boolean };
  readonly hostKind: number;
  /** Our place in the public overlay, offered as a carrier. */
  readonly publicId?: PeerId;
  /** The largest datagram on a path. */
  readonly maxBytes: (path: PathId) => number;
  /** Own addresses that others may try. */
  readonly addresses: () => readonly string[];
  /** Whether neighbours are strangers, whose candidates are filtered. */
  readonly strangers: boolean;
}

/** A link as others see it. */
export interface LinkInfo {
  readonly peer: PeerKey;
  readonly kind: PathKind;
  readonly rttMs: number | undefined;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The link table of one network. */
export class Links {
  private readonly options: LinksOptions;
  private readonly outbox = new Outbox<LinksOutput>();
  private readonly links = new Map<PeerKey, Link>();
  private readonly bindings = new Map<PathId, Uint8Array>();
  private readonly connections = new Map<string, PeerKey>();
  private readonly noBinding: Uint8Array;
  private nextMessageId = 0;
  private nextConnection = 1;
  readonly stats = { malformed: 0, dropped: 0, refusedCandidates: 0 };

  constructor(options: LinksOptions) {
    this.options = options;
    this.noBinding = options.hash(new Uint8Array(0));
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
    const peer = this.connections.get(connection);
    if (peer === undefined) return false;
    const link = this.links.get(peer);
    if (link?.webrtc.kind !== 'connecting' || link.webrtc.connection !== connection) return false;
    link.webrtc = { kind: 'open', connection, path };
    this.bindings.set(path, this.options.hash(binding));
    this.tryPath(link, path, now);
    return true;
  }

  pathDown(path: PathId, now: Instant): void {
    this.bindings.delete(path);
    for (const link of [...this.links.values()]) if (link.paths.has(path)) this.losePath(link, path, now);
  }

  /** Hands our side's WebRTC signal to the neighbour. */
  localSignal(connection: string, signal: string, now: Instant): void {
    const link = this.links.get(this.connections.get(connection) ?? '');
    if (link !== undefined) this.tell(link, { kind: 'signal', connection, signal }, now);
  }

  webrtcFailed(connection: string, now: Instant): void {
    const link = this.links.get(this.connections.get(connection) ?? '');
    this.connections.delete(connection);
    if (link?.webrtc.kind === 'connecting' && link.webrtc.connection === connection) link.webrtcFailed(now);
  }

  /** All paths are in doubt: the host slept, or changed its network. */
  resumed(now: Instant): void {
    for (const link of this.links.values()) for (const path of link.paths.values()) path.suspect(now);
    this.tick(now);
  }

  /** Own addresses changed: neighbours are told. */
  addressesChanged(now: Instant): void {
    for (const link of this.links.values()) this.offer(link, now);
  }

  /** Takes one datagram for this network; returns what goes up. */
  receive(path: PathId, bytes: Uint8Array, now: Instant): Received | undefined {
    const opened = this.options.sessions.receive(path, bytes, now);
    this.drainSessions(now);
    if (opened === undefined) return undefined;
    const link = this.links.get(opened.peer);
    if (link === undefined) return undefined;
    link.receivedBytes += bytes.length;
    const known = link.paths.get(path);
    if (known === undefined) this.tryPath(link, path, now);
    else known.received(now);
    return opened.type === PacketType.FRAME ? this.frame(link, opened) : this.data(link, path, opened.plaintext, now);
  }

  /** Sends an inner message to a neighbour on its best path, in pieces where it must; false when there is no usable link. */
  send(peer: PeerKey, inner: number, payload: Uint8Array, now: Instant): boolean {
    const link = this.links.get(peer);
    if (link?.best === undefined || !link.isUsable) return false;
    return this.sendOn(link, link.best, inner, payload, now);
  }

  /** Sends an Ethernet frame to a neighbour, in two parts where it does not fit. */
  sendFrame(peer: PeerKey, frame: Uint8Array, now: Instant): boolean {
    const link = this.links.get(peer);
    const path = link?.best;
    if (link === undefined || path === undefined || path.setupOnly) return false;
    const room = this.room(path);
    if (frame.length <= room) return this.seal(link, path, PacketType.FRAME, 0, frame, now);
    const partId = link.nextPartId++ >>> 0;
    const half = Math.ceil(frame.length / 2);
    if (half + 4 > room) return this.drop();
    const part = (piece: Uint8Array) => new Writer(4 + piece.length).u32(partId).put(piece).done();
    this.seal(link, path, PacketType.FRAME, DataFlag.FIRST_PART, part(frame.subarray(0, half)), now);
    return this.seal(link, path, PacketType.FRAME, DataFlag.SECOND_PART, part(frame.subarray(half)), now);
  }

  /** Ends a link with a goodbye. */
  disconnect(peer: PeerKey, now: Instant): void {
    const link = this.links.get(peer);
    if (link === undefined) return;
    if (link.best !== undefined) this.sendOn(link, link.best, Inner.CLOSE, Uint8Array.of(0), now);
    this.remove(link, 'stopped');
  }

  /** Ends all links with a goodbye. */
  stop(now: Instant): void {
    for (const peer of [...this.links.keys()]) this.disconnect(peer, now);
  }

  info(peer: PeerKey): LinkInfo | undefined {
    const link = this.links.get(peer);
    if (link?.best === undefined || !link.isUsable) return undefined;
    const { kind, rttMs } = link.best;
    return { peer, kind, rttMs, sentBytes: link.sentBytes, receivedBytes: link.receivedBytes };
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
    return earliest(this.options.sessions.wakeAt, ...[...this.links.values()].map(link => link.wakeAt));
  }

  tick(now: Instant): void {
    this.options.sessions.tick(now);
    this.drainSessions(now);
    for (const link of [...this.links.values()]) this.tickLink(link, now);
  }

  private tickLink(link: Link, now: Instant): void {
    for (const path of [...link.paths.values()]) {
      const verdict = path.check(now, path === link.best);
      if (verdict === 'probe') this.probe(link, path, now);
      else if (verdict === 'lost') this.losePath(link, path.id, now);
    }
    if (!this.links.has(link.peer)) return;
    if (!link.announced && now - link.createdAt >= SETUP_MS) {
      this.remove(link, 'lost');
      return;
    }
    this.flush(link, now);
    this.offerWebRtc(link, now);
  }

  private drainSessions(now: Instant): void {
    for (let out = this.options.sessions.poll(); out !== undefined; out = this.options.sessions.poll()) {
      if (out.kind === 'send') this.outbox.push(out);
      else if (out.kind === 'failed') this.outbox.push({ kind: 'unreachable', peer: out.to, reason: out.reason });
      else this.established(out, now);
    }
  }

  private established(out: Extract<SessionsOutput, { kind: 'established' }>, now: Instant): void {
    let link = this.links.get(out.peer);
    if (link === undefined) {
      link = new Link(out.peer, out.identity, now);
      this.links.set(out.peer, link);
    } else if (toHex(link.identity.noiseStatic) !== toHex(out.identity.noiseStatic)) {
      this.restarted(link, now);
    }
    const isNew = link.remote === undefined;
    link.identity = out.identity;
    if (!link.paths.has(out.path)) this.tryPath(link, out.path, now);
    if (isNew) this.offer(link, now);
  }

  /** The neighbour runs anew: what it offered and its data channels are gone. */
  private restarted(link: Link, now: Instant): void {
    for (const path of [...link.paths.values()]) {
      if (path.kind === 'webrtc') this.losePath(link, path.id, now);
      else path.suspect(now);
    }
    link.remote = undefined;
    link.offersWebRtc = false;
    link.reliable.reset();
  }

  private tryPath(link: Link, id: PathId, now: Instant): void {
    const setupOnly = id.startsWith(`via/${this.options.network}/`);
    const path = link.addPath(id, this.bindings.get(id) ?? this.noBinding, setupOnly, now);
    if (path !== undefined) this.probe(link, path, now);
  }

  private probe(link: Link, path: Path, now: Instant): void {
    const token = this.options.random.bytes(8);
    path.probed(token, now);
    const body = encodePathProbe({ token, bindingHash: path.bindingHash, seen: '' });
    this.sendOn(link, path, Inner.PATH_CHALLENGE, body, now);
    this.trySizes(link, path, now);
  }

  /** Challenges filled up with zeros: an answer shows that datagrams of that size pass. */
  private trySizes(link: Link, path: Path, now: Instant): void {
    for (const bytes of path.sizesToTry()) {
      const token = this.options.random.bytes(8);
      path.sizeTried(token, bytes, now);
      const challenge = encodePathProbe({ token, bindingHash: path.bindingHash, seen: '' });
      const filled = new Uint8Array(bytes - SEAL_OVERHEAD_BYTES);
      filled[0] = Inner.MTU_PROBE;
      filled.set(challenge, 1);
      this.seal(link, path, PacketType.DATA, 0, filled, now);
    }
  }

  private offer(link: Link, now: Instant): void {
    const { can, hostKind, publicId } = this.options;
    const addresses = can.udp ? this.options.addresses().slice(0, CANDIDATES_MAX) : [];
    const base = { kind: 'candidates', webrtc: can.webrtc, udp: can.udp, hostKind, addresses } as const;
    this.tell(link, publicId === undefined ? base : { ...base, publicId }, now);
  }

  private tell(link: Link, message: Unnumbered, now: Instant): void {
    link.reliable.push(message, now);
    this.flush(link, now);
  }

  private flush(link: Link, now: Instant): void {
    if (link.best === undefined) return;
    for (const message of link.reliable.due(now)) {
      this.sendOn(link, link.best, Inner.LINK_MESSAGE, encodeLinkMessage(message), now);
    }
  }

  private frame(link: Link, opened: Opened): Received | undefined {
    const part = opened.flags & (DataFlag.FIRST_PART | DataFlag.SECOND_PART);
    if (part === 0) return { kind: 'frame', peer: link.peer, bytes: opened.plaintext };
    const reader = new Reader(opened.plaintext);
    const partId = reader.u32();
    const piece = reader.rest();
    if (reader.failed || partId === 0) return this.malformed();
    const parts = link.joinParts(partId, part === DataFlag.FIRST_PART, piece);
    return parts && { kind: 'frame', peer: link.peer, bytes: concat(...parts) };
  }

  private data(link: Link, path: PathId, plaintext: Uint8Array, now: Instant): Received | undefined {
    const body = plaintext.subarray(1);
    switch (plaintext[0]) {
      case Inner.KEEPALIVE:
        return undefined;
      case Inner.OVERLAY:
        return { kind: 'overlay', peer: link.peer, bytes: body };
      case Inner.MEMBER:
        return { kind: 'member', peer: link.peer, bytes: body };
      case Inner.FRAGMENT:
        return this.fragment(link, path, body, now);
      case Inner.PATH_CHALLENGE:
      case Inner.MTU_PROBE:
        return this.challenged(link, path, body, now);
      case Inner.PATH_RESPONSE:
        return this.responded(link, path, body, now);
      case Inner.LINK_MESSAGE:
        return this.linkMessage(link, body, now);
      case Inner.CLOSE:
        this.remove(link, 'closed');
        return undefined;
      default:
        return this.malformed();
    }
  }

  private fragment(link: Link, path: PathId, body: Uint8Array, now: Instant): Received | undefined {
    const fragment = decodeFragment(body);
    if (fragment === undefined) return this.malformed();
    const whole = link.reassembly.add(fragment, now);
    return whole && whole[0] !== Inner.FRAGMENT ? this.data(link, path, whole, now) : undefined;
  }

  private challenged(link: Link, id: PathId, body: Uint8Array, now: Instant): undefined {
    const challenge = decodePathProbe(body);
    const path = link.paths.get(id);
    if (challenge === undefined || path === undefined) return this.malformed();
    const seen = id.startsWith('udp/') ? id.slice(4) : '';
    const answer = { token: challenge.token, bindingHash: path.bindingHash, seen };
    this.sendOn(link, path, Inner.PATH_RESPONSE, encodePathProbe(answer), now);
    return undefined;
  }

  private responded(link: Link, id: PathId, body: Uint8Array, now: Instant): undefined {
    const response = decodePathProbe(body);
    const path = link.paths.get(id);
    if (response === undefined || path === undefined) return this.malformed();
    const isFirst = !path.proven;
    if (!path.answered(response.token, response.bindingHash, now)) return undefined;
    if (isFirst) this.trySizes(link, path, now);
    if (response.seen !== '') this.outbox.push({ kind: 'seen', address: response.seen });
    this.rechoose(link, now);
    return undefined;
  }

  /** The path in use may differ from before; tells those above what changed. */
  private rechoose(link: Link, now: Instant): void {
    const before = link.best;
    link.choose();
    if (link.isUsable && !link.announced) {
      link.announced = true;
      this.outbox.push({ kind: 'up', peer: link.peer, identity: link.identity });
    } else if (link.best !== before) {
      this.outbox.push({ kind: 'changed', peer: link.peer });
    }
    this.flush(link, now);
  }

  private linkMessage(link: Link, body: Uint8Array, now: Instant): undefined {
    const message = decodeLinkMessage(body);
    if (message === undefined) return this.malformed();
    if (message.kind === 'acknowledge') {
      link.reliable.acknowledged(message.id);
      return undefined;
    }
    this.acknowledge(link, message.id, now);
    if (!link.reliable.isNew(message.id)) return undefined;
    if (message.kind === 'candidates') this.candidates(link, message, now);
    else this.remoteSignal(link, message, now);
    return undefined;
  }

  private acknowledge(link: Link, id: number, now: Instant): void {
    const path = link.best ?? [...link.paths.values()][0];
    if (path !== undefined)
      this.sendOn(link, path, Inner.LINK_MESSAGE, encodeLinkMessage({ kind: 'acknowledge', id }), now);
  }

  private candidates(link: Link, offered: Candidates, now: Instant): void {
    link.remote = offered;
    const { can, self } = this.options;
    link.offersWebRtc = can.webrtc && offered.webrtc && !(can.udp && offered.udp) && self < link.peer;
    for (const address of can.udp && offered.udp ? offered.addresses : []) {
      if (mayProbe(address, this.options.strangers)) this.tryPath(link, `udp/${address}`, now);
      else this.stats.refusedCandidates++;
    }
    const carried = offered.publicId && this.options.network !== 'public' ? peerKey(offered.publicId) : undefined;
    if (carried !== undefined) this.tryPath(link, `via/public/${carried}`, now);
    this.outbox.push({ kind: 'changed', peer: link.peer });
    this.offerWebRtc(link, now);
  }

  /** Offers WebRTC when it is ours to do so and due. */
  private offerWebRtc(link: Link, now: Instant): void {
    const { webrtc } = link;
    if (!link.offersWebRtc || link.best === undefined || webrtc.kind !== 'none' || now < webrtc.retryAt) return;
    const connection = `${this.options.network.slice(0, 8)}.${this.nextConnection++}.${toHex(this.options.random.bytes(6))}`;
    this.connections.set(connection, link.peer);
    link.webrtc = { kind: 'connecting', connection, failures: webrtc.failures };
    this.outbox.push({ kind: 'open-webrtc', connection, role: 'offerer' });
  }

  private remoteSignal(link: Link, m: Extract<LinkMessage, { kind: 'signal' }>, now: Instant): void {
    const { webrtc } = link;
    const known = webrtc.kind !== 'none' && webrtc.connection === m.connection;
    if (!known) {
      if (!this.options.can.webrtc || this.options.self < link.peer || this.connections.has(m.connection)) return;
      this.endWebRtc(link);
      this.connections.set(m.connection, link.peer);
      link.webrtc = { kind: 'connecting', connection: m.connection, failures: 0 };
      this.outbox.push({ kind: 'open-webrtc', connection: m.connection, role: 'answerer' });
    }
    this.outbox.push({ kind: 'signal-webrtc', connection: m.connection, signal: m.signal });
    this.flush(link, now);
  }

  private endWebRtc(link: Link): void {
    const { webrtc } = link;
    if (webrtc.kind === 'none') return;
    this.connections.delete(webrtc.connection);
    this.outbox.push({ kind: 'close-path', path: webrtc.kind === 'open' ? webrtc.path : `rtc:${webrtc.connection}` });
    link.webrtc = { kind: 'none', retryAt: 0, failures: 0 };
  }

  private losePath(link: Link, id: PathId, now: Instant): void {
    link.paths.delete(id);
    if (link.webrtc.kind === 'open' && link.webrtc.path === id) {
      this.endWebRtc(link);
      link.webrtcFailed(now);
    }
    if (link.best?.id === id) link.best = undefined;
    const wasUsable = link.announced;
    this.rechoose(link, now);
    if (wasUsable && !link.isUsable) this.remove(link, 'lost');
    else if (link.paths.size === 0) this.remove(link, 'lost');
  }

  private remove(link: Link, reason: LinkLoss): void {
    if (!this.links.delete(link.peer)) return;
    this.endWebRtc(link);
    this.options.sessions.forget(link.peer);
    if (link.announced) this.outbox.push({ kind: 'down', peer: link.peer, reason });
    else this.outbox.push({ kind: 'unreachable', peer: link.peer, reason: 'timed-out' });
  }

  private sendOn(link: Link, path: Path, inner: number, payload: Uint8Array, now: Instant): boolean {
    const room = this.room(path);
    const plaintext = concat(Uint8Array.of(inner), payload);
    if (plaintext.length <= room) return this.seal(link, path, PacketType.DATA, 0, plaintext, now);
    this.nextMessageId = (this.nextMessageId + 1) & 0xffff;
    const pieceBytes = Math.max(room - 5, Math.ceil(plaintext.length / FRAGMENTS_MAX));
    const pieces = cut(plaintext, Math.min(pieceBytes, room - 5), this.nextMessageId);
    if (pieces === undefined) return this.drop();
    for (const piece of pieces) {
      const body = concat(Uint8Array.of(Inner.FRAGMENT), encodeFragment(piece));
      this.seal(link, path, PacketType.DATA, 0, body, now);
    }
    return true;
  }

  /** The largest plaintext that a path takes. */
  private room(path: Path): number {
    return path.maxBytes(this.options.maxBytes(path.id)) - SEAL_OVERHEAD_BYTES;
  }

  private seal(link: Link, path: Path, type: number, flags: number, plaintext: Uint8Array, now: Instant): boolean {
    const bytes = this.options.sessions.seal(link.peer, type, flags, plaintext, now);
    if (bytes === undefined) return this.drop();
    path.sent(now);
    link.sentBytes += bytes.length;
    this.outbox.push({ kind: 'send', path: path.id, bytes });
    return true;
  }

  private drop(): false {
    this.stats.dropped++;
    return false;
  }

  private malformed(): undefined {
    this.stats.malformed++;
    return undefined;
  }
}

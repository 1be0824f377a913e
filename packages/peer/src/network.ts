/**
 * One network of a participant: links, ring, DHT and end-to-end sessions wired
 * together. The public overlay and each group are one of these; they differ in
 * who is trusted and in what sits on top. Wiring only, no policy.
 */
import { earliest, type Instant, Outbox, type Random, type UnixMs, type WallClock } from '@warren/base';
import { Dht, type DhtOutput } from '@warren/dht';
import type { PostQuantumPolicy } from '@warren/group';
import { type LinkInfo, Links, type LinksOutput, type Received, senderGroup } from '@warren/link';
import type { NoiseSuite } from '@warren/noise';
import { type LinkRole, Overlay, type OverlayOutput } from '@warren/overlay';
import {
  type Disagreement,
  type HandshakeFailure,
  type Kem,
  type Origin,
  type PostQuantumMode,
  prologue,
  readIndex,
  type Scope,
  type SessionIndices,
  Sessions,
  type SessionsOptions,
  type SessionsStats,
} from '@warren/session';
import { type Authority, CLOCK_SKEW_MS, type Credentials, type Identity, type Leaf, signWorking } from '@warren/trust';
import {
  HOST_KINDS,
  Inner,
  type OverlayDatagram,
  OverlayType,
  PacketType,
  PEER_ID_BYTES,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  peerKey,
} from '@warren/wire';
import { EndToEnd } from './end-to-end.ts';
import type { HostKind, PathId } from './host.ts';
import type { Remotes } from './remotes.ts';

/** Refusals that a wrong clock, ours or theirs, explains. */
const DATED: ReadonlySet<HandshakeFailure> = new Set([
  'authority-not-yet-valid',
  'authority-expired',
  'not-yet-valid',
  'expired',
  'statement-not-yet-valid',
  'statement-expired',
]);

/**
 * What each policy means between neighbours: their links are upgraded only where it is required, as it is links that
 * somebody on the wire records. Whoever may do without still does it for a member whose policy is newer.
 */
const LINK_MODES: Readonly<Record<PostQuantumPolicy, PostQuantumMode>> = {
  off: 'off',
  on: 'when-required',
  required: 'required',
};

/** What all networks of a process share. */
export interface Surroundings {
  readonly kind: HostKind;
  readonly random: Random;
  readonly suite: NoiseSuite;
  readonly wallClock: WallClock;
  readonly indices: SessionIndices<Sessions>;
  /** Whether the last handshake in any network found a clock, a certificate or a statement that does not fit our clock. */
  readonly clockHint: { isOdd: boolean };
  readonly can: { readonly udp: boolean; readonly webrtc: boolean };
  /** Most links of one network. */
  readonly linkBudget: number;
  readonly maxBytes: (path: PathId) => number;
  /** Where accepted WebSockets come from. */
  readonly remotes: Pick<Remotes, 'of'>;
  /** Ed25519 by a working key; `sim` gives a cheap one. */
  readonly sign?: (secret: Uint8Array, message: Uint8Array) => Uint8Array;
  /** ML-KEM-768 by default; `sim` gives a cheap one. */
  readonly kem?: Kem;
}

export interface NetworkOptions extends Surroundings {
  /** `public`, or the group id. */
  readonly name: string;
  readonly authority: Authority;
  readonly credentials: Credentials;
  /** Own UDP addresses that others of this network may try. */
  readonly addresses: () => readonly string[];
  /** Our place in the public overlay; absent in that itself. */
  readonly publicId?: PeerId;
  /** `off` by default. */
  readonly postQuantum?: PostQuantumPolicy;
}

export type NetworkOutput =
  | Extract<LinksOutput, { kind: 'send' | 'open-webrtc' | 'signal-webrtc' | 'close-path' | 'unreachable' | 'seen' }>
  | { readonly kind: 'up'; readonly peer: PeerKey; readonly identity: Identity }
  | { readonly kind: 'down'; readonly peer: PeerKey }
  | { readonly kind: 'changed' }
  /** A point-to-point datagram that this network carried; `path` says from whom, on the word of the neighbour `via`. */
  | { readonly kind: 'carried'; readonly path: PathId; readonly via: PeerKey | undefined; readonly bytes: Uint8Array }
  | { readonly kind: 'frame' | 'member'; readonly origin: Origin; readonly bytes: Uint8Array }
  | Extract<DhtOutput, { kind: 'stored' | 'found' }>;

/** The stack of one network. */
export class Network {
  readonly name: string;
  readonly self: PeerId;
  readonly links: Links;
  readonly overlay: Overlay;
  readonly dht: Dht;
  /** `endToEnd`: datagrams for end-to-end sessions of the public network, which has none. */
  readonly refused = { endToEnd: 0 };
  private readonly pointToPoint: Sessions;
  private readonly endToEnd: EndToEnd;
  private readonly eteSessions: Sessions;
  private credentials: Credentials;
  private isClosed = false;
  private readonly options: NetworkOptions;
  private readonly outbox = new Outbox<NetworkOutput>();

  constructor(options: NetworkOptions) {
    const { authority, credentials, random, suite, kind, can, maxBytes, addresses, publicId, linkBudget } = options;
    this.options = options;
    this.credentials = credentials;
    this.name = options.name;
    this.self = credentials.leaf.peerId;
    this.pointToPoint = this.sessions('point-to-point', LINK_MODES[this.postQuantum], () =>
      prologue(authority.networkKey, []),
    );
    this.eteSessions = this.sessions('end-to-end', this.postQuantum, (path, role) => this.etePrologue(path, role));
    this.endToEnd = new EndToEnd(
      this.eteSessions,
      (to, bytes) => this.sendEte(to, bytes),
      () => this.outbox.push({ kind: 'changed' }),
    );
    const self = peerKey(this.self);
    const hostKind = HOST_KINDS.indexOf(kind);
    const base = {
      self,
      network: this.name,
      sessions: this.pointToPoint,
      random,
      hash: suite.hash,
      can,
      hostKind,
      maxBytes,
      addresses,
    };
    this.links = new Links({ ...base, strangers: this.name === 'public', ...(publicId ? { publicId } : {}) });
    this.overlay = new Overlay({ self: this.self, random, linkBudget });
    const place = (bytes: Uint8Array) => suite.hash(bytes).slice(0, PEER_ID_BYTES);
    this.dht = new Dht({
      authority,
      credentials,
      wallClock: options.wallClock,
      sign: options.sign ?? signWorking,
      place,
    });
  }

  /** Our own certificate. */
  get leaf(): Leaf {
    return this.credentials.leaf;
  }

  poll(): NetworkOutput | undefined {
    return this.outbox.poll();
  }

  /** Whether a first handshake message is for this network. */
  recognises(hs1: Uint8Array): boolean {
    return !this.isClosed && this.pointToPoint.recognises(hs1);
  }

  /** Takes a point-to-point datagram of one of our sessions, with the neighbour who passed it on if it was carried. */
  receive(path: PathId, bytes: Uint8Array, now: Instant, via?: PeerKey): void {
    if (this.isClosed) return;
    const received = this.links.receive(path, bytes, now, via);
    if (received !== undefined) this.up(received, now);
    this.settle(now);
  }

  /** Takes a data-plane or handshake datagram whose owner is one of our session tables. */
  owns(sessions: Sessions): boolean {
    return sessions === this.pointToPoint;
  }

  /** Starts a link; to anyone when `to` is not known. */
  connect(to: PeerKey | undefined, paths: readonly PathId[], now: Instant): void {
    if (!this.isClosed) this.links.connect(to, paths, now);
    this.settle(now);
  }

  /** Sends a datagram of some network's link through this overlay. */
  carry(to: PeerKey, bytes: Uint8Array): void {
    const id = peerIdFromKey(to);
    if (id !== undefined) this.overlay.send(OverlayType.CARRIED, id, bytes);
  }

  sendFrame(to: PeerKey, frame: Uint8Array, now: Instant): void {
    if (!this.links.sendFrame(to, frame, now)) this.endToEnd.send(to, Inner.ETE_FRAME, frame, now);
    this.settle(now);
  }

  sendMember(to: PeerKey, bytes: Uint8Array, now: Instant): void {
    if (!this.links.send(to, Inner.MEMBER, bytes, now)) this.endToEnd.send(to, Inner.MEMBER, bytes, now);
    this.settle(now);
  }

  /** The host slept, or its network changed: neighbours are called and told our addresses, everybody is rekeyed. */
  resumed(now: Instant): void {
    this.links.resumed(now);
    this.links.addressesChanged(now);
    this.eteSessions.resume(now);
    this.settle(now);
  }

  /** Counters of the sessions with neighbours. */
  get stats(): Readonly<SessionsStats> {
    return this.pointToPoint.stats;
  }

  /** Why nobody may accept us at `unixMs`; `undefined` when nothing of the kind is known. */
  problem(unixMs: UnixMs): 'certificate-expired' | 'clock' | undefined {
    const { notBefore, notAfter } = this.credentials.leaf;
    if (unixMs < notBefore - CLOCK_SKEW_MS) return 'clock';
    if (unixMs > notAfter) return 'certificate-expired';
    return this.options.clockHint.isOdd && this.links.usable().length === 0 ? 'clock' : undefined;
  }

  /** Ends links and sessions with everybody whose certificate `isGone` names, and drops their records. */
  cut(isGone: (leaf: Leaf) => boolean, now: Instant): void {
    const known = [...this.pointToPoint.identities(), ...this.eteSessions.identities()];
    for (const { leaf } of known) {
      if (!isGone(leaf)) continue;
      const peer = peerKey(leaf.peerId);
      this.links.disconnect(peer, now);
      this.pointToPoint.forget(peer);
      this.eteSessions.forget(peer);
    }
    this.dht.store.dropWriters(isGone);
    this.settle(now);
  }

  /** Ends everything for good, neighbours with a goodbye: nobody is answered any more, no keys and no indices are left. */
  close(now: Instant): void {
    this.isClosed = true;
    this.links.stop(now);
    this.pointToPoint.close();
    this.endToEnd.close();
    this.cut(() => true, now);
  }

  /** Takes over fresh credentials. */
  renew(credentials: Credentials): void {
    this.credentials = credentials;
    this.pointToPoint.renew(credentials);
    this.eteSessions.renew(credentials);
    this.dht.renew(credentials);
  }

  get wakeAt(): Instant | undefined {
    if (this.isClosed) return undefined;
    return earliest(this.links.wakeAt, this.overlay.wakeAt, this.dht.wakeAt, this.endToEnd.wakeAt);
  }

  tick(now: Instant): void {
    if (this.isClosed) return;
    this.links.tick(now);
    this.overlay.tick(now);
    this.dht.tick(now);
    this.endToEnd.tick(now);
    this.settle(now);
  }

  /** Moves outputs of each machine to the inputs of the others until all are quiet. */
  settle(now: Instant): void {
    for (let moved = true; moved; ) {
      moved = false;
      for (let out = this.links.poll(); out !== undefined; out = this.links.poll()) {
        moved = true;
        this.fromLinks(out, now);
      }
      for (let out = this.overlay.poll(); out !== undefined; out = this.overlay.poll()) {
        moved = true;
        this.fromOverlay(out, now);
      }
      for (let out = this.dht.poll(); out !== undefined; out = this.dht.poll()) {
        moved = true;
        this.fromDht(out, now);
      }
    }
  }

  /** What the network asks of the keys of its sessions. */
  get postQuantum(): PostQuantumPolicy {
    return this.options.postQuantum ?? 'off';
  }

  /** Whether what goes to a peer goes under post-quantum keys, over the link or end to end; `undefined` without a session. */
  isPostQuantum(peer: PeerKey): boolean | undefined {
    return this.links.info(peer) === undefined
      ? this.eteSessions.isPostQuantum(peer)
      : this.pointToPoint.isPostQuantum(peer);
  }

  /** Why there is no session with a peer whose policy differs from ours; `undefined` when nothing of the kind is known. */
  disagreement(peer: PeerKey): Disagreement | undefined {
    return this.pointToPoint.disagreement(peer) ?? this.eteSessions.disagreement(peer);
  }

  linkInfo(peer: PeerKey): (LinkInfo & { roles: LinkRole[] }) | undefined {
    const info = this.links.info(peer);
    return info && { ...info, roles: this.overlay.rolesOf(peer) };
  }

  private sessions(scope: Scope, postQuantum: PostQuantumMode, prologueFor: SessionsOptions['prologueFor']): Sessions {
    const { suite, authority, credentials, random, wallClock, indices, kem } = this.options;
    const self = peerKey(this.self);
    const common = { suite, authority, credentials, random, wallClock, indices, self, ...(kem ? { kem } : {}) };
    const heardClock = (aheadMs: number) => {
      this.options.clockHint.isOdd = Math.abs(aheadMs) > CLOCK_SKEW_MS;
    };
    const heardRefusal = (reason: HandshakeFailure) => {
      if (DATED.has(reason)) this.options.clockHint.isOdd = true;
    };
    const groupOf = (path: PathId, via: string | undefined) => senderGroup(path, via, this.options.remotes.of(path));
    const paths = scope === 'end-to-end' ? { pathTo: EndToEnd.path } : {};
    return new Sessions({ ...common, ...paths, scope, postQuantum, prologueFor, heardClock, heardRefusal, groupOf });
  }

  private etePrologue(path: PathId, role: 'initiator' | 'responder'): Uint8Array {
    const remote = peerIdFromKey(EndToEnd.peer(path)) ?? new Uint8Array(PEER_ID_BYTES);
    const ends = role === 'initiator' ? [this.self, remote] : [remote, this.self];
    return prologue(this.options.authority.networkKey, ends);
  }

  private sendEte(to: PeerKey, bytes: Uint8Array): void {
    const id = this.isClosed ? undefined : peerIdFromKey(to);
    if (id !== undefined) this.overlay.send(OverlayType.ETE, id, bytes);
  }

  private up(received: Received, now: Instant): void {
    const { kind, origin, bytes } = received;
    if (kind === 'overlay') this.overlay.receive(origin.peer, bytes, now);
    else this.outbox.push({ kind, origin, bytes });
  }

  private fromLinks(out: LinksOutput, now: Instant): void {
    switch (out.kind) {
      case 'up':
        this.outbox.push({ kind: 'up', peer: out.peer, identity: out.identity });
        this.overlay.linkUp(out.peer, now);
        return;
      case 'down':
        this.outbox.push({ kind: 'down', peer: out.peer });
        this.overlay.linkDown(out.peer, now);
        return;
      case 'unreachable':
        if (out.peer !== undefined) this.overlay.unreachable(out.peer, now);
        this.outbox.push(out);
        return;
      case 'changed':
        this.outbox.push({ kind: 'changed' });
        return;
      case 'send':
      case 'open-webrtc':
      case 'signal-webrtc':
      case 'close-path':
      case 'seen':
        this.outbox.push(out);
        return;
    }
  }

  private fromOverlay(out: OverlayOutput, now: Instant): void {
    switch (out.kind) {
      case 'send':
        this.links.send(out.to, Inner.OVERLAY, out.bytes, now);
        return;
      case 'connect':
        this.links.connect(out.to, [`via/${this.name}/${out.to}`], now);
        return;
      case 'disconnect':
        this.links.disconnect(out.to, now);
        return;
      case 'answer':
        this.dht.answered(out.tag, out.payload, now);
        return;
      case 'no-answer':
        this.dht.unanswered(out.tag);
        return;
      case 'neighbourhood':
        this.dht.neighbourhoodChanged(position => this.overlay.isNearest(position), now);
        return;
      case 'deliver':
        this.delivered(out.datagram, out.from, now);
        return;
    }
  }

  private delivered(datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void {
    const source = peerKey(datagram.source);
    // Who has a link to us uses it. Answers would go the same lost way, until that is noticed.
    if (from !== undefined && from !== source) this.links.doubt(source, now);
    switch (datagram.type) {
      case OverlayType.CARRIED:
        this.outbox.push({ kind: 'carried', path: `via/${this.name}/${source}`, via: from, bytes: datagram.payload });
        return;
      case OverlayType.ETE:
        this.endToEndDelivered(source, from, datagram.payload, now);
        return;
      case OverlayType.DHT_REQUEST: {
        const answer = this.dht.serve(datagram.payload, now);
        if (answer !== undefined) this.overlay.answer(datagram, from, OverlayType.DHT_ANSWER, answer, now);
        return;
      }
      default:
        return;
    }
  }

  /** Nothing public needs an end-to-end session, and strangers would use up the indices of the process. */
  private endToEndDelivered(source: PeerKey, via: PeerKey | undefined, bytes: Uint8Array, now: Instant): void {
    const { indices } = this.options;
    if (this.name === 'public') {
      this.refused.endToEnd++;
      return;
    }
    if (bytes[0] === PacketType.DATA && indices.owner(readIndex(bytes, 4)) === undefined) {
      const hint = indices.hintFor(EndToEnd.path(source), bytes, now);
      if (hint !== undefined) this.sendEte(source, hint);
      return;
    }
    const message = this.endToEnd.receive(source, via, bytes, now);
    if (message === undefined) return;
    const { origin, inner, body } = message;
    if (inner === Inner.MEMBER) this.outbox.push({ kind: 'member', origin, bytes: body });
    if (inner === Inner.ETE_FRAME) this.outbox.push({ kind: 'frame', origin, bytes: body });
  }

  private fromDht(out: DhtOutput, now: Instant): void {
    if (out.kind === 'request') this.overlay.request(OverlayType.DHT_REQUEST, out.position, out.payload, out.tag, now);
    else this.outbox.push(out);
  }

  /** What kind of host a neighbour said it is. */
  hostKind(peer: PeerKey): HostKind | undefined {
    return HOST_KINDS[this.links.hostKind(peer) ?? HOST_KINDS.length];
  }
}

/**
 * One network of a participant: links, ring, DHT and end-to-end sessions wired
 * together. The public overlay and each group are one of these; they differ in
 * who is trusted and in what sits on top. Wiring only, no policy.
 */
import { earliest, type Instant, Outbox, type UnixMs } from '@warren/base';
import type { Dht, DhtOutput } from '@warren/dht';
import type { PostQuantumPolicy } from '@warren/group';
import type { Links, LinksOutput, Received } from '@warren/link';
import type { Overlay, OverlayOutput } from '@warren/overlay';
import type { Disagreement, Sessions, SessionsStats } from '@warren/session';
import { CLOCK_SKEW_MS, type Credentials, type Leaf } from '@warren/trust';
import {
  Inner,
  type OverlayDatagram,
  OverlayType,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  peerKey,
} from '@warren/wire';
import type { Acquaintances } from './acquaintances.ts';
import { EndToEnd } from './end-to-end.ts';
import type { PathId } from './host.ts';
import { acquaintancesOf, dhtOf, linksOf, overlayOf } from './network-machines.ts';
import type { NetworkOptions, NetworkOutput } from './network-options.ts';
import { endToEndSessions, neighbourSessions } from './network-sessions.ts';
import { RELAY_DEMAND, Traffic } from './traffic.ts';

/** The stack of one network. */
export class Network {
  readonly name: string;
  readonly self: PeerId;
  readonly links: Links;
  readonly overlay: Overlay;
  readonly dht: Dht;
  readonly acquaintances: Acquaintances;
  private readonly pointToPoint: Sessions;
  private readonly endToEnd: EndToEnd;
  private readonly eteSessions: Sessions;
  private readonly traffic: Traffic;
  private credentials: Credentials;
  private isClosed = false;
  private readonly options: NetworkOptions;
  private readonly outbox = new Outbox<NetworkOutput>();

  constructor(options: NetworkOptions) {
    this.options = options;
    this.credentials = options.credentials;
    this.name = options.name;
    this.self = options.credentials.leaf.peerId;
    this.pointToPoint = neighbourSessions(options);
    this.eteSessions = endToEndSessions(options);
    this.endToEnd = new EndToEnd({
      sessions: this.eteSessions,
      indices: options.indices,
      isRefused: this.name === 'public',
      send: (to, bytes) => this.sendEte(to, bytes),
      changed: () => this.outbox.push({ kind: 'changed' }),
    });
    this.links = linksOf(options, this.pointToPoint, () => this.leaf);
    this.overlay = overlayOf(options, () => this.dht.store.size);
    this.dht = dhtOf(options);
    this.acquaintances = acquaintancesOf(options, this.links);
    this.traffic = new Traffic(this.links, this.overlay, this.endToEnd);
  }

  /** Our own certificate. */
  get leaf(): Leaf {
    return this.credentials.leaf;
  }

  /** Begins with those whom it met before. */
  start(now: Instant): void {
    this.acquaintances.start(now);
    const ids = this.acquaintances.remembered.flatMap(peer => peerIdFromKey(peer) ?? []);
    if (ids.length > 0) this.overlay.remember(ids, now);
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
    const isRefused = this.isClosed || (to !== undefined && this.acquaintances.isGone(to));
    if (!isRefused) this.links.connect(to, paths, now);
    this.settle(now);
  }

  /** Sends a datagram of some network's link on a path of ours: through our overlay, or a relay that is our neighbour. */
  carry(path: PathId, bytes: Uint8Array, now: Instant): void {
    const to = path.startsWith('via/') ? peerIdFromKey(path.split('/')[2] ?? '') : undefined;
    if (to === undefined) this.links.sendOn(path, bytes, now);
    else this.overlay.send(OverlayType.CARRIED, to, bytes);
  }

  sendFrame(to: PeerKey, frame: Uint8Array, now: Instant): void {
    this.traffic.frame(to, frame, now);
    this.settle(now);
  }

  sendMember(to: PeerKey, bytes: Uint8Array, now: Instant): void {
    this.traffic.message(to, bytes, now);
    this.settle(now);
  }

  /** We are a hidden tab or on battery, or no longer: neighbours choose us last for duties. */
  setResting(isResting: boolean, now: Instant): void {
    this.overlay.setResting(isResting, now);
    this.links.setResting(isResting, now);
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

  /** Ends links and sessions with everybody whose certificate `isGone` names, after a last word if any; drops their records. */
  cut(isGone: (leaf: Leaf) => boolean, now: Instant, lastWord?: Uint8Array): void {
    const known = [...this.pointToPoint.identities(), ...this.eteSessions.identities()];
    for (const { leaf } of known) {
      if (!isGone(leaf)) continue;
      const peer = peerKey(leaf.peerId);
      if (lastWord !== undefined && this.links.send(peer, Inner.MEMBER, lastWord, now)) this.links.drop(peer, now);
      else this.links.disconnect(peer, now);
      this.pointToPoint.forget(peer);
      this.eteSessions.forget(peer);
      if (!this.isClosed) this.forget(peer, now);
    }
    this.dht.store.dropWriters(isGone);
    this.settle(now);
  }

  /** Somebody was removed, here or not: is not looked for, called or dialled any more. The caller settles. */
  forget(peer: PeerKey, now: Instant): void {
    this.links.disconnect(peer, now);
    this.overlay.forget(peer);
    this.acquaintances.forget(peer, now);
  }

  /** Ends everything for good, neighbours with a goodbye: nobody is answered any more, no keys and no indices are left. */
  close(now: Instant): void {
    this.dht.leave(now);
    this.settle(now);
    this.dht.close();
    this.isClosed = true;
    this.overlay.leave();
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
    const { links, overlay, dht, endToEnd, acquaintances } = this;
    return earliest(links.wakeAt, overlay.wakeAt, dht.wakeAt, endToEnd.wakeAt, acquaintances.wakeAt);
  }

  tick(now: Instant): void {
    if (this.isClosed) return;
    this.links.tick(now);
    this.traffic.measure(now);
    this.overlay.tick(now);
    this.dht.tick(now);
    this.endToEnd.tick(now);
    this.acquaintances.tick(now);
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
      for (let out = this.acquaintances.poll(); out !== undefined; out = this.acquaintances.poll()) {
        moved = true;
        if (out.kind === 'call') this.links.connect(out.to, out.paths, now);
        else if (out.kind === 'too-old') this.overlay.forget(out.peer);
        else this.outbox.push(out);
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

  private sendEte(to: PeerKey, bytes: Uint8Array): void {
    const id = this.isClosed ? undefined : peerIdFromKey(to);
    if (id !== undefined) this.overlay.send(OverlayType.ETE, id, bytes);
  }

  private up({ kind, origin, bytes }: Received, now: Instant): void {
    if (kind !== 'overlay') {
      this.overlay.traffic(origin.peer, now);
      this.outbox.push({ kind, origin, bytes });
      return;
    }
    const wasResting = this.overlay.isResting(origin.peer);
    this.overlay.receive(origin.peer, bytes, now);
    if (this.overlay.isResting(origin.peer) !== wasResting) this.outbox.push({ kind: 'changed' });
  }

  private fromLinks(out: LinksOutput, now: Instant): void {
    switch (out.kind) {
      case 'up':
        this.outbox.push({ kind: 'up', peer: out.peer, identity: out.identity });
        this.linked(out.peer, now);
        this.overlay.linkUp(out.peer, now);
        return;
      case 'down':
        this.outbox.push({ kind: 'down', peer: out.peer, isAway: out.reason !== 'unneeded' });
        this.acquaintances.setAlone(this.links.usable().length === 0, now);
        this.overlay.linkDown(out.peer, now, out.reason !== 'lost' && out.reason !== 'replaced');
        if (out.reason === 'replaced') this.dht.neighbourReplaced(out.peer, now);
        return;
      case 'doubt':
        this.overlay.linkDoubtful(out.peer, out.isDoubtful);
        return;
      case 'unreachable':
        if (out.peer !== undefined) this.overlay.unreachable(out.peer, now);
        if (out.peer !== undefined && out.reason === 'revoked') this.forget(out.peer, now);
        this.outbox.push(out);
        return;
      case 'changed':
        this.linked(out.peer, now);
        this.outbox.push(out);
        return;
      case 'wanted':
        this.overlay.traffic(out.peer, now, RELAY_DEMAND);
        return;
      case 'send':
      case 'carried':
      case 'dial':
      case 'open-webrtc':
      case 'signal-webrtc':
      case 'close-path':
      case 'seen':
        this.outbox.push(out);
        return;
    }
  }

  /** A neighbour is there, perhaps by another path than before. */
  private linked(peer: PeerKey, now: Instant): void {
    const path = this.links.info(peer)?.path;
    if (path === undefined) return;
    this.acquaintances.setAlone(false, now);
    this.acquaintances.linked({ peer, path }, now);
  }

  private fromOverlay(out: OverlayOutput, now: Instant): void {
    switch (out.kind) {
      case 'send':
        this.links.send(out.to, Inner.OVERLAY, out.bytes, now);
        return;
      case 'connect':
        if (this.acquaintances.isGone(out.to)) this.overlay.unreachable(out.to, now);
        else this.links.connect(out.to, [`via/${this.name}/${out.to}`, ...this.acquaintances.paths(out.to)], now);
        return;
      case 'disconnect':
        this.links.disconnect(out.to, now, 'unneeded');
        return;
      case 'former':
        this.acquaintances.remember(out.ids.map(peerKey), now);
        return;
      case 'answer':
        this.dht.answered(out.tag, out.payload, now, out.isPlausible);
        return;
      case 'no-answer':
        this.dht.unanswered(out.tag, now);
        return;
      case 'neighbourhood':
        this.dht.neighbourhoodChanged(this.links.usable(), now);
        return;
      case 'broadcast':
      case 'gathered':
      case 'crawled':
        this.outbox.push(out);
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
      case OverlayType.ETE: {
        const received = this.traffic.receive(source, from, datagram.payload, now);
        if (received !== undefined) this.outbox.push(received);
        return;
      }
      case OverlayType.DHT_REQUEST: {
        const via = from === undefined ? undefined : { neighbour: from, source };
        const answer = this.dht.serve(datagram.payload, now, via);
        this.dhtAnswer(datagram, from, answer, now);
        return;
      }
      case OverlayType.DHT_NOTIFY: {
        const via = from === undefined ? undefined : { neighbour: from, source };
        this.dhtAnswer(datagram, from, this.dht.notified(datagram.payload, now, via), now);
        return;
      }
    }
  }

  /** Answers a request; what it has us keep goes up first, so that the disk has it before anybody is told. */
  private dhtAnswer(request: OverlayDatagram, from: PeerKey | undefined, answer: Uint8Array | undefined, now: Instant) {
    for (let out = this.dht.poll(); out !== undefined; out = this.dht.poll()) this.fromDht(out, now);
    if (answer !== undefined) this.overlay.answer(request, from, OverlayType.DHT_ANSWER, answer, now);
  }

  private fromDht(out: DhtOutput, now: Instant): void {
    if (out.kind === 'request') this.overlay.request(out.type, out.target, out.payload, out.tag, now);
    else if (out.kind === 'changed') this.outbox.push({ ...out, kind: 'watched' });
    else if (out.kind !== 'doubled') this.outbox.push(out);
  }
}

/**
 * Links of a mesh: how a wanted one comes about, and how ends notice that one
 * is gone. Times are those of packages/link; sessions are left out.
 *
 * A peer that wants a link calls the other one through the overlay, or directly
 * where it remembers its address from an earlier link or it is a bootstrap node;
 * one and a half round trips after the call arrived the link is there.
 */
import { utf8 } from '@warren/base';
import { type OverlayDatagram, OverlayType, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';
import { indexOf, type MeshPeer } from './mesh-peer.ts';
import type { MeshWorld } from './mesh-world.ts';

/** Silence until an end gives a link up: probes after 5 s, or at once with traffic, lost after three (decisions.md "Liveness"). */
const NOTICE_MS = [3000, 8000] as const;
/** So long before, two probes are unanswered and the link is in doubt. */
const DOUBT_MS = 1000;
/** A link that is not there by then is given up (`SETUP_MS` of packages/link). */
const SETUP_MS = 20_000;
/** When a call is made again. */
const CALLS_MS: readonly number[] = [0, 1000, 3000, 7000, 14_000];
/** Between tries of a peer without links to reach a bootstrap node, by failures (packages/peer). */
const BOOTSTRAP_RETRY_MS: readonly number[] = [500, 1000, 2000, 5000, 10_000, 30_000];
/** Bootstrap nodes that one joiner calls. */
const BOOTSTRAPS_CALLED = 2;
/** A link to a bootstrap node that neither end needs is let go after so long. */
const LEAF_MS = 20_000;
/** With so many other links a joiner is served. */
const SERVED_LINKS = 4;

/** As long as a carried first message: see decisions.md, HS1. */
const CALL: Uint8Array = new Uint8Array(320).fill(0x77);
CALL.set(utf8('mesh call'));

/** The links of one world. */
export class MeshLinks {
  private readonly world: MeshWorld;
  private readonly canMeet: (a: MeshPeer, b: MeshPeer) => boolean;
  /** Ways that carry nothing, beside those between sides. */
  isCut: (from: MeshPeer, to: MeshPeer) => boolean = () => false;
  private tries = 0;

  constructor(world: MeshWorld, canMeet: (a: MeshPeer, b: MeshPeer) => boolean) {
    this.world = world;
    this.canMeet = canMeet;
  }

  /** Whether datagrams get from one peer to another at all. */
  passes(from: MeshPeer, to: MeshPeer): boolean {
    return from.side === to.side && !this.isCut(from, to);
  }

  /** Calls bootstrap nodes when there are no links; again later until there is one. */
  enter(peer: MeshPeer): void {
    if (!peer.isAlive || !peer.wantsIn || peer.links.size > 0) return;
    const { random, bootstraps } = this.world;
    const others = bootstraps.filter(each => each !== peer);
    for (let i = 0; i < BOOTSTRAPS_CALLED && others.length > 0; i++) {
      const at = Math.floor(random.unit() * others.length);
      this.callDirectly(peer, others.splice(at, 1)[0] as MeshPeer);
    }
    for (const key of peer.remembered) {
      const other = this.world.peer(key);
      if (other !== undefined) this.callDirectly(peer, other);
    }
    const wait = BOOTSTRAP_RETRY_MS[Math.min(peer.bootstrapFailures++, BOOTSTRAP_RETRY_MS.length - 1)] as number;
    const { life } = peer;
    this.world.at(this.world.now + wait * (0.8 + 0.4 * random.unit()), () => {
      if (peer.life === life) this.enter(peer);
    });
  }

  /** A machine wants a link. */
  connect(peer: MeshPeer, to: PeerKey): void {
    if (peer.links.has(to)) return;
    const attempt = ++this.tries;
    peer.dials.set(to, attempt);
    const { life } = peer;
    const isOpen = (): boolean => peer.isAlive && peer.life === life && peer.dials.get(to) === attempt;
    this.call(peer, to, 0, isOpen);
    this.world.at(this.world.now + SETUP_MS, () => {
      if (!isOpen()) return;
      peer.dials.delete(to);
      this.world.stats.unreachable++;
      this.world.act(peer, ({ overlay }) => overlay.unreachable(to, this.world.now));
    });
  }

  /** A call came through the overlay. */
  called(peer: MeshPeer, { source, payload }: OverlayDatagram): void {
    const caller = this.world.peer(peerKey(source));
    if (payload.length !== CALL.length || caller === undefined || caller === peer) return;
    this.shakeHands(caller, peer, this.world.oneWayMs(peer, caller));
  }

  /** A machine has no use for a link: the other end hears so. */
  letGo(peer: MeshPeer, to: PeerKey): void {
    const other = this.world.peer(to);
    if (other === undefined || !peer.links.has(to)) return;
    this.halfDown(peer, other);
    const { life } = peer;
    this.world.at(this.world.now + this.world.oneWayMs(peer, other), () => {
      if (peer.life === life) this.dropHalf(other, peer, true);
    });
  }

  /** Links two peers at once, as two that met by other means. */
  link(a: MeshPeer, b: MeshPeer): void {
    if (a === b || !a.isAlive || !b.isAlive || !this.passes(a, b) || !this.passes(b, a) || !this.canMeet(a, b)) return;
    if (a.links.get(b.key) === b.asNeighbour && b.links.get(a.key) === a.asNeighbour) return;
    this.dropStale(a, b);
    this.dropStale(b, a);
    this.world.stats.linksUp++;
    this.up(a, b);
    this.up(b, a);
    for (const [peer, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (other.isBootstrap) this.letLeafGoLater(peer, other);
      this.world.drain(peer);
    }
  }

  /** The neighbours of a peer that vanished notice, each in its time; its own halves are gone at once. */
  vanish(peer: MeshPeer): void {
    const { life } = peer;
    for (const half of peer.links.values()) {
      const other = this.world.peers[indexOf(half)] as MeshPeer;
      peer.remember(other.key);
      this.noticeLater(other, peer, life);
    }
    this.forgetAll(peer);
  }

  /** The neighbours of a peer that says goodbye hear it. */
  goodbye(peer: MeshPeer): void {
    const { life } = peer;
    for (const half of peer.links.values()) {
      const other = this.world.peers[indexOf(half)] as MeshPeer;
      peer.remember(other.key);
      if (!this.passes(peer, other)) this.noticeLater(other, peer, life);
      else
        this.world.at(this.world.now + this.world.oneWayMs(peer, other), () => {
          if (isOfLife(other, peer, life)) this.dropHalf(other, peer, true);
        });
    }
    this.forgetAll(peer);
  }

  /** After ways were cut: both ends of links that do not carry both ways notice. */
  checkAll(): void {
    for (const peer of this.world.peers) {
      for (const half of peer.links.values()) {
        const other = this.world.peers[indexOf(half)] as MeshPeer;
        if (!this.passes(peer, other) || !this.passes(other, peer)) this.noticeLater(peer, other, other.life);
      }
    }
  }

  private call(peer: MeshPeer, to: PeerKey, attempt: number, isOpen: () => boolean): void {
    const wait = CALLS_MS[attempt];
    if (wait === undefined) return;
    const { world } = this;
    const ring = (): void => {
      if (!isOpen()) return;
      const other = world.peer(to);
      const knowsAddress = peer.remembered.has(to) || other?.isBootstrap === true;
      if (knowsAddress && other !== undefined) this.callDirectly(peer, other);
      const id = peerIdFromKey(to);
      if (id !== undefined) world.act(peer, ({ overlay }) => overlay.send(OverlayType.CARRIED, id, CALL));
      this.call(peer, to, attempt + 1, isOpen);
    };
    world.at(world.now + wait - (CALLS_MS[attempt - 1] ?? 0), ring);
  }

  private callDirectly(peer: MeshPeer, other: MeshPeer): void {
    const { world } = this;
    this.shakeHands(peer, other, world.oneWayMs(peer, other) + world.oneWayMs(other, peer));
  }

  /** What is left of a handshake after `firstMs`, if both can talk. */
  private shakeHands(a: MeshPeer, b: MeshPeer, firstMs: number): void {
    const { world } = this;
    if (!a.isAlive || !b.isAlive || !this.passes(a, b) || !this.passes(b, a)) return;
    const [lifeA, lifeB] = [a.life, b.life];
    const rest = world.oneWayMs(a, b) + world.oneWayMs(b, a);
    world.at(world.now + firstMs + rest, () => {
      if (a.life === lifeA && b.life === lifeB) this.link(a, b);
    });
  }

  private up(peer: MeshPeer, other: MeshPeer): void {
    peer.links.set(other.key, other.asNeighbour);
    peer.dials.delete(other.key);
    peer.bootstrapFailures = 0;
    peer.overlay.linkUp(other.key, this.world.now);
    // The link's first probes tell.
    if (this.world.measuresLinks)
      peer.overlay.measured(other.key, this.world.oneWayMs(peer, other) + this.world.oneWayMs(other, peer));
  }

  /** A neighbour that runs anew replaces the link to its former life. */
  private dropStale(peer: MeshPeer, other: MeshPeer): void {
    if (!peer.links.has(other.key)) return;
    this.halfDown(peer, other);
    this.world.drain(peer);
  }

  private dropHalf(peer: MeshPeer, other: MeshPeer, isGoodbye = false): void {
    if (!peer.isAlive || !peer.links.has(other.key)) return;
    this.halfDown(peer, other, isGoodbye);
    this.world.drain(peer);
    if (peer.links.size === 0) this.enter(peer);
  }

  private halfDown(peer: MeshPeer, other: MeshPeer, isGoodbye = false): void {
    peer.links.delete(other.key);
    peer.remember(other.key);
    this.world.stats.linksDown++;
    peer.overlay.linkDown(other.key, this.world.now, isGoodbye);
  }

  private noticeLater(peer: MeshPeer, gone: MeshPeer, life: number): void {
    const { world } = this;
    const [least, most] = NOTICE_MS;
    const at = world.now + least + (most - least) * world.random.unit();
    const isSilent = (): boolean => {
      const carries = gone.isAlive && gone.life === life && this.passes(peer, gone) && this.passes(gone, peer);
      return !carries && isOfLife(peer, gone, life);
    };
    world.at(at - DOUBT_MS, () => {
      if (isSilent()) world.act(peer, ({ overlay }) => overlay.linkDoubtful(gone.key, true));
    });
    world.at(at, () => {
      if (isSilent()) this.dropHalf(peer, gone);
      else if (isOfLife(peer, gone, life)) world.act(peer, ({ overlay }) => overlay.linkDoubtful(gone.key, false));
    });
  }

  private forgetAll(peer: MeshPeer): void {
    peer.links.clear();
    peer.dials.clear();
  }

  /** Lets the link to a bootstrap node go once the joiner is served, unless one of them needs it for the ring. */
  private letLeafGoLater(peer: MeshPeer, bootstrap: MeshPeer): void {
    const { world } = this;
    const { life } = peer;
    const isLeaf = (a: MeshPeer, b: MeshPeer): boolean => a.overlay.rolesOf(b.key).every(role => role === 'leaf');
    world.at(world.now + LEAF_MS * (0.8 + 0.4 * world.random.unit()), () => {
      if (!peer.isAlive || peer.life !== life || !peer.links.has(bootstrap.key)) return;
      const isServed = peer.links.size > SERVED_LINKS && isLeaf(peer, bootstrap) && isLeaf(bootstrap, peer);
      if (isServed) this.letGo(peer, bootstrap.key);
      else this.letLeafGoLater(peer, bootstrap);
      world.drain(peer);
    });
  }
}

function isOfLife(peer: MeshPeer, other: MeshPeer, life: number): boolean {
  const half = peer.links.get(other.key);
  return half !== undefined && half === other.asNeighbour - (other.life - life) * 2 ** 24;
}

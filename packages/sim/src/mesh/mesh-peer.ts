/**
 * One peer of a mesh: its machines, its half of each link, what it remembers.
 * State only; `mesh-world.ts` moves it.
 */
import type { Instant } from '@warren/base';
import type { Dht } from '@warren/dht';
import type { Overlay } from '@warren/overlay';
import type { PeerId, PeerKey } from '@warren/wire';
import type { Role } from './role.ts';

/** Former neighbours whose addresses a peer keeps; as the acquaintances of a real one. */
const REMEMBERED_MAX = 64;
/** Lives of a peer are told apart in the upper part of a half link. */
const LIFE_STEP = 2 ** 24;

/** Machines of one life of a peer. */
export interface Machines {
  readonly overlay: Overlay;
  readonly dht: Dht | undefined;
}

/** What a peer is in all its lives. */
export type Place = Pick<MeshPeer, 'index' | 'id' | 'key' | 'host' | 'isBootstrap' | 'linkBudget'>;

/** One peer. */
export class MeshPeer {
  readonly index: number;
  readonly id: PeerId;
  /** 40 hex digits, one string for the whole world. */
  readonly key: PeerKey;
  /** Where it is, for the latency model. */
  readonly host: number;
  readonly isBootstrap: boolean;
  /** Links that it is to keep at most. */
  readonly linkBudget: number;
  /** Misbehaviour; none: honest. */
  role: Role | undefined;
  overlay: Overlay;
  dht: Dht | undefined;
  isAlive = true;
  /** Counts its restarts. */
  life = 0;
  /** Whether it looks for a way in when it has no links. */
  wantsIn = false;
  bootstrapFailures = 0;
  /** When its wake event is due. */
  wakeEventAt: Instant = Number.POSITIVE_INFINITY;
  /** Which part of a split world it is in. */
  side = 0;
  sent = 0;
  sentBytes = 0;
  received = 0;
  /** Its half of each link: who is at the other end, in which life. */
  readonly links = new Map<PeerKey, number>();
  /** Links being made: number of the try. */
  readonly dials = new Map<PeerKey, number>();
  /** Peers whose addresses it knows from links that ended; oldest first. */
  readonly remembered = new Set<PeerKey>();
  /** Ids of neighbours from before, as its overlay wants them kept on disk. */
  former: readonly PeerId[] = [];
  /** Records that its disk holds, by slot. */
  readonly disk = new Map<string, Uint8Array>();

  constructor(place: Place, { overlay, dht }: Machines, role: Role | undefined) {
    this.index = place.index;
    this.id = place.id;
    this.key = place.key;
    this.host = place.host;
    this.isBootstrap = place.isBootstrap;
    this.linkBudget = place.linkBudget;
    this.overlay = overlay;
    this.dht = dht;
    this.role = role;
  }

  /** The half link that means this life of this peer. */
  get asNeighbour(): number {
    return this.life * LIFE_STEP + this.index;
  }

  /** Keeps the address of a former neighbour. */
  remember(key: PeerKey): void {
    this.remembered.delete(key);
    this.remembered.add(key);
    if (this.remembered.size <= REMEMBERED_MAX) return;
    const [oldest] = this.remembered;
    this.remembered.delete(oldest as PeerKey);
  }
}

/** The index in a half link. */
export function indexOf(half: number): number {
  return half % LIFE_STEP;
}

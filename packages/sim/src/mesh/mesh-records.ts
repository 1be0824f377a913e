/** The DHTs of a mesh: what joins them to overlays, as `Network` of packages/peer does. */
import type { Instant } from '@warren/base';
import type { Dht } from '@warren/dht';
import type { OverlayOutput } from '@warren/overlay';
import type { OverlayDatagram, PeerId, PeerKey } from '@warren/wire';
import type { MeshPeer } from './mesh-peer.ts';

/** What a world with DHTs hands over to them. */
export interface MeshRecords {
  /** A machine for a peer, in each of its lives. */
  machine(index: number, self: PeerId): Dht;
  /** A peer is there again, perhaps with its disk. */
  restored(peer: MeshPeer, now: Instant): void;
  /** Carries out what a DHT asks for; true when there was something. */
  drain(peer: MeshPeer, now: Instant): boolean;
  answered(peer: MeshPeer, out: Extract<OverlayOutput, { kind: 'answer' | 'no-answer' }>, now: Instant): void;
  delivered(peer: MeshPeer, datagram: OverlayDatagram, from: PeerKey | undefined, now: Instant): void;
  neighbourhood(peer: MeshPeer, now: Instant): void;
}

/**
 * Misbehaviour as a wrapper round an honest machine: sees what comes in and
 * goes out, changes or swallows it, and may send what it likes over its links.
 */
import type { PeerKey } from '@warren/wire';
import type { MeshPeer } from './mesh-peer.ts';
import type { MeshWorld } from './mesh-world.ts';

/** What a peer does besides, or instead of, what its machine would do. */
export interface Role {
  readonly name: string;
  /** What the machine gets of a datagram that came in; `undefined`: nothing. */
  receive?(peer: MeshPeer, from: PeerKey, bytes: Uint8Array, world: MeshWorld): Uint8Array | undefined;
  /** What leaves in place of a datagram; `undefined`: nothing. */
  send?(peer: MeshPeer, to: PeerKey, bytes: Uint8Array, world: MeshWorld): Uint8Array | undefined;
  /** Called once in each life, when the peer is there. */
  begin?(peer: MeshPeer, world: MeshWorld): void;
}

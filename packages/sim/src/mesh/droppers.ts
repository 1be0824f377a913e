/** Peers that carry badly: they drop all or some of what others send through them, or send it the wrong way. */
import { sameBytes } from '@warren/base';
import { OverlayMode, OverlayType, type PeerKey } from '@warren/wire';
import type { MeshPeer } from './mesh-peer.ts';
import type { Role } from './role.ts';

/** Forwards nothing and answers nothing, but keeps its links and its place. */
export const silentDropper: Role = {
  name: 'drop',
  receive: (peer, _from, bytes) => (isForItself(peer, bytes) ? bytes : undefined),
};

/** Drops that share, 0 to 1, of what is not for itself. */
export function greyDropper(share: number): Role {
  return {
    name: 'grey-drop',
    receive: (peer, _from, bytes, { random }) =>
      isForItself(peer, bytes) || random.unit() >= share ? bytes : undefined,
  };
}

/** Hands what is not for itself to any neighbour but the one it came from, as long as it has hops left. */
export const misrouter: Role = {
  name: 'misroute',
  receive: (peer, from, bytes, world) => {
    if (isForItself(peer, bytes)) return bytes;
    const hopsLeft = bytes[2] as number;
    const others = [...peer.links.keys()].filter(key => key !== from);
    if (others.length === 0 || hopsLeft <= 1) return undefined;
    const copy = bytes.slice();
    copy[2] = hopsLeft - 1;
    world.transmit(peer, others[Math.floor(world.random.unit() * others.length)] as PeerKey, copy);
    return undefined;
  },
};

/** Whether a datagram is one that a peer needs to stay in the ring: lists of its neighbours, answers and calls to itself. */
export function isForItself(peer: MeshPeer, bytes: Uint8Array): boolean {
  const type = (bytes[0] as number) & 0x3f;
  if (type === OverlayType.NEIGHBOURS) return true;
  const mode = bytes[1];
  const isExact = mode === OverlayMode.ANSWER || (mode === OverlayMode.EXACT && type === OverlayType.CARRIED);
  return isExact && sameBytes(bytes.subarray(28, 48), peer.id);
}

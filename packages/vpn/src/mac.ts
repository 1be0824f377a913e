/**
 * MAC addresses of members: locally administered, given by the peer id, so that nobody has to be asked.
 *
 *     02 | first 5 bytes of the peer id
 */
import { MAC_ADDRESS_BYTES, type PeerId } from '@warren/wire';

const LOCAL_UNICAST = 0x02;

/** The MAC address of a peer, 6 bytes. */
export function macOf(peerId: PeerId): Uint8Array {
  const mac = new Uint8Array(MAC_ADDRESS_BYTES);
  putMac(mac, 0, peerId);
  return mac;
}

/** Writes the MAC address of a peer at `at`. */
export function putMac(frame: Uint8Array, at: number, peerId: PeerId): void {
  frame[at] = LOCAL_UNICAST;
  for (let i = 1; i < MAC_ADDRESS_BYTES; i++) frame[at + i] = peerId[i - 1] as number;
}

/** Whether the MAC address at `at` is that of the peer. */
export function hasMac(frame: Uint8Array, at: number, peerId: PeerId): boolean {
  if (frame[at] !== LOCAL_UNICAST) return false;
  for (let i = 1; i < MAC_ADDRESS_BYTES; i++) if (frame[at + i] !== peerId[i - 1]) return false;
  return true;
}

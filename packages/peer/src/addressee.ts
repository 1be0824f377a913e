/** Whom a point-to-point datagram names, by its first bytes: all networks of a process share its sockets. */
import { readIndex } from '@warren/session';
import { PacketType } from '@warren/wire';

/**
 * `first`: a handshake begins, mac1 tells for which network. `hint`: any
 * network may know the index in it. `sealed` and `handshake` name a session of
 * ours. `undefined`: none of our datagrams.
 */
export type Addressee =
  | { readonly kind: 'first' | 'hint' }
  | { readonly kind: 'sealed' | 'handshake'; readonly index: number };

export function addresseeOf(bytes: Uint8Array): Addressee | undefined {
  switch (bytes[0]) {
    case PacketType.HS1:
      return { kind: 'first' };
    case PacketType.HS2:
    case PacketType.HS3:
      return { kind: 'handshake', index: readIndex(bytes, 8) };
    case PacketType.COOKIE:
      return { kind: 'handshake', index: readIndex(bytes, 4) };
    case PacketType.DATA:
    case PacketType.FRAME:
      return { kind: 'sealed', index: readIndex(bytes, 4) };
    case PacketType.NOSESS:
      return { kind: 'hint' };
    default:
      return undefined;
  }
}

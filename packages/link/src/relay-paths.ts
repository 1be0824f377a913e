/** Names of paths through a relay: `relay/<network>/<relay>/<peer>`, both by their keys. */
import { sameBytes } from '@warren/base';
import type { PathId } from '@warren/session';
import { PEER_ID_BYTES, type PeerId, type PeerKey, peerIdFromKey, peerKey } from '@warren/wire';

const PREFIX = 'relay/';

/** The path to `peer` through `relay`. */
export function relayPath(network: string, relay: PeerKey, peer: PeerKey): PathId {
  return `${PREFIX}${network}/${relay}/${peer}`;
}

/** Whether a path goes through a relay. */
export function isRelayPath(path: PathId): boolean {
  return path.startsWith(PREFIX);
}

/** Who relays on a path; `undefined` for other kinds. */
export function relayOf(path: PathId): PeerKey | undefined {
  return isRelayPath(path) ? path.split('/')[2] : undefined;
}

/** Whom a path through a relay leads to; `undefined` for other kinds. */
export function beyondRelay(path: PathId): PeerId | undefined {
  const peer = isRelayPath(path) ? path.split('/')[3] : undefined;
  return peer === undefined ? undefined : peerIdFromKey(peer);
}

/** Makes keys of ids: most are the same as the last, and that is not made again. */
export class LastKey {
  private readonly id = new Uint8Array(PEER_ID_BYTES);
  private key: PeerKey = peerKey(this.id);

  /** The key of an id, which is not kept. */
  of(id: PeerId): PeerKey {
    if (!sameBytes(id, this.id)) {
      this.id.set(id);
      this.key = peerKey(id);
    }
    return this.key;
  }
}

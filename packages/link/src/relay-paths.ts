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

/**
 * Whether a path may lead to `peer` on a link of `network`: all may but those through a relay, which lead to the one
 * whom they name, and are of the network whose neighbour relays. Or a relay could name a thousand others as senders of
 * what it passes on, each a path of its own, until there is no room for other relays.
 */
export function mayLead(path: PathId, network: string, peer: PeerKey): boolean {
  if (!isRelayPath(path)) return true;
  const [, ofNetwork, , to] = path.split('/');
  return ofNetwork === network && to === peer;
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

/** What attackers of a mesh send: answers that nobody gave, and lists of neighbours that nobody has. */
import {
  compareDistance,
  type DhtRequest,
  decodeDhtRequest,
  decodeOverlayDatagram,
  encodeOverlayDatagram,
  encodePeerIds,
  HOPS_MAX,
  type OverlayDatagram,
  OverlayMode,
  OverlayType,
  type PeerId,
  type PeerKey,
} from '@warren/wire';
import type { MeshPeer } from './mesh-peer.ts';
import type { MeshWorld } from './mesh-world.ts';

/** Ids that one forged list names. */
const NAMED_MAX = 7;

/** Answers a request that came from a neighbour, as if it had been for `peer`. */
export function forgeAnswer(
  world: MeshWorld,
  peer: MeshPeer,
  to: PeerKey,
  request: OverlayDatagram,
  type: OverlayType,
  payload: Uint8Array,
): void {
  if (!peer.links.has(to)) return;
  const { requestId, source: target } = request;
  const head = { type, mode: OverlayMode.ANSWER, hopsLeft: HOPS_MAX, flags: 0, requestId, source: peer.id, target };
  world.transmit(peer, to, encodeOverlayDatagram({ ...head, payload }));
}

/** A request to the nearest peer or its region that came from a neighbour; `undefined` for anything else. */
export function readRequest(bytes: Uint8Array): OverlayDatagram | undefined {
  const datagram = decodeOverlayDatagram(bytes);
  const isRequest = datagram?.mode === OverlayMode.NEAREST || datagram?.mode === OverlayMode.REGION;
  return isRequest && datagram.requestId !== 0 ? datagram : undefined;
}

/** What a request wants of a DHT; `undefined` when it is not about records. */
export function readDhtRequest(request: OverlayDatagram): DhtRequest | undefined {
  return request.type === OverlayType.DHT_REQUEST ? decodeDhtRequest(request.payload) : undefined;
}

/** The payload of FOUND and of NEIGHBOURS that names those of `peers` who are nearest to `place`. */
export function nameNearest(place: PeerId, peers: readonly MeshPeer[]): Uint8Array {
  const nearest = [...peers].sort((a, b) => compareDistance(place, a.id, b.id)).slice(0, NAMED_MAX);
  return encodePeerIds(nearest.map(({ id }) => id));
}

/** Replaces the payload of a datagram. */
export function withPayload(bytes: Uint8Array, payload: Uint8Array): Uint8Array {
  const datagram = decodeOverlayDatagram(bytes);
  return datagram === undefined ? bytes : encodeOverlayDatagram({ ...datagram, payload });
}

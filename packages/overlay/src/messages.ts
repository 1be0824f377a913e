/** The overlay datagrams that a peer makes itself, by what becomes of them on their way. */
import { HOPS_MAX, type OverlayDatagram, OverlayMode, type OverlayType, type PeerId } from '@warren/wire';

/** For exactly `target`, without an answer. */
export function exactly(type: OverlayType, source: PeerId, target: PeerId, payload: Uint8Array): OverlayDatagram {
  return { type, mode: OverlayMode.EXACT, hopsLeft: HOPS_MAX, flags: 0, requestId: 0, source, target, payload };
}

/** A request; its answers bear the same id. */
export function request(
  type: OverlayType,
  source: PeerId,
  target: PeerId,
  o: Pick<OverlayDatagram, 'mode' | 'flags' | 'requestId' | 'payload'>,
): OverlayDatagram {
  return { type, hopsLeft: HOPS_MAX, source, target, ...o };
}

/** Back along the way of a request. */
export function answerTo(
  { requestId, source: target }: OverlayDatagram,
  type: OverlayType,
  source: PeerId,
  payload: Uint8Array,
): OverlayDatagram {
  return { type, mode: OverlayMode.ANSWER, hopsLeft: HOPS_MAX, flags: 0, requestId, source, target, payload };
}

/** For one neighbour, not to be passed on. */
export function toNeighbour(type: OverlayType, source: PeerId, target: PeerId, payload: Uint8Array): OverlayDatagram {
  return { ...exactly(type, source, target, payload), hopsLeft: 1 };
}

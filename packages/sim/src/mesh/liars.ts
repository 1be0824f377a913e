/**
 * Peers that answer for others, together: "I am the nearest", "nothing is
 * stored there", "these are your neighbours" (faults.md rows 2, 4, 64, 66).
 */
import { encodeDhtAnswer, OverlayType } from '@warren/wire';
import { isForItself } from './droppers.ts';
import { forgeAnswer, nameNearest, readDhtRequest, readRequest, withPayload } from './forgery.ts';
import type { MeshPeer } from './mesh-peer.ts';
import { PROBE_MARK } from './probes.ts';
import type { Role } from './role.ts';

/** Liars who know of each other. */
export function liars(): Role {
  const all: MeshPeer[] = [];
  const payloadOf = (peer: MeshPeer, bytes: Uint8Array): Uint8Array | undefined => {
    const request = readRequest(bytes);
    if (request === undefined) return undefined;
    if (request.type === OverlayType.FIND) return nameNearest(request.target, [peer, ...all]);
    if (request.payload[0] === PROBE_MARK) return Uint8Array.of(PROBE_MARK, 1);
    const wanted = readDhtRequest(request);
    if (wanted === undefined) return undefined;
    return encodeDhtAnswer({ status: wanted.op === 'get' ? 'not-found' : 'ok', more: false, records: [] });
  };
  return {
    name: 'lie',
    begin: peer => {
      if (!all.includes(peer)) all.push(peer);
    },
    receive: (peer, from, bytes, world) => {
      if (isForItself(peer, bytes)) return bytes;
      const payload = payloadOf(peer, bytes);
      const request = readRequest(bytes);
      if (payload === undefined || request === undefined) return bytes;
      const type = request.type === OverlayType.FIND ? OverlayType.FOUND : OverlayType.DHT_ANSWER;
      forgeAnswer(world, peer, from, request, type, payload);
      return undefined;
    },
    send: (_peer, to, bytes, world) => {
      const receiver = world.peer(to);
      const isList = ((bytes[0] as number) & 0x3f) === OverlayType.NEIGHBOURS;
      return isList && receiver !== undefined ? withPayload(bytes, nameNearest(receiver.id, all)) : bytes;
    },
  };
}

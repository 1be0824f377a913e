/**
 * Peers that want to be all that one victim sees: they dial it, name only each
 * other to it, and drop what comes from it or goes to it (faults.md row 63).
 */
import { sameBytes } from '@warren/base';
import { addIds, OverlayType, type PeerId, type PeerKey } from '@warren/wire';
import type { SeededRandom } from '../random.ts';
import { isForItself } from './droppers.ts';
import { forgeAnswer, nameNearest, readRequest, withPayload } from './forgery.ts';
import type { MeshPeer } from './mesh-peer.ts';
import type { Role } from './role.ts';

/** Each attacker dials the victim so often. */
const DIAL_MS = 10_000;

/** Attackers on one victim, whose key is told later than they are made. */
export function eclipsers(victim: () => MeshPeer | undefined): Role {
  const all: MeshPeer[] = [];
  const isVictim = (key: PeerKey): boolean => victim()?.key === key;
  return {
    name: 'eclipse',
    begin: (peer, world) => {
      if (!all.includes(peer)) all.push(peer);
      const { life } = peer;
      world.every(DIAL_MS, () => {
        const key = victim()?.key;
        const isOn = peer.isAlive && peer.life === life;
        if (isOn && key !== undefined && peer.links.size > 0) world.links.connect(peer, key);
        return isOn;
      });
    },
    receive: (peer, from, bytes, world) => {
      const target = victim();
      if (target === undefined || isForItself(peer, bytes)) return bytes;
      const isFrom = isVictim(from) || sameBytes(bytes.subarray(8, 28), target.id);
      const isTo = sameBytes(bytes.subarray(28, 48), target.id);
      if (!isFrom && !isTo) return bytes;
      const request = readRequest(bytes);
      if (request?.type === OverlayType.FIND && isFrom) {
        forgeAnswer(world, peer, from, request, OverlayType.FOUND, nameNearest(request.target, all));
      }
      return undefined;
    },
    send: (_peer, to, bytes) => {
      const target = victim();
      const isList = ((bytes[0] as number) & 0x3f) === OverlayType.NEIGHBOURS;
      return isList && target !== undefined && isVictim(to) ? withPayload(bytes, nameNearest(target.id, all)) : bytes;
    },
  };
}

/** An id as close to `place` as an attacker gets who may choose: within 2^-`bits` of the ring, on either side. */
export function chosenId(place: PeerId, bits: number, random: SeededRandom): PeerId {
  const offset = random.bytes(20);
  const whole = bits >> 3;
  const sign = random.unit() < 0.5 ? 0xff : 0;
  offset.fill(sign, 0, whole);
  offset[whole] = ((sign << (8 - (bits & 7))) & 0xff) | ((offset[whole] as number) >> (bits & 7));
  return addIds(place, offset);
}

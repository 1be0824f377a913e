/**
 * Ways through a mesh as it stands, without sending anything: hop by hop, each
 * peer asked for its next one. Greed without lookahead is the lab's own.
 */
import type { MeshPeer, MeshWorld } from '@warren/sim';
import { compareDistance, type PeerId } from '@warren/wire';

const HOPS_MAX = 64;

/** Chooses the next hop of a datagram that came from `from`; `undefined`: none is nearer. */
export type NextHop = (peer: MeshPeer, target: PeerId, from: MeshPeer | undefined) => MeshPeer | undefined;

/** The peers that a datagram passes, both ends with it; `undefined` when it does not get there. */
export function routeTo(from: MeshPeer, to: MeshPeer, nextHop: NextHop): MeshPeer[] | undefined {
  const route = [from];
  for (let at = from; at !== to && route.length <= HOPS_MAX; ) {
    const next = nextHop(at, to.id, route.at(-2));
    if (next === undefined) return undefined;
    route.push(next);
    at = next;
  }
  return route.at(-1) === to ? route : undefined;
}

/** As the machines do: one link ahead. */
export function asMachines(world: MeshWorld): NextHop {
  return ({ overlay }, target, from) => {
    const key = overlay.nextHop(target, from?.key);
    return key === undefined ? undefined : world.peer(key);
  };
}

/** The nearest of the own links, where one is nearer than the peer itself. */
export function withoutLookahead(world: MeshWorld): NextHop {
  return (peer, target) => {
    let best = peer;
    for (const key of peer.links.keys()) {
      const other = world.peer(key);
      if (other !== undefined && compareDistance(target, other.id, best.id) < 0) best = other;
    }
    return best === peer ? undefined : best;
  };
}

/** Milliseconds one way along a route. */
export function latencyAlong(world: MeshWorld, route: readonly MeshPeer[]): number {
  return route.slice(1).reduce((sum, to, i) => sum + world.oneWayMs(route[i] as MeshPeer, to), 0);
}

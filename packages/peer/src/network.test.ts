/** What one network keeps of others, and what it gives back. Everybody is a whole participant in virtual time. */
import { utf8 } from '@warren/base';
import type { SessionIndices, Sessions, SessionsOptions } from '@warren/session';
import { cheapCrypto, type Resident, simRevocations, Village } from '@warren/sim';
import {
  encodeMemberMessage,
  encodeOverlayDatagram,
  Inner,
  OverlayMode,
  OverlayType,
  PacketType,
  type PeerId,
  type PeerKey,
  peerKey,
} from '@warren/wire';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { EndToEnd } from './end-to-end.ts';
import type { Network } from './network.ts';

let village: Village;
let well: Resident;
let a: Resident;
let b: Resident;

beforeEach(() => {
  // Datagrams keep their order. What is sealed right behind HS3 and overtakes it is lost; only texts are sent again.
  village = new Village(78, { jitterMs: 0 }, cheapCrypto);
  well = village.bootstrap('well');
  [a, b] = [village.edge('a'), village.edge('b')];
  const isLinked = () => [a, b].every(({ peer }) => peer.isPublicReady);
  expect(village.world.runUntil(isLinked, 10_000)).toBe(true);
});

describe('the public network', () => {
  test('makes no end-to-end session with anybody, and counts who asks', () => {
    const before = owners(well).length;
    a.driver.act(now => insides(a.peer.public).endToEnd.send(peerKey(well.peer.public.self), 0, utf8('hello'), now));
    village.world.run(3000);
    expect(insides(well.peer.public).endToEnd.refused).toBeGreaterThan(0);
    expect(owners(well)).toHaveLength(before);
  });
});

describe('a WebSocket to a member', () => {
  test('that opens when its link is over is closed, and nobody is taken for a bootstrap node', () => {
    const url = `wss://198.51.100.9:443/warren#${'a'.repeat(43)}`;
    const before = a.peer.public.acquaintances.urls;
    const closed = vi.spyOn(a.host.datagrams, 'close');
    const up = { kind: 'path-up', path: 'ws/91', binding: new Uint8Array(0), url } as const;
    a.driver.act(now => a.peer.handle(up, now));
    village.world.run(1000);
    expect(a.peer.public.acquaintances.urls).toEqual(before);
    expect(closed).toHaveBeenCalledWith('ws/91');
  });
});

describe('faults #48 who pays for a first message', () => {
  test('is the neighbour who handed it over, whatever source it names', () => {
    const receive = vi.spyOn(insides(well.peer.public).pointToPoint, 'receive');
    const [self, target] = [a, well].map(({ peer }) => peer.public.self) as [PeerId, PeerId];
    const hs1 = new Uint8Array(320).fill(PacketType.HS1);
    vi.spyOn(well.peer.public, 'recognises').mockReturnValue(true);
    for (let nth = 1; nth <= 3; nth++) {
      const header = { type: OverlayType.CARRIED, mode: OverlayMode.EXACT, hopsLeft: 7, flags: 0, requestId: 0 };
      const bytes = encodeOverlayDatagram({ ...header, source: new Uint8Array(20).fill(nth), target, payload: hs1 });
      a.driver.act(now => a.peer.public.links.send(peerKey(target), Inner.OVERLAY, bytes, now));
    }
    village.world.run(1000);
    const carried = receive.mock.calls.filter(([path]) => path.startsWith('via/'));
    expect(new Set(carried.map(([path]) => path)).size).toBe(3);
    expect(carried.map(([, , , via]) => via)).toEqual(Array(3).fill(peerKey(self)));
  });

  test('is the host behind all WebSockets that come from one address, until they close', () => {
    const { groupOf } = (insides(well.peer.public).pointToPoint as unknown as { options: SessionsOptions }).options;
    const paths = ['ws/91', 'ws/92'];
    const groups = (): Set<string | undefined> => new Set(paths.map(path => groupOf?.(path, undefined)));
    for (const path of paths) {
      const up = { kind: 'path-up', path, binding: new Uint8Array(0), remote: '192.0.2.7' } as const;
      well.driver.act(now => well.peer.handle(up, now));
    }
    expect(groups().size).toBe(1);
    for (const path of paths) well.driver.act(now => well.peer.handle({ kind: 'path-down', path }, now));
    expect(groups()).toEqual(new Set(paths));
  });
});

describe('a group that is left', () => {
  test('leaves no session, key or index behind, and is joined again with new end-to-end sessions at once', () => {
    join();
    tellEndToEnd(a, b, 'one');
    village.world.run(1000);
    expect(b.texts).toEqual(['a: one']);
    const { pointToPoint, eteSessions } = insides(a.group.network);
    expect(owners(a)).toEqual(expect.arrayContaining([pointToPoint, eteSessions]));
    a.driver.act(now => a.peer.leave(village.authority.group, now));
    for (const sessions of [pointToPoint, eteSessions]) {
      expect(owners(a)).not.toContain(sessions);
      expect([...sessions.identities()]).toEqual([]);
    }
    village.world.run(2000);
    expect(new Set(owners(a))).toEqual(new Set([insides(a.peer.public).pointToPoint]));
    join();
    // What b seals with its old keys is hinted to be lost; the next is not.
    tellEndToEnd(b, a, 'lost');
    village.world.run(500);
    tellEndToEnd(b, a, 'two');
    tellEndToEnd(a, b, 'three');
    village.world.run(500);
    expect(a.texts).toEqual(['b: two']);
    expect(b.texts).toEqual(['a: one', 'a: three']);
  });

  test('does nothing any more, whatever it is given or asked for', () => {
    join();
    tellEndToEnd(a, b, 'one');
    village.world.run(1000);
    const { network } = a.group;
    a.driver.act(now => a.peer.leave(village.authority.group, now));
    const { now } = village.world;
    network.receive('udp/192.0.2.1:1', new Uint8Array(320), now);
    network.sendMember(b.peerId, utf8('text'), now);
    network.tick(now + 1_000_000);
    expect(network.poll()).toBeUndefined();
    expect(network.wakeAt).toBeUndefined();
  });
});

describe('faults #51 a removed member who is away', () => {
  test.each([
    ['by name', ({ name: user }: Resident) => ({ user })],
    ['by peer id', ({ group }: Resident) => ({ peerId: group.network.self })],
  ])('%s is forgotten by those who met it: called no more, also not after a restart', (_, named) => {
    const c = village.edge('c');
    c.join();
    join();
    expect(village.world.runUntil(() => [a, b].every(each => each.friends.includes('c')), 30_000)).toBe(true);
    village.world.run(3000);
    const [id, revoked] = [c.peerId as PeerKey, [{ ...named(c), before: village.unixMs }]];
    c.kill();
    expect(village.world.runUntil(() => !a.friends.includes('c'), 60_000)).toBe(true);
    const list = simRevocations(village.authority, { sequence: 1, signedAt: village.unixMs, revoked });
    expect(a.driver.act(now => a.group.learnRevocations(list, now))).toBe(true);
    village.world.run(1000);
    const calls = [a, b].map(each => called(each, id));
    village.world.run(25_000);
    b.kill();
    village.world.run(25_000);
    const again = village.restart(a);
    again.join();
    calls.push(called(again, id));
    again.driver.act(now => again.group.learnRevocations(list, now));
    village.world.run(20_000);
    expect(calls.flatMap(each => each())).toEqual([]);
    expect(again.group.network.acquaintances.remembered).not.toContain(id);
    again.driver.act(now => again.group.network.connect(id, [`via/public/${id}`], now));
    expect(again.group.network.links.info(id)).toBeUndefined();
  });
});

function join(): void {
  for (const each of [a, b]) if (each.peer.groups.size === 0) each.join();
  const areFriends = () => [a, b].every(each => each.friends.length > 0);
  expect(village.world.runUntil(areFriends, 30_000)).toBe(true);
}

/** From now on notes what a participant asks of its links to a peer; gives what that was. */
function called({ group }: Resident, peer: PeerKey): () => unknown[] {
  const connect = vi.spyOn(group.network.links, 'connect');
  return () => connect.mock.calls.filter(([to]) => to === peer);
}

/** As to a member without a link. */
function tellEndToEnd(from: Resident, to: Resident, text: string): void {
  const bytes = encodeMemberMessage({ kind: 'text', id: Math.floor(village.world.now), text });
  from.driver.act(now => insides(from.group.network).endToEnd.send(to.peerId as PeerKey, Inner.MEMBER, bytes, now));
}

function insides(network: Network): { endToEnd: EndToEnd; pointToPoint: Sessions; eteSessions: Sessions } {
  return network as unknown as ReturnType<typeof insides>;
}

/** The session table of each index in use. */
function owners({ peer }: Resident): Sessions[] {
  const { indices } = peer as unknown as { indices: SessionIndices<Sessions> };
  return [...(indices as unknown as { owners: Map<number, Sessions> }).owners.values()];
}

/** Rings of many machines under virtual time: joining, routing, leaving (P1 II-A; faults.md rows 4, 19, 20, 21, 65, 67). */
import { encodeOverlayDatagram, encodePeerIds, HOPS_MAX, OverlayMode, OverlayType, peerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { farLinkCount } from './ring.ts';
import { Mesh, type MeshOptions, type MeshPeer } from './testbed.ts';

const SIZES = [2, 3, 8, 30, 60];
const MINUTE_MS = 60_000;

describe('joining', () => {
  test.each(SIZES)('%i peers that join one by one all find their true neighbours', size => {
    const mesh = oneByOne(size, size);
    expect(mesh.runUntil(() => mesh.isRing(), 30_000)).toBe(true);
  });

  test.each(SIZES)('%i peers that join at once all find their true neighbours', size => {
    const mesh = allAtOnce(size, 100 + size);
    expect(mesh.runUntil(() => mesh.isRing(), 30_000)).toBe(true);
  });

  test('goes on while a tenth of all datagrams is lost', () => {
    const mesh = allAtOnce(30, 7, { loss: 0.1 });
    expect(mesh.runUntil(() => mesh.isRing(), MINUTE_MS)).toBe(true);
  });

  test('two rings that meet in one link become one', () => {
    const mesh = new Mesh(8);
    const [left, right] = [halfRing(mesh, 12), halfRing(mesh, 12)];
    mesh.run(MINUTE_MS);
    expect(mesh.isRing()).toBe(false);
    mesh.link(left, right);
    expect(mesh.runUntil(() => mesh.isRing(), MINUTE_MS)).toBe(true);
  });

  test.each([8, 12, 24])('60 peers with %i links each form the ring and keep to that', linkBudget => {
    const mesh = new Mesh(9, { linkBudget });
    const bootstrap = mesh.add(undefined, 256);
    for (let i = 1; i < 60; i++) mesh.link(mesh.add(), bootstrap);
    expect(mesh.runUntil(() => mesh.isRing(), MINUTE_MS)).toBe(true);
    mesh.run(3 * MINUTE_MS);
    expect(mesh.isRing()).toBe(true);
    const sizes = mesh.living().map(({ links }) => links.size);
    expect(Math.max(...sizes.slice(1))).toBeLessThanOrEqual(linkBudget);
  });
});

describe('a settled ring', () => {
  test.each([8, 30, 60])('of %i peers delivers every pair exactly', size => {
    const mesh = settled(size, 200 + size);
    const hops: number[] = [];
    for (const from of mesh.living()) {
      const others = mesh.living().filter(peer => peer !== from);
      for (const { id } of others) expect(from.overlay.send(OverlayType.ETE, id, new Uint8Array(1))).toBe(true);
      mesh.drain(from);
      mesh.run(200);
      for (const { delivered } of others) {
        const arrived = delivered.splice(0);
        expect(arrived.map(({ datagram }) => peerKey(datagram.source))).toEqual([from.key]);
        hops.push(HOPS_MAX - (arrived[0]?.datagram.hopsLeft ?? 0) + 1);
      }
    }
    const mean = hops.reduce((a, b) => a + b) / hops.length;
    console.log(`${size} peers: ${mean.toFixed(2)} hops on average, ${Math.max(...hops)} at most`);
    expect(Math.max(...hops)).toBeLessThanOrEqual(6);
  });

  test.each([1, 2, 8, 30, 60])(
    'of %i peers delivers every key at the truly nearest peer, and the answer comes back',
    size => {
      const mesh = settled(size, 300 + size);
      for (let i = 0; i < 200; i++) {
        const living = mesh.living();
        const from = living[i % living.length] as MeshPeer;
        const target = mesh.random.bytes(20);
        from.overlay.request(OverlayType.DHT_REQUEST, target, Uint8Array.of(i), i, mesh.now);
        mesh.drain(from);
        mesh.run(150);
        const nearest = mesh.nearest(target);
        const [request] = nearest.delivered.splice(0);
        if (request === undefined) throw new Error(`request ${i} went elsewhere`);
        nearest.overlay.answer(request.datagram, request.from, OverlayType.DHT_ANSWER, Uint8Array.of(i), mesh.now);
        mesh.drain(nearest);
        mesh.run(150);
        expect(from.answers.splice(0)).toMatchObject([{ kind: 'answer', tag: i, source: nearest.id }]);
      }
    },
  );

  test.each([30, 60])('of %i peers has far links, and asks for few new ones', size => {
    const mesh = settled(size, 400 + size);
    mesh.run(3 * MINUTE_MS);
    for (const { connects } of mesh.living()) connects.length = 0;
    mesh.run(3 * MINUTE_MS);
    const far = mesh
      .living()
      .map(({ overlay, links }) => [...links].filter(key => overlay.rolesOf(key).includes('far')));
    const rate = mesh.living().map(({ connects }) => connects.length / 3);
    for (const keys of far) expect(keys.length).toBeGreaterThanOrEqual(farLinkCount(size) - 1);
    expect(Math.max(...rate)).toBeLessThanOrEqual(1);
  });
});

describe('peers that go', () => {
  test('a peer that says goodbye is replaced at once', () => {
    const mesh = settled(30, 11);
    for (const peer of mesh.living().slice(3, 6)) mesh.leave(peer);
    expect(mesh.runUntil(() => mesh.isRing(), 2000)).toBe(true);
  });

  test('faults #19 a peer that vanishes is replaced once its neighbours notice', () => {
    const mesh = settled(30, 12);
    for (const peer of mesh.living().slice(3, 6)) mesh.kill(peer);
    expect(mesh.runUntil(() => mesh.isRing(), 8000)).toBe(true);
  });

  test.each([1, 2, 3, 6])('faults #20 the ring closes over %i adjacent peers that die together', count => {
    const mesh = settled(30, 20 + count);
    const sorted = mesh.living().sort((a, b) => (a.key < b.key ? -1 : 1));
    for (const peer of sorted.slice(5, 5 + count)) mesh.kill(peer);
    expect(mesh.runUntil(() => mesh.isRing(), 30_000)).toBe(true);
  });

  test('faults #19 churn: one of 24 peers is replaced every 10 s, and the ring is whole between', () => {
    const mesh = settled(24, 13);
    const [bootstrap] = mesh.living();
    let whole = 0;
    for (let round = 0; round < 30; round++) {
      const victims = mesh.living().filter(peer => peer !== bootstrap);
      mesh.kill(victims[round % victims.length] as MeshPeer);
      mesh.link(mesh.add(), bootstrap as MeshPeer);
      if (mesh.runUntil(() => mesh.isRing(), 10_000)) whole++;
    }
    expect(whole).toBe(30);
  });

  test('faults #26 a ring goes on without the bootstrap node through which all came', () => {
    const mesh = settled(30, 14);
    mesh.kill(mesh.living()[0] as MeshPeer);
    expect(mesh.runUntil(() => mesh.isRing(), 15_000)).toBe(true);
  });

  test('a peer that lost all links finds its place again over any one', () => {
    const mesh = settled(30, 15);
    const [bootstrap, , , , lost] = mesh.living() as [MeshPeer, MeshPeer, MeshPeer, MeshPeer, MeshPeer];
    for (const key of [...lost.links]) mesh.unlink(lost, mesh.peer(key));
    mesh.run(2 * MINUTE_MS);
    mesh.link(lost, bootstrap);
    expect(mesh.runUntil(() => mesh.isRing(), 30_000)).toBe(true);
  });
});

describe('a ring that was cut in two', () => {
  test('faults #30 is one again within a minute of mending, by peers remembered from before', () => {
    const mesh = settled(24, 18);
    const side = (key: string) => Number.parseInt(key.slice(-1), 16) % 2;
    mesh.canMeet = (a, b) => side(a) === side(b);
    for (const peer of mesh.living()) {
      for (const key of [...peer.links]) if (side(key) !== side(peer.key)) mesh.unlink(peer, mesh.peer(key));
    }
    mesh.run(5 * MINUTE_MS);
    expect(mesh.isRing()).toBe(false);
    mesh.canMeet = () => true;
    expect(mesh.runUntil(() => mesh.isRing(), MINUTE_MS)).toBe(true);
  });
});

describe('a ring at rest', () => {
  test('tells digests, not lists, and few', () => {
    const mesh = settled(24, 19);
    mesh.run(3 * MINUTE_MS);
    let [sent, bytes] = [0, 0];
    mesh.fate = (_from, _to, datagram) => {
      sent++;
      bytes += datagram.length;
      return 'arrives';
    };
    mesh.run(3 * MINUTE_MS);
    const perPeerMinute = sent / 24 / 3;
    console.log(
      `24 peers at rest: ${perPeerMinute.toFixed(1)} datagrams, ${(bytes / 24 / 3).toFixed(0)} bytes each a minute`,
    );
    expect(perPeerMinute).toBeLessThanOrEqual(30);
  });
});

describe('peers that cannot be reached', () => {
  test('ids that nobody has are tried less and less', () => {
    const mesh = settled(8, 16);
    const [liar, ...others] = mesh.living() as [MeshPeer, ...MeshPeer[]];
    const ghosts = Array.from({ length: 64 }, () => mesh.random.bytes(20));
    for (let minute = 0; minute < 10; minute++) {
      for (const { connects } of others) connects.length = 0;
      for (let i = 0; i < 6; i++) {
        for (const other of others) tellNeighbours(mesh, liar, other, ghosts);
        mesh.run(10_000);
      }
    }
    expect(Math.max(...others.map(({ connects }) => connects.length))).toBeLessThanOrEqual(70);
  });

  test('faults #21 two neighbours on the ring that cannot link try once a minute, and others are not disturbed', () => {
    const mesh = new Mesh(17);
    const peers = Array.from({ length: 12 }, () => mesh.add()).sort((a, b) => (a.key < b.key ? -1 : 1));
    const [a, b] = [peers[4] as MeshPeer, peers[5] as MeshPeer];
    mesh.canMeet = (x, y) => !(x === a.key && y === b.key) && !(x === b.key && y === a.key);
    for (const peer of peers.slice(1)) mesh.link(peer, peers[0] as MeshPeer);
    mesh.run(5 * MINUTE_MS);
    expect(mesh.missingNear()).toBe(2);
    a.connects.length = 0;
    mesh.run(5 * MINUTE_MS);
    expect(a.connects.length).toBeLessThanOrEqual(7);
    expect(a.overlay.send(OverlayType.ETE, b.id, new Uint8Array(1))).toBe(true);
    mesh.drain(a);
    mesh.run(200);
    expect(b.delivered).toHaveLength(1);
  });
});

/** `from` claims to `to` that it is linked to these ids. */
function tellNeighbours(mesh: Mesh, from: MeshPeer, to: MeshPeer, ids: readonly Uint8Array[]): void {
  const head = { type: OverlayType.NEIGHBOURS, mode: OverlayMode.EXACT, hopsLeft: 1, flags: 0, requestId: 0 } as const;
  const payload = encodePeerIds(ids);
  to.overlay.receive(from.key, encodeOverlayDatagram({ ...head, source: from.id, target: to.id, payload }), mesh.now);
  mesh.drain(to);
}

function settled(size: number, seed: number): Mesh {
  const mesh = allAtOnce(size, seed);
  expect(mesh.runUntil(() => mesh.isRing(), 30_000)).toBe(true);
  mesh.run(30_000);
  return mesh;
}

function halfRing(mesh: Mesh, size: number): MeshPeer {
  const bootstrap = mesh.add();
  for (let i = 1; i < size; i++) mesh.link(mesh.add(), bootstrap);
  return bootstrap;
}

function oneByOne(size: number, seed: number): Mesh {
  const mesh = new Mesh(seed);
  const bootstrap = mesh.add();
  for (let i = 1; i < size; i++) {
    mesh.link(mesh.add(), bootstrap);
    mesh.run(700);
  }
  return mesh;
}

function allAtOnce(size: number, seed: number, options: MeshOptions = {}): Mesh {
  const mesh = new Mesh(seed, options);
  halfRing(mesh, size);
  return mesh;
}

/** Broadcasts, censuses and crawls over whole overlay machines that joined by themselves. */
import { decodeOverlayDatagram, OverlayType, PEEK_BYTES, type PeerKey } from '@warren/wire';
import { beforeAll, describe, expect, test } from 'vitest';
import { Overlay, type OverlayOutput } from './overlay.ts';
import { Mesh, type MeshPeer, seeded } from './testbed.ts';

const NEWS = new Uint8Array(300).fill(7);
const SIZE = 16;

describe('in a settled ring of 16', () => {
  let mesh: Mesh;
  let first: MeshPeer;
  const sent = new Map<number, number>();

  beforeAll(() => {
    mesh = settled(SIZE, 16);
    [first] = mesh.living() as [MeshPeer];
    mesh.fate = (_from, _to, bytes) => {
      const { type, payload } = decodeOverlayDatagram(bytes) ?? {};
      // HAVE and WANT of broadcasts are not counted as parts.
      const isCounted = type !== undefined && (type !== OverlayType.BROADCAST || payload?.[0] === 1);
      if (isCounted) sent.set(type, (sent.get(type) ?? 0) + 1);
      return 'arrives';
    };
  });

  test('a broadcast costs 15 parts and is heard once by all', () => {
    sent.clear();
    expect(first.overlay.broadcast(NEWS, mesh.now)).toBe(true);
    mesh.drain(first);
    mesh.run(10_000);
    expect(sent.get(OverlayType.BROADCAST)).toBe(SIZE - 1);
    expect(mesh.living().map(({ heard }) => heard.length)).toEqual([0, ...new Array<number>(SIZE - 1).fill(1)]);
    expect(first.overlay.broadcast(NEWS, mesh.now)).toBe(false);
  });

  test('a census counts everybody and every link', () => {
    sent.clear();
    expect(first.overlay.census(5, mesh.now)).toBe(true);
    mesh.drain(first);
    mesh.run(1000);
    const ends = mesh.living().reduce((sum, { links }) => sum + links.size, 0);
    const sum = { peers: SIZE, consistent: SIZE, links: ends, records: 0, browsers: 0, unanswered: 0 };
    expect(first.sums).toMatchObject([{ tag: 5, sum }]);
    expect([sent.get(OverlayType.GATHER), sent.get(OverlayType.GATHERED)]).toEqual([SIZE - 1, SIZE - 1]);
  });

  test('a crawl finds all in order and nothing to object to', () => {
    expect(first.overlay.crawl(6, mesh.now)).toBe(true);
    expect(first.overlay.crawl(7, mesh.now)).toBe(false);
    mesh.drain(first);
    expect(mesh.runUntil(() => first.crawls.at(-1)?.report.isOver === true, 10_000)).toBe(true);
    const { tag, report } = first.crawls.at(-1) ?? {};
    const keys = mesh
      .living()
      .map(({ key }) => key)
      .sort();
    expect([tag, report?.peers.map(({ peer }) => peer)]).toEqual([6, keys]);
    expect(report).toMatchObject({ inconsistencies: [], isComplete: true });
    expect(report?.peers.every(({ peer, links }) => links === mesh.peer(peer).links.size)).toBe(true);
  });

  test('a crawl names who vanished, unless the ring mends before it is over', () => {
    const gone = mesh.living()[8] as MeshPeer;
    mesh.kill(gone);
    first.crawls.splice(0);
    first.overlay.crawl(8, mesh.now);
    mesh.drain(first);
    expect(mesh.runUntil(() => first.crawls.at(-1)?.report.isOver === true, 120_000)).toBe(true);
    const report = first.crawls.at(-1)?.report;
    expect(report?.peers).toHaveLength(SIZE - 1);
    expect(report?.inconsistencies.map(({ kind, at }) => [kind, at])).toEqual([['silent', gone.key]]);
    expect(report?.isComplete).toBe(false);
  });
});

describe('faults #49: in the public overlay', () => {
  test('nobody begins broadcasts, censuses or crawls, and those of others end here', () => {
    const { overlay, said } = machine({ isPublic: true });
    expect([overlay.broadcast(NEWS, 0), overlay.census(1, 0), overlay.crawl(1, 0)]).toEqual([false, false, false]);
    const member = machine({ isPublic: false });
    member.overlay.broadcast(NEWS, 0);
    member.overlay.census(1, 0);
    const bytes = member.said().flatMap(out => (out.kind === 'send' && isRingWide(out.bytes) ? [out.bytes] : []));
    expect(bytes).toHaveLength(4);
    for (const each of bytes) overlay.receive(KEYS[1] as PeerKey, each, 0);
    expect(overlay.ringWideStats.refused).toBe(4);
    const asker = machine({ self: 1 });
    asker.overlay.request(OverlayType.PEEK, new Uint8Array(20).fill(0x11), new Uint8Array(PEEK_BYTES), 1, 0);
    for (const out of asker.said()) if (out.kind === 'send') overlay.receive(KEYS[1] as PeerKey, out.bytes, 0);
    expect(overlay.ringWideStats.refused).toBe(5);
    expect(said().some(out => out.kind === 'send' && typeOf(out.bytes) === OverlayType.PEEKED)).toBe(false);
    expect(said().filter(out => out.kind === 'broadcast' || (out.kind === 'send' && isRingWide(out.bytes)))).toEqual(
      [],
    );
  });
});

test('faults #102 crawls of others are answered up to a rate for each neighbour, and short questions never', () => {
  const { overlay, said } = machine({});
  const asker = machine({ self: 1 });
  said();
  const peek = (payload: number) => {
    asker.overlay.request(OverlayType.PEEK, new Uint8Array(20).fill(0x11), new Uint8Array(payload), 1, 0);
    const asked = asker.said().filter(out => out.kind === 'send' && typeOf(out.bytes) === OverlayType.PEEK);
    for (const out of asked) if (out.kind === 'send') overlay.receive(KEYS[1] as PeerKey, out.bytes, 0);
    return said().filter(out => out.kind === 'send' && typeOf(out.bytes) === OverlayType.PEEKED).length;
  };
  expect(peek(PEEK_BYTES - 1)).toBe(0);
  const answered = Array.from({ length: 50 }, () => peek(PEEK_BYTES));
  expect(answered.reduce((a, b) => a + b)).toBe(32);
});

const KEYS: readonly PeerKey[] = ['11'.repeat(20), '22'.repeat(20), '33'.repeat(20)];

/** A machine with links to the two other keys. */
function machine({ isPublic = false, self = 0 }) {
  const id = new Uint8Array(20).fill(0x11 * (self + 1));
  const overlay = new Overlay({ self: id, random: seeded(self), linkBudget: 24, isPublic });
  for (const key of KEYS) overlay.linkUp(key, 0);
  const said = (): OverlayOutput[] => {
    const found: OverlayOutput[] = [];
    for (let out = overlay.poll(); out !== undefined; out = overlay.poll()) found.push(out);
    return found;
  };
  return { overlay, said };
}

function isRingWide(bytes: Uint8Array): boolean {
  return typeOf(bytes) === OverlayType.BROADCAST || typeOf(bytes) === OverlayType.GATHER;
}

function typeOf(bytes: Uint8Array): number | undefined {
  return decodeOverlayDatagram(bytes)?.type;
}

function settled(size: number, seed: number): Mesh {
  const mesh = new Mesh(seed);
  const bootstrap = mesh.add();
  for (let i = 1; i < size; i++) mesh.link(mesh.add(), bootstrap);
  expect(mesh.runUntil(() => mesh.isRing(), 60_000)).toBe(true);
  mesh.run(45_000);
  return mesh;
}

/** One machine alone: what it passes on, answers and refuses, and what it keeps (decisions.md "Trust between strangers"). */
import {
  decodeOverlayDatagram,
  decodePeerIds,
  encodeNeighbours,
  encodeOverlayDatagram,
  encodePeerIds,
  HOPS_MAX,
  type OverlayDatagram,
  OverlayFlag,
  OverlayMode,
  OverlayType,
  type PeerId,
  type PeerKey,
  peerIdFromKey,
  peerKey,
} from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { Overlay, type OverlayOutput } from './overlay.ts';
import { seeded } from './testbed.ts';

/** We sit at 0x40.., our neighbours on both sides and across. */
const SELF = place(0x40);
const [LEFT, RIGHT, ACROSS] = [peerKey(place(0x30)), peerKey(place(0x50)), peerKey(place(0xc0))];
const STRANGER = place(0x99);

describe('a datagram for somebody else', () => {
  test('is passed to the nearest neighbour with one hop less', () => {
    const { overlay, sent } = linked();
    overlay.receive(LEFT, bytesOf({ target: place(0xc1), hopsLeft: 9 }), 0);
    expect(sent()).toMatchObject([{ to: ACROSS, datagram: { hopsLeft: 8, source: STRANGER, target: place(0xc1) } }]);
    expect(overlay.stats).toMatchObject({ forwarded: 1, delivered: 0 });
  });

  test.each([0, 1])('faults #67 ends here with %i hops left', hopsLeft => {
    const { overlay, sent } = linked();
    overlay.receive(LEFT, bytesOf({ target: place(0xc1), hopsLeft }), 0);
    expect(sent()).toEqual([]);
    expect(overlay.stats).toMatchObject({ forwarded: 0, outOfHops: 1 });
  });

  test('faults #67 with more hops than anybody may ask for is malformed', () => {
    const { overlay, sent } = linked();
    const bytes = bytesOf({ target: place(0xc1) });
    bytes[2] = HOPS_MAX + 1;
    overlay.receive(LEFT, bytes, 0);
    expect(sent()).toEqual([]);
    expect(overlay.stats.malformed).toBe(1);
  });

  test('has no route when nobody is nearer than we are', () => {
    const { overlay, sent } = linked();
    overlay.receive(LEFT, bytesOf({ target: place(0x41) }), 0);
    expect(sent()).toEqual([]);
    expect(overlay.stats.noRoute).toBe(1);
  });
});

describe('what cannot be right', () => {
  test('faults #67 a datagram that claims to come from us is counted and dropped', () => {
    const { overlay, sent, outputs } = linked();
    overlay.receive(LEFT, bytesOf({ source: SELF, target: place(0xc1) }), 0);
    overlay.receive(LEFT, bytesOf({ source: SELF, target: SELF }), 0);
    expect([...sent(), ...outputs()]).toEqual([]);
    expect(overlay.stats.forgedSource).toBe(2);
  });

  test('faults #67 a datagram that has made no hop yet is from the neighbour itself', () => {
    const { overlay, sent } = linked();
    const fresh = { target: place(0xc1), hopsLeft: HOPS_MAX };
    overlay.receive(LEFT, bytesOf({ ...fresh, source: STRANGER }), 0);
    expect([sent(), overlay.stats.forgedSource]).toEqual([[], 1]);
    overlay.receive(LEFT, bytesOf({ ...fresh, source: peerIdFromKey(LEFT) as PeerId }), 0);
    expect([sent().length, overlay.stats.forgedSource]).toEqual([1, 1]);
  });

  test('a list of neighbours is believed from the neighbour itself only', () => {
    const { overlay, outputs } = linked();
    const list = { type: OverlayType.NEIGHBOURS, target: SELF, payload: encodePeerIds([place(0x41)]) };
    overlay.receive(LEFT, bytesOf({ ...list, source: peerIdFromKey(RIGHT) as PeerId }), 0);
    overlay.receive(LEFT, bytesOf({ ...list, source: peerIdFromKey(LEFT) as PeerId, payload: Uint8Array.of(9) }), 0);
    overlay.receive(LEFT, new Uint8Array(47), 0);
    expect(outputs()).toEqual([]);
    expect(overlay.stats.malformed).toBe(3);
    overlay.receive(LEFT, bytesOf({ ...list, source: peerIdFromKey(LEFT) as PeerId }), 0);
    expect(outputs()).toEqual([{ kind: 'connect', to: peerKey(place(0x41)) }]);
  });

  test('a link to ourselves is none', () => {
    const { overlay } = linked();
    overlay.linkUp(peerKey(SELF), 0);
    expect(overlay.isNeighbour(peerKey(SELF))).toBe(false);
  });
});

describe('answers', () => {
  const asked = { mode: OverlayMode.NEAREST, type: OverlayType.DHT_REQUEST, requestId: 7, target: place(0xc1) };
  const answer = { mode: OverlayMode.ANSWER, type: OverlayType.DHT_ANSWER, source: place(0xc0), target: STRANGER };

  test('faults #67 go back the way their request came, wherever the source claims to be', () => {
    const { overlay, sent } = linked();
    overlay.receive(LEFT, bytesOf(asked), 0);
    overlay.receive(ACROSS, bytesOf({ ...answer, requestId: 7 }), 29_999);
    expect(sent().map(({ to }) => to)).toEqual([ACROSS, LEFT]);
  });

  test.each([
    ['to nobody who asked', { requestId: 8 }, 0],
    ['to somebody else than who asked', { requestId: 7, target: place(0x98) }, 0],
    ['later than 30 s', { requestId: 7 }, 30_000],
  ])('%s do not get through', (_, changes, at) => {
    const { overlay, sent } = linked();
    overlay.receive(LEFT, bytesOf(asked), 0);
    sent();
    overlay.receive(ACROSS, bytesOf({ ...answer, ...changes }), at);
    expect(sent()).toEqual([]);
    expect(overlay.stats.noRoute).toBe(1);
  });

  test('over a link that is gone do not get through', () => {
    const { overlay, sent } = linked();
    overlay.receive(LEFT, bytesOf(asked), 0);
    overlay.linkDown(LEFT, 1);
    sent();
    overlay.receive(ACROSS, bytesOf({ ...answer, requestId: 7 }), 2);
    expect(sent()).toEqual([]);
    expect(overlay.stats.noRoute).toBe(1);
  });

  test('to a request of ours count once, and only from where we asked', () => {
    const { overlay, sent, outputs } = linked();
    overlay.request(OverlayType.DHT_REQUEST, place(0xc1), Uint8Array.of(1), 5, 0);
    const [request] = sent();
    if (request === undefined) throw new Error('nothing was asked');
    expect(request).toMatchObject({ to: ACROSS, datagram: { mode: OverlayMode.NEAREST, hopsLeft: HOPS_MAX } });
    const { requestId } = request.datagram;
    const good = bytesOf({ ...answer, target: SELF, requestId, payload: Uint8Array.of(2) });
    overlay.receive(LEFT, good, 10);
    expect(outputs()).toEqual([]);
    overlay.receive(ACROSS, good, 20);
    overlay.receive(ACROSS, good, 30);
    expect(outputs()).toEqual([
      { kind: 'answer', tag: 5, source: place(0xc0), payload: Uint8Array.of(2), isPlausible: true },
    ]);
  });

  test('faults #65 that fail to come are asked for again through other neighbours, then given up', () => {
    const { overlay, sent, outputs } = linked();
    overlay.request(OverlayType.DHT_REQUEST, place(0xc1), Uint8Array.of(1), 5, 0);
    const hops: PeerKey[] = [];
    const isRequest = ({ datagram }: { datagram: OverlayDatagram }) => datagram.type === OverlayType.DHT_REQUEST;
    for (let now = 0; now <= 10_000; now += 100) {
      overlay.tick(now);
      hops.push(
        ...sent()
          .filter(isRequest)
          .map(({ to }) => to),
      );
    }
    expect(hops[0]).toBe(ACROSS);
    expect(hops).toHaveLength(4);
    expect(new Set(hops).size).toBeGreaterThan(1);
    expect(outputs().filter(({ kind }) => kind === 'no-answer')).toEqual([{ kind: 'no-answer', tag: 5 }]);
  });

  test('come from ourselves when we are nearest', () => {
    const { overlay, outputs } = linked();
    overlay.request(OverlayType.DHT_REQUEST, place(0x41), Uint8Array.of(1), 5, 0);
    const [own] = outputs();
    if (own?.kind !== 'deliver') throw new Error('not delivered');
    overlay.answer(own.datagram, own.from, OverlayType.DHT_ANSWER, Uint8Array.of(2), 0);
    expect(outputs()).toEqual([{ kind: 'answer', tag: 5, source: SELF, payload: Uint8Array.of(2), isPlausible: true }]);
  });
});

describe('finding a place', () => {
  test('the first link carries a question for the own id, to be answered by whoever is nearest beside it', () => {
    const { overlay, sent } = alone();
    overlay.linkUp(ACROSS, 0);
    const find = { type: OverlayType.FIND, mode: OverlayMode.NEAREST, flags: 1, source: SELF, target: SELF };
    expect(sent()).toMatchObject([{ to: ACROSS, datagram: find }]);
  });

  test('a question for a place beside ours is answered with us and our neighbours', () => {
    const { overlay, sent } = linked();
    const find = { type: OverlayType.FIND, mode: OverlayMode.NEAREST, flags: 1, requestId: 3 };
    overlay.receive(LEFT, bytesOf({ ...find, source: place(0x42), target: place(0x42) }), 0);
    const [found] = sent();
    expect(found).toMatchObject({ to: LEFT, datagram: { type: OverlayType.FOUND, target: place(0x42), requestId: 3 } });
    const ids = decodePeerIds(found?.datagram.payload ?? new Uint8Array(0))?.map(peerKey);
    expect(ids?.sort()).toEqual([LEFT, RIGHT, ACROSS, peerKey(SELF)].sort());
  });

  test('tells all links of a change within 100 ms, and every 15 s', () => {
    const { overlay, sent } = linked();
    const told: number[] = [];
    const isList = ({ datagram }: { datagram: OverlayDatagram }) => datagram.type === OverlayType.NEIGHBOURS;
    for (let now = 0; now < 60_000; now += 50) {
      overlay.tick(now);
      if (sent().filter(isList).length === 3) told.push(now);
    }
    expect(told[0]).toBe(100);
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(told.length).toBeLessThanOrEqual(6);
  });
});

describe('a far link', () => {
  test('that fails makes room for another', () => {
    const { overlay, outputs, sent } = alone();
    for (let i = 0; i < 12; i++) overlay.linkUp(peerKey(place(16 * i + 5)), 0);
    outputs();
    const wanted = new Set<PeerKey>();
    for (let now = 0; now < 300_000; now += 500) {
      overlay.tick(now);
      for (const { to, datagram } of sent()) {
        if (datagram.type !== OverlayType.FIND || datagram.flags !== 0) continue;
        const payload = encodePeerIds([seeded(now).bytes(20)]);
        const { requestId } = datagram;
        const found = { type: OverlayType.FOUND, mode: OverlayMode.ANSWER, target: SELF, requestId, payload };
        overlay.receive(to, bytesOf(found), now);
      }
      for (const out of outputs()) {
        if (out.kind !== 'connect') continue;
        wanted.add(out.to);
        overlay.unreachable(out.to, now + 1);
      }
    }
    expect(wanted.size).toBeGreaterThan(8);
  });
});

describe('a request to a region', () => {
  const region = { mode: OverlayMode.REGION, type: OverlayType.DHT_REQUEST, requestId: 9, target: place(0x41) };

  test('is taken by the nearest, which hands a copy to its next links on both sides', () => {
    const { overlay, sent, outputs } = linked();
    overlay.receive(ACROSS, bytesOf(region), 0);
    const copies = sent().map(({ to, datagram }) => [to, datagram.flags, datagram.hopsLeft]);
    expect(copies).toEqual([
      [RIGHT, OverlayFlag.COPY, HOPS_MAX - 2],
      [LEFT, OverlayFlag.COPY, HOPS_MAX - 2],
    ]);
    expect(outputs().map(({ kind }) => kind)).toEqual(['deliver']);
  });

  test('brings the answers of copies back the way that it came', () => {
    const { overlay, sent } = linked();
    overlay.receive(ACROSS, bytesOf(region), 0);
    sent();
    const answer = { mode: OverlayMode.ANSWER, type: OverlayType.DHT_ANSWER, requestId: 9, target: STRANGER };
    overlay.receive(RIGHT, bytesOf({ ...answer, source: place(0x50) }), 10);
    overlay.receive(LEFT, bytesOf({ ...answer, source: place(0x30) }), 10);
    expect(sent().map(({ to }) => to)).toEqual([ACROSS, ACROSS]);
  });

  test('is no copy for us when a stranger to the place, or no near neighbour, says so', () => {
    const { overlay, outputs } = alone();
    for (let i = 1; i < 16; i++) overlay.linkUp(peerKey(place(16 * i)), 0);
    outputs();
    const copy = { ...region, flags: OverlayFlag.COPY };
    overlay.receive(ACROSS, bytesOf(copy), 0);
    overlay.receive(LEFT, bytesOf({ ...copy, target: place(0xc8) }), 0);
    expect(outputs()).toEqual([]);
    overlay.receive(LEFT, bytesOf(copy), 0);
    expect(outputs().map(({ kind }) => kind)).toEqual(['deliver']);
  });

  test('gives all answers that are wanted, each peer counting once, and says when they are all', () => {
    const { overlay, sent, outputs } = linked();
    const o = { mode: 'region', answers: 3 } as const;
    overlay.request(OverlayType.DHT_REQUEST, place(0xc1), Uint8Array.of(1), 5, 0, o);
    const requestId = sent()[0]?.datagram.requestId ?? 0;
    const answer = { mode: OverlayMode.ANSWER, type: OverlayType.DHT_ANSWER, requestId, target: SELF };
    for (const at of [0xc0, 0xc0, 0xc8]) overlay.receive(ACROSS, bytesOf({ ...answer, source: place(at) }), 100);
    expect(outputs()).toMatchObject([
      { kind: 'answer', tag: 5, source: place(0xc0) },
      { kind: 'answer', tag: 5, source: place(0xc8) },
    ]);
    overlay.tick(1599);
    expect(outputs()).toEqual([]);
    overlay.tick(1600);
    expect(outputs()).toEqual([{ kind: 'done', tag: 5 }]);
  });
});

describe('on demand', () => {
  test('a busy pair gets a link of its own, which is kept when others push in; a full tab dials nobody', () => {
    const { overlay, outputs } = linked();
    const busy = peerKey(STRANGER);
    for (let i = 0; i < 40; i++) overlay.traffic(busy, 1000 + i);
    expect(outputs()).toEqual([{ kind: 'connect', to: busy }]);
    overlay.linkUp(busy, 1100);
    for (let i = 1; i < 12; i++) overlay.linkUp(peerKey(place(0x90 + i)), 1100);
    expect(overlay.rolesOf(busy)).toContain('on-demand');
    for (let i = 12; i < 30; i++) overlay.linkUp(peerKey(place(0x90 + i)), 1200);
    const pushedOut = outputs().filter(({ kind }) => kind === 'disconnect');
    expect(pushedOut).toHaveLength(4 + 28 - 24);
    expect(pushedOut).not.toContainEqual({ kind: 'disconnect', to: busy });
    for (let i = 0; i < 40; i++) overlay.traffic(peerKey(place(0xe0)), 1300 + i);
    expect(outputs().filter(({ kind }) => kind === 'connect')).toEqual([]);
  });
});

describe('rest, and leaving', () => {
  const told = { type: OverlayType.NEIGHBOURS, source: peerIdFromKey(LEFT) as PeerId, target: SELF, hopsLeft: 1 };

  test('a neighbour that rests says so with its list, and so do we', () => {
    const { overlay, sent } = linked();
    overlay.receive(LEFT, bytesOf({ ...told, flags: OverlayFlag.RESTING, payload: encodePeerIds([]) }), 0);
    expect([LEFT, RIGHT].map(key => overlay.isResting(key))).toEqual([true, false]);
    overlay.tick(100);
    sent();
    overlay.setResting(true, 200);
    overlay.tick(300);
    expect(sent().map(({ datagram }) => datagram.flags)).toEqual([2, 2, 2]);
  });

  test('who holds another list than a neighbour has now asks for it, once a second at most', () => {
    const { overlay, sent } = linked();
    overlay.tick(100);
    sent();
    overlay.receive(LEFT, bytesOf({ ...told, payload: encodeNeighbours({ kind: 'digest', digest: 7 }) }), 200);
    expect(sent().map(({ to, datagram }) => [to, datagram.payload])).toEqual([
      [LEFT, encodeNeighbours({ kind: 'ask' })],
    ]);
    for (let now = 300; now < 2300; now += 100) {
      overlay.receive(LEFT, bytesOf({ ...told, payload: encodeNeighbours({ kind: 'ask' }) }), now);
    }
    expect(sent()).toHaveLength(2);
  });

  test('says goodbye to all and then asks for nothing', () => {
    const { overlay, sent, outputs } = linked();
    overlay.leave();
    expect(outputs().map(({ kind }) => kind)).toEqual(['disconnect', 'disconnect', 'disconnect']);
    overlay.linkUp(LEFT, 10);
    expect(outputs()).toEqual([{ kind: 'disconnect', to: LEFT }]);
    overlay.tick(600_000);
    expect([sent(), outputs(), overlay.wakeAt]).toEqual([[], [], undefined]);
  });
});

describe('peers from before', () => {
  test('faults #30 are dialled when there is nobody else, and looked for in the ring first when there is', () => {
    const { overlay, sent, outputs } = alone();
    overlay.remember([STRANGER, SELF], 0);
    overlay.tick(0);
    expect(outputs()).toEqual([{ kind: 'connect', to: peerKey(STRANGER) }]);
    overlay.unreachable(peerKey(STRANGER), 10);
    for (const key of [LEFT, RIGHT, ACROSS]) overlay.linkUp(key, 20);
    sent();
    for (let now = 100; now < 120_000; now += 500) overlay.tick(now);
    const looks = sent().filter(({ datagram }) => datagram.type === OverlayType.FIND && datagram.target[0] === 0x99);
    expect(looks.length).toBeGreaterThan(0);
    expect(outputs()).toContainEqual({ kind: 'connect', to: peerKey(STRANGER) });
  });

  test('are not told of a neighbour that said goodbye', () => {
    const { overlay, outputs } = linked();
    overlay.linkDown(LEFT, 10, true);
    overlay.linkDown(RIGHT, 10);
    for (let now = 100; now < 40_000; now += 500) overlay.tick(now);
    const kept = outputs().flatMap(out => (out.kind === 'former' ? [out.ids.map(peerKey)] : []));
    expect(kept.at(-1)?.sort()).toEqual([ACROSS, RIGHT].sort());
  });
});

test('faults #67 a request that comes by again and again is passed on eight times', () => {
  const { overlay, sent } = linked();
  const request = { mode: OverlayMode.NEAREST, type: OverlayType.DHT_REQUEST, requestId: 7, target: place(0xc1) };
  for (let i = 0; i < 20; i++) overlay.receive(i % 2 === 0 ? LEFT : RIGHT, bytesOf(request), i);
  expect(sent()).toHaveLength(8);
  expect(overlay.stats.circled).toBe(12);
});

test('who calls while it joins is answered the way that it called, as long as nobody else leads there', () => {
  const { overlay, sent } = linked();
  const call = { type: OverlayType.CARRIED, source: place(0x48), target: place(0xc1) };
  overlay.receive(RIGHT, bytesOf(call), 0);
  overlay.receive(ACROSS, bytesOf({ type: OverlayType.CARRIED, source: place(0xc1), target: place(0x48) }), 10);
  expect(sent().map(({ to }) => to)).toEqual([ACROSS, RIGHT]);
});

describe('memory is bounded', () => {
  test('against neighbours that name and ask for ever more', () => {
    const { overlay } = linked();
    const random = seeded(5);
    // Each peer that cannot be reached makes us look for another: enough of them to fill every table.
    let unreachable = 0;
    for (let i = 0; i < 6000; i++) {
      const source = peerIdFromKey(LEFT) as PeerId;
      const payload = encodePeerIds(Array.from({ length: i % 10 === 0 ? 64 : 0 }, () => random.bytes(20)));
      if (i % 10 === 0)
        overlay.receive(LEFT, bytesOf({ type: OverlayType.NEIGHBOURS, source, target: SELF, payload }), i);
      const request = {
        mode: OverlayMode.NEAREST,
        type: OverlayType.DHT_REQUEST,
        requestId: i + 1,
        target: place(0xc1),
      };
      overlay.receive(LEFT, bytesOf({ ...request, source: random.bytes(20) }), i);
      for (let out = overlay.poll(); out !== undefined; out = overlay.poll())
        if (out.kind === 'connect' && unreachable++ < 600) overlay.unreachable(out.to, i);
    }
    for (const [name, size] of sizes(overlay)) expect([name, size <= 4096]).toEqual([name, true]);
    expect(new Map(sizes(overlay)).get('upkeep.dials.backoff')).toBe(256);
  });

  test('against ourselves: of 2,000 requests at once the last are refused', () => {
    const { overlay, outputs } = linked();
    for (let tag = 0; tag < 2000; tag++)
      overlay.request(OverlayType.DHT_REQUEST, place(0xc1), Uint8Array.of(1), tag, 0);
    const refused = outputs().filter(({ kind }) => kind === 'no-answer');
    expect(refused.length).toBeGreaterThanOrEqual(2000 - 1024);
    expect(new Map(sizes(overlay)).get('forwarding.requests.pending')).toBeLessThanOrEqual(1024);
  });
});

function place(first: number): PeerId {
  return new Uint8Array(20).fill(first, 0, 1);
}

function bytesOf(changes: Partial<OverlayDatagram>): Uint8Array {
  const hopsLeft = HOPS_MAX - 1;
  const head = { type: OverlayType.ETE, mode: OverlayMode.EXACT, hopsLeft, flags: 0, requestId: 0 } as const;
  const ends = { source: STRANGER, target: place(0xc1), payload: new Uint8Array(0) };
  return encodeOverlayDatagram({ ...head, ...ends, ...changes });
}

/** A machine, what it sent since the last look, and what else it asked for. */
function alone() {
  const overlay = new Overlay({ self: SELF, random: seeded(1), linkBudget: 24 });
  const waiting: OverlayOutput[] = [];
  const take = (isWanted: (out: OverlayOutput) => boolean) => {
    for (let out = overlay.poll(); out !== undefined; out = overlay.poll()) waiting.push(out);
    const wanted = waiting.filter(isWanted);
    const rest = waiting.filter(out => !isWanted(out));
    waiting.splice(0, waiting.length, ...rest);
    return wanted;
  };
  const sent = () =>
    take(out => out.kind === 'send').flatMap(out => {
      const datagram = out.kind === 'send' ? decodeOverlayDatagram(out.bytes) : undefined;
      return out.kind === 'send' && datagram !== undefined ? [{ to: out.to, datagram }] : [];
    });
  const outputs = () => take(out => out.kind !== 'send').filter(({ kind }) => kind !== 'neighbourhood');
  return { overlay, sent, outputs };
}

/** One with three neighbours, and nothing waiting. */
function linked() {
  const machine = alone();
  for (const key of [LEFT, RIGHT, ACROSS]) machine.overlay.linkUp(key, 0);
  machine.sent();
  machine.outputs();
  return machine;
}

/** Every map and set inside a machine, by name. */
function sizes(of: object, prefix = ''): [string, number][] {
  return Object.entries(of).flatMap(([name, value]): [string, number][] => {
    if (value instanceof Map || value instanceof Set) return [[prefix + name, value.size]];
    const isPart = typeof value === 'object' && value !== null && !(value instanceof Uint8Array) && name !== 'options';
    return isPart && prefix.split('.').length < 3 ? sizes(value, `${prefix}${name}.`) : [];
  });
}

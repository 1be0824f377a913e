/** The ways back of requests and calls, and who may bend or fill them (faults.md row 67). */
import { encodeOverlayDatagram, OverlayMode, OverlayType, type PeerId, type PeerKey, peerKey } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { Overlay } from './overlay.ts';
import { Trails, WayBack } from './requests.ts';
import { seeded } from './testbed.ts';

const [SELF, VICTIM] = [place(0), place(0x80)];
const [LIAR, GOOD, OTHER] = [peerKey(place(5)), peerKey(place(0x64)), peerKey(place(0xfa))];

describe('the trail of a call', () => {
  test('ends after 30 s, and is not bent by a second neighbour before', () => {
    const trails = new Trails();
    trails.note(peerKey(VICTIM), GOOD, 0);
    trails.note(peerKey(VICTIM), LIAR, 10);
    expect(trails.towards(VICTIM, 29_999)).toBe(GOOD);
    expect(trails.towards(VICTIM, 29_999)).toBeUndefined();
    expect(trails.towards(VICTIM, 29_999)).toBe(GOOD);
    expect(trails.towards(VICTIM, 30_000)).toBeUndefined();
    trails.note(peerKey(VICTIM), LIAR, 30_000);
    expect(trails.towards(VICTIM, 30_000)).toBe(LIAR);
  });

  test('faults #67 that is forged takes two calls of three while it is renewed, none after 30 s, and nothing but calls', () => {
    const { overlay, hops } = machine();
    const forge = (now: number) => overlay.receive(LIAR, datagram(OverlayType.CARRIED, VICTIM, place(0xfb)), now);
    const send = (type: OverlayType, now: number) => {
      overlay.tick(now);
      hops();
      overlay.send(type, VICTIM, new Uint8Array(9));
      return hops()[0];
    };
    forge(0);
    expect(send(OverlayType.ETE, 1)).toBe(GOOD);
    const calls: (PeerKey | undefined)[] = [];
    for (let now = 1; now <= 6; now++) {
      forge(now);
      calls.push(send(OverlayType.CARRIED, now));
    }
    expect(calls).toEqual([LIAR, GOOD, LIAR, LIAR, GOOD, LIAR]);
    expect(send(OverlayType.CARRIED, 40_000)).toBe(GOOD);
    overlay.receive(OTHER, datagram(OverlayType.CARRIED, place(0xfb), VICTIM), 40_000);
    expect(hops()).toEqual([GOOD]);
  });
});

describe('the way back of a request', () => {
  test('faults #67 is not lost to a neighbour that floods us with requests', () => {
    const { overlay, hops } = machine();
    const ask = (from: PeerKey, source: PeerId, requestId: number) =>
      overlay.receive(from, datagram(OverlayType.DHT_REQUEST, source, place(0x65), requestId), 0);
    ask(OTHER, place(0xfa), 77);
    for (let i = 0; i < 5000; i++) ask(LIAR, place(6), 10_000 + i);
    hops();
    const answer = datagram(OverlayType.DHT_ANSWER, place(0x64), place(0xfa), 77, OverlayMode.ANSWER);
    overlay.receive(GOOD, answer, 50);
    expect(hops()).toEqual([OTHER]);
  });

  test('is kept for 4,096 requests; those of the greatest user go first, the oldest in front', () => {
    const ways = new WayBack();
    for (let id = 1; id <= 3000; id++) ways.remember(SELF, id, LIAR, 0);
    for (let id = 3001; id <= 6000; id++) ways.remember(SELF, id, GOOD, 0);
    const kept = Array.from({ length: 6000 }, (_, i) => ways.towards(SELF, i + 1, 1));
    expect(kept.filter(from => from !== undefined)).toHaveLength(4096);
    expect(kept.filter(from => from === LIAR).length).toBeGreaterThan(2040);
    expect(kept.filter(from => from === GOOD).length).toBeGreaterThan(2040);
    expect(kept[0]).toBeUndefined();
    expect(kept[2999]).toBe(LIAR);
    expect(ways.towards(SELF, 6000, 30_000)).toBeUndefined();
  });
});

function machine() {
  const overlay = new Overlay({ self: SELF, random: seeded(3), linkBudget: 256 });
  for (const key of [LIAR, GOOD, OTHER]) overlay.linkUp(key, 0);
  const hops = () => {
    const to: PeerKey[] = [];
    for (let out = overlay.poll(); out !== undefined; out = overlay.poll()) if (out.kind === 'send') to.push(out.to);
    return to;
  };
  hops();
  return { overlay, hops };
}

function datagram(type: OverlayType, source: PeerId, target: PeerId, requestId = 0, mode?: OverlayMode): Uint8Array {
  const usual = requestId === 0 ? OverlayMode.EXACT : OverlayMode.NEAREST;
  const payload = new Uint8Array(4);
  return encodeOverlayDatagram({
    type,
    mode: mode ?? usual,
    hopsLeft: 10,
    flags: 0,
    requestId,
    source,
    target,
    payload,
  });
}

function place(first: number): PeerId {
  return new Uint8Array(20).fill(first, 0, 1);
}

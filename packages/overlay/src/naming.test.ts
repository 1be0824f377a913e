/** What a neighbour gains that names peers who are not there (faults.md row 63). */
import { encodeNeighbours, encodeOverlayDatagram, OverlayMode, OverlayType, type PeerId, peerKey } from '@warren/wire';
import { expect, test } from 'vitest';
import { Namers } from './namers.ts';
import { Overlay } from './overlay.ts';
import { seeded } from './testbed.ts';

const SELF = place(0x80);
const [HONEST, REAL] = [place(0xc8), place(0x82)];
/** A dial to nobody fails after so long. */
const FAILS_MS = 10_000;

test.each([
  [1, 2000],
  [3, 30_000],
])(
  'faults #63 %i neighbours that name ever new peers close to us do not keep us from a true one for more than %i ms',
  (liars, ms) => {
    const random = seeded(3);
    const overlay = new Overlay({ self: SELF, random, linkBudget: 256 });
    const hostile = Array.from({ length: liars }, (_, i) => place(5 + i));
    for (const id of [...hostile, HONEST]) overlay.linkUp(peerKey(id), 1000);
    const failing: { readonly key: string; readonly at: number }[] = [];
    let [dialledAt, dials] = [Number.POSITIVE_INFINITY, 0];
    for (let now = 1000; now < 300_000; now += 100) {
      if (now % 2000 === 1100) for (const id of hostile) overlay.receive(peerKey(id), listOf(id, fakes(random)), now);
      if (now === 2500) overlay.receive(peerKey(HONEST), listOf(HONEST, [REAL]), now);
      for (const { key } of failing.filter(dial => dial.at === now)) overlay.unreachable(key, now);
      if ((overlay.wakeAt ?? Number.POSITIVE_INFINITY) <= now) overlay.tick(now);
      for (let out = overlay.poll(); out !== undefined; out = overlay.poll()) {
        if (out.kind !== 'connect') continue;
        dials++;
        if (out.to === peerKey(REAL)) dialledAt = Math.min(dialledAt, now);
        else failing.push({ key: out.to, at: now + FAILS_MS });
      }
    }
    expect(dialledAt - 2500).toBeLessThanOrEqual(ms);
    // Eight at once would be 240.
    expect(dials).toBeLessThan(150);
  },
);

test('a namer is doubted after four names that failed, less for names that others share, and forgiven with time', () => {
  const namers = new Namers();
  const fail = (namer: string[], key: string, now: number) => {
    expect(namers.begin(key, namer, now)).toBe(true);
    namers.failed(key, true, now);
  };
  for (let i = 0; i < 4; i++) fail(['liar'], `fake ${i}`, 0);
  for (let i = 0; i < 4; i++) fail(['a', 'b'], `gone ${i}`, 0);
  expect(['liar', 'a', 'b'].map(namer => namers.isDoubted(namer, 0))).toEqual([true, false, false]);
  expect(namers.isDoubted('liar', 60_000)).toBe(false);
});

test('one namer has half of the dials, all doubted ones together a quarter; what another names too takes that share', () => {
  const namers = new Namers();
  const begun = (names: string[], who: string[]) => names.map(name => namers.begin(name, who, 0));
  expect(begun(['1', '2', '3', '4', '5'], ['a'])).toEqual([true, true, true, true, false]);
  expect(begun(['6'], ['a', 'b'])).toEqual([true]);
  expect(begun(['7'], [])).toEqual([true]);
  for (const name of ['1', '2', '3', '4']) namers.failed(name, true, 0);
  expect(begun(['8', '9', '10'], ['a'])).toEqual([true, true, false]);
});

/** Alternately close before and behind us. */
function fakes(random: { bytes(length: number): Uint8Array }): PeerId[] {
  return Array.from({ length: 64 }, (_, i) => {
    const id = random.bytes(20);
    id.set(i % 2 === 0 ? [0x7f, 0xff, 0xf0] : [0x80, 0, 0x0f]);
    return id;
  });
}

function listOf(source: PeerId, ids: readonly PeerId[]): Uint8Array {
  const head = { type: OverlayType.NEIGHBOURS, mode: OverlayMode.EXACT, hopsLeft: 1, flags: 0, requestId: 0 } as const;
  return encodeOverlayDatagram({ ...head, source, target: SELF, payload: encodeNeighbours({ kind: 'list', ids }) });
}

function place(first: number): PeerId {
  return new Uint8Array(20).fill(first, 0, 1);
}

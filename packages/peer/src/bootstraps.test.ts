import { describe, expect, test } from 'vitest';
import { Bootstraps } from './bootstraps.ts';

const URL = 'wss://bootstrap.example/bootstrap';
const NONE = { uses: () => false };
const ALL = { uses: () => true };
/** In the middle of its range: waits are as the table says. */
const EVEN = { bytes: (length: number) => new Uint8Array(length).fill(0x80) };

describe('ways into the public overlay', () => {
  test('a bootstrap node is dialled at once, and again after growing waits', () => {
    const ways = new Bootstraps([URL], EVEN, 0);
    expect(ways.due(0)).toEqual([URL]);
    expect(ways.due(60_000)).toEqual([]);
    const waits: number[] = [];
    for (let now = 0, tries = 0; tries < 8; tries++) {
      ways.failed(URL, now);
      const wakeAt = ways.wakeAt ?? Number.NaN;
      expect(ways.due(wakeAt - 1)).toEqual([]);
      expect(ways.due(wakeAt)).toEqual([URL]);
      waits.push(Math.round((wakeAt - now) / 100) * 100);
      now = wakeAt;
    }
    expect(waits).toEqual([500, 1000, 2000, 5000, 10_000, 30_000, 30_000, 30_000]);
  });

  test('a WebSocket that a link uses stays, however long', () => {
    const ways = open();
    for (let now = 0; now < 100_000; now += 9_000) expect(ways.unused(ALL, now)).toEqual([]);
    expect(ways.view()).toEqual([{ url: URL, state: 'connected' }]);
  });

  test('one that no link uses any more is closed after 10 s and dialled again', () => {
    const ways = open();
    expect(ways.unused(ALL, 50_000)).toEqual([]);
    expect(ways.wakeAt).toBe(60_000);
    expect(ways.unused(NONE, 59_999)).toEqual([]);
    expect(ways.unused(NONE, 60_000)).toEqual(['ws/1']);
    expect(ways.view()[0]?.state).not.toBe('connected');
    ways.closed('ws/1', 60_001);
    expect(ways.due(61_000)).toEqual([URL]);
  });

  test('one that never got a link is given time for a handshake, then dialled again', () => {
    const ways = open();
    expect(ways.unused(NONE, 9_999)).toEqual([]);
    expect(ways.unused(NONE, 10_000)).toEqual(['ws/1']);
  });

  test('when the network came back, what waits is dialled at once, and what no link uses as well', () => {
    const waiting = new Bootstraps([URL], EVEN, 0);
    waiting.due(0);
    waiting.failed(URL, 0);
    waiting.hurry(10);
    expect(waiting.due(10)).toEqual([URL]);

    const ways = open();
    expect(ways.unused(ALL, 5_000)).toEqual([]);
    ways.hurry(6_000);
    expect(ways.wakeAt).toBe(6_000);
    expect(ways.unused(NONE, 6_000)).toEqual(['ws/1']);
  });

  test('faults #26 nodes of former runs are dialled a little later, and only by who has no neighbour', () => {
    const ways = new Bootstraps([URL], EVEN, 0, [URL, 'ws://old/']);
    expect(ways.due(0)).toEqual([URL]);
    expect(ways.wakeAt).toBeGreaterThan(1000);
    expect(ways.due(5000, () => false)).toEqual([]);
    expect(ways.wakeAt).toBeGreaterThan(20_000);
    expect(ways.view()).toHaveLength(1);
    expect(ways.due(60_000, () => true)).toEqual(['ws://old/']);
    ways.opened('ws://old/', 'ws/2', 60_000);
    expect(ways.view()).toContainEqual({ url: 'ws://old/', state: 'connected' });
  });
});

/** One open WebSocket, `ws/1`, since 0. */
function open(): Bootstraps {
  const ways = new Bootstraps([URL], EVEN, 0);
  ways.due(0);
  ways.opened(URL, 'ws/1', 0);
  return ways;
}

import { describe, expect, test } from 'vitest';
import { RATED_PEERS_MAX } from './constants.ts';
import { PeerRate } from './rate.ts';
import { peerOf } from './testbed.ts';

describe('the rate of a peer', () => {
  test('allows a burst, then so many a second', () => {
    const rate = new PeerRate(3, 2);
    const taken = (now: number): number =>
      Array.from({ length: 10 }, () => rate.take(peerOf(1), now)).filter(Boolean).length;
    expect(taken(0)).toBe(3);
    expect(taken(499)).toBe(0);
    expect(taken(1_000)).toBe(2);
    expect(taken(100_000)).toBe(3);
  });

  test('is its own', () => {
    const rate = new PeerRate(1, 1);
    expect([1, 2, 1].map(byte => rate.take(peerOf(byte), 0))).toEqual([true, true, false]);
  });

  test('is forgotten for the peer heard of longest ago when there are too many', () => {
    const rate = new PeerRate(1, 0);
    const peer = (i: number): Uint8Array =>
      Uint8Array.from({ length: 20 }, (_, k) => (k < 2 ? (i >> (8 * k)) & 255 : 0));
    for (let i = 0; i < RATED_PEERS_MAX; i++) rate.take(peer(i), 0);
    rate.take(peer(0), 0);
    rate.take(peer(RATED_PEERS_MAX), 0);
    expect(rate.take(peer(0), 0)).toBe(false);
    expect(rate.take(peer(1), 0)).toBe(true);
  });
});

/** Near links, the estimate of N and the harmonic draw, against naive references. */
import { compareBytes } from '@warren/base';
import { clockwise, fraction, type PeerId, peerKey } from '@warren/wire';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawFarPoint, estimatePeers, farLinkCount, NEAR_PER_SIDE, predecessors, successors } from './ring.ts';
import { seeded } from './testbed.ts';

/** Ids close together or far apart, at both ends of the ring. */
const id: fc.Arbitrary<PeerId> = fc.oneof(
  fc.uint8Array({ minLength: 20, maxLength: 20 }),
  fc.tuple(fc.constantFrom(0, 0xff), fc.nat(9)).map(([filler, last]) => new Uint8Array(20).fill(filler).fill(last, 19)),
);
const ids = fc.uniqueArray(id, { selector: peerKey, maxLength: 12 });

describe('near links', () => {
  test('are the three next ids clockwise and counter-clockwise', () => {
    fc.assert(
      fc.property(id, ids, (self, all) => {
        const others = all.filter(other => peerKey(other) !== peerKey(self));
        const ahead = slowWalk(self, others);
        expect(successors(self, others).map(peerKey)).toEqual(ahead.slice(0, NEAR_PER_SIDE));
        expect(predecessors(self, others).map(peerKey)).toEqual(ahead.reverse().slice(0, NEAR_PER_SIDE));
      }),
    );
  });

  test('are mutual: whoever follows us closely has us closely before it', () => {
    fc.assert(
      fc.property(ids, all => {
        for (const a of all) {
          const others = all.filter(other => other !== a);
          for (const b of successors(a, others)) {
            expect(
              predecessors(
                b,
                all.filter(other => other !== b),
              ),
            ).toContain(a);
          }
        }
      }),
    );
  });
});

describe('the estimate of N', () => {
  test('counts a small ring exactly', () => {
    const random = seeded(1);
    const self = random.bytes(20);
    expect(estimatePeers(self, [])).toBe(1);
    for (let others = 1; others <= 5; others++) {
      expect(
        estimatePeers(
          self,
          Array.from({ length: others }, () => random.bytes(20)),
        ),
      ).toBe(others + 1);
    }
  });

  test.each([50, 1000, 5000])(
    'of %i peers is right within a factor of two in the middle',
    peers => {
      const random = seeded(peers);
      const guesses = Array.from({ length: 41 }, () => {
        const self = random.bytes(20);
        const all = Array.from({ length: peers - 1 }, () => random.bytes(20));
        return estimatePeers(self, [...successors(self, all), ...predecessors(self, all)]);
      });
      const median = guesses.sort((a, b) => a - b)[20] as number;
      expect(median).toBeGreaterThan(peers / 2);
      expect(median).toBeLessThan(peers * 2);
    },
    60_000,
  );
});

describe('far links', () => {
  test.each([
    [1, 4],
    [256, 4],
    [257, 5],
    [1024, 5],
    [1_000_000, 10],
  ])('%i peers want %i each', (peers, count) => expect(farLinkCount(peers)).toBe(count));

  test('lie at N^(u-1) of the ring: as many between 1/N and 1/sqrt N as beyond', () => {
    const random = seeded(2);
    const self = random.bytes(20);
    const shares = Array.from({ length: 2000 }, () => fraction(clockwise(self, drawFarPoint(self, 10_000, random))));
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(1 / 10_000 - 1e-9);
    const beyond = shares.filter(share => share > 1 / 100).length;
    expect(beyond).toBeGreaterThan(900);
    expect(beyond).toBeLessThan(1100);
    const half = shares.filter(share => share > 0.5).length / shares.length;
    expect(half).toBeCloseTo(Math.log(2) / Math.log(10_000), 1);
  });
});

/** Others in the order in which one meets them clockwise. */
function slowWalk(self: PeerId, others: readonly PeerId[]): string[] {
  const sorted = [...others].sort(compareBytes);
  const start = sorted.findIndex(other => compareBytes(other, self) > 0);
  const from = start < 0 ? sorted.length : start;
  return [...sorted.slice(from), ...sorted.slice(0, from)].map(peerKey);
}

import { describe, expect, test } from 'vitest';
import { AddressChoice } from './address-choice.ts';
import { AddressClaim, type ClaimOutput } from './claim.ts';
import { CLAIM_ANSWER_MS, CLAIM_QUICK_MOVES, CLAIM_RENEW_MS, CLAIM_RETRY_MAX_MS } from './constants.ts';
import { peerOf, SUBNET, seeded } from './testbed.ts';

const FIRST = 0x0a800505;

describe('a claim', () => {
  test('is made when the overlay is ready, not before', () => {
    const claim = newClaim();
    claim.tick(1e9);
    expect(claim.wakeAt).toBeUndefined();
    expect(drain(claim)).toEqual([]);
    claim.handle({ kind: 'ready' }, 0);
    expect(drain(claim)).toEqual([{ kind: 'claim', address: FIRST }]);
    expect(claim.address).toBeUndefined();
  });

  test('that is granted gives the address, once', () => {
    const claim = heldClaim();
    expect(claim.address).toBe(FIRST);
    claim.handle({ kind: 'claim-result', address: FIRST, result: 'held' }, 10);
    expect(drain(claim)).toEqual([]);
  });

  test('is renewed every minute and when the overlay comes back', () => {
    const claim = heldClaim();
    for (let i = 0; i < 5; i++) {
      const wakeAt = claim.wakeAt ?? 0;
      claim.tick(wakeAt - 1);
      expect(drain(claim)).toEqual([]);
      claim.tick(wakeAt);
      expect(drain(claim)).toEqual([{ kind: 'claim', address: FIRST }]);
      expect((claim.wakeAt ?? 0) - wakeAt).toBeGreaterThan(0.89 * CLAIM_RENEW_MS);
      expect((claim.wakeAt ?? 0) - wakeAt).toBeLessThan(1.11 * CLAIM_RENEW_MS);
    }
    claim.handle({ kind: 'ready' }, 1e6);
    expect(drain(claim)).toEqual([{ kind: 'claim', address: FIRST }]);
  });

  test('on a taken address moves to the next, each once, and slows down after a few', () => {
    const claim = newClaim();
    claim.handle({ kind: 'ready' }, 0);
    const tried = new Set<number>();
    for (let i = 0; i <= CLAIM_QUICK_MOVES; i++) {
      const [output, ...more] = drain(claim);
      expect(more).toEqual([]);
      expect(output?.kind).toBe('claim');
      tried.add(output?.address ?? 0);
      claim.handle({ kind: 'claim-result', address: output?.address ?? 0, result: 'taken' }, 0);
    }
    expect(tried.size).toBe(CLAIM_QUICK_MOVES + 1);
    expect(drain(claim)).toEqual([]);
    expect(claim.wakeAt).toBeGreaterThanOrEqual(800);
    claim.tick(claim.wakeAt ?? 0);
    expect(drain(claim)).toHaveLength(1);
  });

  test('that fails is made again on the same address, ever more slowly up to a minute', () => {
    const claim = newClaim();
    claim.handle({ kind: 'ready' }, 0);
    let now = 0;
    const pauses: number[] = [];
    for (let i = 0; i < 12; i++) {
      expect(drain(claim)).toEqual([{ kind: 'claim', address: FIRST }]);
      claim.handle({ kind: 'claim-result', address: FIRST, result: 'failed' }, now);
      pauses.push((claim.wakeAt ?? 0) - now);
      now = claim.wakeAt ?? 0;
      claim.tick(now);
    }
    expect(pauses[0]).toBeLessThan(1_300);
    expect(Math.max(...pauses)).toBeLessThan(1.21 * CLAIM_RETRY_MAX_MS);
    expect(pauses.at(-1)).toBeGreaterThan(0.79 * CLAIM_RETRY_MAX_MS);
  });

  test('without an answer counts as failed, but a late answer still counts', () => {
    const claim = newClaim();
    claim.handle({ kind: 'ready' }, 0);
    drain(claim);
    claim.tick(CLAIM_ANSWER_MS);
    expect(drain(claim)).toEqual([]);
    claim.handle({ kind: 'claim-result', address: FIRST, result: 'held' }, CLAIM_ANSWER_MS + 1);
    expect(drain(claim)).toEqual([{ kind: 'held', address: FIRST }]);
  });

  test('does not wait out its pause when the overlay comes back', () => {
    const claim = newClaim();
    claim.handle({ kind: 'ready' }, 0);
    claim.handle({ kind: 'claim-result', address: FIRST, result: 'failed' }, 0);
    drain(claim);
    claim.handle({ kind: 'ready' }, 1);
    expect(drain(claim)).toEqual([{ kind: 'claim', address: FIRST }]);
  });
});

describe('a held address', () => {
  test.each([
    ['a lost claim', { kind: 'claim-lost', address: FIRST } as const],
    ['a renewal that finds it taken', { kind: 'claim-result', address: FIRST, result: 'taken' } as const],
  ])('is given up for another after %s', (_, input) => {
    const claim = heldClaim();
    claim.handle(input, 5);
    const [conflict, next] = drain(claim);
    expect(conflict).toEqual({ kind: 'conflict', address: FIRST });
    expect(next?.kind).toBe('claim');
    expect(next?.address).not.toBe(FIRST);
    expect(claim.address).toBeUndefined();
  });

  test('is kept while its renewal fails, which is tried sooner then', () => {
    const claim = heldClaim();
    claim.tick(claim.wakeAt ?? 0);
    const now = 60_000;
    claim.handle({ kind: 'claim-result', address: FIRST, result: 'failed' }, now);
    expect(claim.address).toBe(FIRST);
    expect((claim.wakeAt ?? 0) - now).toBeLessThan(1_300);
  });

  test('forgets how hard it was to come by when it is lost later', () => {
    const claim = newClaim();
    claim.handle({ kind: 'ready' }, 0);
    const loseAll = (times: number): void => {
      for (let i = 0; i < times; i++) {
        const address = drain(claim).at(-1)?.address ?? 0;
        claim.handle({ kind: 'claim-result', address, result: 'taken' }, 0);
      }
    };
    loseAll(CLAIM_QUICK_MOVES);
    const address = drain(claim).at(-1)?.address ?? 0;
    for (let i = 0; i < 5; i++) claim.handle({ kind: 'claim-result', address, result: 'failed' }, 0);
    claim.handle({ kind: 'claim-result', address, result: 'held' }, 0);
    claim.handle({ kind: 'claim-result', address, result: 'failed' }, 0);
    expect(claim.wakeAt).toBeLessThan(1_300);
    claim.handle({ kind: 'claim-lost', address }, 0);
    loseAll(CLAIM_QUICK_MOVES - 1);
    expect(drain(claim)).toHaveLength(1);
  });

  test('is not given up for news about another address', () => {
    const claim = heldClaim();
    claim.handle({ kind: 'claim-lost', address: FIRST + 1 }, 5);
    claim.handle({ kind: 'claim-result', address: FIRST + 1, result: 'taken' }, 5);
    expect(claim.address).toBe(FIRST);
    expect(drain(claim)).toEqual([]);
  });
});

function newClaim(): AddressClaim {
  return new AddressClaim(new AddressChoice(SUBNET, peerOf(1), FIRST), seeded(1));
}

function heldClaim(): AddressClaim {
  const claim = newClaim();
  claim.handle({ kind: 'ready' }, 0);
  claim.handle({ kind: 'claim-result', address: FIRST, result: 'held' }, 0);
  expect(drain(claim)).toEqual([
    { kind: 'claim', address: FIRST },
    { kind: 'held', address: FIRST },
  ]);
  return claim;
}

function drain(claim: AddressClaim): ClaimOutput[] {
  const outputs: ClaimOutput[] = [];
  for (let output = claim.poll(); output !== undefined; output = claim.poll()) outputs.push(output);
  return outputs;
}

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PENDING_MAX, PENDING_MS, PENDING_PER_ADDRESS } from './constants.ts';
import { Pending } from './pending.ts';

describe('waiting frames', () => {
  test('come out in their order, once', () => {
    const pending = new Pending<string>();
    pending.add(1, 'a', 0);
    pending.add(2, 'x', 0);
    pending.add(1, 'b', 0);
    expect(pending.take(1)).toEqual(['a', 'b']);
    expect(pending.take(1)).toEqual([]);
    expect(pending.size).toBe(1);
  });

  test('are thrown out when they waited too long, and wake the machine for it', () => {
    const pending = new Pending<string>();
    expect(pending.wakeAt).toBeUndefined();
    pending.add(1, 'a', 0);
    pending.add(1, 'b', 5);
    pending.add(2, 'x', 3);
    expect(pending.wakeAt).toBe(PENDING_MS);
    expect(pending.expire(PENDING_MS + 3)).toBe(2);
    expect(pending.wakeAt).toBe(PENDING_MS + 5);
    expect([pending.take(2), pending.take(1)]).toEqual([[], ['b']]);
  });

  test('of one address give way to those of another when there is no room; those that came first stay', () => {
    const pending = new Pending<number>();
    for (let i = 0; i < PENDING_MAX; i++) pending.add(i % 8, i, 0);
    expect(pending.add(100, 1000, 1)).toBe('replaced');
    expect(pending.add(100, 1001, 1)).toBe('replaced');
    expect(pending.size).toBe(PENDING_MAX);
    expect(pending.take(100)).toEqual([1000, 1001]);
    expect(pending.take(0)[0]).toBe(0);
  });

  test('alone for their address give way to newer ones, oldest first', () => {
    const pending = new Pending<number>();
    for (let i = 0; i < PENDING_MAX; i++) pending.add(i, i, 0);
    expect(pending.add(1000, 1000, 1)).toBe('replaced');
    expect(pending.add(1000, 1001, 1)).toBe('full');
    expect([pending.has(0), pending.has(1), pending.has(1000)]).toEqual([false, true, true]);
  });

  test('agree with one plain list, never more than the limits', () => {
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.record({ kind: fc.constant('add' as const), address: fc.nat(60) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('take' as const), address: fc.nat(60) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const), address: fc.nat(1_000) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: 'max' }), steps => {
        const pending = new Pending<number>();
        let list: Listed[] = [];
        let now = 0;
        for (const [item, { kind, address }] of steps.entries()) {
          const mine = list.filter(waiting => waiting.address === address);
          if (kind === 'add') {
            const isFull = list.length >= PENDING_MAX;
            const victim = isFull ? slowVictim(list, mine.length) : undefined;
            const fits = mine.length < PENDING_PER_ADDRESS && (!isFull || victim !== undefined);
            expect(pending.add(address, item, now)).toBe(!fits ? 'full' : isFull ? 'replaced' : 'added');
            if (fits) {
              list = list.filter(waiting => waiting !== victim);
              list.push({ address, item, until: now + PENDING_MS });
            }
          } else if (kind === 'take') {
            expect(pending.take(address)).toEqual(mine.map(waiting => waiting.item));
            list = list.filter(waiting => waiting.address !== address);
          } else {
            now += address;
            const kept = list.filter(waiting => waiting.until > now);
            expect(pending.expire(now)).toBe(list.length - kept.length);
            list = kept;
          }
          expect(pending.size).toBe(list.length);
          expect(pending.wakeAt).toBe(list[0]?.until);
        }
      }),
      { numRuns: 30 },
    );
  });
});

interface Listed {
  readonly address: number;
  readonly item: number;
  readonly until: number;
}

/** The last that came for the address with the most; `undefined` when nobody has more than one and more than `mine`. */
function slowVictim(list: readonly Listed[], mine: number): Listed | undefined {
  const addresses = [...new Set(list.map(({ address }) => address))];
  const of = (address: number) => list.filter(waiting => waiting.address === address);
  const most = Math.max(...addresses.map(address => of(address).length));
  if (most <= Math.max(mine, mine === 0 ? 0 : 1)) return undefined;
  const longest = addresses.find(address => of(address).length === most) as number;
  return of(longest).at(-1);
}

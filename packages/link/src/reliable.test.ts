/** Link messages over a wire that loses, doubles and reorders (faults row 32). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Reliable } from './reliable.ts';

const said = (n: number) => ({ kind: 'signal', connection: 'c', signal: `${n}` }) as const;

describe('reliable messages', () => {
  test('faults #32 arrive once each, at up to 30 % loss, nearly always', () => {
    let missing = 0;
    fc.assert(
      fc.property(fc.infiniteStream(fc.noBias(fc.nat(99))), rolls => {
        const isLost = () => (rolls.next().value as number) < 30;
        const delivered = deliver(20, isLost);
        expect(new Set(delivered).size).toBe(delivered.length);
        missing += 20 - delivered.length;
      }),
      { numRuns: 100, seed: 7 },
    );
    // Eight tries: 0.3 to the 8th are never heard at all.
    expect(missing).toBeLessThanOrEqual(2);
  });

  test('are given up after eight tries', () => {
    const sender = new Reliable(1);
    sender.push(said(1), 0);
    let tries = 0;
    for (let now = 0; sender.wakeAt !== undefined; now = sender.wakeAt) {
      tries += sender.due(now).length;
      if (sender.wakeAt === undefined) break;
    }
    expect(tries).toBe(8);
  });

  test('are at most 64 at a time: the oldest goes', () => {
    const sender = new Reliable(1);
    for (let i = 1; i <= 100; i++) sender.push(said(i), 0);
    expect(sender.due(0).map(({ id }) => id)).toEqual(Array.from({ length: 64 }, (_, i) => 37 + i));
  });

  test('are numbered round 2^32', () => {
    const sender = new Reliable(2 ** 32 - 1);
    for (let i = 0; i < 3; i++) sender.push(said(i), 0);
    expect(sender.due(0).map(({ id }) => id)).toEqual([2 ** 32 - 1, 0, 1]);
  });

  test('are remembered for the last 256 numbers', () => {
    const receiver = new Reliable(1);
    expect(receiver.isNew(7)).toBe(true);
    expect(receiver.isNew(7)).toBe(false);
    for (let id = 100; id < 355; id++) receiver.isNew(id);
    expect(receiver.isNew(7)).toBe(false);
    receiver.isNew(400);
    expect(receiver.isNew(7)).toBe(true);
  });
});

/** Sends `count` messages over a wire that loses both them and their acknowledgements; returns what was delivered. */
function deliver(count: number, isLost: () => boolean): string[] {
  const [sender, receiver] = [new Reliable(1), new Reliable(1)];
  const delivered: string[] = [];
  for (let i = 0; i < count; i++) sender.push(said(i), i);
  for (let now: number | undefined = count; now !== undefined; now = sender.wakeAt) {
    for (const message of sender.due(now)) {
      if (isLost()) continue;
      if (receiver.isNew(message.id) && message.kind === 'signal') delivered.push(message.signal);
      if (!isLost()) sender.acknowledged(message.id);
    }
  }
  return delivered;
}

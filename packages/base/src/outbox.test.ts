import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';

test('an outbox gives what was put in, in order, and says when it is empty', () => {
  const step = fc.oneof(fc.nat(), fc.constant('poll' as const));
  const property = fc.property(fc.array(step, { maxLength: 60 }), steps => {
    const outbox = new Outbox<number>();
    const model: number[] = [];
    for (const each of steps) {
      if (each === 'poll') expect(outbox.poll()).toBe(model.shift());
      else {
        outbox.push(each);
        model.push(each);
      }
      expect(outbox.isEmpty).toBe(model.length === 0);
    }
  });
  fc.assert(property, { numRuns: 300 });
});

test('an outbox takes outputs that look like nothing for outputs', () => {
  const outbox = new Outbox<number | string | boolean | null>();
  for (const output of [0, '', false, null]) outbox.push(output);
  expect([outbox.poll(), outbox.poll(), outbox.poll(), outbox.poll(), outbox.poll()]).toEqual([
    0,
    '',
    false,
    null,
    undefined,
  ]);
});

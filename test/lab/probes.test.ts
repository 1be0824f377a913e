import { expect, test } from 'vitest';
import { type Answer, longestGap } from './probes.ts';

test('a gap is from the sending of the first lost packet to the first answer after it', () => {
  const answers = [answer(0), answer(1), answer(5), answer(6)];
  expect(longestGap(answers, 100)).toBe(505 - 200);
});

test('nothing lost is no gap, and neither is what ended before', () => {
  expect(longestGap([answer(0), answer(1), answer(2)], 100)).toBe(0);
  expect(longestGap([answer(0), answer(5), answer(6)], 100, 1_000)).toBe(0);
});

test('answers that overtake each other are no gap; a late one ends it when it comes', () => {
  expect(longestGap([answer(0), answer(2), answer(1)], 100)).toBe(0);
  expect(longestGap([answer(0), { ...answer(3), at: 900 }, answer(4)], 100)).toBe(900 - 100);
});

/** Sent every 100 ms, answered 5 ms later. */
function answer(number: number): Answer {
  return { number, sentAt: number * 100, at: number * 100 + 5 };
}

/** What a member costs at rest, and beside what it is told. */
import { expect, test } from 'vitest';
import { stageFigures, stagesOf } from '../idle-stages.ts';
import { idleCost } from './idle-cost.ts';

test('stages are those of P2 5.3, as far as there are members', () => {
  expect(stagesOf(129)).toEqual([0, 1, 8, 32, 128]);
  expect(stagesOf(16)).toEqual([0, 1, 8, 15]);
  expect(stagesOf(2)).toEqual([0, 1]);
});

test("stand beside Hamachi's by P2's regression", () => {
  const figures = stageFigures([{ active: 8, links: 10, bytesPerSecond: 500 }], 16);
  expect(figures).toMatchObject({
    bytesPerSecondAt8: 500,
    hamachiBytesPerSecondAt8: 241,
    idleBytesPerSecondPerLink: 50,
  });
});

test('of five members one that pings pays more than one that does not, and all pings are answered', () => {
  const settings = { members: 5, minutes: 1, seconds: 60 };
  const { figures, missed } = idleCost.run({ seed: 1, settings, step: () => {} });
  expect(missed).toEqual([]);
  const { bytesPerSecondAt0 = 0, bytesPerSecondAt4 = 0, restBytesPerSecondP50 = 0 } = figures;
  expect(bytesPerSecondAt0).toBeGreaterThan(100);
  expect(bytesPerSecondAt4).toBeGreaterThan(bytesPerSecondAt0);
  expect(restBytesPerSecondP50).toBeLessThan(5000);
});

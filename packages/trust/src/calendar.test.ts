import fc from 'fast-check';
import { expect, test } from 'vitest';
import { civilTimeOf, unixMsOf } from './calendar.ts';

const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

test('agrees with the platform on every date from 1900 to 9999', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(1900, 0, 1), max: LAST }), unixMs => {
      const civil = civilTimeOf(unixMs);
      const date = new Date(unixMs);
      expect([civil.year, civil.month, civil.day]).toEqual([
        date.getUTCFullYear(),
        date.getUTCMonth() + 1,
        date.getUTCDate(),
      ]);
      expect([civil.hour, civil.minute, civil.second]).toEqual([
        date.getUTCHours(),
        date.getUTCMinutes(),
        date.getUTCSeconds(),
      ]);
      expect(unixMsOf(civil)).toBe(Math.floor(unixMs / 1000) * 1000);
    }),
    { numRuns: 2000 },
  );
});

test('refuses dates that do not exist', () => {
  const good = { year: 2028, month: 2, day: 29, hour: 23, minute: 59, second: 59 };
  expect(unixMsOf(good)).toBe(Date.UTC(2028, 1, 29, 23, 59, 59));
  for (const bad of [
    { year: 2027 },
    { year: 2100 },
    { month: 0 },
    { month: 13 },
    { day: 0 },
    { day: 30 },
    { hour: 24 },
    { minute: 60 },
    { second: 60 },
  ]) {
    expect(unixMsOf({ ...good, ...bad })).toBeUndefined();
  }
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { earliest, NextDeadline, TimerTable, WallClock } from './time.ts';

type Name = 'probe' | 'rekey' | 'lost';
const name = fc.constantFrom<Name>('probe', 'rekey', 'lost');

describe('a timer table', () => {
  test('wakes for the earliest deadline that is set', () => {
    const timers = new TimerTable<Name>();
    expect(timers.next).toBeUndefined();
    timers.set('rekey', 500);
    timers.set('probe', 100);
    expect(timers.next).toBe(100);
    timers.set('probe', 900);
    expect([timers.next, timers.at('probe')]).toEqual([500, 900]);
    timers.clear('rekey');
    expect([timers.next, timers.at('rekey')]).toEqual([900, undefined]);
  });

  test('gives what is due, at its very instant too, once and in order of time', () => {
    const timers = new TimerTable<Name>();
    timers.set('lost', 30);
    timers.set('probe', 20);
    timers.set('rekey', 31);
    expect(timers.due(19)).toEqual([]);
    expect(timers.due(30)).toEqual(['probe', 'lost']);
    expect(timers.due(30)).toEqual([]);
    expect(timers.next).toBe(31);
  });

  test('takes instants below zero and zero for instants', () => {
    const timers = new TimerTable<Name>();
    timers.set('probe', 0);
    timers.set('lost', -5);
    expect(timers.next).toBe(-5);
    expect(timers.due(0)).toEqual(['lost', 'probe']);
  });

  test('agrees with a plain list of names and deadlines', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('set' as const), name, at: fc.integer({ min: -50, max: 50 }) }),
      fc.record({ do: fc.constant('clear' as const), name }),
      fc.record({ do: fc.constant('due' as const), now: fc.integer({ min: -50, max: 50 }) }),
    );
    const property = fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const timers = new TimerTable<Name>();
      let model: { name: Name; at: number }[] = [];
      for (const each of steps) {
        if (each.do === 'due') {
          const due = model.filter(({ at }) => at <= each.now).map(timer => timer.name);
          expect(timers.due(each.now).sort()).toEqual(due.sort());
          model = model.filter(({ at }) => at > each.now);
        } else {
          model = model.filter(timer => timer.name !== each.name);
          if (each.do === 'set') model.push({ name: each.name, at: each.at });
          if (each.do === 'set') timers.set(each.name, each.at);
          else timers.clear(each.name);
        }
        expect(timers.next).toBe(model.map(({ at }) => at).sort((a, b) => a - b)[0]);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});

test('the earliest of deadlines ignores those that are not set', () => {
  expect(earliest()).toBeUndefined();
  expect(earliest(undefined, undefined)).toBeUndefined();
  expect(earliest(3, undefined, 1, 2)).toBe(1);
  expect(earliest(undefined, 0)).toBe(0);
});

describe('a wall clock', () => {
  test('runs with the monotonic clock', () => {
    const clock = new WallClock(1_700_000_000_000, 5000);
    expect(clock.at(5000)).toBe(1_700_000_000_000);
    expect(clock.at(6500)).toBe(1_700_000_001_500);
    expect(clock.at(4000)).toBe(1_699_999_999_000);
  });

  test('follows when the host sets its clock, and forgets what it said', () => {
    const clock = new WallClock(1_700_000_000_000, 0);
    clock.set(1_600_000_000_000, 1000);
    expect(clock.at(1000)).toBe(1_600_000_000_000);
    expect(clock.at(1001)).toBe(1_600_000_000_001);
  });

  test('gives whole milliseconds, since dates on the wire are whole', () => {
    const clock = new WallClock(1_700_000_000_000, 0.25);
    expect(clock.at(10.6)).toBe(1_700_000_000_010);
    expect(Number.isInteger(clock.at(1 / 3))).toBe(true);
  });
});

test('the next deadline of many is looked for once, until something has moved', () => {
  let looked = 0;
  const next = new NextDeadline(() => ++looked);
  expect([next.at, next.at]).toEqual([1, 1]);
  next.moved();
  expect([next.at, next.at]).toEqual([2, 2]);
});

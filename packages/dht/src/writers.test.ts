import { RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { briefs, checked, id, knowing, record } from './brief-testbed.ts';
import { orderOf } from './store.ts';

const START = new Uint8Array(21);

describe('brief records', () => {
  test('are made whole by who knows the writers', () => {
    const writers = knowing(1, 2);
    const records = [record(1, 7), record(2, 8)];
    expect(writers.whole(briefs(records), START)).toEqual({ records, gap: undefined });
  });

  test('are whole up to the first writer who is unknown; where he and those after him stand is said', () => {
    const writers = knowing(1, 4);
    const all = [record(1), record(2), record(3), record(4)];
    const gap = { after: orderOf(id(1), 0), count: 2 };
    expect(writers.whole(briefs(all), START)).toEqual({ records: [record(1)], gap });
    writers.note(checked(record(2)));
    writers.note(checked(record(3)));
    expect(writers.whole(briefs(all), START)).toEqual({ records: all, gap: undefined });
  });

  test('of nobody whom we know begin with a gap', () => {
    expect(knowing().whole(briefs([record(1), record(2)]), START)).toEqual({
      records: [],
      gap: { after: START, count: 2 },
    });
  });

  test('writers beyond 1,024 make the oldest unknown again', () => {
    const all = Array.from({ length: 1025 }, (_, n) => record(n));
    const writers = knowing(...all.keys());
    expect(writers.whole(briefs(all.slice(0, 1)), START).records).toEqual([]);
    expect(writers.whole(briefs(all.slice(1)), START).records).toHaveLength(1024);
  });
});

test('a key counts as read once something was found under it, as long as few others were', () => {
  const writers = knowing();
  expect(writers.hasRead(RecordKind.MEMBER, id(0))).toBe(false);
  writers.noteRead(RecordKind.MEMBER, id(0));
  expect(writers.hasRead(RecordKind.MEMBER, id(0))).toBe(true);
  expect(writers.hasRead(RecordKind.ADDRESS, id(0))).toBe(false);
  for (let n = 1; n <= 256; n++) writers.noteRead(RecordKind.MEMBER, id(n));
  expect(writers.hasRead(RecordKind.MEMBER, id(0))).toBe(false);
});

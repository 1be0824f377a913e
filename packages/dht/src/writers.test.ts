import { type BriefRecord, type DhtRecord, type PeerId, RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import type { CheckedRecord } from './records.ts';
import { orderOf } from './store.ts';
import { Writers } from './writers.ts';

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

function knowing(...known: readonly number[]): Writers {
  const writers = new Writers(place);
  for (const n of known) writers.note(checked(record(n)));
  return writers;
}

function briefs(records: readonly DhtRecord[]): readonly BriefRecord[] {
  return new Writers(place).brief({ status: 'ok', more: false, records }).brief ?? [];
}

/** The first two bytes tell writers apart. */
function place(bytes: Uint8Array): PeerId {
  const at = new Uint8Array(20);
  at.set(bytes.subarray(0, 2));
  return at;
}

function id(n: number): PeerId {
  return place(Uint8Array.of(n >> 8, n));
}

function record(n: number, sequence = 1): DhtRecord {
  const noiseStatic = new Uint8Array(32);
  noiseStatic.set(id(n));
  const head = { kind: RecordKind.MEMBER, isDeleted: false, index: 0, key: new Uint8Array(20), sequence, signedAt: 0 };
  const proof = {
    noiseStatic,
    leaf: new Uint8Array(300),
    statement: new Uint8Array(113),
    signature: new Uint8Array(64),
  };
  return { ...head, lifetimeS: 60, value: Uint8Array.of(sequence), ...proof };
}

function checked(of: DhtRecord): CheckedRecord {
  const leaf = { peerId: of.noiseStatic.slice(0, 20) } as CheckedRecord['writer']['leaf'];
  return { record: of, writer: { leaf } as CheckedRecord['writer'], expiresAt: 0 };
}

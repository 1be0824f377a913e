/** Who may replace what, and how much a peer holds for others (faults.md rows 68, 69, 70). */
import type { Identity } from '@warren/trust';
import { ANSWER_RECORDS_MAX, type DhtRecord, encodeDhtAnswer, type PeerId, RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { POLICIES } from './policy.ts';
import type { CheckedRecord } from './records.ts';
import { RECORDS_MAX, Store } from './store.ts';

const POSITION = id(1);
const KEY = id(2);
const FIRST = new Uint8Array(20);

describe('a key with several writers', () => {
  test('holds one record of each, the newest', () => {
    const store = new Store();
    expect(put(store, 1, { sequence: 5 })).toBe('ok');
    expect(put(store, 2, { sequence: 1 })).toBe('ok');
    expect(put(store, 1, { sequence: 6 })).toBe('ok');
    expect(read(store).map(({ sequence }) => sequence)).toEqual([6, 1]);
    expect(store.size).toBe(2);
  });

  test('faults #68 never goes back to an older record', () => {
    const store = new Store();
    put(store, 1, { sequence: 6 });
    expect(put(store, 1, { sequence: 5 })).toBe('refused');
    expect(put(store, 1, { sequence: 6 })).toBe('ok');
    expect(read(store).map(({ sequence }) => sequence)).toEqual([6]);
  });

  test('takes no more writers than its kind allows, until one expires', () => {
    const store = new Store();
    const { writersMax } = POLICIES[RecordKind.RENDEZVOUS];
    const kind = RecordKind.RENDEZVOUS;
    for (let writer = 0; writer < writersMax; writer++) expect(put(store, writer, { kind })).toBe('ok');
    expect(put(store, 999, { kind })).toBe('refused');
    expect(put(store, 0, { kind, sequence: 2 })).toBe('ok');
    expect(put(store, 999, { kind }, 60_000)).toBe('ok');
  });

  test('is read page by page, in the order of writers, each once', () => {
    const store = new Store();
    const writers = Array.from({ length: 45 }, (_, i) => 1 + ((i * 7) % 45));
    for (const writer of writers) put(store, writer);
    const seen: PeerId[] = [];
    let after: PeerId = FIRST;
    for (let more = true, pages = 0; more; pages++) {
      const answer = store.get(POSITION, RecordKind.MEMBER, KEY, after, 0);
      expect(answer.records.length).toBeLessThanOrEqual(ANSWER_RECORDS_MAX);
      expect(encodeDhtAnswer(answer).length).toBeLessThanOrEqual(14 * 1024);
      expect(pages).toBeLessThan(10);
      seen.push(...answer.records.map(({ leaf }) => leaf.subarray(0, 20)));
      after = seen.at(-1) ?? after;
      more = answer.more;
    }
    expect(seen).toEqual(Array.from({ length: 45 }, (_, i) => id(1 + i)));
  });

  test('is empty once all has expired, and nothing of it is kept', () => {
    const store = new Store();
    put(store, 1);
    put(store, 2, { key: id(9) });
    expect(read(store, 59_999)).toHaveLength(1);
    expect(store.get(POSITION, RecordKind.MEMBER, KEY, FIRST, 60_000)).toMatchObject({ status: 'not-found' });
    store.sweep(60_000);
    expect(store.size).toBe(0);
    expect(Object.values(store).map(value => (value instanceof Map ? value.size : value))).toEqual([0, 0, 0]);
  });
});

describe('a key for the first who claims it', () => {
  const kind = RecordKind.ADDRESS;

  test('faults #68 is kept against others, renewed by its holder, and free again once that ends', () => {
    const store = new Store();
    expect(put(store, 1, { kind })).toBe('ok');
    expect(put(store, 2, { kind, sequence: 99 })).toBe('taken');
    expect(store.holder(POSITION, checked(2, { kind }).record)?.leaf.subarray(0, 20)).toEqual(id(1));
    expect(put(store, 1, { kind, sequence: 2 }, 30_000)).toBe('ok');
    expect(put(store, 2, { kind }, 60_000)).toBe('taken');
    expect(put(store, 2, { kind }, 90_000)).toBe('ok');
  });

  test('is another key at another position, and for another kind', () => {
    const store = new Store();
    put(store, 1, { kind });
    expect(store.put(id(7), checked(2, { kind }), 60_000, 0)).toBe('ok');
    expect(put(store, 2)).toBe('ok');
  });
});

describe('a full store', () => {
  test('faults #69 a flood by one writer pushes out only its own records', () => {
    const store = new Store();
    for (let i = 1; i < 100; i++) put(store, i, { key: key(i) });
    for (let i = 0; i < 2 * RECORDS_MAX; i++) put(store, 5000, { key: key(1000 + i) });
    expect(store.size).toBe(RECORDS_MAX);
    for (let i = 100; i < 200; i++) expect(put(store, i, { key: key(i) })).toBe('ok');
    expect(store.size).toBe(RECORDS_MAX);
    for (let i = 1; i < 200; i++) {
      expect(store.get(POSITION, RecordKind.MEMBER, key(i), FIRST, 0).records).toHaveLength(1);
    }
  });

  test('refuses whoever has most, and still renews what it holds', () => {
    const store = new Store();
    for (let i = 0; i < RECORDS_MAX; i++) put(store, 1, { key: key(i) });
    expect(put(store, 1, { key: key(RECORDS_MAX) })).toBe('refused');
    expect(put(store, 1, { key: key(7), sequence: 2 })).toBe('ok');
  });
});

function id(last: number): PeerId {
  return new Uint8Array(20).fill(last >> 8, 18, 19).fill(last & 0xff, 19);
}

function key(number: number): Uint8Array {
  return new Uint8Array(20)
    .fill(number & 0xff, 0, 1)
    .fill((number >> 8) & 0xff, 1, 2)
    .fill(number >> 16, 2, 3);
}

/** A record that was found good, by a writer whose id stands first in its leaf. */
function checked(writer: number, changes: Partial<DhtRecord> = {}): CheckedRecord {
  const leaf = new Uint8Array(500);
  leaf.set(id(writer));
  const keys = { noiseStatic: new Uint8Array(32), statement: new Uint8Array(113), signature: new Uint8Array(64) };
  const dates = { sequence: 1, signedAt: 0, lifetimeS: 60 };
  const record = {
    isDeleted: false,
    index: 0,
    kind: RecordKind.MEMBER,
    key: KEY,
    value: new Uint8Array(64),
    leaf,
    ...keys,
    ...dates,
    ...changes,
  };
  return { record, writer: { leaf: { peerId: id(writer) } } as Identity, expiresAt: 0 };
}

function put(store: Store, writer: number, changes: Partial<DhtRecord> = {}, now = 0) {
  return store.put(POSITION, checked(writer, changes), 60_000, now);
}

function read(store: Store, now = 0): readonly DhtRecord[] {
  return store.get(POSITION, RecordKind.MEMBER, KEY, FIRST, now).records;
}

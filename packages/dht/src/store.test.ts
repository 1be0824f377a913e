/** Who may replace what, and how much a peer holds for others (faults.md rows 42, 68, 69, 70, 71, 102). */
import type { Identity } from '@warren/trust';
import { ANSWER_RECORDS_MAX, type DhtRecord, encodeDhtAnswer, type PeerId, RecordKind } from '@warren/wire';
import { describe, expect, test } from 'vitest';
import { POLICIES } from './policy.ts';
import type { CheckedRecord } from './records.ts';
import { type Incoming, Store } from './store.ts';
import { RECORDS_MAX, STORE_BYTES_MAX } from './usage.ts';

const POSITION = id(1);
const KEY = id(2);
const FIRST = new Uint8Array(21);
const WHOLE = { most: ANSWER_RECORDS_MAX, isBrief: false } as const;
const { ADDRESS, MAILBOX, MEMBER, RENDEZVOUS, CONTACT } = RecordKind;

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

  test('faults #68 does not take back what had ended, nor lets it live longer when it comes again', () => {
    const store = new Store();
    put(store, 1, { sequence: 6 });
    put(store, 1, { sequence: 6 }, 59_000);
    expect(read(store, 60_000)).toEqual([]);
    for (const sequence of [5, 6]) expect(put(store, 1, { sequence }, 60_000)).toBe('refused');
    expect(put(store, 1, { sequence: 7 }, 60_000)).toBe('ok');
  });

  test('of a writer who contradicts himself holds the same record everywhere', () => {
    const [a, b] = [1, 2].map(byte => ({ sequence: 3, signature: new Uint8Array(64).fill(byte) }));
    for (const order of [
      [a, b],
      [b, a],
    ]) {
      const store = new Store();
      for (const changes of order) put(store, 1, changes);
      expect(read(store)[0]?.signature[0]).toBe(2);
    }
  });

  test('shows that a value ended, until the end of that', () => {
    const store = new Store();
    put(store, 1, { sequence: 1 });
    expect(put(store, 1, { sequence: 2, isDeleted: true, value: new Uint8Array(0) })).toBe('ok');
    expect(put(store, 1, { sequence: 1 }, 1000)).toBe('refused');
    expect(read(store)).toMatchObject([{ isDeleted: true }]);
    expect(put(store, 1, { sequence: 3 }, 1000)).toBe('ok');
  });

  test('takes no more records than its kind allows, until one expires', () => {
    const store = new Store();
    const { recordsPerKey } = POLICIES[RENDEZVOUS];
    const kind = RENDEZVOUS;
    for (let writer = 0; writer < recordsPerKey; writer++) expect(put(store, writer, { kind })).toBe('ok');
    expect(put(store, 999, { kind })).toBe('refused');
    expect(put(store, 0, { kind, sequence: 2 })).toBe('ok');
    expect(put(store, 999, { kind }, 60_000)).toBe('ok');
  });

  test('faults #71 when one neighbour has filled it with fakes, takes what others bring', () => {
    const store = new Store();
    const kind = RENDEZVOUS;
    for (let writer = 0; writer < 1000; writer++) put(store, writer, { kind }, 0, { from: 'mallory' });
    for (let writer = 1000; writer < 1010; writer++) {
      expect(put(store, writer, { kind }, 0, { from: `neighbour ${writer % 5}` })).toBe('ok');
    }
    const writers = pages(store, kind).map(({ leaf }) => (leaf[18] as number) * 256 + (leaf[19] as number));
    expect(writers.filter(writer => writer >= 1000)).toHaveLength(10);
    expect(writers).toHaveLength(POLICIES[kind].recordsPerKey);
  });

  test('holds several values of each where its kind allows', () => {
    const store = new Store();
    const kind = MAILBOX;
    for (const index of [0, 1, 2]) expect(put(store, 1, { kind, index })).toBe('ok');
    expect(put(store, 1, { kind, index: 1, sequence: 2 })).toBe('ok');
    expect(pages(store, kind).map(({ index, sequence }) => [index, sequence])).toEqual([
      [0, 1],
      [1, 2],
      [2, 1],
    ]);
  });

  test('is read page by page, in the order of writers, each once', () => {
    const store = new Store();
    const writers = Array.from({ length: 45 }, (_, i) => 1 + ((i * 7) % 45));
    for (const writer of writers) put(store, writer);
    expect(pages(store).map(({ leaf }) => leaf.subarray(0, 20))).toEqual(writers.map((_, i) => id(1 + i)));
  });

  test('shows the largest values too, each in an answer of its own', () => {
    const store = new Store();
    const kind = MAILBOX;
    for (const index of [0, 1, 2, 3]) put(store, 1, { kind, index, value: new Uint8Array(4096) });
    expect(pages(store, kind)).toHaveLength(4);
  });

  test('is empty once all has expired, and nothing of it is kept', () => {
    const store = new Store();
    put(store, 1);
    put(store, 2, { key: id(9) });
    expect(read(store, 59_999)).toHaveLength(1);
    expect(store.get({ position: POSITION, kind: MEMBER, key: KEY, after: FIRST, ...WHOLE }, 60_000)).toMatchObject({
      status: 'not-found',
    });
    store.sweep(60_000);
    expect([store.size, store.bytes]).toEqual([0, 0]);
  });
});

describe('a key of one user', () => {
  test('holds one value, whichever of the devices wrote last', () => {
    const store = new Store();
    const kind = CONTACT;
    expect(put(store, 1, { kind, sequence: 1 })).toBe('ok');
    expect(put(store, 2, { kind, sequence: 2 })).toBe('ok');
    expect(put(store, 1, { kind, sequence: 1 })).toBe('refused');
    expect(pages(store, kind).map(({ sequence }) => sequence)).toEqual([2]);
  });

  test('is written by each of them, also by one that was started before the other', () => {
    const store = new Store();
    const kind = CONTACT;
    expect(put(store, 2, { kind, sequence: 1 }, 0, {}, run(2))).toBe('ok');
    expect(put(store, 1, { kind, sequence: 2 }, 0, {}, run(1))).toBe('ok');
    expect(put(store, 1, { kind, sequence: 3 }, 0, {}, run(1))).toBe('ok');
  });
});

describe('a key for the first who claims it', () => {
  const kind = ADDRESS;

  test('faults #68 is kept against others, renewed by its holder, and free again once that ends', () => {
    const store = new Store();
    expect(put(store, 1, { kind })).toBe('ok');
    expect(put(store, 2, { kind, sequence: 99 })).toBe('taken');
    expect(store.inTheWay(POSITION, checked(2, { kind }))?.record.leaf.subarray(0, 20)).toEqual(id(1));
    expect(put(store, 1, { kind, sequence: 2 }, 30_000)).toBe('ok');
    expect(put(store, 2, { kind }, 60_000)).toBe('taken');
    expect(put(store, 2, { kind }, 90_000)).toBe('ok');
  });

  test('is free as soon as its holder gives it back', () => {
    const store = new Store();
    put(store, 1, { kind });
    put(store, 1, { kind, sequence: 2, isDeleted: true, value: new Uint8Array(0) });
    expect(put(store, 2, { kind })).toBe('ok');
    expect(put(store, 1, { kind, sequence: 3 })).toBe('taken');
  });

  test('faults #69 cannot be filled with ends of what never was, nor of claims given back', () => {
    const store = new Store();
    const end = { kind, sequence: 9, isDeleted: true, value: new Uint8Array(0) };
    for (let writer = 10; writer < 20; writer++) expect(put(store, writer, end)).toBe('ok');
    expect(store.size).toBe(0);
    expect(put(store, 10, { kind })).toBe('refused');
    for (let writer = 20; writer < 30; writer++) {
      put(store, writer, { kind });
      put(store, writer, end);
    }
    expect(store.size).toBeLessThanOrEqual(2);
    expect(put(store, 1, { kind })).toBe('ok');
  });

  test('is another key at another position, and for another kind', () => {
    const store = new Store();
    put(store, 1, { kind });
    expect(store.put({ position: id(7), checked: checked(2, { kind }), leftMs: 60_000 }, 0)).toBe('ok');
    expect(put(store, 2)).toBe('ok');
  });

  test.each([
    ['was seen earlier, takes it over', 50_000, 'ok'],
    ['was seen later, does not', 10_000, 'taken'],
    ['was seen at the same time, goes by the smaller id', 30_000, 'ok'],
    ['is attested by nobody, does not', undefined, 'taken'],
  ])('faults #30 a claim from the other half of a ring that %s', (_, heldMs, expected) => {
    const store = new Store();
    put(store, 2, { kind });
    const attested = heldMs === undefined ? {} : { heldMs };
    expect(put(store, 1, { kind }, 30_000, attested)).toBe(expected);
    expect(pages(store, kind, 30_000)).toHaveLength(1);
  });

  test('faults #68 is not the nearest peer’s to give away: its word counts between claims of the same age', () => {
    for (const [heldMs, expected] of [
      [0, 'taken'],
      [29_000, 'ok'],
    ] as const) {
      const store = new Store();
      put(store, 1, { kind });
      expect(put(store, 2, { kind }, 30_000, { heldMs, isFromNearest: true })).toBe(expected);
    }
  });

  test('faults #68 keeps its claim when the one that would replace it finds no room', () => {
    const store = new Store();
    put(store, 1, { kind });
    for (let i = 0; i < POLICIES[kind].recordsPerHolder; i++) put(store, 2, { kind, key: key(i) });
    expect(put(store, 2, { kind }, 1000, { heldMs: 60_000 })).toBe('refused');
    expect(pages(store, kind, 1000)).toHaveLength(1);
  });
});

describe('faults #42 the same identity running twice', () => {
  test('is the newer run; the older one is told, and cannot come back by a higher sequence', () => {
    const store = new Store();
    expect(put(store, 1, { sequence: 5 }, 0, {}, run(1))).toBe('ok');
    expect(put(store, 1, { sequence: 6 }, 0, {}, run(2))).toBe('ok');
    expect(put(store, 1, { sequence: 7 }, 0, {}, run(1))).toBe('taken');
    expect(put(store, 1, { sequence: 8 }, 0, {}, run(2))).toBe('ok');
  });
});

describe('a full store', () => {
  test('faults #69 a flood by one writer stops at its quota', () => {
    const store = new Store();
    for (let i = 1; i < 100; i++) put(store, i, { key: key(i) });
    for (let i = 0; i < 2 * RECORDS_MAX; i++) put(store, 5000, { key: key(1000 + i) });
    expect(store.size).toBe(99 + POLICIES[MEMBER].recordsPerHolder);
  });

  test('faults #69 a flood of one kind leaves room for the others, and takes from the greediest of its own', () => {
    const store = new Store();
    for (let i = 1; i < 100; i++) put(store, i, { key: key(i) });
    flood(store, 100, 40);
    expect(store.size).toBe(RECORDS_MAX / 2);
    for (let i = 6000; i < 6100; i++) expect(put(store, i, { key: key(i) })).toBe('ok');
    for (let i = 6100; i < 6200; i++) expect(put(store, i, { key: key(i), kind: ADDRESS })).toBe('ok');
    for (const i of [...range(1, 100), ...range(6000, 6100)]) {
      expect([
        i,
        store.get({ position: POSITION, kind: MEMBER, key: key(i), after: FIRST, ...WHOLE }, 0).records.length,
      ]).toEqual([i, 1]);
    }
  });

  test('faults #69 a flood under ever new names takes from the neighbour that brings it', () => {
    const store = new Store();
    for (let i = 1; i < 100; i++) put(store, i, { key: key(i) }, 0, { from: `neighbour ${i % 7}` });
    for (let i = 1000; i < 1000 + RECORDS_MAX; i++) put(store, i, { key: key(i) }, 0, { from: 'mallory' });
    for (let i = 100; i < 200; i++)
      expect(put(store, i, { key: key(i) }, 0, { from: `neighbour ${i % 7}` })).toBe('ok');
    for (const i of range(1, 200)) {
      expect(
        store.get({ position: POSITION, kind: MEMBER, key: key(i), after: FIRST, ...WHOLE }, 0).records,
      ).toHaveLength(1);
    }
    expect(store.size).toBeLessThanOrEqual(RECORDS_MAX / 2);
  });

  test('faults #102 is bounded in bytes too', () => {
    const store = new Store();
    const value = new Uint8Array(4096);
    for (let i = 0; i < 4000; i++) put(store, i, { kind: MAILBOX, key: key(i), value });
    expect(store.bytes).toBeLessThanOrEqual(STORE_BYTES_MAX / 2);
    expect(store.bytes).toBeGreaterThan(STORE_BYTES_MAX / 2 - 6000);
  });

  test('refuses whoever has most, and still renews what it holds', () => {
    const store = new Store();
    flood(store, 100, 20);
    const most = 100;
    expect(put(store, most, { key: key(999_999) })).toBe('refused');
    expect(put(store, most, { key: key(most * 1000 + POLICIES[MEMBER].recordsPerHolder - 1), sequence: 2 })).toBe('ok');
  });
});

/** So many writers with as many records as one may have, until the kind is full. */
function flood(store: Store, first: number, writers: number): void {
  for (let writer = first; writer < first + writers; writer++) {
    for (let i = 0; i < POLICIES[MEMBER].recordsPerHolder; i++) put(store, writer, { key: key(writer * 1000 + i) });
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function id(last: number): PeerId {
  return new Uint8Array(20).fill(last >> 8, 18, 19).fill(last & 0xff, 19);
}

function key(number: number): Uint8Array {
  return new Uint8Array(20)
    .fill(number & 0xff, 0, 1)
    .fill((number >> 8) & 0xff, 1, 2)
    .fill(number >> 16, 2, 3);
}

/** What differs from run to run of one peer. */
function run(number: number) {
  return { noiseStatic: new Uint8Array(32).fill(number), notBefore: number };
}

/** A record that was found good, by a writer whose id stands first in its leaf. */
function checked(writer: number, changes: Partial<DhtRecord> = {}, of = run(0)): CheckedRecord {
  const leaf = new Uint8Array(500);
  leaf.set(id(writer));
  const keys = { statement: new Uint8Array(113), signature: new Uint8Array(64), noiseStatic: of.noiseStatic };
  const fields = { isDeleted: false, index: 0, sequence: 1, signedAt: 0, lifetimeS: 60, value: new Uint8Array(64) };
  const record = { kind: MEMBER, key: KEY, leaf, ...keys, ...fields, ...changes };
  const identity = { leaf: { peerId: id(writer), user: 'ada' }, statement: { notBefore: of.notBefore } };
  return { record, writer: identity as unknown as Identity, expiresAt: 0 };
}

function put(
  store: Store,
  writer: number,
  changes: Partial<DhtRecord> = {},
  now = 0,
  how: Partial<Incoming> = {},
  of = run(0),
) {
  return store.put({ position: POSITION, checked: checked(writer, changes, of), leftMs: 60_000, ...how }, now);
}

function read(store: Store, now = 0): readonly DhtRecord[] {
  return store.get({ position: POSITION, kind: MEMBER, key: KEY, after: FIRST, ...WHOLE }, now).records;
}

/** Everything under KEY, as a reader pages through it. */
function pages(store: Store, kind: RecordKind = MEMBER, now = 0): DhtRecord[] {
  const seen: DhtRecord[] = [];
  let after: Uint8Array = FIRST;
  for (let more = true, count = 0; more; count++) {
    const answer = store.get({ position: POSITION, kind, key: KEY, after, ...WHOLE }, now);
    expect(answer.records.length).toBeLessThanOrEqual(ANSWER_RECORDS_MAX);
    expect(encodeDhtAnswer(answer).length).toBeLessThanOrEqual(14 * 1024);
    expect(count).toBeLessThan(50);
    seen.push(...answer.records);
    const last = answer.records.at(-1);
    if (last !== undefined) after = Uint8Array.of(...last.leaf.subarray(0, 20), last.index);
    more = answer.more;
  }
  return seen;
}

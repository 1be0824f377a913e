/** What a group asks of its DHT about owners of addresses, with a DHT that only counts. */
import { WallClock } from '@warren/base';
import type { CheckedRecord, Dht } from '@warren/dht';
import { SeededRandom, simSuite } from '@warren/sim';
import { describe, expect, test } from 'vitest';
import { Directory } from './directory.ts';
import { GroupRecords, OWNER_WATCHED_MS, OWNERS_WATCHED_MAX } from './group-records.ts';

const ADA = new Uint8Array(20).fill(0xa1);
const BOB = new Uint8Array(20).fill(0xb2);

describe('whose an address is', () => {
  test('is read once and not watched where nobody owns it', () => {
    const { records, asked, answer } = group();
    for (let address = 0; address < 100; address++) {
      records.findOwner(address);
      answer(undefined);
    }
    expect(asked).toEqual({ gets: 100, watches: [], unwatched: [] });
  });

  test('is watched once an owner is found, and read again only for news', () => {
    const { records, asked, answer } = group();
    records.findOwner(5);
    answer(ADA);
    expect(asked.watches).toHaveLength(1);
    const watch = asked.watches[0] as number;
    records.watched(watch, [claim(ADA)], 1);
    expect(asked.gets).toBe(1);
    records.watched(watch, [claim(BOB)], 2);
    expect(asked.gets).toBe(2);
    answer(BOB);
    records.watched(watch, [claim(BOB)], 3);
    expect(asked.gets).toBe(2);
    records.watched(watch, [claim(BOB, true)], 4);
    expect(asked.gets).toBe(3);
  });

  test('is watched for the last few, but who asks for one after another exchanges none', () => {
    const { records, asked, answer } = group();
    const find = (address: number, now: number): void => {
      records.findOwner(address);
      answer(ADA, now);
    };
    for (let address = 0; address < 50; address++) find(address, address);
    expect(asked.watches).toHaveLength(OWNERS_WATCHED_MAX);
    expect(asked.unwatched).toEqual([]);
    find(50, OWNER_WATCHED_MS);
    expect(asked.unwatched).toEqual(asked.watches.slice(0, 1));
    expect(asked.watches).toHaveLength(OWNERS_WATCHED_MAX + 1);
  });
});

describe('the list of members', () => {
  test('is read though something changes ten times a second', () => {
    const { records, asked } = group();
    for (let now = 0; now < 10_000; now += 100) {
      records.readMembersSoon(now);
      records.tick(now);
    }
    expect(asked.gets).toBeGreaterThan(5);
    expect(asked.gets).toBeLessThan(30);
  });

  test('is read a few times after a change, then at the pace of few members', () => {
    const { records, asked } = group();
    records.readMembersSoon(0);
    const readsUntil = (from: number, to: number) => {
      const before = asked.gets;
      for (let now = from; now < to; now += 100) records.tick(now);
      return asked.gets - before;
    };
    expect(readsUntil(0, 20_000)).toBe(5);
    expect(readsUntil(20_000, 320_000)).toBeLessThanOrEqual(11);
  });
});

interface Asked {
  gets: number;
  readonly watches: number[];
  readonly unwatched: number[];
}

function group(): { records: GroupRecords; asked: Asked; answer: (owner?: Uint8Array, now?: number) => void } {
  const asked: Asked = { gets: 0, watches: [], unwatched: [] };
  let next = 0;
  let open = -1;
  const dht = {
    get: () => {
      asked.gets++;
      open = next++;
      return open;
    },
    watch: () => {
      asked.watches.push(next);
      return next++;
    },
    unwatch: (watch: number) => asked.unwatched.push(watch),
  };
  const records = new GroupRecords({
    dht: dht as unknown as Dht,
    directory: new Directory(() => false),
    random: new SeededRandom(1, 'records'),
    wallClock: new WallClock(0, 0),
    kind: 'edge',
    hash: simSuite.hash,
    address: () => undefined,
    card: () => ({ hearsGroups: false, ranges: [] }),
    claimed: () => {},
    owner: () => {},
    changed: () => {},
  });
  const answer = (owner?: Uint8Array, now = 0) => {
    const found = owner === undefined ? [] : [claim(owner)];
    records.ended({ kind: 'found', operation: open, records: found, answers: 1, disagreement: [] }, now);
  };
  return { records, asked, answer };
}

function claim(peerId: Uint8Array, isDeleted = false): CheckedRecord {
  return { record: { isDeleted }, writer: { leaf: { peerId } } } as unknown as CheckedRecord;
}
